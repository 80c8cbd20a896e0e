import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { MAIN, parseRealm, type Realm } from "../../../../src/core/ids.ts";
import { DAY, MINUTE, SECOND } from "../../../../src/core/time.ts";
import { deleteUser } from "../../../../src/core/user/delete.ts";
import { newAuthenticator, type Spoilt } from "../../../fakes/authenticator.ts";
import { later, mainOf, refusal, refusalsOf, setStatus, site } from "../../support/approver.ts";
import { fresh } from "../../support/cotter.ts";
import { passkeysAt } from "../../support/passkeys.ts";
import {
  enrolPhone,
  newOwner,
  newPageKey,
  newPhoneOf,
  newPhoneOwner,
  openByKey,
  openByPasskey,
  type PageKey,
  type Phone,
  post,
  ticketFor,
} from "../../support/phone.ts";

const at = site();
const NOT_A_DEVICE = refusal(403, "not_a_device");
const OVER = refusal(401, "session_over");
const BAD_PROOF = refusal(401, "bad_proof");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const passkeyOf = (phone: Phone) => {
  if (!phone.authenticator) throw new Error("a phone without a passkey");
  return phone.authenticator;
};

/** A call with this token and proof. */
async function get(token: string | undefined, proof: string | undefined, path = "/prompts") {
  const { status, body, headers } = await at.call("GET", `/approver${path}`, undefined, {
    ...(token === undefined ? {} : { Authorization: `DPoP ${token}` }),
    ...(proof === undefined ? {} : { DPoP: proof }),
  });
  return { status, body, headers };
}

describe("a session", () => {
  test("of a passkey: each browser has one of its own key", async () => {
    const { id, phone, address } = await newPhoneOwner(at);
    const { answer, key } = await openByPasskey(at, id, passkeyOf(phone));
    expect(answer).toMatchObject({
      status: 201,
      body: {
        expires_in: 2_592_000,
        account: address,
        device: { id: phone.deviceId, kind: "passkey", name: "Ana's phone", this: true, new: true },
      },
    });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const { token } = answer.body;
    expect((await get(token, await key.proof("GET", "/approver/prompts", { token }))).status).toBe(200);
  });

  test("of a key: the key of the proofs is the device", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    const answer = await openByKey(at, phone.key, phone.deviceId);
    expect(answer).toMatchObject({ status: 201, body: { device: { id: phone.deviceId, kind: "key" } } });
    const { token } = answer.body;
    expect((await get(token, await phone.key.proof("GET", "/approver/prompts", { token }))).status).toBe(200);
  });

  test("a refused one is on record", async () => {
    at.queued.length = 0;
    expect(await openByKey(at, await newPageKey(), crypto.randomUUID())).toMatchObject(NOT_A_DEVICE);
    expect(refusalsOf(at, "approver_refused")).toMatchObject([{ reason: "no such key" }]);
  });

  test("T107 nothing but these two ways opens one", async () => {
    const { phone } = await newPhoneOwner(at);
    for (const body of [{}, { passkey: {} }, { device_id: 5 }, { device_id: "no uuid" }, []]) {
      expect(await post(at, "/sessions", body)).toMatchObject(refusal(400, "malformed"));
    }
    expect(await post(at, "/sessions", { device_id: phone.deviceId })).toMatchObject(BAD_PROOF);
  });
});

describe("T25 a key opens no session that is", () => {
  test("another device's", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    expect(await openByKey(at, await newPageKey(), phone.deviceId)).toMatchObject(NOT_A_DEVICE);
  });
  test("the page key of a passkey", async () => {
    const { phone } = await newPhoneOwner(at);
    expect(await openByKey(at, phone.key, phone.deviceId)).toMatchObject(NOT_A_DEVICE);
  });
  test("removed", async () => {
    const { phone } = await newPhoneOwner(at, "key");
    expect(
      (await phone.act(`/devices/${phone.deviceId}/removal`, "remove_device", { target: phone.deviceId }))
        .status,
    ).toBe(204);
    expect(await openByKey(at, phone.key, phone.deviceId)).toMatchObject(NOT_A_DEVICE);
  });
});

