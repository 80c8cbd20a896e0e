import type { Context } from "hono";
import type { Caller } from "../../../core/caller.ts";
import { startChallenge } from "../../../core/challenge/start.ts";
import type { JsonObject } from "../../../core/challenge/state.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Client } from "../../../core/client/client.ts";
import { requiresUnlock } from "../../../core/client/settings.ts";
import { no, ok } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { waitingUris } from "../../../http/waiting-uris.ts";
import { busy, type KnownClient, knownClient } from "../client-auth.ts";
import { VERIFICATION_PAGE } from "../endpoints.ts";
import { errorOf, wrong } from "../errors.ts";
import type { Call } from "../form.ts";
import { DEVICE_CODE_LIFETIME, INTERVAL, REDEEM_WINDOW, REPLAY_WINDOW } from "../lifetimes.ts";
import { type OAuthSubject, requestContext } from "../request.ts";
import { readResource } from "../resource.ts";
import { readScope } from "../scope.ts";
import { asksRefresh, lifetimeOf } from "../token/lifetime.ts";
import { challengeOfCode, drawUserCode, shownUserCode } from "./user-code.ts";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * `POST /oauth/device_authorization` (RFC 8628 §3.1): a device that cannot ask its user itself gets a code for them to type elsewhere.
 * Only for clients that the grant is named for (T94). Nobody is asked: whoever types the code is.
 */
export const deviceAuthorization: Call = async (c, form) => {
  const powers = services(c);
  const known = await knownClient(c, form);
  if (!known.ok) return known;
  const { client } = known.value;
  if (!client.grantTypes.includes(GRANT_TYPE)) {
    return no(wrong("unauthorized_client", "The client may not use the device grant"));
  }
  const scope = readScope(form.scope);
  if (!scope.ok) return scope;
  const resource = readResource(client, form.resource);
  if (!resource.ok) return resource;
  const subject: OAuthSubject = resource.value === undefined ? {} : { resource: resource.value };
  const origin = originOf(c);
  const caller = await callerOf(c, known.value);
  if (caller.brought === "nothing" && !(await powers.limits.start(origin.ip))) return no(busy(c));
  const text = scope.value.join(" ");
  let code = "";
  const started = await startChallenge(powers, {
    door: "oauth",
    client,
    caller,
    purpose: "sign_in",
    scope: text,
    // Typing the code claims it: nobody else decides from then on (T20, T21).
    requiresClaim: true,
    matchCode: false,
    unlock: requiresUnlock(client.settings),
    context: requestContext({ kind: "device_code" }),
    subject: subject as JsonObject,
    ...lifetimeOf(client, keepsOn(client, text)),
    origin,
    lifetime: DEVICE_CODE_LIFETIME,
    redeemWindow: REDEEM_WINDOW,
    replayWindow: REPLAY_WINDOW,
    draw: async () => {
      code = drawUserCode(powers);
      return (await challengeOfCode(powers, code)).id;
    },
  });
  if (!started.ok) return no(errorOf(started.error));
  const { id } = started.value.snapshot.spec;
  const page = `${powers.config.issuer}${VERIFICATION_PAGE}`;
  const user_code = shownUserCode(code);
  return ok({
    device_code: await powers.handles.mint(id, "device_code"),
    user_code,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${user_code}`,
    expires_in: DEVICE_CODE_LIFETIME / SECOND,
    interval: INTERVAL / SECOND,
    ...waitingUris(powers.config.issuer, id),
  });
};

/** A backend is of no network; anybody may call by a public client's name. */
const callerOf = async (c: Context<AppEnv>, { method }: KnownClient): Promise<Caller> =>
  method === "none" ? await callerFrom(services(c), "nothing", originOf(c).ip) : { brought: "secret" };

/** A refresh token on a shared screen outlives whoever typed the code, so the operator has to want it (T95). */
const keepsOn = (client: Client, scope: string): boolean =>
  client.settings.device_refresh_tokens === true && asksRefresh(client, scope);
