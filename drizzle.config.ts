import { defineConfig } from "drizzle-kit";

// Flat files that wrangler applies. A new table that a schema marks WITHOUT ROWID needs it added by hand.
export default defineConfig({
  dialect: "sqlite",
  schema: ["./src/store/schema.ts", "./src/store/dev-schema.ts"],
  out: "./migrations",
});
