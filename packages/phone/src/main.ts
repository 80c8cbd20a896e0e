import { backOff, pause } from "../../countersign/src/pause.ts";
import {
  browserPasskeys,
  createPhone,
  discover,
  indexedDbStorage,
  type Prompt,
  webCryptoKeys,
} from "../../countersign/src/phone/phone.ts";
import { tried } from "./answers.ts";
import { type App, build, isOver, lose, troubleOf } from "./app.ts";
import { append, h } from "./dom.ts";
import { Feed } from "./feed.ts";
import { isList, PARTS, routeOf } from "./routes.ts";
import { cameraView, canScanHere } from "./views/camera.ts";
import { devicesView } from "./views/devices.ts";
import { enrolView } from "./views/enrol.ts";
import { listView } from "./views/list.ts";
import { activityView, codesView, moreView } from "./views/more.ts";
import { keepSubscription, notificationsView } from "./views/notifications.ts";
import { button, heading, note, type View } from "./views/parts.ts";
import { awayView, goneView, type PromptHandle, promptView, whyGone } from "./views/prompt.ts";
import { codeView, scanFrame } from "./views/scan.ts";
import { startView } from "./views/start.ts";
import { put, words } from "./words.ts";

const main = document.querySelector("main") as HTMLElement;
const nav = document.querySelector("nav") as HTMLElement;
const place = h("div", { id: "view" }, h("p", { role: "status" }, words.loading));

/** The view that is on the screen, where something from outside may change it. */
let open: PromptHandle | undefined;
let stop: (() => void) | undefined;
/** Tells a view of a request that is over how many others wait. */
let others: View["others"];
let feed: Feed | undefined;
let app: App;
/** Of several loads that are under way the last one counts. */
let turn = 0;
/** The name of the view that was asked for last. */
let at = "";

function show(view: View, focus = true): void {
  stop?.();
  ({ stop, others } = view);
  open = "id" in view ? (view as PromptHandle) : undefined;
  document.title = `${view.title} – ${app?.config.name ?? words.title}`;
  place.replaceChildren();
  append(place, view.body);
  place.removeAttribute("aria-busy");
  nav.hidden = app === undefined || isOver(app);
  for (const one of nav.querySelectorAll("a")) {
    if (one.hash !== PARTS[at]) one.removeAttribute("aria-current");
    else one.setAttribute("aria-current", one.hash === (location.hash || "#requests") ? "page" : "true");
  }
  open?.offline(feed?.line === "offline");
  others?.(waitingBeside());
  if (focus) document.getElementById("heading")?.focus();
}

/** How many requests wait beside the one that was shown last: the list may not have heard yet that it is over. */
const waitingBeside = (): number => feed?.latest?.prompts.filter(({ id }) => id !== seen).length ?? 0;

/** What the list was drawn from last: the same again is not drawn again, so that nobody loses their place in it. */
let drawn = "";
const stateOf = ({ line, latest }: Feed): string => JSON.stringify([line, latest]);

/** What a link brought is taken from the address: it is good once, and nobody is to find it in the history. */
const clearAddress = () => history.replaceState(null, "", location.pathname);

function go(hash: string): void {
  if (location.hash === hash) void route();
  else location.hash = hash;
}

const toList = () => go("#requests");

/** Shows what the address names. Nothing fails in silence here either: storage or the key may not do its part. */
async function route(): Promise<void> {
  place.setAttribute("aria-busy", "true");
  try {
    await load();
  } catch (cause) {
    show({
      title: words.title,
      body: [heading(words.title), note(words.trouble), button(words.tryAgain, () => route(), "primary")],
    });
    reportError(cause);
  }
}

async function load(): Promise<void> {
  const own = ++turn;
  const [name, value] = routeOf(location.hash);
  at = name;
  const showIf = (view: View) => {
    if (own === turn) show(view);
  };
  const found = (what: Prompt) => {
    if (own === turn) scanned(what);
  };
  if (name === "add" && value !== "") {
    clearAddress();
    feed?.stop();
    feed = undefined;
    return showIf(await enrolView(app, value, entered, showIf));
  }
  if (isOver(app)) return showIf(startView(app, entered));
  listen();
  if (name === "scan" && value === "") return showIf(cameraView(app, go));
  if (name === "scan") {
    // The request waits in the list too, which would open it without what was scanned.
    seen = value.slice(0, value.indexOf("."));
    clearAddress();
    return await scanFrame(app, value, found, showIf);
  }
  if (name === "prompt") return await showPrompt(value, showIf);
  if (name === "code") return showIf(codeView(app, value, found));
  if (name === "devices") return showIf(await devicesView(app, () => void route()));
  if (name === "more") return showIf(moreView(app));
  if (name === "activity") return showIf(await activityView(app));
  if (name === "codes") return showIf(await codesView(app));
  if (name === "notifications") return showIf(await notificationsView(app, () => void route()));
  showList(showIf);
  // What was kept from the person changes no list, so no socket tells of it.
  if (feed?.latest) await feed.refresh();
}

/** The list; the one request that waits opens by itself. */
function showList(showIf: (view: View) => void): void {
  if (!feed) return;
  const prompts = feed.latest?.prompts ?? [];
  const [only] = prompts;
  if (only && prompts.length === 1 && only.id !== seen) go(`#prompt=${only.id}`);
  else {
    drawn = stateOf(feed);
    showIf(listView(feed, app.canScan));
  }
}

