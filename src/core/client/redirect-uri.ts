import { INERT_SCHEMES } from "./schemes.ts";

export const URI_LIMIT = 2_048;

const SCHEME = /^([a-z][a-z0-9+.-]*):./i;
// RFC 8252 §7.3, and §8.3 for localhost: a name can be made to point elsewhere, but some apps can send nothing else.
const LOOPBACK = /^http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost)(?::[0-9]{1,5})?(?:[/?]|$)/;
const WEB = /^https:\/\/[^/?]/i;
const PRINTABLE = /^[\x21-\x7e]+$/;

/**
 * Why this text may not be a redirect URI, or undefined when it may: absolute, without fragment, credentials or wildcard; https,
 * http for a loopback literal or `localhost` alone, or an app's own scheme (RFC 6749 §3.1.2, RFC 8252 §7, T82, T83).
 */
export function redirectUriFault(text: string): string | undefined {
  if (text.length > URI_LIMIT) return "too long";
  if (!PRINTABLE.test(text) || /[\\*]/.test(text)) return "must be printable ASCII without \\ and *";
  if (text.includes("#")) return "must not have a fragment";
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  const url = URL.parse(text);
  if (scheme === undefined || url === null) return "must be an absolute URI";
  if (INERT_SCHEMES.has(scheme)) return "this scheme is not allowed";
  if (url.username !== "" || url.password !== "") return "must not hold credentials";
  if (scheme === "http")
    return LOOPBACK.test(text) ? undefined : "http is for 127.0.0.1, [::1] and localhost alone";
  if (scheme === "https") return WEB.test(text) ? undefined : "must name a host";
  return undefined;
}
