import type { Context } from "hono";
import type { Caller } from "../../../core/caller.ts";
import { startChallenge } from "../../../core/challenge/start.ts";
import { callerFrom } from "../../../core/client/caller-from.ts";
import { takesDeviceLoginHint } from "../../../core/client/settings.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { busy, type KnownClient, knownClient } from "../client-auth.ts";
import { VERIFICATION_PAGE } from "../endpoints.ts";
import { errorOf, type OAuthError, wrong } from "../errors.ts";
import type { Call } from "../form.ts";
import { DEVICE_CODE_LIFETIME } from "../lifetimes.ts";
import type { OAuthSubject } from "../request.ts";
import { readResource } from "../resource.ts";
import { readScope } from "../scope.ts";
import { type Asked, deviceRequest, handlesOf } from "./ask.ts";
import { askByName } from "./ask-by-name.ts";
import { challengeOfCode, drawUserCode, shownUserCode } from "./user-code.ts";

const GRANT_TYPE = "urn:ietf:params:oauth:grant-type:device_code";

/**
 * `POST /oauth/device_authorization` (RFC 8628 §3.1): a device that cannot ask its user itself gets a code for them to type elsewhere.
 * Only for clients that the grant is named for (T94). Nobody is asked: whoever types the code is. A client that is set to it may name its
 * user by `login_hint`, and they are asked on their phone.
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
  const caller = await callerOf(c, known.value);
  if (caller.brought === "nothing" && !(await powers.limits.start(originOf(c).ip))) return no(busy(c));
  const asked = { client, caller, scope: scope.value.join(" "), subject };
  const named = takesDeviceLoginHint(client.settings) ? form.login_hint : undefined;
  return named === undefined ? await showCode(c, asked) : await askByName(c, { ...asked, name: named });
};

async function showCode(c: Context<AppEnv>, asked: Asked): Promise<Result<object, OAuthError>> {
  const powers = services(c);
  let code = "";
  const started = await startChallenge(powers, {
    ...deviceRequest(c, asked),
    // Typing the code claims it: nobody else decides from then on (T20, T21).
    requiresClaim: true,
    matchCode: false,
    lifetime: DEVICE_CODE_LIFETIME,
    draw: async () => {
      code = drawUserCode(powers);
      return (await challengeOfCode(powers, code)).id;
    },
  });
  if (!started.ok) return no(errorOf(started.error));
  const page = `${powers.config.issuer}${VERIFICATION_PAGE}`;
  const user_code = shownUserCode(code);
  return ok({
    user_code,
    verification_uri: page,
    verification_uri_complete: `${page}?user_code=${user_code}`,
    ...(await handlesOf(c, started.value.snapshot)),
  });
}

/** A backend is of no network; anybody may call by a public client's name. */
const callerOf = async (c: Context<AppEnv>, { method }: KnownClient): Promise<Caller> =>
  method === "none" ? await callerFrom(services(c), "nothing", originOf(c).ip) : { brought: "secret" };
