import { describe, expect, test } from "vitest";
import type { KeyAlgorithm } from "../../../src/core/device/device.ts";
import { readDeviceKey } from "../../../src/keys/device-keys.ts";
import { rawFromDer } from "../../../src/keys/ecdsa-signature.ts";
import {
  concat,
  der,
  derInteger,
  ecdsaDer,
  ed25519Signer,
  fromHex,
  p256Signer,
  rsaSpki,
  toNumber,
} from "../../fakes/device-signer.ts";

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const ZERO_X_Y = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
const P256_PRIME = "ffffffff00000001000000000000000000000000ffffffffffffffffffffffff";
const P256_HEADER = "3059301306072a8648ce3d020106082a8648ce3d03010703420004";
const wrapped = (text: string, width: number) => `${text.replace(new RegExp(`.{1,${width}}`, "g"), "$&\n")}`;

async function refusal(text: string, algorithm: KeyAlgorithm): Promise<string> {
  const read = await readDeviceKey(text, algorithm);
  return read.ok ? "accepted" : read.error.detail;
}

describe("Ed25519 keys", () => {
  const good = "iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=";

  test("the keys of the Cotter vectors are read", async () => {
    expect((await ed25519Signer(1)).keyText).toBe(good);
    expect((await ed25519Signer(2)).keyText).toBe("gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=");
    const read = await readDeviceKey(good, "Ed25519");
    if (!read.ok) throw new Error(read.error.detail);
    expect(read.value.bytes).toBe("iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w");
    const hash = await crypto.subtle.digest("SHA-256", Buffer.from(good, "base64"));
    expect(read.value.fingerprint).toBe(Buffer.from(hash).toString("base64url"));
  });

  test.each([
    ["trailing newline", `${good}\n`],
    ["leading space", ` ${good.slice(1)}`],
    ["no padding", good.slice(0, 43)],
    ["url alphabet", "gTl3Dqh9F19Wo1Rmw0x-zMuNipG07jeiXfYPW4_Js5Q="],
    ["bits that belong to no byte", `${good.slice(0, 42)}x=`],
    ["33 bytes", new Uint8Array(33).fill(7).toBase64()],
    ["31 bytes", new Uint8Array(31).fill(7).toBase64()],
    ["padding in the middle", `${good.slice(0, 20)}=${good.slice(21)}`],
    ["text after the padding", `${good}${good}`],
    ["nothing", ""],
  ])("a key text that is not canonical is refused: %s", async (_, text) => {
    expect(await refusal(text, "Ed25519")).toContain("44 characters of canonical base64");
  });

  const lastByte = (hex: string, sign: number) => {
    const bytes = fromHex(hex);
    bytes[31] = (bytes[31] ?? 0) | sign;
    return bytes.toBase64();
  };
  const smallOrder = [
    `01${"00".repeat(31)}`,
    `ec${"ff".repeat(30)}7f`,
    "00".repeat(32),
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    `ed${"ff".repeat(30)}7f`,
    `ee${"ff".repeat(30)}7f`,
  ];
  test.each(smallOrder)("a point of small order is refused, with either sign: %s", async (hex) => {
    for (const sign of [0, 0x80]) {
      expect(await refusal(lastByte(hex, sign), "Ed25519")).toBe("the key is a point of small order");
    }
  });

  test("a coordinate that is not reduced is refused", async () => {
    for (const low of ["ef", "f0", "ff"]) {
      for (const sign of [0, 0x80]) {
        const text = lastByte(`${low}${"ff".repeat(30)}7f`, sign);
        expect(await refusal(text, "Ed25519")).toBe("the key is not reduced");
      }
    }
    expect(await refusal(lastByte(`eb${"ff".repeat(30)}7f`, 0), "Ed25519")).toBe("accepted");
  });
});

describe("P-256 keys", () => {
  const spki = (x: string, y: string) => fromHex(P256_HEADER + x + y).toBase64();

  test("one key, however its lines are wrapped, has one fingerprint", async () => {
    const { keyText } = await p256Signer();
    const spelt = [keyText, wrapped(keyText, 76), wrapped(keyText, 64), `\r\n${wrapped(keyText, 5)} \t`];
    const read = await Promise.all(spelt.map((text) => readDeviceKey(text, "EC")));
    expect(new Set(read.map((key) => (key.ok ? key.value.fingerprint : key.error.detail))).size).toBe(1);
    expect(read.every((key) => key.ok)).toBe(true);
  });

  test("T26 ECDSA edge cases: a point off the curve, or not reduced, is no key", async () => {
    expect(await refusal(spki("00".repeat(32), ZERO_X_Y), "EC")).toBe("accepted");
    expect(await refusal(spki(P256_PRIME, ZERO_X_Y), "EC")).toBe("the point is not on the curve");
    expect(await refusal(spki("01".repeat(32), ZERO_X_Y), "EC")).toBe("the point is not on the curve");
    expect(await refusal(spki("00".repeat(32), "00".repeat(32)), "EC")).toBe("the point is not on the curve");
  });

  test("T26 ECDSA edge cases: P-384, a compressed point and a JWK with d are no keys", async () => {
    const kind = { name: "ECDSA", namedCurve: "P-384" };
    const pair = (await crypto.subtle.generateKey(kind, true, ["sign", "verify"])) as CryptoKeyPair;
    const p384 = (await crypto.subtle.exportKey("spki", pair.publicKey)) as ArrayBuffer;
    const jwk = JSON.stringify(await crypto.subtle.exportKey("jwk", pair.privateKey));
    const compressed = fromHex(
      `3039301306072a8648ce3d020106082a8648ce3d030107032200${"02"}${"00".repeat(32)}`,
    );
    const shape = "the key is not an uncompressed P-256 SubjectPublicKeyInfo";
    expect(await refusal(new Uint8Array(p384).toBase64(), "EC")).toBe(shape);
    expect(await refusal(compressed.toBase64(), "EC")).toBe(shape);
    for (const algorithm of ["Ed25519", "EC", "RSA"] as const) {
      expect(await refusal(jwk, algorithm)).toContain("canonical base64");
    }
  });

  test("other spellings of a good key are refused", async () => {
    const { keyText } = await p256Signer();
    const bytes = fromHex(Buffer.from(keyText, "base64").toString("hex"));
    const shape = "the key is not an uncompressed P-256 SubjectPublicKeyInfo";
    expect(await refusal(concat(bytes, [0]).toBase64(), "EC")).toBe(shape);
    expect(await refusal(concat([0x30, 0x81, 0x59], bytes.subarray(2)).toBase64(), "EC")).toBe(shape);
    expect(await refusal(bytes.subarray(26).toBase64(), "EC")).toBe(shape);
    const encoding = "the key is not canonical base64";
    expect(await refusal(keyText.replace(/=+$/, ""), "EC")).toBe(encoding);
    expect(await refusal(`${keyText}\u00a0`, "EC")).toBe(encoding);
    expect(await refusal(`-----BEGIN PUBLIC KEY-----\n${keyText}`, "EC")).toBe(encoding);
    expect(await refusal(`${keyText}${" ".repeat(1_024)}`, "EC")).toBe(encoding);
  });
});

