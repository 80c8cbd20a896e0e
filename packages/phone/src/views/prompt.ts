import type { Prompt } from "../../../countersign/src/phone/phone.ts";
import { isOffline, isUnsigned, type Refused, tried } from "../answers.ts";
import { type App, troubleOf } from "../app.ts";
import { h } from "../dom.ts";
import { leftOf, momentOf, put, timeOf, wordOf, words } from "../words.ts";
import { detailsOf, readable, visible } from "./details.ts";
import {
  backLink,
  button,
  facts,
  field,
  heading,
  note,
  notePlace,
  overView,
  sayAt,
  type View,
} from "./parts.ts";

const { prompt: said } = words;

type Decision = { readonly decision: "approve" | "deny"; readonly not_me?: true };

/** What this page is told of a request from outside it: it may be over by then, or the connection be gone. */
export type PromptHandle = View & {
  /** Whether it is this request that is on the screen. */
  readonly id: string;
  /** Nothing can be sent: the answers wait for the connection, and are not queued. */
  offline(isOffline: boolean): void;
};

/** What a refused answer comes to on the page: the request is over, the number has to be typed again, or something is said beside the answers. */
export type Reaction = { readonly over: string } | { readonly number: string } | { readonly say: string };

export function reactionTo(refused: Refused): Reaction {
  const { code, more, status } = refused;
  if (isUnsigned(refused)) return { say: said.unsigned };
  if (isOffline(refused) || code === "too_many" || status >= 500) return { say: troubleOf(refused) };
  if (code === "wrong_match_code") return { number: put(said.numberWrong, { left: Number(more.left) }) };
  if (code === "code_locked") return { say: put(said.locked, { until: momentOf(String(more.until)) }) };
  if (code === "already_decided") return { over: more.winner === "approve" ? "approved" : "denied" };
  if (code === "not_allowed") return { say: wordOf(said.whyNot, more.why) ?? said.refused };
  if (wordOf(said.gone, code) !== undefined) return { over: code };
  return code === "unknown_prompt" ? { over: "unknown" } : { say: said.refused };
}

type Asking = {
  readonly prompt: Prompt;
  readonly notes: ReturnType<typeof notePlace>;
  readonly number: ReturnType<typeof numberField> | undefined;
  /** Shows what came of it, in the place of the request. */
  readonly end: (view: View) => void;
};

/** Signs an answer over the payload that is on the screen, and sends it. Nothing is queued: without a connection it is not sent. */
async function answer({ prompt, notes, number, end }: Asking, decision: Decision): Promise<void> {
  notes.clear();
  if (number) number.error.hidden = true;
  const needsNumber = decision.decision === "approve" && number !== undefined;
  const typed = number?.input.value.replaceAll(/\D/g, "") ?? "";
  if (needsNumber && typed.length !== 6) return sayAt(number, said.numberEmpty);
  const given =
    decision.decision === "deny"
      ? prompt.decline({ notMe: decision.not_me === true })
      : prompt.approve(needsNumber ? { matchCode: typed } : {});
  const taken = await tried<string>(given);
  if (taken.ok) return end(decidedView(decision));
  const reaction = reactionTo(taken);
  if ("over" in reaction) end(goneView(reaction.over));
  else if ("number" in reaction && number) sayAt(number, reaction.number);
  else notes.say("say" in reaction ? reaction.say : said.refused);
}

/** *Decline* stands first, and each answer is as large as the other (T29). */
function answersOf(asking: Asking): HTMLElement {
  const decline = button(said.decline, () => answer(asking, { decision: "deny" }));
  const notMe = button(said.notMe, () => answer(asking, { decision: "deny", not_me: true }));
  const mayApprove = asking.prompt.answers.includes("approve");
  const approve = mayApprove
    ? button(said.approve, () => answer(asking, { decision: "approve" }))
    : undefined;
  return h("div", { class: "decision" }, decline, approve, notMe);
}

