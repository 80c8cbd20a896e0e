import { fromBase64Url, toBase64Url } from "../core/base64.ts";
import { Outage } from "../core/fault.ts";
import type { Sealing } from "../core/ports/secrets.ts";
import { joinParts } from "./parts.ts";
import type { KeyVersions, VersionedKey } from "./secret-keys.ts";

const IV_LENGTH = 12;
const LABEL = "sealing";
const utf8 = new TextEncoder();

/** HKDF-SHA-256 (RFC 5869): a key of its own for every purpose and id, so no two texts share one. */
async function derive({ bytes }: VersionedKey, purpose: string, id: string): Promise<CryptoKey> {
  const master = await crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveKey"]);
  const info = joinParts(LABEL, [purpose, id]);
  return await crypto.subtle.deriveKey(
    { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info },
    master,
    { name: "AES-GCM", length: 256 },
    false,
    ["encrypt", "decrypt"],
  );
}

/** Sealed texts are `<version>.<base64url of iv ‖ ciphertext>`; the first version closes, all open. */
export function makeSealing(versions: KeyVersions): Sealing {
  const [current] = versions;
  return {
    async seal(text, purpose, id) {
      const iv = crypto.getRandomValues(new Uint8Array(IV_LENGTH));
      const key = await derive(current, purpose, id);
      const closed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, key, utf8.encode(text));
      const joined = new Uint8Array(IV_LENGTH + closed.byteLength);
      joined.set(iv);
      joined.set(new Uint8Array(closed), IV_LENGTH);
      return `${current.version}.${toBase64Url(joined)}`;
    },
    async unseal(sealed, purpose, id) {
      try {
        return await open(versions, sealed, purpose, id);
      } catch (cause) {
        throw new Outage("a sealed text cannot be opened", { cause });
      }
    },
    open: (sealed, purpose, id) => open(versions, sealed, purpose, id).catch(() => undefined),
  };
}

async function open(versions: KeyVersions, sealed: string, purpose: string, id: string): Promise<string> {
  const dot = sealed.indexOf(".");
  const version = Number(sealed.slice(0, dot));
  const master = versions.find((candidate) => candidate.version === version);
  const bytes = fromBase64Url(sealed.slice(dot + 1));
  if (master === undefined || bytes === undefined) throw new Error("not a sealed text of ours");
  const key = await derive(master, purpose, id);
  const iv = bytes.subarray(0, IV_LENGTH);
  const opened = await crypto.subtle.decrypt({ name: "AES-GCM", iv }, key, bytes.subarray(IV_LENGTH));
  return new TextDecoder().decode(opened);
}
