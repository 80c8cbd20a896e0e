import { inject } from "vitest";
import type { Place } from "./app.ts";

/** The server that all files of this project share. */
export const place = (): Place => ({ origin: inject("origin"), adminToken: inject("adminToken") });
