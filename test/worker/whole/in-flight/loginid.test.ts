import { LOGINID } from "../../support/flows/loginid.ts";
import { testInFlight } from "../../support/in-flight-runs.ts";

testInFlight(LOGINID);
