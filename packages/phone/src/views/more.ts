import type { ActivityEvent } from "../../../countersign/src/phone/phone.ts";
import { tried } from "../answers.ts";
import { type App, lose, troubleOf } from "../app.ts";
import { h } from "../dom.ts";
import { momentOf, put, wordOf, words } from "../words.ts";
import { visible } from "./details.ts";
import { signing } from "./devices.ts";
import { unsubscribe } from "./notifications.ts";
import { backLink, button, heading, link, note, notePlace, swap, type View } from "./parts.ts";

const { more, activity, codes } = words;

/** The rest: what happened, recovery codes, notifications. */
export function moreView(app: App): View {
  const leaving = h("div", {});
  const rest = (): void =>
    swap(
      leaving,
      button(more.leave, () => swap(leaving, ...asked)),
      h("p", { class: "hint" }, more.leaveHint),
    );
  const question = app.me?.device.kind === "key" ? more.leaveKeyQuestion : more.leaveQuestion;
  const leave = async () => {
    // The service first: a browser that has none while the service knows one would be given another.
    await app.phone.signOut();
    await unsubscribe();
    lose(app);
  };
  const asked = [h("p", { role: "alert" }, question), button(more.stay, rest), button(more.leaveNow, leave)];
  rest();
  return {
    title: more.title,
    body: [
      heading(more.title),
      h(
        "ul",
        { class: "menu" },
        h("li", {}, link(more.activity, "#activity", "button")),
        h("li", {}, link(more.codes, "#codes", "button")),
        h("li", {}, link(more.notifications, "#notifications", "button")),
      ),
      leaving,
    ],
  };
}

/** What happened to the account, newest first. */
export async function activityView(app: App): Promise<View> {
  const rows = h("ul", { class: "events" });
  const notes = notePlace();
  const further = h("div", {});
  const load = async (after?: string): Promise<void> => {
    const page = await tried(app.phone.activity(after === undefined ? {} : { after }));
    if (!page.ok) return notes.say(troubleOf(page));
    const { events, next } = page.value;
    rows.append(...events.map(eventRow));
    if (rows.children.length === 0) notes.say(activity.none, "good");
    swap(further, ...(next === undefined ? [] : [button(activity.more, () => load(next))]));
  };
  await load();
  return {
    title: activity.title,
    body: [heading(activity.title), notes.place, rows, further, backLink("more")],
  };
}

const eventRow = ({ at, type, client, place, device }: ActivityEvent): HTMLElement =>
  h(
    "li",
    {},
    h("span", { class: "what" }, wordOf(activity.types, type) ?? visible(type)),
    h(
      "span",
      { class: "soft" },
      [client, device, place, momentOf(at)]
        .flatMap((part) => (part === undefined ? [] : [visible(part)]))
        .join(" · "),
    ),
  );

/** How many recovery codes are left, and ten new ones. */
export async function codesView(app: App): Promise<View> {
  const left = await tried(app.phone.recoveryCodes());
  const notes = notePlace();
  const place = h("div", {});
  if (!left.ok) notes.say(troubleOf(left));
  const count = h("p", {}, left.ok ? (left.value.left === 0 ? codes.none : put(codes.left, left.value)) : "");
  const make = async () => {
    const made = await signing(notes, app.phone.newRecoveryCodes());
    if (!made) return;
    if (!made.ok) return notes.say(made.code === "not_allowed" ? codes.notHere : troubleOf(made));
    count.textContent = put(codes.left, { left: made.value.length });
    // Nobody makes the next ten while they write these down.
    swap(place, ...shown(made.value, rest));
  };
  const rest = () =>
    swap(place, button(codes.make, make, "primary"), h("p", { class: "hint" }, codes.makeHint));
  rest();
  return {
    title: codes.title,
    body: [heading(codes.title), h("p", {}, codes.lead), count, notes.place, place, backLink("more")],
  };
}

function shown(texts: readonly string[], kept: () => void): Node[] {
  const copy = button(codes.copy, async () => {
    await navigator.clipboard.writeText(texts.join("\n"));
    copy.textContent = words.devices.copied;
  });
  return [
    note(codes.shown, "warning"),
    h("ul", { class: "codes figures" }, ...texts.map((text) => h("li", {}, text))),
    copy,
    button(codes.print, () => print()),
    button(codes.kept, kept),
  ];
}
