import type { Context } from "hono";
import type * as z from "zod";
import { type AppEnv, services } from "../../../http/context.ts";
import { tellLater } from "../action/later.ts";
import { nameOfPath } from "../bodies.ts";
import { requester } from "../client.ts";
import { readAddress } from "../code/addresses.ts";
import { refuse } from "../errors.ts";
import type { verifiedBody } from "../schema.ts";
import { addressEvent, authenticatorsWire } from "../translate.ts";
import { ensureNamedUser } from "../user/find.ts";
import { type EnrolledAddress, enrolVerifiedAddress } from "./address.ts";

/** §9.1 `enrollVerifiedAuthenticator`: an address that the backend has seen proven. `isDefault` changes nothing here. */
export async function enrolVerified(
  c: Context<AppEnv>,
  body: z.output<typeof verifiedBody>,
): Promise<Response> {
  const powers = services(c);
  const name = nameOfPath(c);
  if (name === undefined) return refuse(c, { code: "malformed", detail: "user id" });
  const isMail = body.verificationMethod === "EMAIL_OTP";
  const member = isMail ? "email" : "phoneNumber";
  const identifier = readAddress(c, isMail ? "email" : "sms", body[member] ?? "");
  if (!identifier) return refuse(c, { code: "malformed", detail: member });
  const by = requester(c);
  const { client } = c.var;
  const user = await ensureNamedUser(powers, client, name, by);
  if (!user.ok) return refuse(c, user.error);
  const enrolled = await enrolVerifiedAddress(powers, {
    user: user.value,
    identifier,
    client,
    assertedBy: "client",
    by,
  });
  if (!enrolled.ok) return refuse(c, enrolled.error);
  await tellEnrolled(c, name, enrolled.value);
  const { authenticator } = enrolled.value;
  const [wire] = authenticatorsWire(name, enrolled.value.user, { devices: [], rows: [authenticator] });
  return c.json({ authenticator: wire });
}

/** Tells the client's webhook of a new way to meet actions (§7.3). */
export async function tellEnrolled(
  c: Context<AppEnv>,
  name: string,
  { user, authenticator, isNew }: EnrolledAddress,
): Promise<void> {
  const powers = services(c);
  if (isNew)
    await tellLater(powers, c.get("client"), addressEvent(powers, "created", name, user, authenticator));
}
