import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { createReceipts } from "../../../packages/countersign/src/verify/for/receipt.ts";
import { toBase64Url } from "../../../src/core/base64.ts";
import type { Client } from "../../../src/core/client/client.ts";
import { revokeDevice } from "../../../src/core/device/revoke.ts";
import { Outage } from "../../../src/core/fault.ts";
import type { ChallengeId, DeviceId } from "../../../src/core/ids.ts";
import { site } from "../support/approver.ts";
import * as authsignal from "../support/authsignal.ts";
import {
  askDevice,
  basic,
  decide,
  newHolder,
  newParty,
  type Party,
  poll,
  pollDevice,
  post,
  start,
} from "../support/ciba.ts";
import * as cotter from "../support/cotter.ts";
import { namespaces } from "../support/namespaces.ts";
import { newPhoneOwner } from "../support/phone.ts";

const at = site();
const ISSUER = "http://localhost:8787";
const PAGE = "https://shop.example";

const bearer = (handle: unknown, more: Record<string, string> = {}) => ({
  Authorization: `Bearer ${handle}`,
  ...more,
});
const pathOf = (started: { readonly body: cotter.Json }): string =>
  new URL(String(started.body.wait_uri)).pathname.replace(/\/wait$/, "/receipt");
const idOf = (path: string) => path.split("/")[2] as ChallengeId;

async function read(path: string, headers: Record<string, string> = {}, method = "GET", from = at) {
  const answer = await from.ask(path, { method, headers });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === "" ? {} : JSON.parse(text) };
}

const verified = (receipt: string, clientId: string) =>
  createReceipts({
    issuer: ISSUER,
    clientId,
    fetch: (url) => at.ask(new URL(String(url)).pathname),
  }).verify(receipt);

/** A request by CIBA, answered by a phone of our pages. */
async function answered(
  decision: "approve" | "deny",
  kind: "key" | "passkey" = "key",
  over: Partial<Client> = {},
) {
  const [party, { id, phone }] = await Promise.all([newParty(at, {}, over), newPhoneOwner(at, kind)]);
  const details = [{ type: "payment", amount: "12.50", to: "Ana" }];
  const started = await start(at, party, id, {
    scope: "openid",
    binding_message: "Invoice 17",
    authorization_details: JSON.stringify(details),
  });
  const path = pathOf(started);
  const [prompt] = await phone.prompts();
  const number = String(started.body.match_code);
  const said = decision === "approve" ? ({ decision, match_code: number } as const) : ({ decision } as const);
  const done = await phone.decide(prompt, said);
  expect(done.status).toBe(200);
  return { party, id, phone, started, path, details, number, handle: started.body.auth_req_id };
}

/** A sign-in at a Cotter client with a secret, approved by its app's phone. */
async function byCotter() {
  const client = await cotter.newClient(at);
  const { secret, kept } = await at.services.secrets.make();
  await at.services.clients.replaceSecret(client, kept, Date.now(), Date.now());
  const person = await cotter.newPerson(at, client);
  const started = await cotter.start(at, client, person);
  const event = await cotter.prompt(at, client, person);
  await cotter.respond(at, client, person, event ?? {}, true);
  return { client, secret, person, path: pathOf(started), number: started.body.ID };
}

