import fc from "fast-check";
import { expect, test } from "vitest";
import { toBase64Url } from "../../../src/core/base64.ts";
import type { Device } from "../../../src/core/device/device.ts";
import { readAuthenticatorData } from "../../../src/keys/authenticator-data.ts";
import { checkPasskey, readPasskey } from "../../../src/keys/passkeys.ts";
import {
  attested,
  bytes,
  coseRsa,
  integer,
  map,
  newAuthenticator,
  type Spoilt,
  words,
} from "../../fakes/authenticator.ts";

const asked = {
  challenge: toBase64Url(new TextEncoder().encode("a challenge of its own")),
  origin: "https://shop.example",
  rpId: "shop.example",
};
const ceremony = { challenge: asked.challenge, origins: [asked.origin], rpId: asked.rpId };

async function made(spoilt: Spoilt = {}, authenticator?: Awaited<ReturnType<typeof newAuthenticator>>) {
  authenticator ??= await newAuthenticator();
  const sent = await authenticator.create(asked, spoilt);
  const answer = {
    credentialId: sent.credential_id,
    clientData: sent.client_data,
    attestationData: sent.attestation_data,
  };
  return { authenticator, answer, read: await readPasskey(answer, ceremony) };
}

/** Flags: extensions; credential, extensions, verified, present. */
const EXTENDED = { creation: 0xc5, assertion: 0x85 };
const OUTPUTS = map([words("credProtect"), integer(2)]);

const SPOILT: readonly (readonly [string, Spoilt])[] = [
  ["of another ceremony", { type: "webauthn.payment" }],
  ["for another challenge", { challenge: toBase64Url(Uint8Array.of(1, 2, 3)) }],
  ["from another page", { origin: "https://evil.example" }],
  ["from a frame of another site", { crossOrigin: true }],
  ["for another rp id", { rpId: "evil.example" }],
  ["without a person present", { flags: 0x44 }],
  ["without a person verified", { flags: 0x41 }],
  ["from a frame that does not say so plainly", { clientData: { crossOrigin: "true" } }],
  ["from no origin", { clientData: { origin: null } }],
  ["for a challenge in another spelling", { challenge: `${asked.challenge}=` }],
  ["over a bound connection that is none", { clientData: { tokenBinding: { status: "present", id: "AA" } } }],
  ["with bytes behind", { behind: Uint8Array.of(0xa0) }],
  ["with extensions that are no map", { flags: 0xc5, behind: integer(1) }],
  ["backed up that cannot be", { flags: 0x55 }],
  ["cut short", { cut: 1 }],
  ["cut to nothing", { cut: 10_000 }],
];

/** An odd number of so many bits. */
function modulusOf(bits: number): Uint8Array {
  const number = new Uint8Array(Math.ceil(bits / 8)).fill(0xa5);
  number[0] = 1 << ((bits - 1) % 8);
  return number;
}

/** The map of four with a fifth member, the private exponent (RFC 8230 §4). */
const withMore = (cose: Uint8Array): Uint8Array =>
  Uint8Array.from([0xa5, ...cose.slice(1), ...integer(-3), ...bytes(modulusOf(2048))]);

test.each([2048, 3072, 4096])("an RS256 key of %i bits is read", async (bits) => {
  const { read } = await made({ key: coseRsa(modulusOf(bits)) });
  expect(read).toMatchObject({ ok: true, value: { key: { algorithm: "RSA" } } });
});

test("an RS256 passkey is read and its signature is good, and no other passkey's is", async () => {
  const authenticator = await newAuthenticator("RS256");
  const { read } = await made({}, authenticator);
  if (!read.ok) throw new Error(read.error.detail);
  expect(read.value.key.algorithm).toBe("RSA");
  const { key } = read.value;
  const verdict = async (sent: Awaited<ReturnType<typeof authenticator.get>>, signature = sent.signature) => {
    const { client_data: clientData, authenticator_data: authenticatorData } = sent;
    return (await checkPasskey({ key } as Device, { clientData, authenticatorData, signature }, ceremony)).ok;
  };
  const sent = await authenticator.get(asked);
  expect(await verdict(sent)).toBe(true);
  const other = await (await newAuthenticator("RS256")).get(asked);
  const short = await (await newAuthenticator()).get(asked);
  for (const signature of [other.signature, short.signature, "", "AA", `${sent.signature}AAAA`]) {
    expect(await verdict(sent, signature)).toBe(false);
  }
});