describe("T32 T25 a passkey opens no session", () => {
  const spoilt: readonly (readonly [string, Spoilt])[] = [
    ["for another origin", { origin: "https://evil.example" }],
    ["in a frame of another page", { crossOrigin: true }],
    ["for another rp id", { rpId: "evil.example" }],
    ["without user verification", { flags: 0x01 }],
    ["without user presence", { flags: 0x04 }],
    ["as a creation", { type: "webauthn.create" }],
    ["over another challenge", { challenge: "AAAA" }],
  ];
  test.each(spoilt)("%s", async (_, how) => {
    const { id, phone } = await newPhoneOwner(at);
    expect((await openByPasskey(at, id, passkeyOf(phone), how)).answer).toMatchObject(NOT_A_DEVICE);
  });

  test("of another user", async () => {
    const [one, other] = [await newPhoneOwner(at), await newPhoneOwner(at)];
    expect((await openByPasskey(at, other.id, passkeyOf(one.phone))).answer).toMatchObject(NOT_A_DEVICE);
  });

  test("that was never enrolled", async () => {
    const { id } = await newPhoneOwner(at);
    expect((await openByPasskey(at, id, await newAuthenticator())).answer).toMatchObject(NOT_A_DEVICE);
  });

  test("of a vendor's door, whose backend may have made it itself", async () => {
    const { ada, authenticator } = await passkeysAt(at).withPasskey();
    expect((await openByPasskey(at, ada.id, authenticator)).answer).toMatchObject(NOT_A_DEVICE);
  });

  test("whose counter went back", async () => {
    const { id, phone } = await newPhoneOwner(at);
    expect((await openByPasskey(at, id, passkeyOf(phone), { count: 7 })).answer.status).toBe(201);
    for (const count of [7, 6, 0]) {
      expect((await openByPasskey(at, id, passkeyOf(phone), { count })).answer).toMatchObject(NOT_A_DEVICE);
    }
  });

  test("by a challenge of another browser's, of an older time or of nobody's", async () => {
    const { id, phone } = await newPhoneOwner(at);
    const stolen = (await post(at, "/sessions/begin", { jkt: (await newPageKey()).jkt })).body.challenge;
    for (const challenge of [stolen, "AAAA"]) {
      const opened = await openByPasskey(at, id, passkeyOf(phone), { challenge }, { challenge });
      expect(opened.answer).toMatchObject(NOT_A_DEVICE);
    }
    const key = await newPageKey();
    const begun = await post(at, "/sessions/begin", { jkt: key.jkt });
    later(5 * MINUTE);
    const { challenge } = begun.body;
    const opened = await openByPasskey(at, id, passkeyOf(phone), { challenge }, { challenge });
    expect(opened.answer).toMatchObject(NOT_A_DEVICE);
  });

  test("where the deployment has no name, and a key is the way", async () => {
    const bare = site({ ISSUER: "http://127.0.0.1:8787" });
    expect(await post(bare, "/sessions/begin", { jkt: (await newPageKey()).jkt })).toMatchObject(
      refusal(404, "no_passkeys"),
    );
    expect((await bare.call("GET", "/approver/config")).body.rp_id).toBeUndefined();
  });
});

describe("T87 a token", () => {
  test("of another key, forged or cut is none", async () => {
    const { phone } = await newPhoneOwner(at);
    const { token } = phone;
    const mine = (over: string) => phone.key.proof("GET", "/approver/prompts", { token: over });
    const thief = await newPageKey();
    expect(await get(token, await thief.proof("GET", "/approver/prompts", { token }))).toMatchObject(OVER);
    const [device, user, realm, began, mac = ""] = token.split(".");
    const forged = [
      [crypto.randomUUID(), user, realm, began, mac],
      [device, crypto.randomUUID(), realm, began, mac],
      [device, user, btoa("other").replaceAll("=", ""), began, mac],
      [device, user, realm, "zzzzzz", mac],
      [device, user, realm, began, `${mac.startsWith("A") ? "B" : "A"}${mac.slice(1)}`],
      [device, user, realm, began],
    ].map((parts) => parts.join("."));
    for (const text of forged) expect(await get(text, await mine(text))).toMatchObject(OVER);
    expect(await get(undefined, await mine(token))).toMatchObject(OVER);
    expect(await get(token, undefined)).toMatchObject(OVER);
  });

  test("is over after 30 days", async () => {
    const { phone } = await newPhoneOwner(at);
    later(30 * DAY - 2 * SECOND);
    expect((await phone.call("GET", "/prompts")).status).toBe(200);
    later(2 * SECOND);
    expect(await phone.call("GET", "/prompts")).toMatchObject(OVER);
  });

  test("T102 is over once its device is removed", async () => {
    const { id, phone } = await newPhoneOwner(at);
    later(1);
    const other = await newPhoneOf(at, id, "key", { deviceId: phone.deviceId as never });
    const removed = await phone.act(`/devices/${other.deviceId}/removal`, "remove_device", {
      target: other.deviceId,
    });
    expect(removed.status).toBe(204);
    expect(await other.call("GET", "/prompts")).toMatchObject(OVER);
  });

  test.each(["passkey", "key"] as const)(
    "is over once its user is locked, who is told so where they show the key: %s",
    async (kind) => {
      const { id, phone } = await newPhoneOwner(at, kind);
      await setStatus(at, id, "locked");
      expect(await phone.call("GET", "/prompts")).toMatchObject(OVER);
      later(SECOND);
      const again = phone.authenticator
        ? (await openByPasskey(at, id, phone.authenticator)).answer
        : await openByKey(at, phone.key, phone.deviceId);
      expect(again).toMatchObject(refusal(403, "user_locked"));
      expect(await openByKey(at, await newPageKey(), phone.deviceId)).toMatchObject(NOT_A_DEVICE);
    },
  );

  test("is over once its user is signed out everywhere", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    later(SECOND);
    const ended = await at.call("DELETE", `/admin/users/${id}/grants`, undefined, {
      Authorization: "Bearer dev-admin-token",
    });
    expect(ended.status).toBeLessThan(300);
    expect(await phone.call("GET", "/prompts")).toMatchObject(OVER);
    later(SECOND);
    expect((await openByKey(at, phone.key, phone.deviceId)).status).toBe(201);
  });

  test("is over once its user is deleted", async () => {
    const { id, phone } = await newPhoneOwner(at, "key");
    await deleteUser(at.services, id, { actor: "admin" });
    expect(await phone.call("GET", "/prompts")).toMatchObject(OVER);
    expect(await openByKey(at, phone.key, phone.deviceId)).toMatchObject(NOT_A_DEVICE);
  });
});

