import { isUnsigned, tried } from "../answers.ts";
import { type App, become, troubleOf } from "../app.ts";
import { h } from "../dom.ts";
import { put, words } from "../words.ts";
import { button, heading, notePlace, type View } from "./parts.ts";

/** Where somebody signs in to add this phone: a page of the service, which leads back here with a ticket. */
export const SIGN_IN = "/phone/sign-in";

/** A browser that is nobody's phone yet, or not any more. */
export function startView(app: App, entered: () => void): View {
  const { start } = words;
  const notes = notePlace();
  if (app.lost) notes.say(start[app.lost]);
  const canUse = app.config.rpId !== undefined && app.canPasskey;
  const use = button(start.passkey, () => usePasskey(app, notes, entered), "primary");
  return {
    title: start.title,
    body: [
      heading(start.title),
      h("p", { class: "lead" }, put(start.lead, { name: app.config.name })),
      notes.place,
      app.lost === "locked" ? button(words.tryAgain, () => location.reload()) : undefined,
      canUse ? [use, h("p", { class: "hint" }, start.passkeyHint)] : undefined,
      h("a", { class: canUse ? "button" : "button primary", href: SIGN_IN }, start.setUp),
      h("p", { class: "hint" }, start.setUpHint),
      h("p", { class: "soft" }, start.lost),
    ],
  };
}

async function usePasskey(app: App, notes: ReturnType<typeof notePlace>, entered: () => void): Promise<void> {
  const { start } = words;
  notes.clear();
  const opened = await tried(app.phone.openSession());
  if (opened.ok) {
    become(app, opened.value);
    return entered();
  }
  if (isUnsigned(opened)) return notes.say(start.cancelled);
  notes.say(opened.code === "not_a_device" ? start.refused : troubleOf(opened));
}
