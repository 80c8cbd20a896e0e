import { encode } from "uqr";
import type { PhoneDevice } from "../../../countersign/src/phone/phone.ts";
import { type Answer, isUnsigned, tried } from "../answers.ts";
import { type App, troubleOf } from "../app.ts";
import { drawQr, h } from "../dom.ts";
import { dateOf, leftOf, momentOf, put, wordOf, words } from "../words.ts";
import { visible } from "./details.ts";
import { backLink, button, field, heading, notePlace, onEnter, sayAt, swap, type View } from "./parts.ts";

const { devices: said } = words;

type Notes = ReturnType<typeof notePlace>;
type Row = { readonly app: App; readonly notes: Notes; readonly again: () => void };

/** The person's devices, whichever door enrolled them. */
export async function devicesView(app: App, again: () => void): Promise<View> {
  const listed = await tried(app.phone.devices());
  const notes = notePlace();
  if (!listed.ok) notes.say(troubleOf(listed));
  const rows = listed.ok ? listed.value.map((device) => deviceRow({ app, notes, again }, device)) : [];
  const adding = h("div", {});
  const add = button(
    said.add,
    async () => {
      if (await addAnother(app, notes, adding)) add.textContent = said.addAgain;
    },
    "primary",
  );
  return {
    title: said.title,
    body: [
      heading(said.title),
      h("p", {}, said.lead),
      notes.place,
      h("ul", { class: "devices" }, ...rows),
      add,
      adding,
      backLink(),
    ],
  };
}

const kindOf = (kind: string): string => wordOf(said.kinds, kind) ?? said.kinds.other;

function deviceRow(row: Row, device: PhoneDevice): HTMLElement {
  const tools = h("div", { class: "tools" });
  const since = device.isNew
    ? put(said.new, { when: momentOf(device.enrolledAt) })
    : put(said.since, { date: dateOf(device.enrolledAt) });
  const rest = () => swap(tools, ...toolsOf(row, device, tools, rest));
  rest();
  return h(
    "li",
    { class: device.isNew && !device.isThis ? "fresh" : "" },
    h("h2", {}, visible(device.name)),
    h(
      "p",
      { class: "soft" },
      [...(device.isNew ? [said.isNew] : []), kindOf(device.kind), since].join(" · "),
    ),
    device.isThis ? h("p", { class: "here" }, said.this) : undefined,
    tools,
  );
}

function toolsOf(row: Row, device: PhoneDevice, tools: HTMLElement, rest: () => void): Node[] {
  const isOurs = device.kind === "passkey" || device.kind === "key";
  const named = { "aria-label": `${said.rename}: ${visible(device.name)}` };
  const gone = { "aria-label": `${said.remove}: ${visible(device.name)}` };
  const rename = button(said.rename, () => swap(tools, ...renaming(row, device, rest)), "plain", named);
  const remove = button(said.remove, () => swap(tools, ...removing(row, device, rest)), "plain", gone);
  return [
    ...(isOurs ? [rename] : []),
    ...(device.isRemovable ? [remove] : [h("p", { class: "hint" }, isOurs ? said.tooNew : said.other)]),
  ];
}

function renaming({ app, again }: Row, device: PhoneDevice, rest: () => void): Node[] {
  const name = field(`name-${device.id}`, said.rename, {
    type: "text",
    maxlength: 60,
    value: device.name,
    autocomplete: "off",
  });
  const save = async () => {
    const renamed = await tried(app.phone.rename(device.id, name.input.value));
    if (renamed.ok) return again();
    sayAt(name, troubleOf(renamed));
  };
  const press = button(said.save, save, "primary");
  onEnter(name.input, press);
  return [name.place, press, button(said.cancel, rest)];
}

function removing({ app, notes, again }: Row, device: PhoneDevice, rest: () => void): Node[] {
  const remove = async () => {
    const removed = await signing(notes, app.phone.remove(device.id));
    if (removed?.ok) return again();
    if (removed) notes.say(removed.code === "not_allowed" ? said.tooNew : troubleOf(removed));
    rest();
  };
  return [
    h("p", { role: "alert" }, put(said.removeQuestion, { name: visible(device.name) })),
    button(said.keep, rest),
    button(said.removeNow, remove),
  ];
}

/** What a person has to unlock for; undefined where they did not. */
export async function signing<T>(notes: Notes, work: Promise<T>): Promise<Answer<T> | undefined> {
  notes.clear();
  const answer = await tried(work);
  if (answer.ok || !isUnsigned(answer)) return answer;
  notes.say(words.prompt.unsigned);
  return undefined;
}

/** Whether there is a code now. */
async function addAnother(app: App, notes: Notes, place: HTMLElement): Promise<boolean> {
  const made = await signing(notes, app.phone.ticket());
  if (!made?.ok) {
    if (made) notes.say(troubleOf(made));
    return false;
  }
  const { url, expiresAt: until } = made.value;
  const left = h("p", { class: "hint", role: "timer" });
  const code = drawQr(encode(url, { border: 4 }).data, said.add);
  const copy = button(said.copy, async () => {
    await navigator.clipboard.writeText(url);
    copy.textContent = said.copied;
  });
  place.replaceChildren(
    h("p", {}, said.addLead),
    code,
    h("p", { class: "host" }, new URL(url).host),
    copy,
    left,
  );
  const count = () => {
    const rest = until.getTime() - app.phone.now();
    left.textContent = put(words.prompt.left, { time: leftOf(rest) });
    // Of a view that was left, or a code that was replaced.
    if (!left.isConnected) return clearInterval(tick);
    if (rest > 0) return;
    clearInterval(tick);
    place.replaceChildren(h("p", { role: "status" }, said.addOver));
  };
  const tick = setInterval(count, 1000);
  count();
  return true;
}
