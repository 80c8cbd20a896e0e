import { COTTER } from "../../support/flows/cotter.ts";
import { HOSTED } from "../../support/flows/page.ts";
import { testInFlight } from "../../support/in-flight-runs.ts";

testInFlight([...COTTER, ...HOSTED]);
