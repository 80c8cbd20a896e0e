import { beforeAll, describe, expect, test } from "vitest";
import { toBase64Url } from "../../../src/core/base64.ts";
import type { DeviceKey, KeyAlgorithm } from "../../../src/core/device/device.ts";
import type { UserId } from "../../../src/core/ids.ts";
import type { Prover } from "../../../src/core/ports/secrets.ts";
import { makeClientSecrets } from "../../../src/keys/client-secrets.ts";
import { makeProofs } from "../../../src/keys/proofs.ts";
import { parseSecretKeys } from "../../../src/keys/secret-keys.ts";
import {
  concat,
  der,
  derInteger,
  ecdsaDer,
  ed25519Signer,
  enrolled,
  p256Signer,
  rawToDer,
  rawToNumbers,
  rsaSigner,
  type Signer,
  toNumber,
} from "../../fakes/device-signer.ts";
import { keyText, randomChance, secretKeys } from "../../fakes/signing-keys.ts";

const proofs = makeProofs();
/** The user whose device `enrolled` makes. */
const holder: Prover = { id: enrolled({} as DeviceKey).userId, status: "active" };
const PREFIX = "6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a1011111111-2222-4333-8444-555555555555";
const APPROVE = `${PREFIX}LOGIN1767225600TRUSTED_DEVICEtrue`;
const REJECT = `${PREFIX}LOGIN1767225600TRUSTED_DEVICEfalse`;
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

async function keyOf(text: string, algorithm: KeyAlgorithm): Promise<DeviceKey> {
  const read = await proofs.readKey(text, algorithm);
  if (!read.ok) throw new Error(read.error.detail);
  return read.value;
}

async function verdict(key: DeviceKey, message: string, signature: string): Promise<string> {
  const checked = await proofs.device(holder, enrolled(key), message, signature, "approve");
  return checked.ok ? "verified" : checked.error.code;
}