/** One request, as it was put into what its answer signs: the page shows the very payload, and its id is that of the request on the screen (T23). */
export function promptView(app: App, prompt: Prompt, show: (view: View) => void): PromptHandle {
  const title = titleOf(prompt);
  const notes = notePlace();
  const number = prompt.match === "number" && prompt.answers.includes("approve") ? numberField() : undefined;
  const left = h("p", { class: "hint" });
  const stop = () => clearInterval(tick);
  const end = (view: View) => {
    stop();
    show(view);
  };
  const count = () => {
    const rest = prompt.expiresAt.getTime() - app.phone.now();
    left.textContent = put(said.left, { time: leftOf(rest) });
    if (rest <= 0) end(goneView("expired"));
  };
  const tick = setInterval(count, 1000);
  const answers = answersOf({ prompt, notes, number, end });
  const away = notePlace();
  left.textContent = put(said.left, { time: leftOf(prompt.expiresAt.getTime() - app.phone.now()) });
  return {
    id: prompt.id,
    title,
    stop,
    offline(isAway) {
      if (away.place.hasChildNodes() === isAway) return;
      if (isAway) away.say(words.offline);
      else away.clear();
      for (const one of answers.querySelectorAll("button")) one.disabled = isAway;
    },
    body: [
      heading(title),
      ...prompt.warnings.map((warning) => note(warning === "far" ? said.far : said.sameDevice, "warning")),
      prompt.payload.purpose === "add_phone" ? note(said.addPhone, "warning") : undefined,
      factsOf(prompt),
      ...wordsOf(prompt),
      prompt.whyNot === undefined ? undefined : note(said.whyNot[prompt.whyNot], "warning"),
      h("p", {}, said.notYou),
      number?.place,
      notes.place,
      away.place,
      answers,
      left,
    ],
  };
}

/** What purposes of the service's own are asked as; every other is something that the app calls by a name. */
const TITLES: Readonly<Record<string, string>> = { sign_in: said.title, add_phone: said.titleAddPhone };

/** Whoever is shown details approves those: a payment is more than a sign-in. */
const titleOf = ({ payload: { client, purpose, shown } }: Prompt): string =>
  put((shown.details ? undefined : wordOf(TITLES, purpose)) ?? said.titleAction, {
    app: visible(client.name),
  });

const numberField = () =>
  field(
    "number",
    said.number,
    {
      type: "text",
      inputmode: "numeric",
      autocomplete: "one-time-code",
      maxlength: 9,
      class: "figures spelt",
      enterkeyhint: "done",
    },
    said.numberHint,
  );

function factsOf({ payload: { client, purpose, shown } }: Prompt): HTMLElement {
  const what = shown.action ?? (wordOf(TITLES, purpose) === undefined ? purpose : undefined);
  return facts([
    [said.app, visible(client.name)],
    [said.action, what === undefined ? undefined : visible(what)],
    [said.place, shown.place === undefined ? said.unknownPlace : visible(shown.place)],
    [said.device, shown.device === undefined ? undefined : visible(shown.device)],
    [said.time, timeOf(shown.at * 1000)],
    [said.code, shown.code?.replace(/^(.{4})(.{4})$/, "$1-$2")],
    [said.scope, shown.scope === undefined ? undefined : shown.scope.split(" ").map(readable).join(", ")],
  ]);
}

/** What the app itself says, apart from what is known, and quoted. */
function wordsOf({ payload: { client, shown } }: Prompt): HTMLElement[] {
  const message = shown.message;
  const details = shown.details ?? [];
  return [
    ...(message === undefined
      ? []
      : [
          h(
            "div",
            { class: "quoted" },
            h("p", { class: "label" }, put(said.message, { app: visible(client.name) })),
            h("blockquote", { dir: "auto" }, visible(message)),
          ),
        ]),
    ...(details.length === 0
      ? []
      : [h("section", { class: "quoted" }, h("h2", {}, said.details), ...details.map(detailsOf))]),
  ];
}

function decidedView({ decision, not_me: notMe }: Decision): View {
  const [title, text] =
    decision === "approve"
      ? [said.approved, said.approvedText]
      : notMe
        ? [said.reported, said.reportedText]
        : [said.declined, said.declinedText];
  const kind = decision === "approve" ? "good" : "warning";
  return overView(title, note(text, kind));
}

/** A request that is over, and why. */
export function goneView(reason: string): View {
  const text = wordOf(said.gone, reason) ?? said.gone.unknown;
  return overView(said.goneTitle, note(text, "warning"));
}

/** Why a request is not among those that wait; undefined where that cannot be asked just now. */
export async function whyGone(app: App, id: string): Promise<string | undefined> {
  const asked = await tried(app.phone.state(id));
  if (asked.ok) return asked.value;
  return asked.status === 404 ? "unknown" : undefined;
}

/** A request that cannot be fetched just now. */
export function awayView(again: () => void): View {
  const title = words.home;
  return {
    title,
    body: [heading(title), note(words.away), button(words.tryAgain, again, "primary"), backLink()],
  };
}
