import type { Context } from "hono";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { type AddressMethod, addressFor, enrolledAs } from "./method.ts";

/** A telephone number as its numbering plan has it: users write the trunk zero behind the country's code. Other texts as they are. */
export const plainNumber = (c: Context<AppEnv>, text: string): string =>
  services(c).phones.read(text)?.e164 ?? text;

/** An address of the kind that the method writes to, so that each has one form; undefined for anything else. */
export const readAddress = (
  c: Context<AppEnv>,
  method: AddressMethod,
  text: string,
): ReadIdentifier | undefined =>
  addressFor(method, enrolledAs(method) === "sms" ? plainNumber(c, text) : text);
