import { defineConfig } from "drizzle-kit";

// Flat files that wrangler applies. A new table that src/store/schema.ts marks WITHOUT ROWID needs it added by hand.
export default defineConfig({
  dialect: "sqlite",
  schema: "./src/store/schema.ts",
  out: "./migrations",
});