describe("RSA keys", () => {
  const modulus = (bits: number): bigint => {
    const bytes = crypto.getRandomValues(new Uint8Array(Math.ceil(bits / 8)));
    const number = toNumber(bytes) % 2n ** BigInt(bits);
    return number | (1n << BigInt(bits - 1)) | 1n;
  };
  const text = (n: bigint, e: bigint, options = {}) => rsaSpki(n, e, options).toBase64();

  test("2048, 3072 and 4096 bits are read, wrapped or not", async () => {
    for (const bits of [2048, 3072, 4096]) {
      const key = text(modulus(bits), 65_537n);
      expect(await refusal(key, "RSA")).toBe("accepted");
      expect(await refusal(wrapped(key, 76), "RSA")).toBe("accepted");
    }
    expect(await refusal(text(modulus(2048), 3n), "RSA")).toBe("accepted");
  });

  test("other sizes, even numbers and small exponents are refused", async () => {
    for (const bits of [1024, 2047, 4097]) {
      expect(await refusal(text(modulus(bits), 65_537n), "RSA")).toBe("an RSA key has 2048 to 4096 bits");
    }
    expect(await refusal(text(modulus(2048) - 1n, 65_537n), "RSA")).toBe("the modulus is even");
    for (const exponent of [1n, 2n, 65_536n, 2n ** 33n + 1n]) {
      expect(await refusal(text(modulus(2048), exponent), "RSA")).toBe("the exponent is not fit");
    }
  });

  test("other spellings and other algorithms are refused", async () => {
    const n = modulus(2048);
    const shape = "the key is not a canonical RSA SubjectPublicKeyInfo";
    expect(await refusal(text(n, 65_537n, { padding: 1 }), "RSA")).toBe(shape);
    expect(await refusal(text(n, 65_537n, { oid: "2a864886f70d01010a" }), "RSA")).toBe(shape);
    expect(await refusal(concat(rsaSpki(n, 65_537n), [0]).toBase64(), "RSA")).toBe(shape);
    const bare = der(0x30, der(0x30, der(0x06, fromHex("2a864886f70d010101"))), der(0x03, [0], [0x30, 0]));
    expect(await refusal(bare.toBase64(), "RSA")).toBe(shape);
    expect(await refusal(crypto.getRandomValues(new Uint8Array(294)).toBase64(), "RSA")).toBe(shape);
    expect(await refusal((await p256Signer()).keyText, "RSA")).toBe(shape);
  });
});

describe("ECDSA signatures in DER", () => {
  test("T26 ECDSA edge cases: r and s from 1 to n-1 and nothing else", () => {
    expect(rawFromDer(ecdsaDer(1n, ORDER - 1n))).toEqual(
      concat(new Uint8Array(31), [1], fromHex((ORDER - 1n).toString(16))),
    );
    for (const wrong of [0n, ORDER, ORDER + 1n, 2n ** 256n]) {
      expect(rawFromDer(ecdsaDer(wrong, 1n))).toBeUndefined();
      expect(rawFromDer(ecdsaDer(1n, wrong))).toBeUndefined();
    }
    expect(rawFromDer(der(0x30, [0x02, 1, 0xff], derInteger(1n)))).toBeUndefined();
  });

  test("T26 ECDSA edge cases: only the shortest spelling", () => {
    const one = derInteger(1n);
    const spelt = [
      der(0x30, derInteger(1n, 1), one),
      der(0x30, one, derInteger(1n, 1)),
      concat(der(0x30, one, one), [0]),
      der(0x30, one, one, one),
      der(0x30, one),
      der(0x31, one, one),
      concat([0x30, 0x81, 6], one, one),
      concat([0x30, 0x80], one, one, [0, 0]),
      new Uint8Array(64).fill(1),
      new Uint8Array(0),
    ];
    expect(rawFromDer(der(0x30, one, one))).toHaveLength(64);
    for (const wrong of spelt) expect(rawFromDer(wrong), Buffer.from(wrong).toString("hex")).toBeUndefined();
  });
});
