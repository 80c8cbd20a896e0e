import { APPROVER } from "../../support/approver-flows.ts";
import { testInFlight } from "../../support/in-flight-runs.ts";

testInFlight(APPROVER);