/** The request that opened by itself: whoever goes back from it stays on the list. */
let seen: string | undefined;

async function showPrompt(id: string, showIf: (view: View) => void): Promise<void> {
  // The id goes into the path of a call: a link may bring anything.
  if (!/^[0-9a-f]{64}$/.test(id)) return showIf(goneView("unknown"));
  seen = id;
  const find = () => feed?.latest?.prompts.find((one) => one.id === id);
  // A push may know of it before the list does.
  if (!find()) await feed?.refresh();
  const prompt = find();
  if (prompt) return showIf(promptView(app, prompt, showIf));
  const why = await whyGone(app, id);
  if (why === undefined || why === "live") showIf(awayView(() => void route()));
  else showIf(goneView(why));
}

/** A request that was scanned or typed: it is shown under no address, because it is this device's alone. */
function scanned(prompt: Prompt): void {
  seen = prompt.id;
  clearAddress();
  const own = ++turn;
  show(
    promptView(app, prompt, (view) => {
      if (own === turn) show(view);
    }),
  );
}

function listen(): void {
  feed ??= new Feed(app, heard);
}

/** Something changed: the list is drawn anew, a request that is open stays as it is while it waits. */
function heard(now: Feed): void {
  const [name] = routeOf(location.hash);
  if (open) {
    open.offline(now.line === "offline");
    if (name === "prompt") void stillWaits(now, open);
    return;
  }
  others?.(waitingBeside());
  if (!isList(name) || stateOf(now) === drawn) return;
  const before = nameOf(document.activeElement);
  showList((view) => {
    show(view, false);
    for (const one of place.querySelectorAll<HTMLElement>("[id], a")) {
      if (before !== "" && nameOf(one) === before) one.focus({ preventScroll: true });
    }
  });
}

/** What an element of the list is found by again after it was drawn anew. */
const nameOf = (element: Element | null): string => element?.id || element?.getAttribute("href") || "";

async function stillWaits(now: Feed, on: PromptHandle): Promise<void> {
  const isThere = now.latest?.prompts.some((one) => one.id === on.id) ?? true;
  if (isThere || open !== on) return;
  const why = await whyGone(app, on.id);
  // An answer of this page is under way: it says itself what came of it.
  if (why !== undefined && open === on && !place.querySelector("[aria-disabled=true]")) show(goneView(why));
}

function entered(): void {
  feed?.stop();
  feed = undefined;
  listen();
  void keepSubscription(app);
  // A link that came here before there was a phone is followed now.
  const [name] = routeOf(location.hash);
  if (["prompt", "scan", "code"].includes(name)) void route();
  else toList();
}

/** Another tab of this browser has set up, signed in or forgotten the phone. */
async function changedElsewhere(): Promise<void> {
  const before = app.me;
  app.me = await app.phone.me();
  const isSame = before?.device.id === app.me?.device.id;
  if (isSame || at === "add") return;
  delete app.lost;
  ended();
}

function ended(): void {
  feed?.stop();
  feed = undefined;
  void route();
}

/** Where a notification that was pressed leads. Heard from the beginning: what comes while the page loads is not told twice. */
function hearWorker(): void {
  navigator.serviceWorker?.addEventListener("message", ({ data }) => {
    const isLink = typeof data === "string" && /^#(?:prompt=[0-9a-f]{64}|devices)$/.test(data);
    if (isLink && app) go(data);
    else if (isLink) location.hash = data;
    if (data === "subscription" && app) void keepSubscription(app);
  });
}

/** The page's own files stay with the browser, so that it opens offline and a push can wake it. */
const registerWorker = () =>
  navigator.serviceWorker?.register("/phone/sw.js", { scope: "/phone" }).catch(() => undefined);

const failed = (text: string): void => {
  main.replaceChildren(
    heading(words.title),
    note(text),
    button(words.tryAgain, () => location.reload(), "primary"),
  );
};

const FIRST_TRY_MS = 1_000;

/**
 * Until the service answers: not every browser says when the network is back. One that does ends the pause, and so does who looks at the
 * page again; a page that nobody sees asks nothing.
 */
async function comeBack(): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    await pause(backOff(FIRST_TRY_MS, tries), undefined);
    if (document.hidden) continue;
    if ((await tried(discover(location.origin))).ok) return location.reload();
  }
}

async function begin(): Promise<void> {
  hearWorker();
  main.replaceChildren(place);
  place.setAttribute("aria-busy", "true");
  document.getElementById("build")?.append(put(words.build, { build }));
  if (!globalThis.isSecureContext) return failed(words.start.insecure);
  const [found, canScan] = await Promise.all([tried(discover(location.origin)), canScanHere()]);
  if (!found.ok) {
    failed(troubleOf(found));
    return await comeBack();
  }
  const config = found.value;
  const keys = webCryptoKeys(indexedDbStorage());
  const passkeys = browserPasskeys();
  const onEnded = (why: NonNullable<App["lost"]>) => lose(app, why);
  const base = location.origin;
  const phone = createPhone({ issuer: config.issuer, base, keys, passkeys, build, onEnded });
  try {
    app = { config, phone, canPasskey: passkeys !== undefined, canScan, me: await phone.me(), ended };
  } catch {
    return failed(words.noStorage);
  }
  addEventListener("hashchange", () => void route());
  keys.onChange?.(() => void changedElsewhere());
  await route();
  void registerWorker();
  if (!isOver(app)) void keepSubscription(app);
}

void begin();
