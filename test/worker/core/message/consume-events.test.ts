import { createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import type { AuditEvent } from "../../../../src/core/audit/event.ts";
import { GRANTS_PER_CALL } from "../../../../src/core/grant/end.ts";
import { type GrantId, MAIN, type UserId } from "../../../../src/core/ids.ts";
import { consumeEvents } from "../../../../src/core/message/consume.ts";
import type { GrantListing, QueueMessage } from "../../../../src/core/message/queue.ts";
import worker from "../../../../src/worker.ts";
import { envWith, servicesOf } from "../../support/app.ts";
import { CLIENT, redeemed } from "../../support/challenges.ts";
import { newContext } from "../../support/contexts.ts";

const { records, challenges, users, clock, userCodes, handles } = servicesOf();

const event = (type: string, userId: UserId): AuditEvent => ({
  id: `${Date.now().toString(16).padStart(12, "0")}${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`,
  at: clock.now(),
  type,
  actor: "system",
  userId,
});
const person = () => crypto.randomUUID() as UserId;
const listing = (id: GrantId, userId: UserId): GrantListing => ({
  id,
  userId,
  clientId: CLIENT,
  scope: "openid",
  amr: ["pop"],
  createdAt: clock.now(),
});
const typesOf = async (userId: UserId) =>
  (await records.events({ userId, size: 200 })).map(({ type }) => type);

/** Delivers the bodies in one batch; answers which were taken and after how long the others come again. */
async function deliver(bodies: readonly unknown[], raw: object = env) {
  const messages = bodies.map((body, index) => ({
    id: String(index),
    timestamp: new Date(),
    attempts: 1,
    body: body as QueueMessage,
  }));
  const batch = createMessageBatch<QueueMessage>("countersign-events", messages);
  const context = newContext();
  await worker.queue(batch, raw, context);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, context);
  return { taken: explicitAcks, again: retryMessages.map(({ msgId }) => msgId) };
}

test("each kind may arrive twice and leaves one row", async () => {
  const user = person();
  await users.insert({ id: user, realm: MAIN, identifiers: [] }, event("user.created", user), clock.now());
  const grant = listing(await redeemed(), user);
  const bodies: QueueMessage[] = [
    { kind: "audit", events: [event("device.enrolled", user), event("prompt_suppressed", user)] },
    { kind: "list_grant", grant, event: event("sign_in.redeemed", user) },
  ];
  expect(await deliver([...bodies, ...bodies])).toMatchObject({ taken: ["0", "1", "2", "3"], again: [] });
  expect((await typesOf(user)).sort()).toEqual([
    "device.enrolled",
    "prompt_suppressed",
    "sign_in.redeemed",
    "user.created",
  ]);
  expect(await records.grantsOfUser(user)).toHaveLength(1);
  const ended: QueueMessage = {
    kind: "grant_ended",
    userId: user,
    grantId: grant.id,
    event: event("refresh_reused", user),
  };
  expect((await deliver([ended, ended])).taken).toEqual(["0", "1"]);
  expect(await records.grantsOfUser(user)).toEqual([]);
  expect((await typesOf(user)).filter((type) => type === "refresh_reused")).toHaveLength(1);
});

test("a late message about a grant that has ended writes its event and lists nothing", async () => {
  const user = person();
  const grant = listing(await redeemed(), user);
  await challenges.revoke(grant.id, "signed_out");
  const late: QueueMessage = { kind: "list_grant", grant, event: event("sign_in.redeemed", user) };
  expect((await deliver([late])).taken).toEqual(["0"]);
  expect(await typesOf(user)).toEqual(["sign_in.redeemed"]);
  expect(await records.grantsOfUser(user)).toEqual([]);
});

test("a message that fails comes again later each time; its neighbour is done", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const user = person();
  const good: QueueMessage = { kind: "audit", events: [event("device.enrolled", user)] };
  const down = () => {
    throw new Error("D1_ERROR: D1 DB is overloaded");
  };
  const failing = envWith({ DB: { prepare: down, batch: down } });
  const webhook: QueueMessage = { kind: "webhook", clientId: CLIENT, event: event("refresh_reused", user) };
  expect(await deliver([good], failing)).toMatchObject({ taken: [], again: ["0"] });
  const delays: number[] = [];
  for (const attempts of [1, 2, 3, 9]) {
    const retry = ({ delaySeconds }: { delaySeconds: number }) => delays.push(delaySeconds);
    await consumeEvents(servicesOf(failing), [{ body: good, attempts, ack: () => delays.push(-1), retry }]);
  }
  expect(delays).toEqual([5, 15, 45, 600]);
  expect(await deliver([{ kind: "from the future" }, good, webhook])).toMatchObject({
    taken: ["1", "2"],
    again: ["0"],
  });
  expect(await typesOf(user)).toEqual(["device.enrolled"]);
  vi.restoreAllMocks();
});

test("T89 a user with more grants than one call ends loses all of them, page by page", async () => {
  const user = person();
  await users.insert({ id: user, realm: MAIN, identifiers: [] }, event("user.created", user), clock.now());
  const ids: GrantId[] = [];
  for (let made = 0; made < GRANTS_PER_CALL + 3; made++) ids.push(await redeemed());
  for (const id of ids) await records.finish(event("sign_in.redeemed", user), listing(id, user));
  const sent: QueueMessage[] = [];
  const raw = envWith({ EVENTS: { send: async (body: QueueMessage) => void sent.push(body) } });
  await deliver([{ kind: "revoke_grants", userId: user, reason: "signed_out" }], raw);
  expect(await records.grantsOfUser(user, { size: 100 })).toHaveLength(3);
  expect(sent).toHaveLength(1);
  expect(await deliver(sent, raw)).toMatchObject({ taken: ["0"] });
  expect(await records.grantsOfUser(user, { size: 100 })).toEqual([]);
  expect(sent).toHaveLength(1);
  for (const id of ids) expect((await challenges.read(id))?.grant?.ended).toBeDefined();
});

test("the clock deletes codes that are over, and one failing task does not stop the other", async () => {
  const hash = await handles.pepper(["user_code"], crypto.randomUUID());
  const row = { hash, kind: "device", purpose: "sign_in", clientId: CLIENT, challengeId: challenges.fresh() };
  // A result may be collected for five minutes after the approval, and a code is approved until its end.
  const over = clock.now() - 300_001;
  await userCodes.insert({ ...row, expiresAt: over }, over - 10);
  const count = async () => {
    const found = await env.DB.prepare("SELECT count(*) AS n FROM user_codes WHERE code_hash = ?")
      .bind(hash)
      .first<{ n: number }>();
    return found?.n;
  };
  expect(await count()).toBe(1);
  const log = vi.spyOn(console, "error").mockImplementation(() => {});
  const prepare = (sql: string) => {
    if (sql.includes("signing_keys")) throw new Error("D1_ERROR: overloaded");
    return env.DB.prepare(sql);
  };
  const halfDown = envWith({ DB: { prepare, batch: env.DB.batch.bind(env.DB) } });
  await worker.scheduled({} as ScheduledController, halfDown, newContext());
  expect(log.mock.calls.map(([line]) => JSON.parse(String(line)))).toMatchObject([{ task: "keys" }]);
  expect(await count()).toBe(0);
  log.mockRestore();
});