describe("what a receipt says", () => {
  test.each(["key", "passkey"] as const)("of a phone of our pages with a %s", async (kind) => {
    const { party, id, phone, path, details, number } = await answered("approve", kind);
    const answer = await read(path, basic(party));
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    expect(answer.body).toEqual({
      id: idOf(path),
      state: "approved",
      decision: "approve",
      decided_at: expect.stringMatching(/^\d{4}-.*Z$/),
      receipt: expect.any(String),
    });
    const receipt = await verified(answer.body.receipt, party.id);
    expect(receipt).toMatchObject({
      id: idOf(path),
      clientId: party.id,
      decision: "approve",
      user: id,
      approver: { kind: "device", deviceId: phone.deviceId },
      asked: { door: "oauth", purpose: "sign_in", scope: "openid", message: "Invoice 17", details },
      signed: {
        key: { kty: "EC", crv: "P-256", alg: "ES256" },
        words: { decision: "approve", match_code: number, shown: { message: "Invoice 17", details } },
      },
    });
    expect(Math.abs(receipt.decidedAt.getTime() - Date.now())).toBeLessThan(60_000);
    if (kind === "key") expect(receipt.signed?.thumbprint).toBe(phone.key.jkt);
  });

  test("of a decline, to the client alone: anybody may name a user", async () => {
    const { party, id, path, handle } = await answered("deny");
    const { status, body } = await read(path, basic(party));
    expect([status, body.state, body.decision]).toEqual([200, "denied", "deny"]);
    const receipt = await verified(body.receipt, party.id);
    expect(receipt).toMatchObject({ decision: "deny", user: id, signed: { words: { decision: "deny" } } });
    const refused = await read(path, bearer(handle));
    expect([refused.status, refused.body.receipt]).toEqual([403, undefined]);
  });

  test("of a phone of the Cotter door, at the client of its app", async () => {
    const { client, secret, person, path } = await byCotter();
    const { body } = await read(path, basic({ id: client, secret }));
    const { signed, user } = await verified(body.receipt, client);
    expect(user).toBe(person.id);
    expect(signed?.key).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA" });
    expect(signed?.text).toMatch(new RegExp(`^${person.id}.*true$`));
    expect(signed).toMatchObject({ covers: "answer" });
  });

  test("S13 an app's text names the user as that app does: another client is not told it", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const started = await start(at, party, holder.id);
    await decide(at, holder, true);
    const { body } = await read(pathOf(started), basic(party));
    const receipt = await verified(body.receipt, party.id);
    expect(receipt).toMatchObject({ decision: "approve", user: holder.id, approver: { kind: "device" } });
    expect(receipt.signed).toBeUndefined();
  });

  test("of a phone of the Authsignal door", async () => {
    const tenant = await authsignal.newTenant(at);
    const user = cotter.fresh("jane");
    const phone = await authsignal.enrol(at, tenant, user);
    const { id, answer } = await authsignal.startPush(at, tenant, user);
    expect((await authsignal.answer(at, phone, id, true)).status).toBe(200);
    const { body } = await read(pathOf(answer), basic(tenant));
    const { signed, decision } = await verified(body.receipt, tenant.id);
    expect(decision).toBe("approve");
    expect(signed).toMatchObject({ key: { kty: "EC", alg: "ES256" }, text: id, covers: "nothing" });
  });

  test("stays the same once it is redeemed, and when the phone is gone", async () => {
    const { party, id, phone, path, started } = await answered("approve");
    const before = await verified((await read(path, basic(party))).body.receipt, party.id);
    expect((await poll(at, party, started)).status).toBe(200);
    const redeemed = await read(path, basic(party));
    expect(redeemed.body.state).toBe("redeemed");
    expect(await verified(redeemed.body.receipt, party.id)).toEqual(before);
    await revokeDevice(at.services, {
      userId: id,
      deviceId: phone.deviceId as DeviceId,
      actor: "admin",
      reason: "lost",
    });
    expect(await verified((await read(path, basic(party))).body.receipt, party.id)).toEqual(before);
    expect(before.user).toBe(id);
  });

  test("T28 what a phone signs of its own accord is in none: the call may be repeated with those bytes", async () => {
    const client = await cotter.newClient(at);
    const made = await at.services.secrets.make();
    await at.services.clients.replaceSecret(client, made.kept, Date.now(), Date.now());
    const person = await cotter.newPerson(at, client);
    const timestamp = String(Math.floor(Date.now() / 1_000));
    const text = `${person.id}${client}LOGIN${timestamp}TRUSTED_DEVICEtrue`;
    const signedIn = await at.call(
      "POST",
      "/api/v0/event/create?oauth_token=true",
      {
        client_user_id: person.id,
        issuer: client,
        event: "LOGIN",
        ...{ timestamp, method: "TRUSTED_DEVICE", ip: "unknown", location: "unknown", approved: true },
        ...{ public_key: person.phone.publicKey, algorithm: "ED25519", code: await person.phone.sign(text) },
      },
      { API_KEY_ID: client },
    );
    expect(signedIn.status).toBe(200);
    const { sid } = cotter.claimsOf((signedIn.body.oauth_token as cotter.Json).access_token);
    const id = String(sid ?? "");
    const grants = await at.call(
      "GET",
      `/admin/users/${person.id}/grants`,
      undefined,
      bearer("dev-admin-token"),
    );
    const [newest] = grants.body.grants as { grant_id: string }[];
    const { status, body } = await read(
      `/challenges/${id || newest?.grant_id}/receipt`,
      basic({ id: client, secret: made.secret }),
    );
    expect(status).toBe(200);
    const receipt = await verified(body.receipt, client);
    expect(receipt).toMatchObject({ approver: { kind: "device" }, user: person.id });
    expect(receipt.signed).toBeUndefined();
    expect(body.receipt.includes(toBase64Url(new TextEncoder().encode(text)))).toBe(false);
  });
});

