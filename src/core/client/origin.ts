import { INERT_SCHEMES } from "./schemes.ts";

const APP_ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/[a-z0-9._-]+(?::[0-9]{1,5})?$/;

/**
 * Whether this text is an origin that a page or an app's web view may send (RFC 6454 §6.2): `scheme://host[:port]` exactly as a
 * browser writes it, or `*` for every origin. `null`, a path or a default port are not.
 */
export function isAllowedOrigin(text: string): boolean {
  if (text === "*") return true;
  // A pattern would never equal what a browser sends.
  if (text.length > 300 || text.includes("*")) return false;
  if (/^https?:/.test(text)) return URL.parse(text)?.origin === text;
  const scheme = APP_ORIGIN.exec(text)?.[1];
  return scheme !== undefined && !INERT_SCHEMES.has(scheme);
}
