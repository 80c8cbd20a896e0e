import { BY_PHONE } from "../../support/flows/authsignal-phones.ts";
import { testInFlight } from "../../support/in-flight-runs.ts";

testInFlight(BY_PHONE);
