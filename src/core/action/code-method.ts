import { type ReadIdentifier, readIdentifier } from "../user/identifier.ts";
import type { ActionMethod } from "./action.ts";
import type { AuthenticatorKind } from "./authenticator.ts";

/** Ways to meet an action with a code that is sent; each is a channel of the delivery room too. */
export type CodeMethod = Extract<ActionMethod, "email" | "sms" | "whatsapp">;

/** What must be enrolled for it: one number is good for both ways to write to it. */
export const enrolledAs = (method: CodeMethod): Exclude<AuthenticatorKind, "device"> =>
  method === "email" ? "email" : "sms";

/** Reads an address of the kind that the method writes to; undefined for anything else. */
export function addressFor(method: CodeMethod, text: string): ReadIdentifier | undefined {
  const identifier = readIdentifier(text);
  return identifier?.kind === (method === "email" ? "email" : "phone") ? identifier : undefined;
}