describe("Ed25519 proofs", () => {
  const approved = "hCXa7nGIOUeCxjAWN48Csj/OkDtYyttWehQC6Z1KHIUGHjmSjgtgWgOH4EQGsmozxYppLIuRBOhkOBuNTfU0Ag==";
  const rejected = "Sx+HDkRoOrqytDOMT/6W6cSM57LFfVgoXoWFuTGXXTDFTFrFqfS2EeSN3B6a/4woNgbCONi5pJ1dLGYkwFimCQ==";
  const enrols = "5G9Fg7FjLwmiExmMk+wHijBsP262x1maLINykDKCI7M6hbzvzZqzpcL5Z5jQioLo7q4UJKoX86hanYuoVWHHDQ==";
  let key: DeviceKey;
  let other: DeviceKey;
  beforeAll(async () => {
    key = await keyOf("iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=", "Ed25519");
    other = await keyOf((await ed25519Signer(2)).keyText, "Ed25519");
  });

  test("the Cotter vectors verify, each over its own message only", async () => {
    const newKey = "gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=";
    const enrol = `${PREFIX}ENROLL_NEW_TRUSTED_DEVICE1767225600TRUSTED_DEVICEtrue${newKey}`;
    const vectors = [
      [APPROVE, approved],
      [REJECT, rejected],
      [enrol, enrols],
    ] as const;
    for (const [message] of vectors) {
      for (const [signed, signature] of vectors) {
        expect(await verdict(key, message, signature)).toBe(
          message === signed ? "verified" : "bad_signature",
        );
      }
    }
    expect(await verdict(other, APPROVE, approved)).toBe("bad_signature");
    expect((await (await ed25519Signer(1)).sign(APPROVE)).toBase64()).toBe(approved);
  });

  test("the proof says who, what and since when, and its digest depends on key and message alone", async () => {
    const device = enrolled(key);
    const proof = await proofs.device(holder, device, APPROVE, approved, "approve");
    expect(proof).toEqual({
      ok: true,
      value: {
        kind: "device",
        deviceId: device.id,
        userId: device.userId,
        clientId: device.clientId,
        realm: device.realm,
        decision: "approve",
        enrolledAt: device.enrolledAt,
        digest: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/),
        amr: ["pop"],
        signed: {
          form: "text",
          key: { algorithm: "Ed25519", bytes: key.bytes },
          text: APPROVE,
          signature: toBase64Url(Uint8Array.fromBase64(approved)),
        },
      },
    });
    const digests = [proof, await proofs.device(holder, device, REJECT, rejected, "deny")];
    expect(new Set(digests.map((one) => one.ok && one.value.digest)).size).toBe(2);
  });

  test("a revoked device's good signature is refused", async () => {
    const device = enrolled(key, { revokedAt: 1_767_225_600_001 });
    const checked = await proofs.device(holder, device, APPROVE, approved, "approve");
    expect(checked).toEqual({ ok: false, error: { code: "device_revoked" } });
  });

  test("a locked user denies, but no approval of theirs has a proof, whoever vouches", async () => {
    const locked: Prover = { ...holder, status: "locked" };
    const device = enrolled(key);
    const refused = { ok: false, error: { code: "user_locked" } };
    expect(await proofs.device(locked, device, APPROVE, approved, "approve")).toEqual(refused);
    expect(await proofs.device(locked, device, APPROVE, rejected, "approve")).toMatchObject({
      error: { code: "bad_signature" },
    });
    expect(await proofs.device(locked, device, REJECT, rejected, "deny")).toMatchObject({ ok: true });
    const typed = { kind: "code", identifierId: "one", digest: "digest", amr: ["otp"] } as const;
    expect(proofs.vouch(locked, { ...typed, decision: "approve" })).toEqual(refused);
    expect(proofs.vouch(locked, { ...typed, decision: "deny" })).toMatchObject({
      value: { userId: holder.id },
    });
  });

  test("a device proves nothing for another user", async () => {
    const other = { ...holder, id: "other" as UserId };
    expect(await proofs.device(other, enrolled(key), APPROVE, approved, "approve")).toEqual({
      ok: false,
      error: { code: "device_of_another_user" },
    });
  });

  test("T26 ECDSA edge cases: a signature of 63 or 65 bytes, or of another spelling", async () => {
    const raw = await (await ed25519Signer(1)).sign(APPROVE);
    expect(
      await verdict(key, APPROVE, `${raw.toBase64().slice(0, 40)}\n ${raw.toBase64().slice(40)}\n`),
    ).toBe("verified");
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const s = toNumber(raw.slice(32).reverse()) + order;
    const highS = Uint8Array.from({ length: 32 }, (_, index) => Number((s >> BigInt(8 * index)) & 255n));
    const wrong = [
      raw.subarray(0, 63).toBase64(),
      concat(raw, [0]).toBase64(),
      concat(raw.subarray(0, 32), highS).toBase64(),
      raw.toBase64().replace(/=+$/, ""),
      raw.toBase64().replaceAll("/", "_"),
      raw.toBase64().replace(/g==$/, "h=="),
      "",
      "=",
      "not base64 at all",
    ];
    for (const text of wrong) expect(await verdict(key, APPROVE, text), text).toBe("bad_signature");
  });

  test("settled 9: the runtime verifies a forgery over the identity point, so such a key is never enrolled", async () => {
    const identity = concat([1], new Uint8Array(31));
    const forged = concat([1], new Uint8Array(63));
    const imported = await crypto.subtle.importKey("raw", identity, "Ed25519", false, ["verify"]);
    const message = new TextEncoder().encode("anything at all");
    expect(await crypto.subtle.verify("Ed25519", imported, forged, message)).toBe(true);
    expect(await proofs.readKey(identity.toBase64(), "Ed25519")).toEqual({
      ok: false,
      error: { code: "bad_key", detail: "the key is a point of small order" },
    });
  });
});

describe("ECDSA proofs", () => {
  let phone: Signer;
  let key: DeviceKey;
  let raw: Uint8Array;
  beforeAll(async () => {
    phone = await p256Signer();
    key = await keyOf(phone.keyText.replace(/.{64}/g, "$&\n"), "EC");
    raw = await phone.sign(APPROVE);
  });

  test("T26 ECDSA edge cases: DER verifies, raw and out-of-range numbers do not", async () => {
    const [r, s] = rawToNumbers(raw);
    expect(await verdict(key, APPROVE, rawToDer(raw).toBase64())).toBe("verified");
    expect(await verdict(key, REJECT, rawToDer(raw).toBase64())).toBe("bad_signature");
    const wrong = [
      raw,
      raw.subarray(0, 63),
      concat(raw, [0]),
      ecdsaDer(0n, s),
      ecdsaDer(r, 0n),
      ecdsaDer(0n, 0n),
      ecdsaDer(ORDER, s),
      ecdsaDer(r, ORDER),
      ecdsaDer(r + ORDER, s),
      der(0x30, derInteger(r, 1), derInteger(s)),
      der(0x30, derInteger(r), derInteger(s, 1)),
      concat(rawToDer(raw), [0]),
    ];
    for (const bytes of wrong) expect(await verdict(key, APPROVE, bytes.toBase64())).toBe("bad_signature");
  });

  test("T26 ECDSA edge cases: high s is accepted, and its digest is that of low s", async () => {
    const [r, s] = rawToNumbers(raw);
    const both = [ecdsaDer(r, s), ecdsaDer(r, ORDER - s)];
    const checked = await Promise.all(
      both.map((bytes) => proofs.device(holder, enrolled(key), APPROVE, bytes.toBase64(), "approve")),
    );
    expect(checked.map((one) => one.ok)).toEqual([true, true]);
    expect(new Set(checked.map((one) => one.ok && one.value.digest)).size).toBe(1);
  });

  test("T26 ECDSA edge cases: points off the curve and unreduced ones are refused here too", async () => {
    const bytes = Uint8Array.from(atob(phone.keyText), (character) => character.charCodeAt(0));
    const off = Uint8Array.from(bytes, (byte, index) => (index === 90 ? byte ^ 1 : byte));
    expect((await proofs.readKey(off.toBase64(), "EC")).ok).toBe(false);
    expect((await proofs.readKey(bytes.toBase64(), "EC")).ok).toBe(true);
  });
});

