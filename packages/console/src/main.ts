import { append, type Child, h } from "../../phone/src/dom.ts";
import { type Api, makeApi } from "./api.ts";
import { clients } from "./clients.ts";
import { type At, button, exact, field, form, heading, note, tell, type View, wordsOf } from "./parts.ts";
import { audit, keys, overview } from "./records.ts";
import { forgetSearch, users } from "./users.ts";

const VIEWS: Readonly<Record<string, { readonly title: string; readonly view: View }>> = {
  overview: { title: "Overview", view: overview },
  clients: { title: "Clients", view: clients },
  users: { title: "Users", view: users },
  audit: { title: "Audit", view: audit },
  keys: { title: "Keys", view: keys },
};
const FIRST = "overview";

/** The token is forgotten when nobody has pressed anything for so long: a console is left open. */
const IDLE_MS = 30 * 60_000;
const PRESSES = ["pointerdown", "keydown", "click", "input"];

/** Held by this page alone: in no storage, no cookie and no address. */
let api: Api | undefined;
let idle: ReturnType<typeof setTimeout> | undefined;
let pressedAt = 0;
/** Which of several views that are on their way is the one that was asked for last. */
let turn = 0;

const main = document.querySelector("main") as HTMLElement;
const nav = document.querySelector("nav") as HTMLElement;
/** Said above every view: what was done, and what is shown this once. */
const said = h("p", { class: "soft", role: "status" });
const kept = h("div");
const place = h("div");

function show(title: string, parts: readonly Child[]): void {
  document.title = `${title} - Console`;
  place.replaceChildren();
  append(place, parts);
  place.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
}

function signOut(why?: string): void {
  api = undefined;
  turn += 1;
  clearTimeout(idle);
  forgetSearch();
  // Whoever signs in next begins at the beginning, and the browser's history has no id.
  history.replaceState(null, "", location.pathname);
  nav.hidden = true;
  main.className = "small";
  main.removeAttribute("aria-busy");
  kept.replaceChildren();
  said.textContent = "";
  const token = exact({ type: "password", required: true, autocomplete: "current-password" });
  const hint =
    "ADMIN_TOKEN of this deployment. The page forgets it when it is left or reloaded, and after half an hour without a press.";
  show("Sign in", [
    heading("Console"),
    why === undefined ? undefined : note("error", h("p", {}, why)),
    form("Open", [field("Admin token", token, { hint, wide: true })], async () => {
      const text = token.value.trim();
      // Whoever may read one list may read all.
      await makeApi(text)("GET", "/admin/keys");
      api = makeApi(text, () => signOut("The admin token is not taken any more."));
      open();
    }),
  ]);
  token.focus();
}

const link = (name: string, title: string): HTMLElement => h("a", { href: `#${name}` }, title);

function open(): void {
  nav.replaceChildren(
    ...Object.entries(VIEWS).map(([name, { title }]) => link(name, title)),
    button("Close", async () => signOut()),
  );
  nav.hidden = false;
  main.className = "";
  pressedAt = Date.now();
  rest();
  void render();
}

/** Whether somebody has pressed something lately. A machine that slept has stopped its timers, not its clock. */
function isLeft(): boolean {
  const left = api !== undefined && Date.now() - pressedAt > IDLE_MS;
  if (left) signOut("Nobody pressed anything for half an hour.");
  return left;
}

function rest(): void {
  if (!api || isLeft()) return;
  pressedAt = Date.now();
  clearTimeout(idle);
  idle = setTimeout(isLeft, IDLE_MS + 1);
}

/** What the address asks for: `#users/<id>?name=…`. */
function asked() {
  const [path = "", query = ""] = location.hash.slice(1).split("?");
  const [name = "", id] = path.split("/");
  const known = Object.hasOwn(VIEWS, name) ? name : FIRST;
  return { name: known, id: id && decoded(id), query: new URLSearchParams(query) };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function markCurrent(name: string): void {
  for (const one of nav.querySelectorAll("a")) {
    if (one.hash === `#${name}`) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
}

/** `what`: said once the view is there. */
async function render(what = ""): Promise<void> {
  if (!api) return;
  turn += 1;
  const mine = turn;
  const isOpen = () => mine === turn;
  const { name, id, query } = asked();
  const { title, view } = VIEWS[name] ?? { title: "Overview", view: overview };
  const full = id === undefined ? title : `${title} ${id}`;
  const at: At = {
    ...{ api, id, query },
    again: (done) => void (isOpen() && render(done)),
    go: (hash) => void (isOpen() && go(hash)),
    keep,
  };
  main.setAttribute("aria-busy", "true");
  const parts = await view(at).catch((error) => [heading(title), note("error", h("p", {}, wordsOf(error)))]);
  if (!isOpen()) return;
  main.removeAttribute("aria-busy");
  markCurrent(name);
  show(full, parts);
  said.textContent = what;
}

/** The same address again fires nothing. */
function go(hash: string): void {
  if (location.hash === hash) void render();
  else location.hash = hash;
}

function keep(...parts: readonly Child[]): void {
  if (!api) return;
  const away = button("I have copied them", async () => told.remove());
  const told = note("good", ...parts, away);
  tell(kept, told);
}

main.replaceChildren(said, kept, place);
nav.addEventListener("click", (event) => {
  if (event.target instanceof HTMLAnchorElement && event.target.hash === location.hash) void render();
});
addEventListener("hashchange", () => void render());
for (const event of PRESSES) addEventListener(event, rest);
for (const event of ["visibilitychange", "focus"]) addEventListener(event, () => void isLeft());
// Back would bring this very page, with its token.
addEventListener("pagehide", () => signOut());
signOut();