describe("T90 a proof is for one call, one key and one minute", () => {
  type Proof = (key: PageKey, token: string) => Promise<string>;
  const of =
    (method: string, path: string, claims = {}): Proof =>
    (key, token) =>
      key.proof(method, path, { token, claims });
  const now = () => Math.floor(Date.now() / 1000);
  const path = "/approver/prompts";
  test.each<readonly [string, Proof]>([
    ["another method", of("POST", path)],
    ["another address", of("GET", "/approver/devices")],
    ["another host", of("GET", path, { htu: `https://evil.example${path}` })],
    ["another token", (key) => key.proof("GET", path, { token: "another" })],
    ["no token", (key) => key.proof("GET", path)],
    ["two minutes ago", (key, token) => of("GET", path, { iat: now() - 120 })(key, token)],
    ["two minutes on", (key, token) => of("GET", path, { iat: now() + 120 })(key, token)],
    ["no id", of("GET", path, { jti: undefined })],
    ["nothing that is a proof", async () => "no.proof.at-all"],
  ])("of %s it opens nothing", async (_, made) => {
    const { phone } = await newPhoneOwner(at);
    expect(await get(phone.token, await made(phone.key, phone.token))).toMatchObject(BAD_PROOF);
  });

  test("a query is no part of the address", async () => {
    const { phone } = await newPhoneOwner(at);
    expect((await phone.call("GET", "/activity?after=zz")).status).toBe(200);
  });
});

describe("T106 two realms never meet", () => {
  /** A user of another realm with a phone of a key. */
  async function foreigner() {
    const realm = parseRealm(fresh("realm")) as Realm;
    const { id } = await newOwner(at, realm);
    const ticket = await ticketFor(at, id, { realm, clientId: `@phone.${realm}` as never });
    const { phone } = await enrolPhone(at, ticket, "key");
    if (!phone) throw new Error("no phone");
    return { realm, id, phone };
  }

  test("a phone of one is shown and opens nothing of another", async () => {
    const [here, there] = [await newPhoneOwner(at, "key"), await foreigner()];
    expect(await there.phone.prompts()).toEqual([]);
    expect((await there.phone.call("GET", "/devices")).body.devices).toHaveLength(1);
    const path = `/devices/${here.phone.deviceId}/removal`;
    expect(await there.phone.act(path, "remove_device", { target: here.phone.deviceId })).toMatchObject(
      refusal(404, "unknown_device"),
    );
    expect(await openByKey(at, there.phone.key, here.phone.deviceId)).toMatchObject(NOT_A_DEVICE);
  });

  test("a ticket that names the user of another realm opens nothing", async () => {
    const [here, there] = [await newOwner(at), await foreigner()];
    for (const [id, realm] of [
      [here.id, there.realm],
      [there.id, MAIN],
    ] as const) {
      const { answer } = await enrolPhone(at, await ticketFor(at, id, { realm }));
      expect(answer).toMatchObject(refusal(410, "ticket_over"));
    }
    expect(mainOf(here.id).realm).toBe(MAIN);
  });
});
