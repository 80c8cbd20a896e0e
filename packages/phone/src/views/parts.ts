import { type Child, h } from "../dom.ts";
import { put, words } from "../words.ts";

/** A view: its title for the tab and the reader, and what stands in it. */
export type View = {
  readonly title: string;
  readonly body: readonly Child[];
  /** Ends what goes on in it, when another takes its place. */
  readonly stop?: () => void;
  /** Of a request that is over: how many others wait, now and whenever that changes. */
  readonly others?: (count: number) => void;
};

export const heading = (text: string): HTMLElement => h("h1", { id: "heading", tabindex: -1 }, text);

export const button = (
  label: string,
  press: (button: HTMLButtonElement) => void | Promise<void>,
  look: "primary" | "plain" | "quiet" = "plain",
  more: Readonly<Record<string, string | boolean>> = {},
): HTMLButtonElement => {
  const made = h("button", { type: "button", class: CLASSES[look], ...more }, label);
  made.addEventListener("click", () => void busy(made, () => press(made)));
  return made;
};

const CLASSES = { primary: "button primary", plain: "button", quiet: "quiet" } as const;

/** One press at a time: another one while the first is under way does nothing, and of a group of answers one is given. */
async function busy(pressed: HTMLButtonElement, work: () => void | Promise<void>): Promise<void> {
  if (pressed.getAttribute("aria-disabled") === "true") return;
  const group = pressed.closest(".decision");
  const all = group ? [...group.querySelectorAll("button")] : [pressed];
  for (const one of all) one.setAttribute("aria-disabled", "true");
  document.querySelector(".note.fault")?.remove();
  try {
    await work();
  } catch (cause) {
    // Nothing fails in silence: storage, the key or the browser itself did not do its part.
    (group ?? pressed).before(h("p", { class: "note error fault", role: "alert" }, words.trouble));
    reportError(cause);
  } finally {
    for (const one of all) one.removeAttribute("aria-disabled");
  }
}

export const note = (text: string, kind: "error" | "warning" | "good" = "error"): HTMLElement =>
  h("p", { class: `note ${kind}`, role: kind === "error" ? "alert" : "status" }, text);

/** A place that says what went wrong, where it went wrong; empty while nothing has. */
export function notePlace(): {
  readonly place: HTMLElement;
  say(text: string, kind?: "error" | "good"): void;
  clear(): void;
} {
  const place = h("div", { class: "notes" });
  return {
    place,
    say: (text, kind = "error") => place.replaceChildren(note(text, kind)),
    clear: () => place.replaceChildren(),
  };
}

export const facts = (rows: readonly (readonly [label: string, value: string | undefined])[]): HTMLElement =>
  h(
    "dl",
    { class: "rows" },
    ...rows.flatMap(([label, value]) =>
      value === undefined ? [] : [h("div", {}, h("dt", {}, label), h("dd", {}, value))],
    ),
  );

export const link = (label: string, hash: string, look = "quiet"): HTMLElement =>
  h("a", { class: look, href: hash }, label);

export const backLink = (to: "requests" | "more" = "requests"): HTMLElement =>
  h("p", { class: "others" }, link(to === "more" ? words.backToMore : words.back, `#${to}`));

/** The one way on from a view that asks nothing. */
export const wayOn = (): HTMLElement => link(words.back, "#requests", "button primary");

/** A request that is over: it says when others wait, and does not put one of them under the finger that has just pressed. */
export function overView(title: string, said: HTMLElement): View {
  const others = h("p", { class: "notes", role: "status" });
  return {
    title,
    body: [heading(title), said, others, wayOn()],
    others(count) {
      const text = count === 1 ? words.waitsOne : count > 1 ? put(words.waitsMore, { count }) : "";
      if (others.textContent !== text) others.textContent = text;
    },
  };
}

/** Puts other controls in the place of these. The focus goes on to the first of them: it would be lost with the one that was pressed. */
export function swap(place: HTMLElement, ...others: readonly Node[]): void {
  const isHere = place.contains(document.activeElement);
  place.replaceChildren(...others);
  if (isHere) place.querySelector<HTMLElement>("input,button")?.focus();
}

/** Enter in a field presses this button. The number of a request has none: what approves is pressed itself. */
export const onEnter = (input: HTMLInputElement, press: HTMLButtonElement): void =>
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") press.click();
  });

/** A labelled field. */
export function field(
  id: string,
  label: string,
  input: Readonly<Record<string, string | number | boolean>>,
  hint?: string,
): { readonly place: HTMLElement; readonly input: HTMLInputElement; readonly error: HTMLElement } {
  const error = h("p", { class: "note error", id: `${id}-error`, role: "alert", hidden: true });
  const described = [`${id}-error`, ...(hint === undefined ? [] : [`${id}-hint`])].join(" ");
  const made = h("input", { id, "aria-describedby": described, ...input });
  const place = h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    made,
    hint === undefined ? undefined : h("p", { class: "hint", id: `${id}-hint` }, hint),
    error,
  );
  return { place, input: made, error };
}

/** Says under a field what is wrong with it, and goes back to it. */
export function sayAt(
  { input, error }: Pick<ReturnType<typeof field>, "input" | "error">,
  text: string,
): void {
  error.textContent = text;
  error.hidden = false;
  input.setAttribute("aria-invalid", "true");
  input.focus();
  input.select();
}
