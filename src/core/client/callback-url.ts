import { URI_LIMIT } from "./redirect-uri.ts";

const PRIVATE_NAME =
  /(?:^|\.)(?:localhost|localdomain|local|internal|intranet|private|corp|home|lan|home\.arpa)$/;
const IPV4 = /^(\d+)\.(\d+)\.(\d+)\.(\d+)$/;

/**
 * Why this text may not be an address that the service calls (webhook, CIBA ping, push), or undefined when it may: https, no
 * credentials or fragment, no private name or address literal (settled question 33, T97). `allowPrivate` lifts what is about
 * places and http, for development. What a public name resolves to cannot be known here.
 */
export function callbackUrlFault(text: string, allowPrivate: boolean): string | undefined {
  const url = text.length > URI_LIMIT ? null : URL.parse(text);
  if (url === null) return "must be an absolute URL";
  if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:")) return "must be https";
  if (url.username !== "" || url.password !== "") return "must not hold credentials";
  if (text.includes("#")) return "must not have a fragment";
  return allowPrivate || isPublicHost(url.hostname) ? undefined : "must be a public host";
}

/** `host` as the URL parser writes it, so that 127.1, 0x7f.1 and 2130706433 are 127.0.0.1 by now. */
function isPublicHost(host: string): boolean {
  if (host.startsWith("[")) return isPublicIpv6(host.slice(1, -1));
  const octets = IPV4.exec(host)?.slice(1).map(Number);
  if (octets) return isPublicIpv4(octets);
  const name = host.replace(/\.$/, "").toLowerCase();
  return name.includes(".") && !PRIVATE_NAME.test(name);
}

// IANA special-purpose address registry (RFC 6890).
function isPublicIpv4([a = 0, b = 0, c = 0]: readonly number[]): boolean {
  if (a === 0 || a === 10 || a === 127 || a >= 224) return false;
  if (a === 100) return b < 64 || b > 127;
  if (a === 169) return b !== 254;
  if (a === 172) return b < 16 || b > 31;
  if (a === 192) return b !== 168 && !(b === 0 && (c === 0 || c === 2)) && !(b === 88 && c === 99);
  if (a === 198) return b !== 18 && b !== 19 && !(b === 51 && c === 100);
  return !(a === 203 && b === 0 && c === 113);
}

/** Global unicast alone, without documentation, 6to4 and Teredo, which carry an IPv4 address inside. */
function isPublicIpv6(text: string): boolean {
  const [first = "", second = ""] = text.split(":");
  const high = Number.parseInt(first, 16);
  if (!(high >= 0x2000 && high <= 0x3fff) || high === 0x2002) return false;
  const low = second === "" ? 0 : Number.parseInt(second, 16);
  return high === 0x2001 ? low > 0x01ff && low !== 0x0db8 : !(high === 0x3fff && low <= 0x0fff);
}
