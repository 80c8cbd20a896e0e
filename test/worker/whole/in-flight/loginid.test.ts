import { LOGINID } from "../../support/flows.ts";
import { testInFlight } from "../../support/in-flight-runs.ts";

testInFlight(LOGINID);
