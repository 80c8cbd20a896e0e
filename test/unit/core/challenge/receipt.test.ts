import { expect, test } from "vitest";
import { type Powers, signReceipt } from "../../../../src/core/challenge/receipt.ts";
import { SEALED_FOR, type Signed } from "../../../../src/core/challenge/signed.ts";
import type { Approver, ChallengeSpec, Decided } from "../../../../src/core/challenge/state.ts";
import { type ClientId, type DeviceId, type GrantId, NOBODY, type Realm } from "../../../../src/core/ids.ts";
import { specOf, USER } from "../../support/challenges.ts";

const DEVICE = "11111111-0000-4000-8000-111111111111" as DeviceId;
const JWK = { kty: "OKP", crv: "Ed25519", x: "key", alg: "EdDSA" };

const decided = (over: Partial<Decided> = {}): Decided => ({
  kind: "approve",
  approver: { kind: "device", deviceId: DEVICE },
  userId: USER,
  amr: ["pop"],
  at: 1_767_225_603_999,
  ...over,
});

/** What would be signed. */
async function claimsOf(
  over: Partial<Decided> = {},
  spec: Partial<ChallengeSpec> = {},
  kept?: Signed | "lost",
  reader: "client" | "waiter" = "client",
): Promise<Record<string, unknown>> {
  let claims: unknown;
  const powers = {
    clock: { now: () => 1_767_225_700_500 },
    config: { issuer: "https://sign.example" },
    keyring: {
      sign: async (lane: string, header: unknown, said: unknown) => {
        expect([lane, header]).toEqual(["standard", { typ: "receipt+jwt" }]);
        claims = said;
        return "signed";
      },
    },
    sealing: {
      open: async (...asked: string[]) => {
        expect(asked).toEqual(["sealed", SEALED_FOR, "random"]);
        return kept === "lost" ? undefined : JSON.stringify(kept);
      },
    },
    proofs: { publicKey: async () => JWK },
  } as unknown as Powers;
  const signed = kept && { signed: { sealed: "sealed", id: "random" } };
  const record = { spec: specOf(spec) };
  expect(await signReceipt(powers, record, decided({ ...over, ...signed }), reader)).toBe("signed");
  return claims as Record<string, unknown>;
}

test("times are whole seconds, and what was not asked is left out", async () => {
  const { id, clientId, createdAt } = specOf({ scope: "" });
  expect(await claimsOf({}, { scope: "" })).toEqual({
    iss: "https://sign.example",
    client_id: clientId,
    user_id: USER,
    iat: 1_767_225_700,
    jti: id,
    decision: "approve",
    decided_at: 1_767_225_603,
    approver: { kind: "device", device_id: DEVICE },
    amr: ["pop"],
    asked: { at: Math.floor(createdAt / 1_000), door: "cotter", purpose: "sign_in" },
  });
});

test("what the client asked for is in it, in its own words", async () => {
  const details = [{ type: "payment", amount: "1.00" }];
  const asked = {
    scope: "openid",
    bindingMessage: "Invoice 17",
    context: { details, secret: "of the door" },
  };
  expect((await claimsOf({}, asked)).asked).toMatchObject({
    scope: "openid",
    binding_message: "Invoice 17",
    authorization_details: details,
  });
  expect(JSON.stringify(await claimsOf({}, asked))).not.toContain("of the door");
});

test("a realm other than the main one is named, a user whom nobody knows is not", async () => {
  expect(await claimsOf({}, { realm: "shop" as Realm })).toMatchObject({ realm: "shop" });
  expect(await claimsOf({}, { realm: "main" as Realm })).not.toHaveProperty("realm");
  expect(await claimsOf({ userId: NOBODY })).not.toHaveProperty("user_id");
});

test.each<[Approver, object]>([
  [
    { kind: "firstEnrolment", deviceId: DEVICE },
    { kind: "first_enrolment", device_id: DEVICE },
  ],
  [
    { kind: "client", clientId: "shop" as ClientId },
    { kind: "client", client_id: "shop" },
  ],
  [{ kind: "code", identifierId: "of an address" }, { kind: "code" }],
  [{ kind: "session", sessionId: "of a browser" as GrantId, deviceId: DEVICE }, { kind: "session" }],
])("of another approver than a device the kind is told: %j", async (approver, told) => {
  const claims = await claimsOf({ approver });
  expect(claims.approver).toEqual(told);
  expect(claims).not.toHaveProperty("signed");
});

const key = { algorithm: "Ed25519", bytes: "AA" } as const;

test.each<[Signed, object]>([
  [{ form: "jws", key, jws: "a.b.c" }, { jws: "a.b.c" }],
  [
    { form: "text", key, text: "ada", signature: "AA" },
    { text: "ada", signature: "AA" },
  ],
  [
    { form: "webauthn", key, text: "ours", clientData: "c", authenticatorData: "a", signature: "s" },
    { text: "ours", client_data: "c", authenticator_data: "a", signature: "s" },
  ],
  [
    { form: "webauthn", key, clientData: "c", authenticatorData: "a", signature: "s" },
    { client_data: "c", authenticator_data: "a", signature: "s" },
  ],
])("a device's signature is told with its key: %j", async (signed, told) => {
  const claims = await claimsOf({}, {}, signed);
  expect(claims.signed).toEqual({ form: signed.form, key: JWK, ...told });
});

test("a waiter is told who decided, and neither what was asked nor what was signed", async () => {
  const signed: Signed = { form: "text", key, text: "ada", signature: "AA" };
  const claims = await claimsOf({}, { bindingMessage: "Invoice 17" }, signed, "waiter");
  expect(claims).toMatchObject({ decision: "approve", user_id: USER, approver: { device_id: DEVICE } });
  expect([claims.asked, claims.signed]).toEqual([undefined, undefined]);
});

test("no claim of a token names client or user: a check that looks at no type would take it for one", async () => {
  const claims = await claimsOf();
  expect([claims.aud, claims.sub]).toEqual([undefined, undefined]);
});

test("where the key that closed the signature is gone, the record is told without it", async () => {
  const claims = await claimsOf({}, {}, "lost");
  expect(claims).toMatchObject({ decision: "approve", approver: { kind: "device" } });
  expect(claims).not.toHaveProperty("signed");
});
