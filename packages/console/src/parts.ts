import { type Child, h } from "../../phone/src/dom.ts";
import { type Api, Refusal } from "./api.ts";
import type { Row } from "./row.ts";

/** What a view is given. What it does later, once another view is open, does nothing. */
export type At = {
  readonly api: Api;
  /** What stands behind the name in the address: an id, and what to filter by. */
  readonly id: string | undefined;
  readonly query: URLSearchParams;
  /** Shows the same view anew, and says what was done. */
  readonly again: (said?: string) => void;
  /** Opens another view, or this one anew. */
  readonly go: (hash: string) => void;
  /** Shows what is shown this once above every view, until it is put away. */
  readonly keep: (...parts: readonly Child[]) => void;
};

export type View = (at: At) => Promise<readonly Child[]>;

/** A link to another view; ids may hold any character. */
export const linkTo = (view: string, id?: string, query: Readonly<Record<string, string>> = {}): string => {
  const asked = new URLSearchParams(query).toString();
  return `#${view}${id === undefined ? "" : `/${encodeURIComponent(id)}`}${asked && `?${asked}`}`;
};

export const note = (kind: "error" | "good" | "plain", ...words: readonly Child[]): HTMLElement =>
  h("div", { class: `note ${kind}`, role: kind === "error" ? "alert" : "status", tabindex: "-1" }, ...words);

/** Puts a note where it is seen and heard: a tall form may reach beyond the screen. */
export function tell(place: Element, told: HTMLElement): void {
  place.prepend(told);
  told.focus({ preventScroll: true });
  told.scrollIntoView({ block: "nearest" });
}

export const wordsOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

export const heading = (text: string): HTMLElement => h("h1", { tabindex: "-1" }, text);

const MOMENT: Intl.DateTimeFormatOptions = {
  ...{ year: "numeric", month: "short", day: "numeric" },
  ...{ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" },
};

/** A moment in the reader's own time, with its zone; the exact one is in its title. */
export const moment = (iso: string | null | undefined): Child =>
  iso ? h("time", { datetime: iso, title: iso }, new Date(iso).toLocaleString("en", MOMENT)) : "never";

export const facts = (pairs: Readonly<Record<string, Child>>): HTMLElement =>
  h(
    "dl",
    { class: "rows" },
    Object.entries(pairs).map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );

export const mark = (text: string, kind = ""): HTMLElement => h("span", { class: `mark ${kind}` }, text);

let fields = 0;

type Input = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** An input under its label. */
export function field(
  label: string,
  input: Input,
  more: { readonly hint?: string; readonly wide?: boolean } = {},
): HTMLElement {
  fields += 1;
  input.id = `f${fields}`;
  const hint = more.hint === undefined ? undefined : h("p", { class: "hint", id: `h${fields}` }, more.hint);
  if (hint) input.setAttribute("aria-describedby", hint.id);
  return h(
    "div",
    { class: `field${more.wide ? " wide" : ""}` },
    h("label", { for: input.id }, label),
    input,
    hint,
  );
}

/** An input for what is compared letter by letter: nothing is corrected, and nothing that was typed before is offered. */
export const exact = (more: Readonly<Record<string, string | boolean>> = {}): HTMLInputElement =>
  h("input", { autocomplete: "off", autocapitalize: "none", spellcheck: "false", ...more });

/** Does it, while the button says that it is busy; what goes wrong stands beside it. */
async function run(button: HTMLElement, act: () => Promise<void>): Promise<void> {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const place = button.closest("form") ?? button.parentElement;
  place?.querySelector(":scope > .note.error")?.remove();
  try {
    await act();
  } catch (error) {
    if (place) tell(place, note("error", h("p", {}, wordsOf(error))));
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

type Look = "primary" | "bad" | "";

export function button(
  label: string,
  act: () => Promise<void>,
  look: Look = "",
  name = label,
): HTMLButtonElement {
  const made = h("button", { type: "button", class: `button ${look}`, "aria-label": name }, label);
  // The second press of a double one was meant for what stood here before.
  made.addEventListener("click", ({ detail }) => {
    if (detail < 2) void run(made, act);
  });
  return made;
}

type Sure = {
  readonly label: string;
  /** What it is done to, for who hears the button alone. */
  readonly what: string;
  /** What comes of it. */
  readonly question: string;
  readonly act: () => Promise<void>;
};

/** A button that asks once more in its place: what it does cannot be taken back. */
export function surely({ label, what, question, act }: Sure): HTMLElement {
  const place = h("div", { class: "tools" });
  const first = button(label, async () => ask(), "bad", `${label}: ${what}`);
  const reset = (): void => {
    place.replaceChildren(first);
    first.focus();
  };
  const done = async (): Promise<void> => {
    await act();
    reset();
  };
  const ask = (): void => {
    const keep = button("No", async () => reset());
    const yes = button(`Yes: ${label.toLowerCase()}`, done, "bad", `Yes: ${label.toLowerCase()}: ${what}`);
    place.replaceChildren(h("p", {}, h("strong", {}, what), `: ${question}`), keep, yes);
    keep.focus();
  };
  place.append(first);
  return place;
}

/** A form that is sent by script: the page's address does not get what was typed. */
export function form(label: string, parts: readonly Child[], act: () => Promise<void>): HTMLFormElement {
  const send = h("button", { type: "submit", class: "button primary" }, label);
  const made = h("form", {}, h("div", { class: "fields" }, ...parts), h("div", { class: "tools" }, send));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    void run(send, act);
  });
  return made;
}

const NONE = "There are none.";

/** A list of the admin API, page by page; `lineOf` shows one row. What the API refuses of the question stands in the list's place. */
export async function pages(
  at: At,
  path: string,
  name: string,
  lineOf: (row: Row) => Child,
): Promise<readonly Child[]> {
  const list = h("ul", { class: "list" });
  const more = h("div", { class: "tools" });
  const load = async (after?: string): Promise<HTMLElement | undefined> => {
    const url = new URL(path, location.origin);
    if (after !== undefined) url.searchParams.set("after", after);
    const { [name]: rows, next } = await at.api("GET", `${url.pathname}${url.search}`);
    const lines: HTMLElement[] = rows.map((row: Row) => h("li", { tabindex: "-1" }, lineOf(row)));
    list.append(...lines);
    const show = async (): Promise<void> => {
      (await load(next))?.focus();
    };
    more.replaceChildren(...(next ? [button("Show more", show)] : []));
    return lines[0];
  };
  try {
    await load();
  } catch (error) {
    if (!(error instanceof Refusal) || error.status !== 400) throw error;
    return [note("error", h("p", {}, wordsOf(error)))];
  }
  return list.childElementCount === 0 ? [h("p", { class: "soft" }, NONE)] : [list, more];
}

/** Rows that are there already. */
export const listOf = (rows: readonly Row[], lineOf: (row: Row) => Child): HTMLElement =>
  rows.length === 0
    ? h("p", { class: "soft" }, NONE)
    : h("ul", { class: "list" }, ...rows.map((row) => h("li", {}, lineOf(row))));

/** The lines of a text area, without the empty ones. */
export const linesOf = (area: HTMLTextAreaElement): string[] =>
  area.value.split("\n").flatMap((line) => line.trim() || []);
