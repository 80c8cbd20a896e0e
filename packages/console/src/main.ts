import { type Child, h } from "../../phone/src/dom.ts";
import { type Api, makeApi, Refusal } from "./api.ts";
import { clients } from "./clients.ts";
import { field, form, heading, note, type View } from "./parts.ts";
import { audit, keys, overview } from "./records.ts";
import { users } from "./users.ts";

const VIEWS: Readonly<Record<string, { readonly title: string; readonly view: View }>> = {
  overview: { title: "Overview", view: overview },
  clients: { title: "Clients", view: clients },
  users: { title: "Users", view: users },
  audit: { title: "Audit", view: audit },
  keys: { title: "Keys", view: keys },
};

/** The token is forgotten when nobody has pressed anything for so long: a console is left open. */
const IDLE_MS = 30 * 60_000;

/** Held by this page alone: in no storage, no cookie and no address. */
let api: Api | undefined;
let idle: ReturnType<typeof setTimeout> | undefined;
/** Which of several views that are on their way is the one that was asked for last. */
let turn = 0;

const main = document.querySelector("main") as HTMLElement;
const nav = document.querySelector("nav") as HTMLElement;

function show(title: string, parts: readonly Child[]): void {
  document.title = `${title} - Console`;
  main.replaceChildren(h("div", {}, ...parts));
  main.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
}

function signOut(why?: string): void {
  api = undefined;
  turn += 1;
  clearTimeout(idle);
  nav.hidden = true;
  main.className = "small";
  const token = h("input", { type: "password", required: true, autocomplete: "current-password" });
  const hint =
    "ADMIN_TOKEN of this deployment. The page forgets it when it is closed or reloaded, and after half an hour without a press.";
  show("Sign in", [
    heading("Console"),
    why === undefined ? undefined : note("error", h("p", {}, why)),
    form("Open", [field("Admin token", token, { hint, wide: true })], async () => {
      const asked = makeApi(token.value.trim());
      // Whoever may read one list may read all.
      await asked("GET", "/admin/keys");
      api = asked;
      open();
    }),
  ]);
  token.focus();
}

const link = (name: string, title: string): HTMLElement => h("a", { href: `#${name}` }, title);

function open(): void {
  const leave = h("button", { type: "button" }, "Close");
  leave.addEventListener("click", () => signOut());
  nav.replaceChildren(...Object.entries(VIEWS).map(([name, { title }]) => link(name, title)), leave);
  nav.hidden = false;
  main.className = "";
  rest();
  void render();
}

function rest(): void {
  clearTimeout(idle);
  if (api) idle = setTimeout(() => signOut("Nobody pressed anything for half an hour."), IDLE_MS);
}

/** What the address asks for: `#users/<id>?name=…`. */
function asked() {
  const [path = "", query = ""] = location.hash.slice(1).split("?");
  const [name = "", id] = path.split("/");
  return {
    name: Object.hasOwn(VIEWS, name) ? name : "overview",
    id: id && decoded(id),
    query: new URLSearchParams(query),
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

async function render(): Promise<void> {
  if (!api) return;
  turn += 1;
  const mine = turn;
  const { name, id, query } = asked();
  const { title, view } = VIEWS[name] ?? { title: "Overview", view: overview };
  for (const one of nav.querySelectorAll("a")) {
    if (one.hash === `#${name}`) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  }
  main.setAttribute("aria-busy", "true");
  try {
    const parts = await view({ api, id, query, again: () => void render() });
    if (mine === turn) show(title, parts);
  } catch (error) {
    if (mine !== turn) return;
    if (error instanceof Refusal && error.status === 401)
      return signOut("The admin token is not taken any more.");
    show(title, [
      heading(title),
      note("error", h("p", {}, error instanceof Error ? error.message : String(error))),
    ]);
  } finally {
    if (mine === turn) main.removeAttribute("aria-busy");
  }
}

addEventListener("hashchange", () => void render());
for (const event of ["pointerdown", "keydown"]) addEventListener(event, rest);
signOut();
