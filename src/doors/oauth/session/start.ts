import type { Context } from "hono";
import { type StartRequest, startChallenge } from "../../../core/challenge/start.ts";
import type { JsonObject } from "../../../core/challenge/state.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Client } from "../../../core/client/client.ts";
import { requiresUnlock } from "../../../core/client/settings.ts";
import { type SentCode, sendCode } from "../../../core/code/send.ts";
import { codeSubject } from "../../../core/code/subject.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { MINUTE } from "../../../core/time.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { browserDigest, ownSecret } from "../../../hosted/browser.ts";
import { isKnownBrowser } from "../../../hosted/known-browser.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { localeOf } from "../../../pages/verify/words.ts";
import { userOrDecoy } from "../asking/asked-user.ts";
import { numberForBrowser } from "../asking/match-number.ts";
import { REPLAY_WINDOW, SESSION_LIFETIME } from "../lifetimes.ts";
import { type OAuthSubject, requestContext } from "../request.ts";

/** What the codes of this page are good for; one that was sent for something else does not fit (T70). */
export const SIGN_IN_CODE = "oauth_sign_in";

/** How long a person has, and how long the browser may then take to come back. */
const LIFETIME = 10 * MINUTE;
const COLLECT_WINDOW = 5 * MINUTE;

export type StartedSignIn = { readonly snapshot: Snapshot; readonly matchCode?: string };

/**
 * Asks the person's devices. Somebody whom nobody knows is answered alike: the same page waits until it ends. The number on the page has to
 * be typed on the device, unless the client takes bare taps (NIST SP 800-63B-4 §3.1.3).
 */
export async function askDevices(
  c: Context<AppEnv>,
  client: Client,
  identifier: ReadIdentifier,
): Promise<Result<StartedSignIn, Refusal>> {
  const user = await userOrDecoy(services(c), client, identifier);
  return await begin(c, client, identifier, {
    way: "device",
    user,
    matchCode: numberForBrowser(client.settings),
  });
}

/** Begins a sign-in that a code will prove; nothing is sent yet. */
export const beginByCode = (
  c: Context<AppEnv>,
  client: Client,
  identifier: ReadIdentifier,
): Promise<Result<StartedSignIn, Refusal>> => begin(c, client, identifier, { way: "code", matchCode: false });

async function begin(
  c: Context<AppEnv>,
  client: Client,
  identifier: ReadIdentifier,
  how: {
    readonly way: "device" | "code";
    readonly user?: NonNullable<StartRequest["user"]>;
    readonly matchCode: boolean | "page";
  },
): Promise<Result<StartedSignIn, Refusal>> {
  const powers = services(c);
  const origin = originOf(c);
  if (!(await powers.limits.start(origin.ip))) {
    return no({ code: "too_many", scope: "ip", retryAt: powers.clock.now() + MINUTE });
  }
  const brought = (await isKnownBrowser(c, client.realm, identifier)) ? "browser" : "nothing";
  const { way, user, matchCode } = how;
  const subject: OAuthSubject = matchCode === true ? { matched: true } : {};
  const started = await startChallenge(powers, {
    door: "oauth",
    client,
    caller: await callerFrom(powers, brought, origin.ip),
    ...(user ? { user } : {}),
    about: await codeSubject(powers, client.realm, identifier),
    purpose: "sign_in",
    scope: "browser",
    requiresClaim: false,
    matchCode,
    unlock: requiresUnlock(client.settings),
    context: requestContext({
      kind: "browser_session",
      browser: await browserDigest(c, ownSecret(c)),
      identifier: identifier.value,
      way,
    }),
    subject: subject as JsonObject,
    grantLifetime: SESSION_LIFETIME,
    origin,
    lifetime: LIFETIME,
    redeemWindow: COLLECT_WINDOW,
    replayWindow: REPLAY_WINDOW,
    draw: async () => powers.challenges.fresh(),
  });
  if (!started.ok) return started;
  const { snapshot, matchCode: number } = started.value;
  return ok({ snapshot, ...(number === undefined ? {} : { matchCode: number }) });
}

/** Sends the code of a sign-in, at first or again, to the address that was typed. */
export async function sendSignInCode(
  c: Context<AppEnv>,
  client: Client,
  { spec, view }: Snapshot,
  identifier: ReadIdentifier,
): Promise<Result<SentCode, Refusal>> {
  if (view.state !== "pending") return no({ code: "expired" });
  const powers = services(c);
  const origin = originOf(c);
  return await sendCode(powers, {
    challengeId: spec.id,
    client,
    identifier,
    channel: identifier.kind === "phone" ? "sms" : "email",
    purpose: SIGN_IN_CODE,
    effect: { kind: "sign_in" },
    as: { template: "one_time_code" },
    origin,
    // What it was begun with: another code of it is in the same lane.
    caller: await callerFrom(powers, spec.brought ?? "nothing", origin.ip),
    locale: localeOf(c.req.header("Accept-Language")),
    expiresAt: spec.expiresAt,
  });
}
