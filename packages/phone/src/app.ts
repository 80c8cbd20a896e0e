import { canonicalJson, type JsonValue } from "@countersign/protocol/canonical";
import {
  type Answer,
  callAsDevice,
  callByKey,
  callOpen,
  jws,
  OFFLINE,
  type Refused,
  serverNow,
} from "./api.ts";
import { signText } from "./passkey.ts";
import { forgetMe, type Me, saveMe } from "./store.ts";
import type { Config, Session } from "./wire.ts";
import { momentOf, put, words } from "./words.ts";

/** The page's own state: the service that it belongs to, and what this browser is there. */
export type App = {
  readonly config: Config;
  /** This browser reads QR codes by itself. */
  readonly canScan: boolean;
  me: Me;
  /** Why this browser is nobody's phone any more, where it was. */
  lost?: "over" | "removed" | "locked";
  /** Called when it is nobody's phone any more, whichever call has found that out. */
  readonly ended: () => void;
};

/** This build of the page, which is named in all that is signed here. */
declare const BUILD: string;
export const build: string = BUILD;

/** Keeps a session that was opened for a device of this kind. */
export async function keepSession(
  app: App,
  { token, device, account }: Session,
  credentialId: string | undefined,
  key: CryptoKeyPair = app.me.key,
): Promise<void> {
  const own = credentialId === undefined ? {} : { credentialId };
  delete app.lost;
  app.me = {
    key,
    token,
    account,
    device: { id: device.id, kind: credentialId === undefined ? "key" : "passkey", ...own },
  };
  await saveMe(app.me);
}

export async function forget(app: App, why?: App["lost"]): Promise<void> {
  app.me = await forgetMe();
  if (why) app.lost = why;
  app.ended();
}

/** Ends the session and keeps the key, so that the same passkey goes on with it. */
async function endSession(app: App): Promise<void> {
  app.me = { key: app.me.key };
  app.lost = "over";
  await saveMe(app.me);
  app.ended();
}

/** A key opens another session by itself; a passkey asks its person. */
async function renew(app: App): Promise<boolean> {
  const { device } = app.me;
  if (!device) return false;
  if (device.kind !== "key") {
    await endSession(app);
    return false;
  }
  const opened = await callByKey<Session>(app.me, app.config.issuer, "/approver/sessions", {
    device_id: device.id,
  });
  if (opened.ok) {
    await keepSession(app, opened.value, undefined);
    return true;
  }
  if (opened.code === "not_a_device") await forget(app, "removed");
  // The key stays: the account may be unlocked again.
  if (opened.code === "user_locked") {
    app.lost = "locked";
    app.ended();
  }
  return false;
}

/** A call of this device. Where its session is over, a new one is opened if that takes nobody. */
export async function call<T>(app: App, method: string, path: string, body?: unknown): Promise<Answer<T>> {
  const { issuer } = app.config;
  const first = await callAsDevice<T>(app.me, issuer, method, path, body);
  if (first.ok || first.status !== 401) return first;
  if (first.code === "session_over" && !(await renew(app))) return first;
  // A proof that did not fit may have been of a wrong clock, which is known now.
  return await callAsDevice<T>(app.me, issuer, method, path, body);
}

export const isOffline = ({ code }: Refused): boolean => code === OFFLINE;

/** Words for a refusal that has no words of its own where it comes up. */
export function troubleOf(refused: Refused): string {
  if (isOffline(refused)) return words.offline;
  const { code, more } = refused;
  if (code === "user_locked") return words.start.locked;
  return code === "too_many" ? put(words.tooMany, { until: momentOf(String(more.until)) }) : words.trouble;
}

export const isOver = (app: App): boolean => app.me.device === undefined || app.lost === "locked";

export const loadConfig = (): Promise<Answer<Config>> => callOpen<Config>("GET", "/approver/config");

/** What this device signs of a value: the spelling of RFC 8785, by its passkey or its own key. */
export async function sign(
  app: App,
  value: { readonly [name: string]: JsonValue | undefined },
): Promise<object> {
  const text = canonicalJson(value);
  const { device } = app.me;
  if (!device) throw new Error("this browser is nobody's phone");
  if (device.kind === "key" || device.credentialId === undefined) {
    return { signature: await jws(app.me, { alg: "ES256", kid: device.id, typ: "countersign+jws" }, text) };
  }
  return { passkey: await signText(text, device.credentialId, app.config.rp_id ?? location.hostname) };
}

/** An act that changes what the person has: signed for one use in this minute. */
export async function act<T>(
  app: App,
  path: string,
  use: "remove_device" | "let_in_device" | "recovery_codes",
  more: { readonly target?: string } = {},
): Promise<Answer<T>> {
  const at = Math.floor(serverNow() / 1000);
  const device = app.me.device?.id ?? "";
  const signed = await sign(app, { v: 1, iss: app.config.issuer, use, device, at, ...more });
  return await call<T>(app, "POST", path, { at, ...signed });
}
