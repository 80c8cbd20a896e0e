import { type Child, h } from "../../phone/src/dom.ts";
import type { Api } from "./api.ts";

/** What a view is given. */
export type At = {
  readonly api: Api;
  /** What stands behind the name in the address: an id, and what to filter by. */
  readonly id: string | undefined;
  readonly query: URLSearchParams;
  /** Shows the same view anew. */
  readonly again: () => void;
};

export type View = (at: At) => Promise<readonly Child[]>;

/** A link to another view; ids may hold any character. */
export const linkTo = (view: string, id?: string, query: Readonly<Record<string, string>> = {}): string => {
  const asked = new URLSearchParams(query).toString();
  return `#${view}${id === undefined ? "" : `/${encodeURIComponent(id)}`}${asked && `?${asked}`}`;
};

export const note = (kind: "error" | "good" | "plain", ...words: readonly Child[]): HTMLElement =>
  h("div", { class: `note ${kind}`, role: kind === "error" ? "alert" : "status" }, ...words);

export const heading = (text: string): HTMLElement => h("h1", { tabindex: "-1" }, text);

/** A moment in the reader's own time; the exact one is in its title. */
export const moment = (iso: string | null | undefined): Child =>
  iso
    ? h(
        "time",
        { datetime: iso, title: iso },
        new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" }),
      )
    : "never";

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
  more: { hint?: string; wide?: boolean } = {},
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

/** Does it, while the button says that it is busy; what goes wrong stands beside it. */
async function run(button: HTMLElement, act: () => Promise<void>): Promise<void> {
  if (button.getAttribute("aria-disabled") === "true") return;
  button.setAttribute("aria-disabled", "true");
  const place = button.closest("form") ?? button.parentElement;
  place?.querySelector(":scope > .note.error")?.remove();
  try {
    await act();
  } catch (error) {
    place?.prepend(note("error", h("p", {}, error instanceof Error ? error.message : String(error))));
  } finally {
    button.removeAttribute("aria-disabled");
  }
}

type Look = "primary" | "bad" | "";

export function button(label: string, act: () => Promise<void>, look: Look = ""): HTMLButtonElement {
  const made = h("button", { type: "button", class: `button ${look}` }, label);
  made.addEventListener("click", () => void run(made, act));
  return made;
}

/** A button that asks once more in its place: what it does cannot be taken back. */
export function surely(label: string, question: string, act: () => Promise<void>): HTMLElement {
  const place = h("div", { class: "tools" });
  const first = button(label, async () => ask(), "bad");
  const reset = (): void => {
    place.replaceChildren(first);
    first.focus();
  };
  const ask = (): void => {
    const keep = button("No", async () => reset());
    const done = async (): Promise<void> => {
      await act();
      reset();
    };
    place.replaceChildren(h("p", {}, question), keep, button(`Yes: ${label.toLowerCase()}`, done, "bad"));
    keep.focus();
  };
  place.append(first);
  return place;
}

/** A form that is sent by script: its address never holds what was typed. */
export function form(label: string, parts: readonly Child[], act: () => Promise<void>): HTMLFormElement {
  const send = h("button", { type: "submit", class: "button primary" }, label);
  const made = h("form", {}, h("div", { class: "fields" }, ...parts), h("div", { class: "tools" }, send));
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    void run(send, act);
  });
  return made;
}

/** A list of the admin API, page by page; `lineOf` shows one row. */
export async function pages(
  at: At,
  path: string,
  name: string,
  lineOf: (row: ReturnType<typeof JSON.parse>) => Child,
): Promise<readonly Child[]> {
  const list = h("ul", { class: "list" });
  const more = h("div", { class: "tools" });
  const load = async (after?: string): Promise<void> => {
    const url = new URL(path, location.origin);
    if (after !== undefined) url.searchParams.set("after", after);
    const { [name]: rows, next } = await at.api("GET", `${url.pathname}${url.search}`);
    list.append(...rows.map((row: unknown) => h("li", {}, lineOf(row))));
    more.replaceChildren(...(next ? [button("Show more", () => load(next))] : []));
  };
  await load();
  return list.childElementCount === 0 ? [h("p", { class: "soft" }, "There are none.")] : [list, more];
}

/** The lines of a text area, without the empty ones. */
export const linesOf = (area: HTMLTextAreaElement): string[] =>
  area.value.split("\n").flatMap((line) => line.trim() || []);
