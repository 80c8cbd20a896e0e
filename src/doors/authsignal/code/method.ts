import type { Channel } from "../../../core/ports/deliveries.ts";
import type { AuthenticatorKind } from "../../../core/user/authenticator.ts";
import { type ReadIdentifier, readIdentifier } from "../../../core/user/identifier.ts";
import type { ActionMethod } from "../action/action.ts";

/** Ways to meet an action with six digits that are sent and come back; each is a channel of the delivery room too. */
export type CodeMethod = Extract<ActionMethod, "email" | "sms" | "whatsapp">;

/** Ways to meet an action by what is sent to an address: beside the digits a link, whose page is confirmed. */
export type AddressMethod = CodeMethod | "link";

/** Both ways to write to an e-mail address are one channel of the delivery room. */
export const channelOf = (method: AddressMethod): Exclude<Channel, "push"> =>
  method === "link" ? "email" : method;

const isMail = (method: AddressMethod): boolean => channelOf(method) === "email";

/** What must be enrolled for it: one address is good for every way to write to it. */
export const enrolledAs = (method: AddressMethod): Exclude<AuthenticatorKind, "device"> =>
  isMail(method) ? "email" : "sms";

/** Reads an address of the kind that the method writes to; undefined for anything else. */
export function addressFor(method: AddressMethod, text: string): ReadIdentifier | undefined {
  const identifier = readIdentifier(text);
  return identifier?.kind === (isMail(method) ? "email" : "phone") ? identifier : undefined;
}

/** An enrolled address as its owner spells it, since a mail server may tell cases apart; as it is enrolled where that is another one. */
export function addressOfRow(
  method: AddressMethod,
  normal: string,
  names: readonly ReadIdentifier[],
): ReadIdentifier | undefined {
  const spelled = names.find((name) => name.normal === normal)?.value;
  const read = spelled === undefined ? undefined : addressFor(method, spelled);
  return read?.normal === normal ? read : addressFor(method, normal);
}
