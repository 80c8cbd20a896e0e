import type { Device, DeviceKey } from "../../src/core/device/device.ts";
import { type ClientId, type DeviceId, MAIN, type UserId } from "../../src/core/ids.ts";

const utf8 = new TextEncoder();
export const fromHex = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
export const concat = (...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

/** DER: tag, shortest length, contents. */
export function der(tag: number, ...contents: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  const body = concat(...contents);
  const size = body.length.toString(16).replace(/^(.(..)*)$/, "0$1");
  const length = body.length < 128 ? [body.length] : [0x80 + size.length / 2, ...fromHex(size)];
  return concat([tag], length, body);
}

/** A DER INTEGER; `padding` puts that many needless zero bytes before it. */
export function derInteger(value: bigint, padding = 0): Uint8Array {
  const hex = value.toString(16).replace(/^(.(..)*)$/, "0$1");
  const sign = Number.parseInt(hex.slice(0, 2), 16) >= 0x80 ? [0] : [];
  return der(0x02, new Uint8Array(padding), sign, fromHex(hex));
}

export const ecdsaDer = (r: bigint, s: bigint): Uint8Array => der(0x30, derInteger(r), derInteger(s));

export const toNumber = (bytes: Uint8Array): bigint =>
  BigInt(`0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`);

/** SPKI of an RSA key from its numbers, well-formed whatever they are. */
export function rsaSpki(modulus: bigint, exponent: bigint, options: { padding?: number; oid?: string } = {}) {
  const algorithm = der(0x30, der(0x06, fromHex(options.oid ?? "2a864886f70d010101")), [0x05, 0x00]);
  const numbers = der(0x30, derInteger(modulus, options.padding), derInteger(exponent));
  return der(0x30, algorithm, der(0x03, [0], numbers));
}

/** PKCS #8 of the Ed25519 private key whose 32 bytes are all this one. */
export const ed25519Pkcs8 = (byte: number): Uint8Array =>
  concat(fromHex("302e020100300506032b657004220420"), new Uint8Array(32).fill(byte));

export type Signer = { readonly keyText: string; sign(message: string): Promise<Uint8Array> };

/** The signer of Cotter's test vectors: an Ed25519 private key of equal bytes. */
export async function ed25519Signer(byte: number): Promise<Signer> {
  const pkcs8 = ed25519Pkcs8(byte);
  const key = await crypto.subtle.importKey("pkcs8", pkcs8, "Ed25519", true, ["sign"]);
  const { x = "" } = (await crypto.subtle.exportKey("jwk", key)) as { x?: string };
  return {
    keyText: `${x.replaceAll("-", "+").replaceAll("_", "/")}=`,
    sign: async (message) => new Uint8Array(await crypto.subtle.sign("Ed25519", key, utf8.encode(message))),
  };
}

/** A P-256 phone; signs raw r ‖ s, as Web Crypto does. */
export async function p256Signer(): Promise<Signer> {
  return pairSigner({ name: "ECDSA", namedCurve: "P-256" }, { name: "ECDSA", hash: "SHA-256" });
}

export async function rsaSigner(): Promise<Signer> {
  const kind = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  return pairSigner({ ...kind, modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }, kind);
}

async function pairSigner(
  kind: Parameters<SubtleCrypto["generateKey"]>[0],
  parameters: { readonly name: string; readonly hash: string },
): Promise<Signer> {
  const pair = (await crypto.subtle.generateKey(kind, true, ["sign", "verify"])) as CryptoKeyPair;
  const spki = (await crypto.subtle.exportKey("spki", pair.publicKey)) as ArrayBuffer;
  return {
    keyText: new Uint8Array(spki).toBase64(),
    sign: async (message) =>
      new Uint8Array(await crypto.subtle.sign(parameters, pair.privateKey, utf8.encode(message))),
  };
}

export const rawToNumbers = (raw: Uint8Array): readonly [bigint, bigint] => [
  toNumber(raw.subarray(0, 32)),
  toNumber(raw.subarray(32)),
];
export const rawToDer = (raw: Uint8Array): Uint8Array => ecdsaDer(...rawToNumbers(raw));

export const enrolled = (key: DeviceKey, change: Partial<Device> = {}): Device => ({
  realm: MAIN,
  id: "0d0b4a3e-9c55-4f7f-8f0f-8a1011111111" as DeviceId,
  userId: "6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10" as UserId,
  key,
  name: "phone",
  kind: "MOBILE",
  door: "cotter",
  clientId: "11111111-2222-4333-8444-555555555555" as ClientId,
  enrolledAt: 1_767_225_600_000,
  ...change,
});
