import { fromBase64Url } from "../../core/base64.ts";

/** The keys that a browser gave with its subscription: a point of P-256 and 16 bytes, both base64url (RFC 8291 §2). */
export type ReaderKeys = { readonly p256dh: string; readonly auth: string };

/** What is drawn for one message, once. */
export type Drawn = { readonly pair: CryptoKeyPair; readonly salt: Uint8Array };

const CURVE = { name: "ECDH", namedCurve: "P-256" } as const;
const POINT_LENGTH = 65;
const AUTH_LENGTH = 16;
const SALT_LENGTH = 16;
/** The one record that the message is; what push services take is no longer (RFC 8291 §4). */
const RECORD_SIZE = 4_096;
const TAG_LENGTH = 16;
/** Ends the text of the last record (RFC 8188 §2). */
const LAST = 2;

const utf8 = new TextEncoder();

const joined = (...parts: readonly Uint8Array[]): Uint8Array => {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
};

/** The subscription's keys, opened; undefined when one is misspelt, too short or long, or no point of the curve. */
export async function readKeys(
  keys: ReaderKeys,
): Promise<{ readonly key: CryptoKey; readonly point: Uint8Array; readonly secret: Uint8Array } | undefined> {
  const [point, secret] = [fromBase64Url(keys.p256dh), fromBase64Url(keys.auth)];
  if (point?.length !== POINT_LENGTH || secret?.length !== AUTH_LENGTH) return undefined;
  try {
    // The platform checks that the point is on the curve.
    return { key: await crypto.subtle.importKey("raw", point, CURVE, true, []), point, secret };
  } catch {
    return undefined;
  }
}

async function draw(): Promise<Drawn> {
  const pair = (await crypto.subtle.generateKey(CURVE, true, ["deriveBits"])) as CryptoKeyPair;
  return { pair, salt: crypto.getRandomValues(new Uint8Array(SALT_LENGTH)) };
}

/** HKDF-SHA-256 (RFC 5869). */
async function derived(salt: Uint8Array, from: Uint8Array, info: Uint8Array, length: number) {
  const key = await crypto.subtle.importKey("raw", from, "HKDF", false, ["deriveBits"]);
  const bits = await crypto.subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, length * 8);
  return new Uint8Array(bits);
}

/**
 * A message that this subscription's browser alone can read: the body of content encoding `aes128gcm`, header included (RFC 8291, RFC 8188).
 * Undefined for keys that are none. The text may have 3,993 bytes. `drawn` is for a known answer; else it is new for each message.
 */
export async function encrypt(
  text: string,
  keys: ReaderKeys,
  drawn?: Drawn,
): Promise<Uint8Array | undefined> {
  const reader = await readKeys(keys);
  if (reader === undefined) return undefined;
  const { pair, salt } = drawn ?? (await draw());
  const sender = new Uint8Array((await crypto.subtle.exportKey("raw", pair.publicKey)) as ArrayBuffer);
  // The types of this runtime call the member `$public`; the runtime and the standard do not.
  const agreed = { name: "ECDH", public: reader.key } as SubtleCryptoDeriveKeyAlgorithm;
  const shared = new Uint8Array(await crypto.subtle.deriveBits(agreed, pair.privateKey, 256));
  const about = joined(utf8.encode("WebPush: info\0"), reader.point, sender);
  const material = await derived(reader.secret, shared, about, 32);
  const [cek, nonce] = await Promise.all([
    derived(salt, material, utf8.encode("Content-Encoding: aes128gcm\0"), 16),
    derived(salt, material, utf8.encode("Content-Encoding: nonce\0"), 12),
  ]);
  const record = joined(utf8.encode(text), Uint8Array.of(LAST));
  const header = headerOf(salt, sender);
  if (header.length + record.length + TAG_LENGTH > RECORD_SIZE) throw new Error("the message is too long");
  const key = await crypto.subtle.importKey("raw", cek, "AES-GCM", false, ["encrypt"]);
  const closed = await crypto.subtle.encrypt({ name: "AES-GCM", iv: nonce }, key, record);
  return joined(header, new Uint8Array(closed));
}

/** Salt, record size, and the sender's key as the key's id (RFC 8188 §2.1, RFC 8291 §4). */
function headerOf(salt: Uint8Array, sender: Uint8Array): Uint8Array {
  const size = new Uint8Array(4);
  new DataView(size.buffer).setUint32(0, RECORD_SIZE);
  return joined(salt, size, Uint8Array.of(sender.length), sender);
}
