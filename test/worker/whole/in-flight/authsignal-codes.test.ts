import { BY_CODE } from "../../support/flows/authsignal-codes.ts";
import { testInFlight } from "../../support/in-flight-runs.ts";

testInFlight(BY_CODE);
