import type { Context } from "hono";
import type { Caller } from "../../../core/caller.ts";
import { startChallenge } from "../../../core/challenge/start.ts";
import type { JsonObject } from "../../../core/challenge/state.ts";
import { aboutForBackend, takeStart } from "../../../core/challenge/take-start.ts";
import type { Client } from "../../../core/client/client.ts";
import { requiresUnlock } from "../../../core/client/settings.ts";
import { type ChallengeId, newUserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type Millis, SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { waitingUris } from "../../../http/waiting-uris.ts";
import { numberForBackend } from "../asking/match-number.ts";
import { knownClient } from "../client-auth.ts";
import { errorOf, type OAuthError, wrong } from "../errors.ts";
import type { Call, Parameters } from "../form.ts";
import { askedLifetime, INTERVAL, REDEEM_WINDOW, REPLAY_WINDOW } from "../lifetimes.ts";
import { type OAuthSubject, requestContext } from "../request.ts";
import { readResource } from "../resource.ts";
import { readScope } from "../scope.ts";
import { asksRefresh, lifetimeOf } from "../token/lifetime.ts";
import { readDetails } from "./details.ts";
import { countedAs, type Hint, readHint, userOf } from "./hints.ts";
import { readBindingMessage, readExpiry, readNotificationToken, refuseUnoffered } from "./parameters.ts";

const GRANT_TYPE = "urn:openid:params:grant-type:ciba";

/** A backend calls, from an address that is its own: no network of a user's is behind it. */
const BACKEND: Caller = { brought: "secret" };

/** What a request asks, once everything in it is good. */
type Asked = {
  readonly hint: Hint;
  readonly scope: string;
  readonly bindingMessage: string | undefined;
  readonly lifetime: Millis;
  readonly subject: OAuthSubject;
  /** Of a client that is pinged. */
  readonly notificationToken?: string;
};

/**
 * `POST /oauth/bc-authorize` (CIBA Core, section 7): asks a user on their device, for a client that authenticates. Who is not known is
 * `unknown_user_id`, or with `decoy_unknown_users` an answer like any other, to a request that nobody can answer (T09).
 */
export const backchannelAuthentication: Call = async (c, form) => {
  const known = await knownClient(c, form);
  if (!known.ok) return known;
  const { client, method } = known.value;
  if (client.kind === "public" || method === "none" || !client.grantTypes.includes(GRANT_TYPE)) {
    return no(wrong("unauthorized_client", "The client may not use CIBA"));
  }
  const asked = await read(services(c), client, form);
  return asked.ok ? await begin(c, client, asked.value) : asked;
};

async function read(powers: Services, client: Client, form: Parameters): Promise<Result<Asked, OAuthError>> {
  const unoffered = refuseUnoffered(form);
  if (!unoffered.ok) return unoffered;
  const scope = readScope(form.scope);
  if (!scope.ok) return scope;
  if (!scope.value.includes("openid")) return no(wrong("invalid_scope", "The scope has to contain openid"));
  const bindingMessage = readBindingMessage(form.binding_message);
  if (!bindingMessage.ok) return bindingMessage;
  const expiry = readExpiry(form.requested_expiry);
  if (!expiry.ok) return expiry;
  const resource = readResource(client, form.resource);
  if (!resource.ok) return resource;
  const details = readDetails(form.authorization_details);
  if (!details.ok) return details;
  const token = isPinged(client) ? readNotificationToken(form.client_notification_token) : ok(undefined);
  if (!token.ok) return token;
  const hint = await readHint(powers, client, form);
  if (!hint.ok) return hint;
  const kept = details.value === undefined ? {} : { details: details.value };
  return ok({
    hint: hint.value,
    scope: scope.value.join(" "),
    bindingMessage: bindingMessage.value,
    lifetime: expiry.value ?? askedLifetime(client.settings),
    subject: {
      ...kept,
      ...(matches(client) ? { matched: true } : {}),
      ...(resource.value === undefined ? {} : { resource: resource.value }),
    },
    ...(token.value === undefined ? {} : { notificationToken: token.value }),
  });
}

const matches = ({ settings }: Client): boolean => settings.match_code === "required";

const isPinged = ({ settings, notificationEndpoint }: Client): boolean =>
  settings.backchannel_token_delivery_mode === "ping" && notificationEndpoint !== undefined;

/** Counting and looking up go out together: the count is for what the hint says, whoever that is. */
async function begin(c: Context<AppEnv>, client: Client, asked: Asked): Promise<Result<object, OAuthError>> {
  const powers = services(c);
  const { hint, scope, bindingMessage, lifetime } = asked;
  const about = aboutForBackend(await powers.handles.pepper(["ciba-hint", client.realm], countedAs(hint)));
  const [counted, found] = await Promise.all([
    takeStart(powers, client, BACKEND, about),
    userOf(powers, client, hint),
  ]);
  if (!counted.ok) return no(errorOf(counted.error));
  const user = askedUser(powers, client, found);
  if (!user) return no(errorOf({ code: "unknown_user" }));
  const id = powers.challenges.fresh();
  const authReqId = await powers.handles.mint(id, "auth_req_id");
  const started = await startChallenge(powers, {
    door: "oauth",
    client,
    caller: BACKEND,
    user,
    purpose: "sign_in",
    scope,
    ...(bindingMessage === undefined ? {} : { bindingMessage }),
    requiresClaim: false,
    matchCode: numberForBackend(client.settings),
    unlock: requiresUnlock(client.settings),
    context: await contextOf(powers, asked, { id, authReqId }),
    subject: asked.subject as JsonObject,
    ...lifetimeOf(client, asksRefresh(client, scope)),
    origin: originOf(c),
    lifetime,
    redeemWindow: REDEEM_WINDOW,
    replayWindow: REPLAY_WINDOW,
    counted: true,
    // Nothing is at a random id; and what is sealed for it opens nowhere else.
    draw: async () => id,
  });
  if (!started.ok) return no(errorOf(started.error));
  const { matchCode } = started.value;
  return ok({
    auth_req_id: authReqId,
    expires_in: lifetime / SECOND,
    interval: INTERVAL / SECOND,
    ...waitingUris(powers.config.issuer, id),
    ...(matchCode === undefined ? {} : { match_code: matchCode }),
  });
}

async function contextOf(
  { pings }: Pick<Services, "pings">,
  { subject, notificationToken: token }: Asked,
  { id, authReqId }: { readonly id: ChallengeId; readonly authReqId: string },
): Promise<JsonObject> {
  const { details } = subject;
  return requestContext({
    kind: "ciba",
    ...(details === undefined ? {} : { details }),
    ...(token === undefined ? {} : { notificationToken: await pings.seal(id, { authReqId, token }) }),
  });
}

/**
 * Who is asked. A decoy is a user whom nobody is: the request and its prompt begin as any other and are read by no one. Where the client wants
 * decoys, a locked user is one too, so that the two take equally long.
 */
function askedUser(
  { chance }: Pick<Services, "chance">,
  { settings }: Client,
  found: UserRecord | undefined,
): { readonly id: UserRecord["user"]["id"]; readonly locked: boolean } | undefined {
  const locked = found?.user.status === "locked";
  if (settings.decoy_unknown_users && (found === undefined || locked)) {
    return { id: newUserId(chance.uuid()), locked: false };
  }
  return found && { id: found.user.id, locked };
}
