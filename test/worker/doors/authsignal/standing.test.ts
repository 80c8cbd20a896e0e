import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import { type ChallengeId, parseUserId } from "../../../../src/core/ids.ts";
import {
  answer,
  enrol,
  newTenant,
  type Phone,
  poll,
  server,
  startPush,
  type Tenant,
  track,
} from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

// What is asked before an action is met, and before its result goes out, whatever reads it (docs/decisions/0101).
const at = deployment();
/** An isolate that dies once it has answered. */
const dying = deployment({}, () => ({ background: () => undefined }));

async function approved(tenant: Tenant, by = at) {
  const user = fresh("u");
  const phone = await enrol(at, tenant, user);
  const push = await startPush(at, tenant, user);
  expect((await answer(by, phone, push.id, true)).body).toEqual({ isVerified: true });
  return { user, phone, ...push };
}

const stateOf = async (tenant: Tenant, user: string, key: string) =>
  (await server(at, tenant, "GET", `/users/${user}/actions/signIn/${key}`)).body.state;

const rowOf = async (key: string) =>
  (await env.DB.prepare("select state from actions where idempotency_key = ?").bind(key).first())?.state;

/** The rows alone, as if the walk over what is under way had not come to the challenge. */
const FALLS = [
  [
    "T25 the phone was removed",
    "device_removed",
    async ({ user }: { user: string }) => {
      const record = await called(at, user);
      await env.DB.prepare("update devices set revoked_at = 1 where user_id = ?").bind(record?.user.id).run();
    },
  ],
  [
    "T11 the user was signed out",
    "user_locked",
    async ({ user }: { user: string }) => {
      const id = parseUserId(String((await called(at, user))?.user.id));
      if (id) await at.services.users.end(id, Date.now() + 1);
    },
  ],
] as const;

describe.each(FALLS)("%s since the approval", (_, by, fall) => {
  test("and before anybody looked: the action fails, and its challenge is taken back", async () => {
    const tenant = await newTenant(at);
    const begun = await approved(tenant, dying);
    await fall(begun);
    expect((await poll(at, begun.token, begun.id)).body).toEqual({ isVerified: false, isConsumed: true });
    expect(await stateOf(tenant, begun.user, begun.key)).toBe("CHALLENGE_FAILED");
    const snapshot = await at.services.challenges.read(begun.id as ChallengeId);
    expect(snapshot?.timeline.at(-1)).toMatchObject({ what: "cancelled", by });
  });

  test("and behind the row that says so: nothing is told", async () => {
    const begun = await approved(await newTenant(at));
    await at.settled();
    expect(await rowOf(begun.key)).toBe("challenge_succeeded");
    await fall(begun);
    expect((await poll(at, begun.token, begun.id)).body.accessToken).toBeUndefined();
  });

  test("nobody's hook hears of it", async () => {
    const told: string[] = [];
    const hearing = deployment({}, () => ({
      actionWebhooks: {
        send: async (_client, { type }) => {
          told.push(type);
          return { kind: "sent" };
        },
      },
    }));
    const tenant = await newTenant(at);
    const begun = await approved(tenant, dying);
    await fall(begun);
    const hook = { webhookUrl: "https://shop.example/hook", settings: { webhook_events: ["action.verify"] } };
    await at.services.clients.update(tenant.id, hook, Date.now());
    await poll(hearing, begun.token, begun.id);
    expect(told).toEqual([]);
  });
});

describe("the row of an action that a phone has answered", () => {
  test("is written behind the answer", async () => {
    const begun = await approved(await newTenant(at));
    await at.settled();
    expect(await rowOf(begun.key)).toBe("challenge_succeeded");
  });

  test("is written by whoever asks, where the isolate died before", async () => {
    const tenant = await newTenant(at);
    const begun = await approved(tenant, dying);
    expect(await rowOf(begun.key)).toBe("challenge_required");
    expect(await stateOf(tenant, begun.user, begun.key)).toBe("CHALLENGE_SUCCEEDED");
    expect(await rowOf(begun.key)).toBe("challenge_succeeded");
  });

  test("a no, too", async () => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const phone: Phone = await enrol(at, tenant, user);
    const push = await startPush(at, tenant, user);
    expect((await answer(at, phone, push.id, false)).body).toEqual({ isVerified: false });
    await at.settled();
    expect(await rowOf(push.key)).toBe("challenge_failed");
  });
});

test("a push that is refused before anything was begun uses up no start", async () => {
  const tenant = await newTenant(at, { starts_per_minute: 1 });
  const bare = fresh("u");
  const tracked = await track(at, tenant, bare, "signIn");
  const headers = { Authorization: `Bearer ${tracked.body.token}` };
  for (let tries = 0; tries < 2; tries++) {
    const { status } = await at.call("POST", "/v1/client/challenge/push", { action: "signIn" }, headers);
    expect(status).toBe(400);
    await at.settled();
  }
  const user = fresh("u");
  await enrol(at, tenant, user);
  expect((await startPush(at, tenant, user)).answer.status).toBe(200);
  expect((await startPush(at, tenant, user)).answer.status).toBe(429);
  // Who cannot be asked is told so, whatever is left of the minute.
  expect((await at.call("POST", "/v1/client/challenge/push", {}, headers)).status).toBe(400);
});
