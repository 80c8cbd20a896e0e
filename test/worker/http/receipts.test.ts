import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, test } from "vitest";
import { createReceipts } from "../../../packages/countersign/src/verify/for/receipt.ts";
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

describe("what a receipt says", () => {
  test.each(["key", "passkey"] as const)("of a phone of our pages with a %s", async (kind) => {
    const { party, id, phone, path, details, number, handle } = await answered("approve", kind);
    const answer = await read(path, bearer(handle));
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

  test("of a decline, to the client that had named the user", async () => {
    const { party, id, path, handle } = await answered("deny");
    for (const headers of [bearer(handle), basic(party)]) {
      const { status, body } = await read(path, headers);
      expect([status, body.state, body.decision]).toEqual([200, "denied", "deny"]);
      const receipt = await verified(body.receipt, party.id);
      expect(receipt).toMatchObject({ decision: "deny", user: id, signed: { words: { decision: "deny" } } });
    }
  });

  test("of a phone of the Cotter door", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const started = await start(at, party, holder.id);
    await decide(at, holder, true);
    const { body } = await read(pathOf(started), bearer(started.body.auth_req_id));
    const { signed, user } = await verified(body.receipt, party.id);
    expect(user).toBe(holder.id);
    expect(signed?.key).toMatchObject({ kty: "OKP", crv: "Ed25519", alg: "EdDSA" });
    expect(signed?.text).toMatch(new RegExp(`^${holder.id}.*true$`));
    expect(signed?.words).toBeUndefined();
  });

  test("of a phone of the Authsignal door", async () => {
    const tenant = await authsignal.newTenant(at);
    const user = cotter.fresh("jane");
    const phone = await authsignal.enrol(at, tenant, user);
    const { id, answer } = await authsignal.startPush(at, tenant, user);
    expect((await authsignal.answer(at, phone, id, true)).status).toBe(200);
    const { body } = await read(pathOf(answer), bearer(answer.body.wait_handle));
    const { signed, decision } = await verified(body.receipt, tenant.id);
    expect(decision).toBe("approve");
    expect(signed).toMatchObject({ key: { kty: "EC", alg: "ES256" }, text: id });
  });

  test("stays the same once it is redeemed, and when the phone is gone", async () => {
    const { party, id, phone, path, started, handle } = await answered("approve");
    const before = await verified((await read(path, bearer(handle))).body.receipt, party.id);
    expect((await poll(at, party, started)).status).toBe(200);
    const redeemed = await read(path, bearer(handle));
    expect(redeemed.body.state).toBe("redeemed");
    expect(await verified(redeemed.body.receipt, party.id)).toEqual(before);
    await revokeDevice(at.services, {
      userId: id,
      deviceId: phone.deviceId as DeviceId,
      actor: "admin",
      reason: "lost",
    });
    expect(await verified((await read(path, bearer(handle))).body.receipt, party.id)).toEqual(before);
    expect(before.user).toBe(id);
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
      expect(told.get("WWW-Authenticate")).toContain("realm");
    }
    expect((await read(`${mine.path}?handle=${mine.handle}`)).status).toBe(401);
    expect((await read(mine.path, bearer(mine.handle))).status).toBe(200);
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
    const client = await cotter.newClient(at);
    const made = await at.services.secrets.make();
    await at.services.clients.replaceSecret(client, made.kept, Date.now(), Date.now());
    const person = await cotter.newPerson(at, client);
    const started = await cotter.start(at, client, person);
    const event = await cotter.prompt(at, client, person);
    await cotter.respond(at, client, person, event ?? {}, true);
    const path = pathOf(started);
    for (const query of ["", `?client=${client}`]) {
      const { status, body } = await read(`${path}${query}`, bearer(started.body.ID));
      expect([status, body.receipt]).toEqual([401, undefined]);
    }
    const { status, body } = await read(path, basic({ id: client, secret: made.secret }));
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
    const { path, handle } = await answered("approve", "key", allowed);
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
    const { party, path, handle } = await answered("approve");
    await at.services.challenges.apply(idOf(path), { name: "cancel", by: "admin" });
    const { body } = await read(path, bearer(handle));
    expect([body.state, body.decision]).toEqual(["cancelled", "approve"]);
    expect((await verified(body.receipt, party.id)).decision).toBe("approve");
  });

  test("a decision of a version that kept none: 409", async () => {
    const { path, handle } = await answered("approve");
    const stub = namespaces.CHALLENGES.get(namespaces.CHALLENGES.idFromString(idOf(path)));
    await runInDurableObject(stub, (_object, { storage }) => {
      // biome-ignore lint/suspicious/noExplicitAny: the record as an older version wrote it
      const record = storage.kv.get<any>("record");
      const { decided, ...challenge } = record.challenge;
      expect(decided.kind).toBe("approve");
      storage.kv.put("record", { ...record, challenge });
    });
    await evictDurableObject(stub);
    const { status, body } = await read(path, bearer(handle));
    expect([status, body.state]).toEqual([409, "approved"]);
  });

  test("another method: 405; too many from an address: 429; a key that is gone: 503", async () => {
    const { path, handle } = await answered("approve");
    for (const method of ["HEAD", "POST", "DELETE"]) {
      expect((await read(path, bearer(handle), method)).status, method).toBe(405);
    }
    const busy = site({}, ({ limits }) => ({ limits: { ...limits, wait: async () => false } }));
    expect((await read(path, bearer(handle), "GET", busy)).status).toBe(429);
    const keyless = site({}, ({ sealing }) => ({
      sealing: {
        ...sealing,
        unseal: async () => {
          throw new Outage("a sealed text cannot be opened");
        },
      },
    }));
    const answer = await read(path, bearer(handle), "GET", keyless);
    expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "2"]);
  });
});

test("T87 a receipt opens nothing: it is no access token", async () => {
  const { party, path, handle } = await answered("approve");
  const { receipt } = (await read(path, bearer(handle))).body;
  expect((await read("/oauth/userinfo", bearer(receipt))).status).toBe(401);
  const told = await post(at, party, "/introspect", { token: receipt });
  expect(told.body).toEqual({ active: false });
});
