import { createPublicKey, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";

/** A device's key as one of the SDKs holds it: its text, and signatures in that SDK's form (Cotter §5). */
export type DeviceKey = {
  /** `public_key` and `code` text, line breaks included. */
  readonly text: string;
  /** What that SDK writes when it enrols. */
  readonly algorithm: string;
  sign(message: string): string;
};

/** Base64 with a line feed after every `width` characters, and one at the end. */
const wrapped = (bytes: Uint8Array, width: number): string =>
  Buffer.from(bytes)
    .toString("base64")
    .replace(new RegExp(`.{1,${width}}`, "g"), "$&\n");

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const spki = (key: KeyObject): Uint8Array => key.export({ type: "spki", format: "der" });

const ANDROID_WIDTH = 76;
const IOS_WIDTH = 64;

/** React Native and Flutter: 32 raw bytes, 64 raw bytes. */
export function ed25519Key(): DeviceKey {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  return {
    text: base64(spki(publicKey).slice(-32)),
    algorithm: "ED25519",
    sign: (message) => base64(signBytes(null, Buffer.from(message), privateKey)),
  };
}

/** Android from API 23: P-256, both texts wrapped at 76 characters. */
export function androidKey(): DeviceKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    text: wrapped(spki(createPublicKey(privateKey)), ANDROID_WIDTH),
    algorithm: "EC",
    sign: (message) => wrapped(signBytes("sha256", Buffer.from(message), privateKey), ANDROID_WIDTH),
  };
}

/** Android before API 23: RSA, both texts wrapped at 76 characters. */
export function oldAndroidKey(): DeviceKey {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return {
    text: wrapped(spki(createPublicKey(privateKey)), ANDROID_WIDTH),
    algorithm: "RSA",
    sign: (message) => wrapped(signBytes("sha256", Buffer.from(message), privateKey), ANDROID_WIDTH),
  };
}

/** iOS: P-256, the key wrapped at 64 characters, the signature in one line. */
export function iosKey(): DeviceKey {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    text: wrapped(spki(createPublicKey(privateKey)), IOS_WIDTH),
    algorithm: "EC",
    sign: (message) => base64(signBytes("sha256", Buffer.from(message), privateKey)),
  };
}
