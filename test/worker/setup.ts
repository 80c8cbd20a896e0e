// Storage is isolated per test file, so this runs once for each.
import { migrate } from "./database.ts";

await migrate();
