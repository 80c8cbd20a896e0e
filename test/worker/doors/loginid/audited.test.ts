import { createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import worker from "../../../../src/worker.ts";
import { newContext } from "../../support/contexts.ts";
import { deployment, type Json } from "../../support/cotter.ts";
import {
  type Ada,
  type Backend,
  codes,
  generated,
  newAda,
  newBackend,
  newSigning,
  tokenOf,
  waitOn,
} from "../../support/loginid.ts";
import { PAGE, passkeysAt } from "../../support/passkeys.ts";

const sent: QueueMessage[] = [];
/** What is sent to the queue is kept, to be delivered when a test looks. */
const at = deployment({}, () => ({ events: { send: async (message) => void sent.push(message) } }));

/** The audit rows of refused tokens of this client, once the queue has been worked off. */
async function recordOf(by: { readonly id: string } | { readonly ip: string }) {
  await at.settled();
  const batch = createMessageBatch<QueueMessage>(
    "countersign-events",
    sent.splice(0).map((body, index) => ({ id: String(index), timestamp: new Date(), attempts: 1, body })),
  );
  const context = newContext();
  await worker.queue(batch, env, context);
  await getQueueResult(batch, context);
  const [column, value] = "ip" in by ? ["ip", by.ip] : ["client_id", by.id];
  const { results } = await env.DB.prepare(
    `select actor, reason, ip from audit_events where ${column} = ? and type = 'service_token_refused'`,
  )
    .bind(value)
    .all<{ actor: string; reason: string; ip: string | null }>();
  return results;
}

const now = () => Math.floor(Date.now() / 1000);
const encoded = (value: unknown) =>
  btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

async function signedWithPublicKey(backend: Backend): Promise<string> {
  const claims = { client_id: backend.id, type: "codes.generate", nonce: "n", iat: now() };
  const input = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded(claims)}`;
  const secret = new TextEncoder().encode(backend.signing.pem);
  const how = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", secret, how, false, ["sign"]);
  const mac = new Uint8Array(await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(input)));
  return `${input}.${btoa(String.fromCharCode(...mac))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "")}`;
}

type Case = readonly [
  what: string,
  token: (backend: Backend, ada: Ada) => Promise<string>,
  status: number,
  reason: string,
];

const generateToken = (claims: Json, header?: Json) => (backend: Backend) =>
  tokenOf(backend, "codes.generate", claims, header);

const UNREAD = "not a token that is taken here";

const CASES: readonly Case[] = [
  ["the algorithm none", generateToken({}, { alg: "none" }), 401, UNREAD],
  ["HS256 with the public key as its secret", signedWithPublicKey, 401, UNREAD],
  [
    "a foreign key",
    async (backend) => tokenOf({ ...backend, signing: await newSigning() }, "codes.generate"),
    401,
    "no key of this client has signed it",
  ],
  ["a stale iat", (backend) => tokenOf(backend, "codes.generate", { iat: now() - 306 }), 401, "iat"],
  [
    "a used nonce",
    async (backend, ada) => {
      const token = await tokenOf(backend, "codes.generate");
      expect((await codes(at, backend, "generate", ada, { token })).status).toBe(200);
      return token;
    },
    401,
    "the nonce was used before",
  ],
  ["the wrong scope", (backend) => tokenOf(backend, "codes.authorize"), 403, "the token is for another call"],
  [
    "another person's name",
    async (backend) => tokenOf(backend, "codes.generate", { username: (await newAda(at)).username }),
    403,
    "the token is for another person",
  ],
];

describe("a service token that is refused is on record", () => {
  test.each(CASES)("T24 T27 with %s", async (what, tokenFor, status, reason) => {
    const ip = `203.0.113.${CASES.findIndex(([name]) => name === what) + 1}`;
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const token = await tokenFor(backend, ada);
    const answer = await at.call(
      "POST",
      "/api/native/codes/short/generate",
      { client_id: backend.id, user_id: ada.id, purpose: "temporary_authentication" },
      { Authorization: `Bearer ${token}`, "CF-Connecting-IP": ip },
    );
    expect(answer.status).toBe(status);
    expect(answer.body.code).toBe(status === 401 ? "unauthorized" : "operation_not_allowed");
    // Who made a token that cannot be read is not known: it may name anybody.
    const actor = reason === UNREAD ? "anonymous" : `client:${backend.id}`;
    expect(await recordOf({ ip })).toEqual([{ actor, reason: expect.stringContaining(reason), ip }]);
  });

  test("a used nonce at every other call, and at another user's wait", async () => {
    const ada = await newAda(at);
    const body = (backend: Backend) => ({ client_id: backend.id, user_id: ada.id });
    const calls: readonly (readonly [string, string, (backend: Backend) => Json])[] = [
      ["/manage/users/retrieve", "users.retrieve", () => ({ username: ada.username })],
      [
        "/codes/short/authorize",
        "codes.authorize",
        (b) => ({ ...body(b), purpose: "temporary_authentication", code: "000000" }),
      ],
      [
        "/codes/short/invalidate-all",
        "codes.invalidate",
        (b) => ({ ...body(b), purpose: "temporary_authentication" }),
      ],
      ["/credentials/list", "credentials.list", body],
      ["/credentials/fido2/init/force", "credentials.force_add", body],
    ];
    for (const [path, scope, bodyOf] of calls) {
      const backend = await newBackend(at, { allowedOrigins: [PAGE], settings: { preauthorize: true } });
      const headers = { Authorization: `Bearer ${await tokenOf(backend, scope)}` };
      await at.call("POST", path, bodyOf(backend), headers);
      expect(await recordOf(backend), path).toEqual([]);
      expect((await at.call("POST", path, bodyOf(backend), headers)).status, path).toBe(401);
      expect(await recordOf(backend), path).toMatchObject([{ reason: "the nonce was used before" }]);
    }
    const shop = await newBackend(at, { settings: { wait_seconds: 1 } });
    const code = await generated(at, shop, ada);
    const headers = { Authorization: `Bearer ${await tokenOf(shop, "auth.temporary")}` };
    await waitOn(at, shop, ada, code, { no_wait: true }, headers);
    expect((await waitOn(at, shop, ada, "000000", { no_wait: true }, headers)).status).toBe(401);
    expect(await recordOf(shop)).toMatchObject([{ reason: "the nonce was used before" }]);
  });

  test("what the operator has not allowed a client; and no row for what is no token's fault", async () => {
    const ada = await newAda(at);
    const plain = await newBackend(at, { allowedOrigins: [PAGE] });
    expect((await codes(at, plain, "generate", ada, { body: { authorize: true } })).status).toBe(403);
    expect(await recordOf(plain)).toMatchObject([{ reason: "preauthorize is off" }]);
    const backend = await newBackend(at);
    expect((await codes(at, backend, "authorize", ada, { body: { code: "000000" } })).status).toBe(404);
    const web = await newBackend(at, { kind: "public", allowedOrigins: [PAGE] });
    const foreign = { Origin: "https://evil.example" };
    expect((await waitOn(at, web, ada, "000000", {}, foreign)).status).toBe(403);
    expect((await passkeysAt(at).init(web, ada.username, "000000", foreign)).status).toBe(403);
    expect(await recordOf(backend)).toEqual([]);
    expect(await recordOf(web)).toEqual([]);
  });
});
