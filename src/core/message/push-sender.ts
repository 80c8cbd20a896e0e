import { isPublicHost } from "../client/callback-target.ts";

/** A number instead of a name: nobody reads mail there. */
const NUMBER = /^[\d.]+$|^\[/;

/**
 * Whether push services can write to this deployment there (RFC 8292 §2.1): `mailto:` with one address, or `https:`, at a name of the public
 * internet. Apple answers 403 to `localhost`.
 */
export function isContact(text: string): boolean {
  const url = URL.parse(text);
  const mailbox = url?.protocol === "mailto:" ? /^[^@\s,?]+@([^@\s,?]+)$/.exec(text.slice(7)) : undefined;
  const host = mailbox?.[1]?.toLowerCase() ?? (url?.protocol === "https:" ? url.hostname : "");
  return !NUMBER.test(host) && isPublicHost(host);
}

/** The contact of a deployment: the operator's word, else its own address where that is one; undefined: Web Push is off. */
export const contactOf = (said: string | undefined, issuer: string): string | undefined =>
  said ?? (isContact(issuer) ? issuer : undefined);

/** What is used of a service account's key file, as the Google Cloud console gives it. */
export type ServiceAccount = {
  readonly project: string;
  readonly email: string;
  readonly keyId: string;
  /** PKCS #8 in DER. */
  readonly privateKey: Uint8Array;
};

const PROJECT = /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/;
const EMAIL = /^[A-Za-z0-9._-]+@[A-Za-z0-9.-]+\.gserviceaccount\.com$/;
const PEM = /^-----BEGIN PRIVATE KEY-----\s([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/;

/** Reads the JSON of a service account's key; undefined for anything else. Repeats nothing of it. */
export function readServiceAccount(text: string): ServiceAccount | undefined {
  try {
    const file = JSON.parse(text) as Record<string, unknown>;
    const [project, email, keyId, pem] = ["project_id", "client_email", "private_key_id", "private_key"].map(
      (name) => String(file[name] ?? ""),
    ) as [string, string, string, string];
    const base64 = PEM.exec(pem)?.[1]?.replaceAll(/\s/g, "");
    if (base64 === undefined || keyId === "" || !PROJECT.test(project) || !EMAIL.test(email))
      return undefined;
    return { project, email, keyId, privateKey: Uint8Array.fromBase64(base64) };
  } catch {
    return undefined;
  }
}