test("a passkey is read: its id, its key, its counter", async () => {
  const { authenticator, read } = await made({ count: 7 });
  expect(read).toMatchObject({
    ok: true,
    value: {
      credentialId: authenticator.credentialId,
      key: { algorithm: "EC" },
      signCount: 7,
      backupEligible: false,
      backedUp: false,
    },
  });
});

test.each([
  [0x45, false, false],
  [0x4d, true, false],
  [0x5d, true, true],
  // Bits 1 and 5 are for later use (WebAuthn §6.1).
  [0x67, false, false],
])("flags %i: what a new passkey tells of its backup", async (flags, backupEligible, backedUp) => {
  expect((await made({ flags })).read).toMatchObject({ ok: true, value: { backupEligible, backedUp } });
});

test("a passkey that could not be backed up stays so, and the other way round; whether it is may change", async () => {
  const authenticator = await newAuthenticator();
  for (const [at, later, verdict] of [
    [0x45, 0x05, { ok: true, value: { state: { signCount: 3, backupEligible: false, backedUp: false } } }],
    [0x45, 0x0d, { ok: false, error: { code: "bad_key" } }],
    [0x45, 0x1d, { ok: false, error: { code: "bad_key" } }],
    [0x5d, 0x05, { ok: false, error: { code: "bad_key" } }],
    [0x5d, 0x0d, { ok: true, value: { state: { signCount: 3, backupEligible: true, backedUp: false } } }],
    [0x4d, 0x1d, { ok: true, value: { state: { signCount: 3, backupEligible: true, backedUp: true } } }],
  ] as const) {
    const { read } = await made({ flags: at }, authenticator);
    if (!read.ok) throw new Error(read.error.detail);
    const sent = await authenticator.get(asked, { flags: later, count: 3 });
    const answer = {
      clientData: sent.client_data,
      authenticatorData: sent.authenticator_data,
      signature: sent.signature,
    };
    expect(await checkPasskey({ ...read.value } as unknown as Device, answer, ceremony)).toMatchObject(
      verdict,
    );
  }
});

test("takes extensions that nobody asked for, and a key that vouches for itself", async () => {
  const extended: Spoilt = { flags: EXTENDED.creation, behind: OUTPUTS };
  expect((await made(extended)).read.ok).toBe(true);
  const statement = map([words("alg"), integer(-7)], [words("sig"), bytes(new Uint8Array(70))]);
  expect((await made({ object: (data) => attested(data, "packed", statement) })).read.ok).toBe(true);
  expect((await signed({ flags: EXTENDED.assertion, behind: OUTPUTS })).ok).toBe(true);
});

const NOT_WHOLE: readonly (readonly [string, (data: Uint8Array) => Uint8Array])[] = [
  ["nothing but a number", () => integer(1)],
  ["no format", (data) => map([words("attStmt"), map()], [words("authData"), bytes(data)])],
  ["no statement", (data) => map([words("fmt"), words("none")], [words("authData"), bytes(data)])],
  ["a statement of none", (data) => attested(data, "none", map([words("x"), integer(1)]))],
  [
    "authenticator data as text",
    () => map([words("fmt"), words("none")], [words("attStmt"), map()], [words("authData"), words("x")]),
  ],
  ["bytes behind it", (data) => Uint8Array.from([...attested(data), 0])],
  [
    "a member twice",
    (data) => Uint8Array.from([0xa4, ...attested(data).slice(1), ...words("fmt"), ...words("none")]),
  ],
];

test.each(NOT_WHOLE)("refuses an attestation object with %s", async (_name, object) => {
  expect((await made({ object })).read).toMatchObject({ ok: false, error: { code: "bad_key" } });
});

/** Lists that claim 33 million items each: a reader that makes room for them first takes half a gigabyte. */
const HUGE = Uint8Array.from([0x9a, 1, 0xff, 0xff, 0xf0, 0x9a, 1, 0xff, 0xff, 0xf0]);

test("a key that claims to be huge takes no memory, new or in a signature", async () => {
  const before = process.memoryUsage().heapUsed;
  expect((await made({ key: HUGE })).read.ok).toBe(false);
  const behind = Uint8Array.from([...new Uint8Array(17), 16, ...new Uint8Array(16), ...HUGE]);
  expect((await signed({ flags: 0x45, behind })).ok).toBe(false);
  expect((await signed({ flags: EXTENDED.assertion, behind: HUGE })).ok).toBe(false);
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 * 1024 * 1024);
});

