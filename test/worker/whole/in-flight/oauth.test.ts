import { testInFlight } from "../../support/in-flight-runs.ts";
import { OAUTH } from "../../support/oauth-flows.ts";

testInFlight(OAUTH);