describe("what whoever waited may read", () => {
  test("nothing before the tokens were collected; then who approved, and not what was asked or signed", async () => {
    const { party, id, path, started, handle, phone } = await answered("approve");
    const early = await read(path, bearer(handle));
    expect([early.status, early.body.receipt]).toEqual([403, undefined]);
    expect((await poll(at, party, started)).status).toBe(200);
    const { status, body } = await read(path, bearer(handle));
    expect(status).toBe(200);
    const receipt = await verified(body.receipt, party.id);
    expect(receipt).toMatchObject({ user: id, approver: { kind: "device", deviceId: phone.deviceId } });
    expect([receipt.asked, receipt.signed]).toEqual([undefined, undefined]);
  });

  test("who has approved a code that was scanned", async () => {
    const party = await newParty(at);
    const { id, phone } = await newPhoneOwner(at, "key");
    const asked = await askDevice(at, party);
    const { prompt, scan } = (await phone.call("POST", "/scans", { user_code: asked.body.user_code })).body;
    expect((await phone.decide(prompt, { decision: "approve", ...(scan ? { scan } : {}) })).status).toBe(200);
    expect((await pollDevice(at, party, asked)).status).toBe(200);
    const { body } = await read(pathOf(asked), bearer(asked.body.device_code));
    expect((await verified(body.receipt, party.id)).user).toBe(id);
  });

  test("nothing of an approval that was taken back, of a disabled client, or of a user who is gone", async () => {
    const taken = await answered("approve");
    await at.services.challenges.apply(idOf(taken.path), { name: "cancel", by: "admin" });
    expect((await read(taken.path, bearer(taken.handle))).status).toBe(403);
    const disabled = await answered("approve");
    await poll(at, disabled.party, disabled.started);
    await at.services.clients.disable(disabled.party.id, Date.now());
    expect((await read(disabled.path, bearer(disabled.handle))).status).toBe(404);
    const gone = await answered("approve");
    await poll(at, gone.party, gone.started);
    const deleted = await at.call("DELETE", `/admin/users/${gone.id}`, undefined, bearer("dev-admin-token"));
    expect(deleted.status).toBe(204);
    for (const headers of [bearer(gone.handle), basic(gone.party)]) {
      expect((await read(gone.path, headers)).status).toBe(404);
    }
  });
});

describe("who may read it", () => {
  test("T49 no handle, another's, of another kind, or the operator's token: 401", async () => {
    const [mine, other] = [await answered("approve"), await answered("approve")];
    const refresh = await at.services.handles.mint(idOf(mine.path), "refresh");
    for (const headers of [
      {},
      bearer(other.handle),
      bearer(refresh),
      bearer(idOf(mine.path)),
      bearer("dev-admin-token"),
      { Authorization: "Basic" },
      { Authorization: `Basic ${mine.handle}` },
      basic({ ...mine.party, secret: "wrong" }),
      basic({ ...mine.party, secret: other.party.secret }),
      basic({ ...mine.party, secret: "" }),
    ]) {
      const { status, body, headers: told } = await read(mine.path, headers);
      expect([status, body.receipt], JSON.stringify(headers)).toEqual([401, undefined]);
      expect(told.get("WWW-Authenticate")).toMatch(/realm="receipts"/);
    }
    expect((await read(`${mine.path}?handle=${mine.handle}`)).status).toBe(401);
    expect((await read(mine.path, basic(mine.party))).status).toBe(200);
  });

  test("another client's secret: 404, as for what is not there", async () => {
    const { path } = await answered("approve");
    const stranger = await newParty(at);
    const unknown = `/challenges/${at.services.challenges.fresh()}/receipt`;
    const [theirs, none, odd] = await Promise.all(
      [path, unknown, "/challenges/odd/receipt"].map((one) => read(one, basic(stranger))),
    );
    expect(theirs?.status).toBe(404);
    expect([none, odd].map((answer) => answer?.body)).toEqual([theirs?.body, theirs?.body]);
  });

  test("a client that is disabled: 401", async () => {
    const { path, party } = await answered("approve");
    expect((await read(path, basic(party))).status).toBe(200);
    await at.services.clients.disable(party.id, Date.now());
    expect((await read(path, basic(party))).status).toBe(401);
  });

  test("T49 an event's number alone shows nobody who has approved: 401, and the client's secret does", async () => {
    const { client, secret, person, path, number } = await byCotter();
    for (const query of ["", `?client=${client}`]) {
      const { status, body } = await read(`${path}${query}`, bearer(number));
      expect([status, body.receipt]).toEqual([401, undefined]);
    }
    const { status, body } = await read(path, basic({ id: client, secret }));
    expect(status).toBe(200);
    expect((await verified(body.receipt, client)).user).toBe(person.id);
  });

  test("who has declined a code that anybody may scan is told to its client alone", async () => {
    const party = await newParty(at);
    const { phone } = await newPhoneOwner(at, "key");
    const asked = await askDevice(at, party);
    const path = pathOf(asked);
    const scanned = await phone.call("POST", "/scans", { user_code: asked.body.user_code });
    const { prompt, scan } = scanned.body;
    expect((await phone.decide(prompt, { decision: "deny", ...(scan ? { scan } : {}) })).status).toBe(200);
    const refused = await read(path, bearer(asked.body.device_code));
    expect([refused.status, refused.body.receipt]).toEqual([403, undefined]);
    const told = await read(path, basic(party));
    expect(told.body.decision).toBe("deny");
    expect((await pollDevice(at, party, asked)).body.error).toBe("access_denied");
  });

  test("T49 a page reads it where its client lists it, and no other page", async () => {
    const allowed = { allowedOrigins: [PAGE] };
    const { path, handle, party, started } = await answered("approve", "key", allowed);
    await poll(at, party, started);
    const preflight = await read(
      path,
      {
        Origin: PAGE,
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
      },
      "OPTIONS",
    );
    expect(preflight.headers.get("Access-Control-Allow-Headers")?.toLowerCase()).toContain("authorization");
    const own = await read(path, bearer(handle, { Origin: PAGE }));
    expect([own.status, own.headers.get("Access-Control-Allow-Origin")]).toEqual([200, PAGE]);
    const foreign = await read(path, bearer(handle, { Origin: "https://evil.example" }));
    expect([foreign.status, foreign.headers.get("Access-Control-Allow-Origin")]).toEqual([403, null]);
  });
});