test.each([
  ...SPOILT,
  ["of a key off the curve", { cose: "off the curve" }],
  ["of a key with its private half", { cose: "with more" }],
  ["of a key whose algorithm is a text", { cose: "named" }],
  ["of a key in no map", { key: bytes(new Uint8Array(64)) }],
  ["of an id that is longer than what is there", { id: new Uint8Array(1023), cut: 1000 }],
  ["of a P-384 key", { cose: "P-384" }],
  ["of an RSA key of 1024 bits", { key: coseRsa(modulusOf(1024)) }],
  ["of an RSA key of 2047 bits", { key: coseRsa(modulusOf(2047)) }],
  ["of an RSA key of 4104 bits", { key: coseRsa(modulusOf(4104)) }],
  ["of an RSA key of 32,768 bits", { key: coseRsa(modulusOf(32_768)) }],
  ["of an RSA key with an even modulus", { key: coseRsa(modulusOf(2048).with(255, 2)) }],
  ["of an RSA key with the exponent 1", { key: coseRsa(modulusOf(2048), Uint8Array.of(1)) }],
  ["of an RSA key with an even exponent", { key: coseRsa(modulusOf(2048), Uint8Array.of(1, 0, 0)) }],
  ["of an RSA key without an exponent", { key: coseRsa(modulusOf(2048), new Uint8Array()) }],
  ["of an RSA key with a zero in front", { key: coseRsa(Uint8Array.of(0, ...modulusOf(2048))) }],
  [
    "of an RSA key whose exponent has a zero in front",
    { key: coseRsa(modulusOf(2048), Uint8Array.of(0, 1, 0, 1)) },
  ],
  ["of an RSA key for RS384", { key: coseRsa(modulusOf(2048), undefined, -258) }],
  ["of an RSA key for PS256", { key: coseRsa(modulusOf(2048), undefined, -37) }],
  ["of an RSA key for RS1", { key: coseRsa(modulusOf(2048), undefined, -65_535) }],
  ["of an RSA key that says it is ES256", { key: coseRsa(modulusOf(2048), undefined, -7) }],
  ["of an RSA key with its private half", { key: withMore(coseRsa(modulusOf(2048))) }],
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
  expect(await signed({ count: 9 })).toEqual({
    ok: true,
    // r and s: the signature as Web Crypto takes it.
    value: {
      state: { signCount: 9, backupEligible: false, backedUp: false },
      signature: expect.toSatisfy((bytes: Uint8Array) => bytes.length === 64),
    },
  });
});

test("authenticator data is read whole or refused: no part of it reads, and no changed byte is thrown at", async () => {
  let whole = new Uint8Array();
  await (await newAuthenticator()).create(asked, { object: (data) => (whole = data.slice()) });
  expect(readAuthenticatorData(whole, "creation")).toMatchObject({ signCount: 0, userVerified: true });
  for (let size = 0; size < whole.length; size++) {
    expect(typeof readAuthenticatorData(whole.slice(0, size), "creation")).toBe("string");
  }
  fc.assert(
    fc.property(
      fc.nat(whole.length - 1),
      fc.nat(255),
      fc.constantFrom("creation", "assertion"),
      (at, to, made) => {
        const read = readAuthenticatorData(whole.with(at, to), made);
        expect(typeof read === "string" || (read.credential !== undefined) === (made === "creation")).toBe(
          true,
        );
      },
    ),
    { numRuns: 5_000 },
  );
});

test.each([
  ...SPOILT,
  ["of a creation", { type: "webauthn.create" }],
  ["of a key that is backed up and cannot be", { flags: 0x15 }],
  ["with a credential in it", { flags: 0x45, behind: await credentialData() }],
] as const)("refuses a signature %s", async (_name, spoilt) => {
  expect((await signed(spoilt)).ok).toBe(false);
});

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

/** What a creation would hold behind the counter: a whole credential that nobody should find in a signature. */
async function credentialData(): Promise<Uint8Array> {
  let whole = new Uint8Array();
  await (await newAuthenticator()).create(asked, { object: (data) => (whole = data.slice()) });
  return whole.slice(37);
}
