import type { Enrolment, EnrolOptions } from "../../../countersign/src/phone/phone.ts";
import { isOffline, isUnsigned, type Refused, tried } from "../answers.ts";
import { type App, become, troubleOf } from "../app.ts";
import { h } from "../dom.ts";
import { momentOf, put, words } from "../words.ts";
import { visible } from "./details.ts";
import { button, field, heading, link, note, notePlace, onEnter, sayAt, type View } from "./parts.ts";
import { SIGN_IN } from "./start.ts";

const { enrol } = words;

/** Adds this phone by a ticket, which a sign-in or a phone of the same person has given (T33). */
export async function enrolView(
  app: App,
  ticket: string,
  done: () => void,
  show: (view: View) => void,
): Promise<View> {
  const begun = await tried(app.phone.beginEnrolment(ticket));
  return begun.ok ? askView(app, begun.value, done, show) : closedView(app, ticket, begun, done, show);
}

function askView(app: App, begun: Enrolment, done: () => void, show: (view: View) => void): View {
  const notes = notePlace();
  const name = field("name", enrol.name, {
    type: "text",
    maxlength: 60,
    value: guessName(navigator.userAgent),
    autocomplete: "off",
  });
  const canUse = begun.canUsePasskey;
  const finish = async (kind: NonNullable<EnrolOptions["kind"]>) => {
    notes.clear();
    const added = await tried(begun.finish({ name: name.input.value, kind }));
    if (!added.ok) return notes.say(wordsFor(added));
    become(app, added.value);
    show(doneView(done));
  };
  return {
    title: enrol.title,
    body: [
      heading(enrol.title),
      h("p", {}, enrol.lead),
      h("p", { class: "account" }, visible(begun.account)),
      app.me === undefined
        ? undefined
        : note(put(enrol.replaces, { account: visible(app.me.account) }), "warning"),
      name.place,
      notes.place,
      canUse ? button(enrol.passkey, () => finish("passkey"), "primary") : undefined,
      button(enrol.key, () => finish("key"), canUse ? "plain" : "primary"),
      h("p", { class: "hint" }, canUse ? enrol.keyHint : enrol.noPasskey),
      h("p", { class: "others" }, link(enrol.cancel, "#requests")),
    ],
  };
}

const doneView = (done: () => void): View => ({
  title: enrol.done,
  body: [heading(enrol.done), h("p", {}, enrol.mail), button(words.back, done, "primary")],
});

function wordsFor(refused: Refused): string {
  const { code, more } = refused;
  if (isUnsigned(refused)) return more.reason === "twin" ? enrol.twin : enrol.cancelled;
  if (code === "ticket_over" || code === "stale") return enrol.over;
  if (code === "stronger") return enrol.stronger;
  if (code === "full") return enrol.full;
  if (code === "waits") return put(enrol.waits, { until: momentOf(String(more.until)) });
  if (code === "code_locked") return put(enrol.locked, { until: momentOf(String(more.until)) });
  if (code === "wrong_recovery_code") return enrol.wrongRecovery;
  return troubleOf(refused);
}

/** Why this phone cannot be added so, and the way on; a recovery code opens most of them. */
function closedView(
  app: App,
  ticket: string,
  refused: Refused,
  done: () => void,
  show: (view: View) => void,
): View {
  const takesCode = refused.code === "stronger" || refused.code === "waits";
  const code = field(
    "recovery",
    enrol.recovery,
    { type: "text", autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
    enrol.recoveryHint,
  );
  const use = async () => {
    const typed = code.input.value.trim();
    const begun = await tried(app.phone.beginEnrolment(ticket, { recoveryCode: typed || "-" }));
    if (begun.ok) return show(askView(app, begun.value, done, show));
    if (begun.code === "ticket_over") return show(closedView(app, ticket, begun, done, show));
    sayAt(code, wordsFor(begun));
  };
  const press = button(enrol.useRecovery, use, "primary");
  onEnter(code.input, press);
  return {
    title: enrol.title,
    body: [
      heading(enrol.title),
      h("p", { role: "alert" }, wordsFor(refused)),
      takesCode ? [code.place, press] : undefined,
      // The ticket was not heard of and is good for another two minutes; the page's address has lost it.
      isOffline(refused)
        ? button(words.tryAgain, async () => show(await enrolView(app, ticket, done, show)), "primary")
        : h("a", { class: "button", href: SIGN_IN }, enrol.again),
      h("p", { class: "others" }, link(words.back, "#requests")),
    ],
  };
}

/** `iPhone`, `Android phone`, or what else the browser says of its device. */
export function guessName(userAgent: string): string {
  const { names } = enrol;
  const known: readonly (readonly [RegExp, string])[] = [
    [/iPhone/, names.iphone],
    [/iPad/, names.ipad],
    [/Android.*Mobile/, names.phone],
    [/Android/, names.tablet],
    [/CrOS/, names.chromebook],
    [/Windows/, names.windows],
    [/Mac OS X/, names.mac],
    [/Linux/, names.linux],
  ];
  return known.find(([pattern]) => pattern.test(userAgent))?.[1] ?? names.other;
}