describe("where there is none", () => {
  const pending = async (party?: Party) => {
    const asker = party ?? (await newParty(at));
    const { id } = await newPhoneOwner(at, "key");
    const started = await start(at, asker, id);
    return { path: pathOf(started), handle: started.body.auth_req_id };
  };

  test("nobody has decided: 409 with the state, pending and withdrawn", async () => {
    const { path, handle } = await pending();
    const before = await read(path, bearer(handle));
    expect([before.status, before.body.state]).toEqual([409, "pending"]);
    await at.services.challenges.apply(idOf(path), { name: "cancel", by: "admin" });
    const after = await read(path, bearer(handle));
    expect([after.status, after.body.state, after.body.receipt]).toEqual([409, "cancelled", undefined]);
  });

  test("an approval that nobody collected in time is on record all the same", async () => {
    const { party, path } = await answered("approve");
    await at.services.challenges.apply(idOf(path), { name: "cancel", by: "admin" });
    const { body } = await read(path, basic(party));
    expect([body.state, body.decision]).toEqual(["cancelled", "approve"]);
    expect((await verified(body.receipt, party.id)).decision).toBe("approve");
  });

  test("a decision of a version that kept none: 409", async () => {
    const { path, party } = await answered("approve");
    const stub = namespaces.CHALLENGES.get(namespaces.CHALLENGES.idFromString(idOf(path)));
    await runInDurableObject(stub, (_object, { storage }) => {
      // biome-ignore lint/suspicious/noExplicitAny: the record as an older version wrote it
      const record = storage.kv.get<any>("record");
      const { decided, ...challenge } = record.challenge;
      expect(decided.kind).toBe("approve");
      storage.kv.put("record", { ...record, challenge });
    });
    await evictDurableObject(stub);
    const { status, body } = await read(path, basic(party));
    expect([status, body.state]).toEqual([409, "approved"]);
  });

  test("another method: 405; too many waits, secrets or misses from an address: 429; no keys: 503", async () => {
    const { path, handle, party } = await answered("approve");
    for (const method of ["HEAD", "POST", "DELETE"]) {
      expect((await read(path, bearer(handle), method)).status, method).toBe(405);
    }
    const limited = (over: object) => site({}, ({ limits }) => ({ limits: { ...limits, ...over } }));
    const no = async () => false;
    for (const [over, headers] of [
      [{ wait: no }, bearer(handle)],
      [{ check: no }, basic(party)],
      [{ miss: no }, basic({ ...party, secret: "wrong" })],
    ] as const) {
      expect((await read(path, headers, "GET", limited(over))).status).toBe(429);
    }
    const keyless = site({}, ({ keyring }) => ({
      keyring: {
        ...keyring,
        sign: async () => {
          throw new Outage("no key");
        },
      },
    }));
    const answer = await read(path, basic(party), "GET", keyless);
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "2"]);
  });
});

test("T87 a receipt opens nothing: it is no access token", async () => {
  const { party, path } = await answered("approve");
  const { receipt } = (await read(path, basic(party))).body;
  expect((await read("/oauth/userinfo", bearer(receipt))).status).toBe(401);
  const told = await post(at, party, "/introspect", { token: receipt });
  expect(told.body).toEqual({ active: false });
});
