import type { ConfigWire, DeviceWire, EventWire, PushTarget } from "../../../protocol/src/approver.ts";
import { canonicalJson } from "../../../protocol/src/canonical.ts";
import { type ActivityEvent, deviceOf, type PhoneDevice } from "./devices.ts";
import type { Seat } from "./seat.ts";
import { type Signing, signText } from "./signing.ts";

/** Leave for one more phone, for two minutes and once. */
export type Ticket = { readonly ticket: string; readonly url: string; readonly expiresAt: Date };

/** What this phone is woken at, as SHA-256 in base64url, to compare with its own. */
export type PushDigest = { readonly endpoint?: string; readonly fcm?: string };

export type Account = {
  devices(): Promise<readonly PhoneDevice[]>;
  rename(id: string, name: string): Promise<PhoneDevice>;
  /** Removes a device; what it had opened ends. Where it is this phone, its key is forgotten here. */
  remove(id: string): Promise<void>;
  /** Leave for one more phone, to be shown as a QR code. */
  ticket(): Promise<Ticket>;
  /** How many recovery codes are left. */
  recoveryCodes(): Promise<{ readonly left: number }>;
  /** Ten new ones, told this once. Older ones are good no more. */
  newRecoveryCodes(): Promise<readonly string[]>;
  /** What happened, the newest first. `after`: the `next` of the page before. */
  activity(options?: {
    readonly after?: string;
  }): Promise<{ readonly events: readonly ActivityEvent[]; readonly next?: string }>;
  push(): Promise<PushDigest>;
  /** How this phone is woken from now on; undefined: not at all. */
  setPush(target: PushTarget | undefined): Promise<void>;
};

type Use = "remove_device" | "let_in_device" | "recovery_codes";

const PUSH = "/approver/push-subscription";

/**
 * An act that changes what the person has: signed for one use in this minute, and good once. It is not repeated after a lost answer: the server
 * would refuse the same signature.
 */
async function act<T>(
  { seat, signing, config }: Powers,
  path: string,
  use: Use,
  more: { readonly target?: string } = {},
): Promise<T> {
  const { issuer, clock } = seat.line;
  // What is signed names the minute, so the server's clock has to be known before.
  if (!clock.isHeard()) await config();
  const phone = await seat.signedIn();
  const at = Math.floor(clock.now() / 1000);
  const text = canonicalJson({ v: 1, iss: issuer, use, device: phone.device.id, at, ...more });
  const signed = await signText(signing, phone, text);
  return await seat.call<T>({ method: "POST", path, body: { at, ...signed } });
}

export type Powers = {
  readonly seat: Seat;
  readonly signing: Signing;
  readonly config: () => Promise<ConfigWire>;
};

const pathOf = (id: string): string => `/approver/devices/${encodeURIComponent(id)}`;

/** The person's devices, codes and records, as this phone may see and change them. */
export function accountOf(powers: Powers): Account {
  const { seat } = powers;
  const get = <T>(path: string): Promise<T> => seat.call<T>({ method: "GET", path });
  return {
    async devices() {
      const { devices } = await get<{ readonly devices: readonly DeviceWire[] }>("/approver/devices");
      return devices.map(deviceOf);
    },
    async rename(id, name) {
      return deviceOf(await seat.call<DeviceWire>({ method: "PATCH", path: pathOf(id), body: { name } }));
    },
    async remove(id) {
      const { device } = await seat.signedIn();
      await act(powers, `${pathOf(id)}/removal`, "remove_device", { target: id });
      if (id === device.id) await seat.forget("removed");
    },
    async ticket() {
      const path = "/approver/tickets";
      const made = await act<{ ticket: string; url: string; expires_at: string }>(
        powers,
        path,
        "let_in_device",
      );
      return { ticket: made.ticket, url: made.url, expiresAt: new Date(made.expires_at) };
    },
    recoveryCodes: () => get("/approver/recovery-codes"),
    async newRecoveryCodes() {
      const path = "/approver/recovery-codes";
      return (await act<{ readonly codes: readonly string[] }>(powers, path, "recovery_codes")).codes;
    },
    async activity({ after } = {}) {
      const query = after === undefined ? "" : `?after=${encodeURIComponent(after)}`;
      const { events, next } = await get<{ events: readonly EventWire[]; next?: string }>(
        `/approver/activity${query}`,
      );
      const told = events.map((event) => ({ ...event, at: new Date(event.at) }));
      return { events: told, ...(next === undefined ? {} : { next }) };
    },
    push: () => get(PUSH),
    async setPush(target) {
      if (target === undefined) await seat.call({ method: "DELETE", path: PUSH });
      else await seat.call({ method: "PUT", path: PUSH, body: target });
    },
  };
}