describe("RSA proofs", () => {
  test("PKCS #1 v1.5 with SHA-256 verifies, another length or message does not", async () => {
    const phone = await rsaSigner();
    const key = await keyOf(phone.keyText, "RSA");
    const signature = await phone.sign(APPROVE);
    expect(await verdict(key, APPROVE, signature.toBase64().replace(/.{76}/g, "$&\n"))).toBe("verified");
    expect(await verdict(key, REJECT, signature.toBase64())).toBe("bad_signature");
    expect(await verdict(key, APPROVE, signature.subarray(1).toBase64())).toBe("bad_signature");
    expect(await verdict(key, APPROVE, concat([0], signature).toBase64())).toBe("bad_signature");
  });
});

describe("client secrets", () => {
  const secrets = makeClientSecrets({ secretKeys, chance: randomChance });

  test("T67 at rest: what is kept of a secret does not hold it, and gives it back only with the key", async () => {
    const { secret, kept } = await secrets.make();
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    const bytes = Uint8Array.from(atob(secret.replaceAll("-", "+").replaceAll("_", "/")), (c) =>
      c.charCodeAt(0),
    );
    const dump = JSON.stringify(kept);
    expect(dump).not.toContain(secret);
    expect(dump).not.toContain(bytes.toBase64());
    expect(await secrets.hash(secret)).toBe(kept.hash);
    expect(await secrets.unseal(kept.sealed)).toBe(secret);
    const stranger = parseSecretKeys({
      KEY_ENCRYPTION_KEY: `1:${keyText(0x55)}`,
      HANDLE_KEY: `1:${keyText(0x22)}`,
      PEPPER: keyText(0x66),
    });
    const foreign = makeClientSecrets({ secretKeys: stranger, chance: randomChance });
    await expect(foreign.unseal(kept.sealed)).rejects.toThrow("cannot be opened");
    expect(await foreign.hash(secret)).not.toBe(kept.hash);
  });

  test("a sealed secret is opened by the version that closed it, and not when it was altered", async () => {
    const { secret, kept } = await secrets.make();
    const rotated = parseSecretKeys({
      KEY_ENCRYPTION_KEY: `2:${keyText(0x55)},1:${keyText(0x11)}`,
      HANDLE_KEY: `1:${keyText(0x22)}`,
      PEPPER: keyText(0x33),
    });
    const later = makeClientSecrets({ secretKeys: rotated, chance: randomChance });
    expect(await later.unseal(kept.sealed)).toBe(secret);
    const fresh = await later.make();
    expect(fresh.kept.sealed).toMatch(/^2\./);
    for (const wrong of [
      kept.sealed.replace(/^1/, "2"),
      kept.sealed.replace(/^1/, "3"),
      kept.sealed.slice(2),
      "",
    ]) {
      await expect(later.unseal(wrong)).rejects.toThrow("cannot be opened");
    }
  });

  test("secrets are compared whatever their lengths", async () => {
    expect(await secrets.equal("same", "same")).toBe(true);
    for (const [a, b] of [
      ["same", "sama"],
      ["same", "same "],
      ["", "x"],
      ["x".repeat(5_000), "x"],
    ] as const) {
      expect(await secrets.equal(a, b)).toBe(false);
    }
    expect(await secrets.equal("", "")).toBe(true);
  });
});
