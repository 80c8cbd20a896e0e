import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { postLogoutRedirectUris } from "../../../core/client/settings.ts";
import { MAIN, type Realm } from "../../../core/ids.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { trouble } from "../authorize/back.ts";
import { namedClient } from "../client-auth.ts";
import type { Parameters } from "../form.ts";

/** What a client asks when it signs somebody out (OpenID Connect RP-Initiated Logout 1.0, section 2). Everything here has been checked. */
export type LogoutAsk = {
  /** Undefined when nobody has named one: then nothing leads anywhere. */
  readonly client?: Client;
  readonly realm: Realm;
  /** Whom the client means, by an ID token that it got. */
  readonly userId?: string;
  /** An address that is registered for the client. */
  readonly redirectUri?: string;
  readonly state?: string;
};

const STATE_LIMIT = 2_048;

/**
 * Reads a logout request. An address is believed byte for byte as it is registered, or it is not there (T82). A hint that cannot be checked,
 * such as one whose key is published no more, counts as none: the person is asked. `logout_hint` and `ui_locales` ask for nothing.
 */
export async function readLogoutAsk(
  c: Context<AppEnv>,
  parameters: Parameters,
  repeated: readonly string[] = [],
): Promise<LogoutAsk | Response> {
  const { id_token_hint: hint, client_id: named, post_logout_redirect_uri: uri, state } = parameters;
  if (repeated.length > 0 || (state ?? "").length > STATE_LIMIT) return await trouble(c, "request");
  const about = hint === undefined ? undefined : await hinted(c, hint);
  if (about !== undefined && named !== undefined && about.audience !== named)
    return await trouble(c, "request");
  const id = named ?? about?.audience;
  if (id === undefined) return { realm: MAIN };
  const client = await namedClient(c, id);
  if (!client.ok) return await trouble(c, "busy");
  if (!client.value) return await trouble(c, "client");
  const { settings, realm } = client.value;
  const isRegistered = uri !== undefined && postLogoutRedirectUris(settings).includes(uri);
  return {
    client: client.value,
    realm,
    ...(about === undefined ? {} : { userId: about.userId }),
    ...(isRegistered ? { redirectUri: uri } : {}),
    ...(state === undefined ? {} : { state }),
  };
}

/** Whom an ID token of this door is about, and for which client it was made. */
async function hinted(
  c: Context<AppEnv>,
  hint: string,
): Promise<{ readonly userId: string; readonly audience: string } | undefined> {
  const { verifier, config } = services(c);
  const read = await verifier.verify(hint, { kind: "id", issuer: config.issuer, expired: "allowed" });
  if (!read.ok) return undefined;
  const { sub, aud, type } = read.value;
  // The vendors' doors name a type, and may have the same issuer.
  if (type !== undefined || typeof sub !== "string" || typeof aud !== "string") return undefined;
  return { userId: sub, audience: aud };
}
