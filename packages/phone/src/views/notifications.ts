import { fromBase64Url, toBase64Url, utf8 } from "../../../countersign/src/phone/bytes.ts";
import { tried } from "../answers.ts";
import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { words } from "../words.ts";
import { backLink, button, heading, notePlace, type View } from "./parts.ts";

const { notifications: said } = words;

const canPush = (): boolean =>
  "serviceWorker" in navigator && "PushManager" in globalThis && "Notification" in globalThis;

const subscription = async (): Promise<PushSubscription | null> =>
  (await navigator.serviceWorker.ready).pushManager.getSubscription();

async function put(app: App, made: PushSubscription): Promise<boolean> {
  const { endpoint, keys } = made.toJSON();
  const { p256dh = "", auth = "" } = keys ?? {};
  return (await tried(app.phone.setPush({ endpoint: endpoint ?? "", keys: { p256dh, auth } }))).ok;
}

/** Whether a subscription is for this service's key: a browser takes no other beside it. */
function isFor({ options }: PushSubscription, publicKey: string): boolean {
  const { applicationServerKey: key } = options;
  return key === null || toBase64Url(key) === publicKey;
}

async function subscribe(app: App, publicKey: string): Promise<boolean> {
  const { pushManager } = await navigator.serviceWorker.ready;
  const before = await pushManager.getSubscription();
  if (before && !isFor(before, publicKey)) await before.unsubscribe();
  const made = await pushManager.subscribe({
    userVisibleOnly: true,
    applicationServerKey: fromBase64Url(publicKey),
  });
  return await put(app, made);
}

const digestOf = async (text: string): Promise<string> =>
  toBase64Url(await crypto.subtle.digest("SHA-256", utf8(text)));

/** Browsers withdraw and renew subscriptions by themselves: each opening compares, and tells the service anew where they differ. */
export async function keepSubscription(app: App): Promise<void> {
  const { pushKey } = app.config;
  if (!pushKey || !canPush() || Notification.permission !== "granted") return;
  const known = await tried(app.phone.push());
  if (!known.ok) return;
  const { endpoint } = known.value;
  const made = await subscription();
  if (made && isFor(made, pushKey)) {
    if ((await digestOf(made.endpoint)) !== endpoint) await put(app, made);
  } else if (made || endpoint !== undefined) {
    await subscribe(app, pushKey).catch(() => false);
  }
}

/** Ends them on both sides, as far as either can be reached. Whether the service has heard it. */
export async function stopNotifications(app: App): Promise<boolean> {
  if (!canPush() || Notification.permission !== "granted") return true;
  // The service first: a browser that has none while the service knows one would be given another.
  const told = await tried(app.phone.setPush(undefined));
  await unsubscribe();
  return told.ok;
}

/** Ends them on the browser's side. */
export async function unsubscribe(): Promise<void> {
  if (!canPush()) return;
  const registered = await navigator.serviceWorker.getRegistration("/phone");
  await (await registered?.pushManager.getSubscription())?.unsubscribe();
}

/** Turns notifications on and off. A browser is asked only after a press. */
export async function notificationsView(app: App, again: () => void): Promise<View> {
  const notes = notePlace();
  const { pushKey } = app.config;
  const isOn =
    pushKey !== undefined &&
    canPush() &&
    Notification.permission === "granted" &&
    (await subscription()) !== null;
  const on = async () => {
    if (!pushKey) return;
    const allowed = await Notification.requestPermission();
    if (allowed !== "granted") return notes.say(said.denied);
    const done = await subscribe(app, pushKey).catch(() => false);
    if (done) return again();
    notes.say(said.failed);
  };
  const off = async () => {
    if (await stopNotifications(app)) again();
    else notes.say(words.trouble);
  };
  const possible = pushKey !== undefined && canPush();
  return {
    title: said.title,
    body: [
      heading(said.title),
      h("p", {}, said.lead),
      notes.place,
      !possible ? h("p", { role: "status" }, said.none) : undefined,
      possible && isOn ? [h("p", { role: "status" }, said.isOn), button(said.off, off)] : undefined,
      possible && !isOn ? button(said.on, on, "primary") : undefined,
      h("p", { class: "hint" }, said.home),
      backLink("more"),
    ],
  };
}
