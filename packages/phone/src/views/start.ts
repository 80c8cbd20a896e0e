import { callByKey, callOpen, thumbprint } from "../api.ts";
import { type App, keepSession, troubleOf } from "../app.ts";
import { h } from "../dom.ts";
import { canPasskey, NoPasskey, signIn } from "../passkey.ts";
import type { Session } from "../wire.ts";
import { put, words } from "../words.ts";
import { button, heading, notePlace, type View } from "./parts.ts";

/** Where somebody signs in to add this phone: a page of the service, which leads back here with a ticket. */
export const SIGN_IN = "/phone/sign-in";

type Begun = { readonly challenge: string; readonly rp_id: string; readonly timeout: number };

/** A browser that is nobody's phone yet, or not any more. */
export function startView(app: App, entered: () => void): View {
  const { start } = words;
  const notes = notePlace();
  if (app.lost) notes.say(start[app.lost]);
  const canUse = app.config.rp_id !== undefined && canPasskey();
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
  const begun = await callOpen<Begun>("POST", "/approver/sessions/begin", { jkt: await thumbprint(app.me) });
  if (!begun.ok) return notes.say(troubleOf(begun));
  try {
    const passkey = await signIn(begun.value);
    const body = { passkey: { challenge: begun.value.challenge, ...passkey } };
    const opened = await callByKey<Session>(app.me, app.config.issuer, "/approver/sessions", body);
    if (!opened.ok) {
      return notes.say(opened.code === "not_a_device" ? start.refused : troubleOf(opened));
    }
    await keepSession(app, opened.value, passkey.credential_id);
    entered();
  } catch (cause) {
    if (!(cause instanceof NoPasskey)) throw cause;
    notes.say(start.cancelled);
  }
}
