import { fromBase64Url } from "../core/base64.ts";

/** 32 secret bytes and the version that stands beside what was made with them. */
export type VersionedKey = { readonly version: number; readonly bytes: Uint8Array };

/** Versions of one secret; the first is current, the others still open what they closed. */
export type KeyVersions = readonly [VersionedKey, ...VersionedKey[]];

export type SecretKeys = {
  readonly keyEncryption: KeyVersions;
  readonly handle: KeyVersions;
  readonly pepper: Uint8Array;
};

/** The variables as the deployment has them. */
export type SecretVariables = {
  readonly KEY_ENCRYPTION_KEY?: string | undefined;
  readonly HANDLE_KEY?: string | undefined;
  readonly PEPPER?: string | undefined;
};

const KEY_LENGTH = 32;
const VERSION = /^[1-9][0-9]{0,8}$/;
const ONE_KEY = "32 bytes in canonical base64url";

/** Throws for a missing or malformed variable; says which one, never what it holds. */
export function parseSecretKeys(variables: SecretVariables): SecretKeys {
  return {
    keyEncryption: parseVersions("KEY_ENCRYPTION_KEY", variables.KEY_ENCRYPTION_KEY),
    handle: parseVersions("HANDLE_KEY", variables.HANDLE_KEY),
    pepper: parseBytes("PEPPER", present("PEPPER", variables.PEPPER), ONE_KEY),
  };
}

function parseVersions(name: string, value: string | undefined): KeyVersions {
  const form = `<version>:<${ONE_KEY}>, several separated by commas, the current one first`;
  const [current, ...older] = present(name, value)
    .split(",")
    .map((entry) => parseVersion(name, entry.trim(), form));
  if (current === undefined) throw new Error(`${name} must be ${form}`);
  const versions = new Set([current, ...older].map(({ version }) => version));
  if (versions.size !== older.length + 1) throw new Error(`${name} names one version twice`);
  return [current, ...older];
}

function parseVersion(name: string, entry: string, form: string): VersionedKey {
  const colon = entry.indexOf(":");
  const version = entry.slice(0, Math.max(colon, 0));
  if (!VERSION.test(version)) throw new Error(`${name} must be ${form}`);
  return { version: Number(version), bytes: parseBytes(name, entry.slice(colon + 1), form) };
}

function parseBytes(name: string, text: string, form: string): Uint8Array {
  const bytes = fromBase64Url(text);
  if (bytes?.length !== KEY_LENGTH) throw new Error(`${name} must be ${form}`);
  return bytes;
}

function present(name: string, value: string | undefined): string {
  if (value === undefined || value.trim() === "") throw new Error(`${name} is missing`);
  return value.trim();
}
