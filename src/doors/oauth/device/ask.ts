import type { Context } from "hono";
import type { Caller } from "../../../core/caller.ts";
import type { StartRequest } from "../../../core/challenge/start.ts";
import type { JsonObject } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import { givesDeviceRefreshTokens, requiresUnlock } from "../../../core/client/settings.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { waitingUris } from "../../../http/waiting-uris.ts";
import { INTERVAL, REDEEM_WINDOW, REPLAY_WINDOW } from "../lifetimes.ts";
import { type OAuthSubject, requestContext } from "../request.ts";
import { asksRefresh, lifetimeOf } from "../token/lifetime.ts";

/** What a device authorization request asks, once everything in it is good. */
export type Asked = {
  readonly client: Client;
  readonly caller: Caller;
  readonly scope: string;
  readonly subject: OAuthSubject;
};

/** What every challenge of the device grant is begun with, whoever will answer it. */
export const deviceRequest = (c: Context<AppEnv>, { client, caller, scope, subject }: Asked) =>
  ({
    door: "oauth",
    client,
    caller,
    purpose: "sign_in",
    scope,
    unlock: requiresUnlock(client.settings),
    context: requestContext({ kind: "device_code" }),
    subject: subject as JsonObject,
    ...lifetimeOf(client, keepsOn(client, scope)),
    origin: originOf(c),
    redeemWindow: REDEEM_WINDOW,
    replayWindow: REPLAY_WINDOW,
  }) satisfies Partial<StartRequest>;

/** A refresh token on a shared screen outlives whoever approved it, so the operator has to want it (T95). */
const keepsOn = (client: Client, scope: string): boolean =>
  givesDeviceRefreshTokens(client.settings) && asksRefresh(client, scope);

/** The members that every answer of the device grant has: what to poll with, and where to wait. */
export async function handlesOf(c: Context<AppEnv>, { spec }: Snapshot): Promise<object> {
  const { config, handles } = services(c);
  return {
    device_code: await handles.mint(spec.id, "device_code"),
    expires_in: (spec.expiresAt - spec.createdAt) / SECOND,
    interval: INTERVAL / SECOND,
    ...waitingUris(config.issuer, spec.id),
  };
}
