import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";

/** Longest address that a client may name, in characters. */
const LONGEST = 2_048;

/** Names that never belong to the public internet (RFC 6761 §6.3, RFC 6762 §3, RFC 8375, ICANN's `.internal`, and what networks use). */
const PRIVATE_SUFFIXES = [
  "localhost",
  "local",
  "internal",
  "home.arpa",
  "localdomain",
  "lan",
  "home",
  "corp",
  "intranet",
  "private",
];

/** IPv4 blocks that are not public: first address and prefix length (IANA special-purpose registry, RFC 6890; RFC 5771). */
const PRIVATE_IPV4: readonly (readonly [readonly [number, number, number, number], number])[] = [
  [[0, 0, 0, 0], 8],
  [[10, 0, 0, 0], 8],
  [[100, 64, 0, 0], 10],
  [[127, 0, 0, 0], 8],
  [[169, 254, 0, 0], 16],
  [[172, 16, 0, 0], 12],
  [[192, 0, 0, 0], 24],
  [[192, 0, 2, 0], 24],
  [[192, 88, 99, 0], 24],
  [[192, 168, 0, 0], 16],
  [[198, 18, 0, 0], 15],
  [[198, 51, 100, 0], 24],
  [[203, 0, 113, 0], 24],
  [[224, 0, 0, 0], 3],
];

/** Inside 2000::/3, the only public block: first two groups and prefix length of what is not (RFC 6890; RFC 3849, 3056, 9637). */
const PRIVATE_IPV6: readonly (readonly [readonly [number, number], number])[] = [
  [[0x2001, 0x0000], 23],
  [[0x2001, 0x0db8], 32],
  [[0x2002, 0x0000], 16],
  [[0x3fff, 0x0000], 20],
];

/**
 * Reads an address that a client asks this service to call: webhook, CIBA ping, push endpoint (settled question 33, T97). Refused
 * unless it is an absolute https URL without credentials or fragment, on a public address or a name that looks public;
 * `allowPrivate` (development) also lets http and every host pass. What a name resolves to cannot be known here: DNS rebinding
 * stays a limit. The detail says what must be, and never repeats the text.
 */
export function readCallbackTarget(
  text: string,
  allowPrivate: boolean,
): Result<URL, RefusalOf<"malformed" | "not_allowed">> {
  // The URL parser drops or turns these characters, and would call another address than the one that is shown.
  const url = text.length > LONGEST || /[\s\\\p{Cc}]/u.test(text) ? null : URL.parse(text);
  if (url === null) return no({ code: "malformed", detail: "must be an absolute URL" });
  const fault = faultOf(url, text, allowPrivate);
  return fault === undefined ? ok(url) : no({ code: "not_allowed", detail: fault });
}

function faultOf(url: URL, text: string, allowPrivate: boolean): string | undefined {
  if (url.protocol !== "https:" && !(allowPrivate && url.protocol === "http:")) return "must be https";
  if (url.username !== "" || url.password !== "") return "must not hold credentials";
  if (text.includes("#")) return "must not have a fragment";
  return allowPrivate || isPublicHost(url.hostname) ? undefined : "must be a public host";
}

/** Whether a host, as the URL parser writes it (numbers in any base already dotted), may be on the public internet. */
export function isPublicHost(host: string): boolean {
  if (host.startsWith("[")) return isPublicIpv6(groupsOf(host.slice(1, -1)));
  const ipv4 = host.split(".").map(Number);
  if (/^[0-9.]+$/.test(host) && ipv4.length === 4) return isPublicIpv4(ipv4);
  // The trailing dot of a fully qualified name.
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  const labels = name.split(".");
  if (labels.length < 2 || labels.includes("")) return false;
  return !PRIVATE_SUFFIXES.some((suffix) => name === suffix || name.endsWith(`.${suffix}`));
}

const isPublicIpv4 = (bytes: readonly number[]): boolean =>
  !PRIVATE_IPV4.some(([first, length]) => sharesPrefix(bytes, first, 8, length));

/** Only global unicast: that leaves out loopback, link-local, unique local, multicast, IPv4-mapped and NAT64 (RFC 4291 §2.4). */
const isPublicIpv6 = (groups: readonly number[]): boolean =>
  sharesPrefix(groups, [0x2000], 16, 3) &&
  !PRIVATE_IPV6.some(([first, length]) => sharesPrefix(groups, first, 16, length));

/** Whether the first `length` bits of two addresses agree, given in parts of `width` bits. */
function sharesPrefix(a: readonly number[], b: readonly number[], width: number, length: number): boolean {
  for (let index = 0, left = length; left > 0; index += 1, left -= width) {
    const unused = Math.max(0, width - left);
    if ((a[index] ?? 0) >> unused !== (b[index] ?? 0) >> unused) return false;
  }
  return true;
}

/** The eight groups of an IPv6 address in the URL parser's spelling: hexadecimal, one `::` at most (WHATWG URL §3.5). */
function groupsOf(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const read = (part: string) =>
    part === "" ? [] : part.split(":").map((group) => Number.parseInt(group, 16));
  const front = read(head);
  if (tail === undefined) return front;
  const back = read(tail);
  return [...front, ...Array<number>(8 - front.length - back.length).fill(0), ...back];
}
