import type { Context } from "hono";
import { startChallenge } from "../../../core/challenge/start.ts";
import { takeStart } from "../../../core/challenge/take-start.ts";
import { codeSubject } from "../../../core/code/subject.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { readIdentifier } from "../../../core/user/identifier.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { userOrDecoy } from "../asking/asked-user.ts";
import { numberForBrowser } from "../asking/match-number.ts";
import { errorOf, type OAuthError, wrong } from "../errors.ts";
import { askedLifetime } from "../lifetimes.ts";
import { type Asked, deviceRequest, handlesOf } from "./ask.ts";

/**
 * A device authorization request whose user is named (`login_hint`): they are asked on their phone, and there is no code to type. Anybody
 * may call by a public client's name, so it is what a stranger may do on our own page: counted as theirs, with a number on the screen,
 * with no words of theirs on the phone, and answered alike whoever the name is (docs/decisions/0097).
 */
export async function askByName(
  c: Context<AppEnv>,
  { name, ...asked }: Asked & { readonly name: string },
): Promise<Result<object, OAuthError>> {
  const powers = services(c);
  const { client, caller, subject } = asked;
  const identifier = readIdentifier(name);
  if (!identifier) return no(wrong("invalid_request", "login_hint names nobody"));
  // Counted as a sign-in on our own page is, and apart from what the client's backend asks: neither takes the other's share.
  const about = await codeSubject(powers, client.realm, identifier);
  const [counted, user] = await Promise.all([
    takeStart(powers, client, caller, about),
    userOrDecoy(powers, client, identifier),
  ]);
  if (!counted.ok) return no(errorOf(counted.error));
  const matchCode = numberForBrowser(client.settings);
  const started = await startChallenge(powers, {
    ...deviceRequest(c, { ...asked, subject: matchCode === true ? { ...subject, matched: true } : subject }),
    user,
    requiresClaim: false,
    matchCode,
    lifetime: askedLifetime(client.settings),
    counted: true,
    draw: async () => powers.challenges.fresh(),
  });
  if (!started.ok) return no(errorOf(started.error));
  const { snapshot, matchCode: number } = started.value;
  return ok({
    ...(await handlesOf(c, snapshot)),
    ...(number === undefined ? {} : { match_code: number }),
  });
}
