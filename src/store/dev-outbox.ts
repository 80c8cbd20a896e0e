import { desc, eq, lt, sql } from "drizzle-orm";
import type { Outbox, OutboxEntry } from "../core/ports/deliveries.ts";
import type { Sealing } from "../core/ports/secrets.ts";
import { type Store, sheltered } from "./database.ts";
import { devOutbox } from "./dev-schema.ts";

/** Messages that are kept: a demonstration's worth, and a test run's. */
export const OUTBOX_SIZE = 1_000;

const PURPOSE = "dev-outbox";

/** The form by which addresses are compared; a query string turns an unescaped `+` into a blank. */
function recipientOf(to: string): string {
  const text = to.trim().toLowerCase();
  if (text.includes("@")) return text;
  const digits = text.replaceAll(/[\s().+-]/g, "");
  return /^\d+$/.test(digits) ? `+${digits}` : text;
}

type Body = Omit<OutboxEntry, "id" | "channel" | "at">;

/** The development outbox over D1. Entries older than the newest `OUTBOX_SIZE` go when one is added. */
export function makeDevOutbox(db: Store, sealing: Sealing): Outbox {
  const oldest = db
    .select({ at: devOutbox.at })
    .from(devOutbox)
    .orderBy(desc(devOutbox.at))
    .limit(1)
    .offset(OUTBOX_SIZE - 1);

  return sheltered<Outbox>({
    async add({ id, channel, at, ...body }) {
      const sealed = await sealing.seal(JSON.stringify(body satisfies Body), PURPOSE, id);
      await db.batch([
        db
          .insert(devOutbox)
          .values({ id, recipient: recipientOf(body.to), channel, sealed, at })
          .onConflictDoNothing(),
        db.delete(devOutbox).where(lt(devOutbox.at, sql`(${oldest})`)),
      ]);
    },

    async newest(to, size) {
      const rows = await db
        .select()
        .from(devOutbox)
        .where(eq(devOutbox.recipient, recipientOf(to)))
        .orderBy(desc(devOutbox.at), desc(devOutbox.id))
        .limit(size);
      return await Promise.all(
        rows.map(async ({ id, channel, sealed, at }) => {
          const body = JSON.parse(await sealing.unseal(sealed, PURPOSE, id)) as Body;
          return { id, channel, ...body, at };
        }),
      );
    },
  });
}
