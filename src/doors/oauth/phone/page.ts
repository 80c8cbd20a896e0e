import type { Context } from "hono";
import { ownClient } from "../../../core/client/own-client.ts";
import { FRESH, isFresh } from "../../../core/device/own-enrolment.ts";
import { writeTicket } from "../../../core/device/ticket.ts";
import { MAIN, parseRealm } from "../../../core/ids.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { trouble } from "../authorize/back.ts";
import { sessionOf, turnSession } from "../session/session.ts";
import { showSignIn } from "../session/sign-in-page.ts";
import { placeOfPhone } from "./place.ts";

/**
 * `GET /phone/sign-in`: whoever signed in a moment ago (T33) goes on to the phone page with a ticket to add this phone; anybody else signs in
 * first. The ticket stands in the fragment, which no server sees.
 */
export async function signInForPhone(c: Context<AppEnv>): Promise<Response> {
  const realm = parseRealm(c.req.query("realm") ?? MAIN);
  if (realm === undefined) return await trouble(c, "request");
  const powers = services(c);
  const client = ownClient(realm, powers.config.name);
  c.set("client", client);
  const at = { client, place: placeOfPhone(realm) };
  const session = await sessionOf(c, realm);
  if (!session || !isFresh(session.grant, powers.clock.now()) || !(await turnSession(c, session))) {
    return await showSignIn(c, at, {});
  }
  const { id, userId, clientId, deviceId, createdAt, authTime } = session.grant;
  const ticket = await writeTicket(powers, {
    id: powers.chance.uuid(),
    userId,
    realm,
    clientId,
    ...(deviceId === undefined ? {} : { deviceId }),
    sessionId: id,
    since: createdAt,
    until: authTime * SECOND + FRESH,
  });
  return c.redirect(`/phone#add=${ticket}`, 303);
}
