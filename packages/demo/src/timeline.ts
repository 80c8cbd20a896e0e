import { at, h } from "./dom.ts";
import type { Told } from "./record.ts";
import { shortBody, shortPath } from "./shorten.ts";
import { WORDS } from "./words.ts";

export type Who = keyof typeof WORDS.who;

const list = at("timeline");
let began = 0;

/** Rows whose answer is still to come. */
const open = new Map<string, { readonly row: HTMLElement; readonly at: number; readonly body: string }>();

/** When each row happened. An act's name has no time: it comes last, and nothing passes it. */
const times = new WeakMap<Element, number>();

/** From here on times count anew; the act's name stands between the rows. */
export function beginAct(name: string): void {
  began = performance.timeOrigin + performance.now();
  append(h("li", { class: "act" }, h("h3", {}, name)));
}

/** By time: what the phone tells comes here a moment later than what happened in this page. */
function append(row: HTMLElement): void {
  const time = times.get(row) ?? Number.POSITIVE_INFINITY;
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  let before = list.lastElementChild;
  while (before && (times.get(before) ?? 0) > time) before = before.previousElementSibling;
  if (before) before.after(row);
  else list.prepend(row);
  if (isAtEnd) list.scrollTop = list.scrollHeight;
}

const since = (time: number): string => `${Math.max(0, Math.round(time - began))} ms`;

const heading = (who: Who, time: number, what: readonly Node[]): readonly Node[] => [
  h("span", { class: "at" }, since(time)),
  h("span", { class: `who by-${who}` }, WORDS.who[who]),
  h("span", { class: "what" }, ...what),
];

/** What a row says more, behind its line. */
const more = (row: HTMLElement, bodies: readonly string[]): void => {
  const text = bodies.filter((body) => body !== "").join("\n\n");
  const line = row.firstElementChild;
  if (text === "" || !line) return;
  row.replaceChildren(h("details", {}, h("summary", {}, ...line.childNodes), h("pre", {}, text)));
};

function rowOf(who: Who, time: number, what: readonly Node[]): HTMLElement {
  const row = h("li", {}, h("div", { class: "line" }, ...heading(who, time, what)));
  times.set(row, time);
  return row;
}

const code = (text: string): Node => h("code", {}, text);
const arrow = (way: "in" | "out"): Node =>
  h(
    "span",
    { class: "way" },
    way === "out" ? "→" : "←",
    h("span", { class: "unseen" }, way === "out" ? " sent " : " received "),
  );

/** Adds what one of the two has sent or got to the one list. */
export function note(who: Who, told: Told): void {
  switch (told.kind) {
    case "call": {
      const row = rowOf(who, told.at, [arrow("out"), code(`${told.method} ${shortPath(told.path)}`)]);
      append(row);
      const body = told.body === undefined ? "" : shortBody(told.body, told.form);
      open.set(told.id, { row, at: told.at, body: body && `→ ${body}` });
      return;
    }
    case "answer": {
      const call = open.get(told.id);
      open.delete(told.id);
      const took = call && `${Math.round(told.at - call.at)} ms`;
      const status = h(
        "span",
        { class: told.status > 0 && told.status < 400 ? "good" : "bad" },
        `${told.status || "–"}`,
      );
      call?.row.querySelector(".what")?.append(h("span", { class: "status" }, status, ` ${took}`));
      if (call) more(call.row, [call.body, told.body === undefined ? "" : `← ${shortBody(told.body)}`]);
      return;
    }
    case "socket":
      append(
        rowOf(who, told.at, [
          code(shortPath(told.path)),
          h("span", { class: "status" }, told.what === "open" ? WORDS.socketOpen : WORDS.socketClose),
        ]),
      );
      return;
    case "frame": {
      const row = rowOf(who, told.at, [arrow(told.way), code(shortFrame(told.text))]);
      append(row);
      more(row, [shortBody(told.text)]);
      return;
    }
  }
}

/** A frame on one line. */
const shortFrame = (text: string): string => shortBody(text).replace(/\s*\n\s*/g, " ");
