import { androidKey, type DeviceKey, ed25519Key, iosKey, oldAndroidKey } from "./keys.ts";

/**
 * What tells one vendor SDK's requests from another's (Cotter §3.1, tables "Method body" and "Event bodies"): which member names the
 * user, which members it leaves out, which headers it adds, how it spells a key in a path.
 */
export type Sdk = {
  readonly name: string;
  makeKey(): DeviceKey;
  headers(clientId: string): Readonly<Record<string, string>>;
  person(userId: string): Readonly<Record<string, string>>;
  /** `algorithm` of an event or a respond body. */
  algorithm(key: DeviceKey): Readonly<Record<string, string>>;
  /** `algorithm` of a removal. */
  readonly onRemoval: Readonly<Record<string, unknown>>;
  /** `ip` and `location` of an event body. */
  readonly place: Readonly<Record<string, unknown>>;
  /** The `{key}` segment of `/user/enrolled/…`. */
  pathKey(text: string): string;
  /** Members of a pending event that only this one sends. */
  pendingExtras(key: DeviceKey): Readonly<Record<string, unknown>>;
  readonly device: Readonly<Record<string, string>>;
  readonly event: string;
};

const ascii = (text: string) => Buffer.from(text, "ascii");
const UNKNOWN_PLACE = { ip: "unknown", location: "unknown" };
const paddedUrlSafe = (text: string) =>
  ascii(text).toString("base64").replaceAll("+", "-").replaceAll("/", "_");

const reactNative: Sdk = {
  name: "RN",
  makeKey: ed25519Key,
  headers: (clientId) => ({ API_KEY_ID: clientId }),
  person: (userId) => ({ client_user_id: userId }),
  algorithm: () => ({ algorithm: "ED25519" }),
  onRemoval: { algorithm: null, device_type: "Apple", device_name: "iPhone 12" },
  place: UNKNOWN_PLACE,
  pathKey: paddedUrlSafe,
  pendingExtras: () => ({}),
  device: { device_type: "Apple", device_name: "iPhone 12" },
  event: "LOGIN",
};

const flutter: Sdk = {
  ...reactNative,
  name: "FL",
  person: (userId) => ({ user_id: userId }),
  onRemoval: { algorithm: "ED25519", change_code: false, current_code: null },
  pathKey: (text) => ascii(text).toString("base64"),
  device: { device_type: "MOBILE", device_name: "Pixel 4" },
  event: "LOGIN_WITH_DEVICE",
};

/** The device-auth initialiser fills the secret header with the client's id (Cotter §2). */
const android: Sdk = {
  ...reactNative,
  name: "AND",
  makeKey: androidKey,
  headers: (clientId) => ({ API_KEY_ID: clientId, API_SECRET_KEY: clientId }),
  algorithm: (key) => ({ algorithm: key.algorithm }),
  onRemoval: { device_type: "MOBILE", device_name: "Pixel 4" },
  place: { ip: null as unknown },
  device: { device_type: "MOBILE", device_name: "Pixel 4" },
};

const oldAndroid: Sdk = { ...android, name: "AND before API 23", makeKey: oldAndroidKey };

const ios: Sdk = {
  ...reactNative,
  name: "IOS",
  makeKey: iosKey,
  headers: (clientId) => ({ API_KEY_ID: clientId, API_SECRET_KEY: "junk:\\u2028 %zz" }),
  algorithm: () => ({}),
  onRemoval: {},
  pathKey: (text) => ascii(text).toString("base64url"),
  pendingExtras: (key) => ({ approved: false, public_key: key.text }),
  device: {},
};

export const SDKS: readonly Sdk[] = [reactNative, flutter, android, oldAndroid, ios];
export const RN = reactNative;
