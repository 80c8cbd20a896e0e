import { expect, test } from "vitest";
import type { Device } from "../../src/core/device/device.ts";
import { toBase64Url } from "../../src/keys/base64.ts";
import { checkPasskey, readPasskey } from "../../src/keys/passkeys.ts";
import { newAuthenticator, type Spoilt } from "../fakes/authenticator.ts";

const asked = {
  challenge: toBase64Url(new TextEncoder().encode("a challenge of its own")),
  origin: "https://shop.example",
  rpId: "shop.example",
};
const ceremony = { challenge: asked.challenge, origins: [asked.origin], rpId: asked.rpId };

async function made(spoilt: Spoilt = {}) {
  const authenticator = await newAuthenticator();
  const sent = await authenticator.create(asked, spoilt);
  const answer = {
    credentialId: sent.credential_id,
    clientData: sent.client_data,
    attestationData: sent.attestation_data,
  };
  return { authenticator, answer, read: await readPasskey(answer, ceremony) };
}

const SPOILT: readonly (readonly [string, Spoilt])[] = [
  ["of another ceremony", { type: "webauthn.payment" }],
  ["for another challenge", { challenge: toBase64Url(Uint8Array.of(1, 2, 3)) }],
  ["from another page", { origin: "https://evil.example" }],
  ["from a frame of another site", { crossOrigin: true }],
  ["for another rp id", { rpId: "evil.example" }],
  ["without a person present", { flags: 0x44 }],
  ["without a person verified", { flags: 0x41 }],
  ["cut short", { cut: 1 }],
  ["cut to nothing", { cut: 10_000 }],
];

test("a passkey is read: its id, its key, its counter", async () => {
  const { authenticator, read } = await made({ count: 7 });
  expect(read).toMatchObject({
    ok: true,
    value: { credentialId: authenticator.credentialId, key: { algorithm: "EC" }, signCount: 7 },
  });
});

test.each([
  ...SPOILT,
  ["of a P-384 key", { cose: "P-384" }],
  ["of an RSA key", { cose: "RS256" }],
  ["of a key for ES384", { cose: "ES384" }],
  ["without credential data", { flags: 0x05 }],
  ["with an id that is too short", { id: new Uint8Array(15) }],
  ["with an id that is too long", { id: new Uint8Array(1024) }],
] as const)("refuses a new passkey %s", async (_name, spoilt) => {
  expect((await made(spoilt)).read).toMatchObject({ ok: false, error: { code: "bad_key" } });
});

test("refuses a new passkey under another id than its own, and what is not base64url", async () => {
  const { answer } = await made();
  for (const change of [{ credentialId: "AAAA" }, { clientData: "%" }, { attestationData: "AA==" }]) {
    expect((await readPasskey({ ...answer, ...change }, ceremony)).ok).toBe(false);
  }
});

async function signed(spoilt: Spoilt, change: object = {}) {
  const { authenticator, read } = await made();
  if (!read.ok) throw new Error(read.error.detail);
  const sent = await authenticator.get(asked, spoilt);
  const answer = {
    clientData: sent.client_data,
    authenticatorData: sent.authenticator_data,
    signature: sent.signature,
    ...change,
  };
  return await checkPasskey({ key: read.value.key } as Device, answer, ceremony);
}

test("a signature of the passkey is good, and tells the counter", async () => {
  expect(await signed({ count: 9 })).toEqual({ ok: true, value: { signCount: 9 } });
});

test.each([...SPOILT, ["of a creation", { type: "webauthn.create" }]] as const)(
  "refuses a signature %s",
  async (_name, spoilt) => {
    expect((await signed(spoilt)).ok).toBe(false);
  },
);

test.each([
  ["by another key", (await signedByOther()).signature],
  ["that is no DER", "AAAA"],
  ["that is not base64url", "+/=="],
])("refuses a signature %s", async (_name, signature) => {
  expect((await signed({}, { signature })).ok).toBe(false);
});

async function signedByOther() {
  return await (await newAuthenticator()).get(asked, { count: 1 });
}
