import { and, desc, eq, gte, inArray, isNotNull, notInArray, sql } from "drizzle-orm";
import { type Store, sheltered } from "../../store/database.ts";
import { hasUser, stands } from "../../store/guards.ts";
import { present, rowWhere } from "../../store/rows.ts";
import { actions } from "../../store/schema.ts";
import { type Action, type ActionKey, CLOSED_STATES, keyOf } from "./action/action.ts";
import type { Actions } from "./ports.ts";

const CLOSED = [...CLOSED_STATES];

const isKey = ({ userId, clientId, code, idempotencyKey }: ActionKey) =>
  and(
    eq(actions.userId, userId),
    eq(actions.clientId, clientId),
    eq(actions.code, code),
    eq(actions.idempotencyKey, idempotencyKey),
  );

/** Open and not failed, nor met by this very challenge before the backend took that back: it has had its say. */
const mayBeMetBy = (challengeId: string) =>
  sql`${notInArray(actions.state, [...CLOSED, "challenge_failed"])}
    and not (${actions.challengeId} is ${challengeId} and ${actions.method} is not null)`;

/** What this adapter alone has written, so its words are those of an action. */
const read = (row: typeof actions.$inferSelect): Action => present(row) as Action;

const one = (rows: (typeof actions.$inferSelect)[]): Action | undefined => rows.map(read)[0];

type Outcomes = Pick<Actions, "begin" | "succeed" | "fail">;

/** What challenges do to their action. */
function makeOutcomes(db: Store): Outcomes {
  return {
    async begin(key, challengeId, now) {
      const failed = eq(actions.state, "challenge_failed");
      const begun = await db
        .update(actions)
        .set({
          challengeId,
          method: null,
          verifiedBy: null,
          state: sql`case when ${failed} then 'challenge_required' else ${actions.state} end`,
          stateAt: sql`case when ${failed} then ${now} else ${actions.stateAt} end`,
        })
        .where(and(isKey(key), notInArray(actions.state, CLOSED), stands(db, { ...key, since: now })))
        .returning({ code: actions.code });
      return begun.length === 1;
    },

    async succeed(action, { challengeId, method, verifiedBy, deviceId, since }, now) {
      const met = { state: "challenge_succeeded", stateAt: now, challengeId, method, verifiedBy } as const;
      const { context, createdAt, userId, clientId } = action;
      const row = { ...keyOf(action), context, createdAt, ...met };
      const written = await db
        .insert(actions)
        .select(rowWhere(actions, row, stands(db, { userId, clientId, deviceId, since })))
        .onConflictDoUpdate({
          target: [actions.userId, actions.clientId, actions.code, actions.idempotencyKey],
          set: met,
          setWhere: mayBeMetBy(challengeId),
        })
        .returning({ code: actions.code });
      return written.length === 1;
    },

    async fail(key, challengeId, now) {
      const failed = await db
        .update(actions)
        .set({ state: "challenge_failed", stateAt: now })
        .where(
          and(
            isKey(key),
            eq(actions.challengeId, challengeId),
            notInArray(actions.state, [...CLOSED, "challenge_failed"]),
          ),
        )
        .returning({ code: actions.code });
      return failed.length === 1;
    },
  };
}

/** Actions over D1: one row for each key, every change one conditional statement. */
export function makeActions(db: Store): Actions {
  return sheltered<Actions>({
    ...makeOutcomes(db),

    async track(action) {
      const [, rows] = await db.batch([
        db
          .insert(actions)
          .select(rowWhere(actions, action, hasUser(db, action.userId)))
          .onConflictDoNothing(),
        db.select().from(actions).where(isKey(action)),
      ]);
      return one(rows);
    },

    async openOf(userId, since, size) {
      const rows = await db
        .select()
        .from(actions)
        .where(
          and(
            eq(actions.userId, userId),
            gte(actions.createdAt, since),
            isNotNull(actions.challengeId),
            notInArray(actions.state, CLOSED),
          ),
        )
        .orderBy(desc(actions.createdAt))
        .limit(size);
      return rows.map(read);
    },

    find: async (key) => one(await db.select().from(actions).where(isKey(key))),

    setState: async (key, state, now) =>
      one(await db.update(actions).set({ state, stateAt: now }).where(isKey(key)).returning()),

    async ofUser({ clientId, userId, from, codes, state, size }) {
      const rows = await db
        .select()
        .from(actions)
        .where(
          and(
            eq(actions.userId, userId),
            eq(actions.clientId, clientId),
            from === undefined ? undefined : gte(actions.createdAt, from),
            codes === undefined ? undefined : inArray(actions.code, [...codes]),
            state === undefined ? undefined : eq(actions.state, state),
          ),
        )
        .orderBy(desc(actions.createdAt))
        .limit(size);
      return rows.map(read);
    },
  });
}
