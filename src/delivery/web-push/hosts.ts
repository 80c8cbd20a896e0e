import { readCallbackTarget } from "../../core/client/callback-target.ts";

/** Push services of the browsers: Chrome and Edge elsewhere than on Windows, Firefox, Safari, Edge on Windows. `*.` stands for what is below. */
const KNOWN = [
  "fcm.googleapis.com",
  "updates.push.services.mozilla.com",
  "*.push.services.mozilla.com",
  "web.push.apple.com",
  "*.push.apple.com",
  "*.notify.windows.com",
] as const;

export type PushHosts = {
  /** Hosts of further push services: `host` on its scheme's own port, or `host:port`. */
  readonly more: readonly string[];
  /** Development: one of `more` may be http and private. */
  readonly allowPrivate: boolean;
};

const isOn = (pattern: string, host: string): boolean =>
  pattern.startsWith("*.") ? host.endsWith(pattern.slice(1)) : host === pattern;

/**
 * The address of a push service that this deployment knows; undefined for every other. A browser names it, so whoever has a device could
 * name any: only listed hosts are called, by https, and a private one only in development (T97).
 */
export function readEndpoint(text: string, { more, allowPrivate }: PushHosts): URL | undefined {
  const target = readCallbackTarget(text, allowPrivate);
  if (!target.ok) return undefined;
  const { host, protocol } = target.value;
  if (more.some((entry) => isOn(entry, host))) return target.value;
  return protocol === "https:" && KNOWN.some((pattern) => isOn(pattern, host)) ? target.value : undefined;
}
