import { redirectUriFault } from "./redirect-uri.ts";

// RFC 8252 §7.3: the port of a loopback address is the app's to choose at run time; everything else is compared byte by byte.
const LOOPBACK = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]|localhost))(?::([0-9]{1,5}))?((?:[/?][^#]*)?)$/;
const HIGHEST_PORT = 65_535;

/**
 * Whether a client registered this redirect address: byte for byte (RFC 9700 §2.1), but for the port of `127.0.0.1`, `[::1]`
 * and `localhost`, which are three hosts and not one (T82, T83). What may not be registered does not match either.
 */
export function isRegisteredRedirect(registered: readonly string[], given: string): boolean {
  if (redirectUriFault(given) !== undefined) return false;
  if (registered.includes(given)) return true;
  const wanted = withoutPort(given);
  return wanted !== undefined && registered.some((text) => withoutPort(text) === wanted);
}

function withoutPort(text: string): string | undefined {
  const [, host, port, rest] = LOOPBACK.exec(text) ?? [];
  if (host === undefined || Number(port ?? 1) > HIGHEST_PORT || Number(port ?? 1) < 1) return undefined;
  return `${host}${rest}`;
}
