import { index, integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import type { Channel } from "../core/ports/deliveries.ts";

/** WITHOUT ROWID. Empty but in development. `recipient` is the form by which addresses are compared; what was said is sealed. */
export const devOutbox = sqliteTable(
  "dev_outbox",
  {
    id: text("id").primaryKey(),
    recipient: text("recipient").notNull(),
    channel: text("channel").$type<Channel>().notNull(),
    sealed: text("sealed").notNull(),
    at: integer("at").notNull(),
  },
  (table) => [index("dev_outbox_recipient").on(table.recipient, table.at)],
);
