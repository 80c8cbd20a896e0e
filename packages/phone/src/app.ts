import type { Ended, Me, Phone, PhoneConfig } from "../../countersign/src/phone/phone.ts";
import { isOffline, type Refused } from "./answers.ts";
import { momentOf, put, words } from "./words.ts";

/** The page's own state: the service that it belongs to, and what this browser is there. */
export type App = {
  readonly config: PhoneConfig & { readonly issuer: string };
  readonly phone: Phone;
  /** This browser has passkeys. */
  readonly canPasskey: boolean;
  /** This browser reads QR codes by itself. */
  readonly canScan: boolean;
  /** Whose phone this browser is. */
  me: Me | undefined;
  /** Why this browser is nobody's phone any more, where it was. */
  lost?: Ended;
  /** Called when it is nobody's phone any more, whichever call has found that out. */
  readonly ended: () => void;
};

/** This build of the page, which is named in all that is signed here. */
declare const BUILD: string;
export const build: string = BUILD;

/** This browser is this person's phone from now on. */
export function become(app: App, me: Me): void {
  delete app.lost;
  app.me = me;
}

/** Of whoever is locked the key stays: the account may be unlocked again. */
export function lose(app: App, why?: Ended): void {
  if (why !== "locked") app.me = undefined;
  if (why) app.lost = why;
  app.ended();
}

/** Words for a refusal that has no words of its own where it comes up. */
export function troubleOf(refused: Refused): string {
  if (isOffline(refused)) return words.offline;
  const { code, more } = refused;
  if (code === "user_locked") return words.start.locked;
  return code === "too_many" ? put(words.tooMany, { until: momentOf(String(more.until)) }) : words.trouble;
}

export const isOver = (app: App): boolean => app.me === undefined || app.lost === "locked";
