import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { ok } from "../../../core/result.ts";
import { isSeenBy, namesFor, viewOf } from "../../../core/user/name-view.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { provenKey } from "../dpop.ts";
import { hasScope } from "../scope.ts";
import { readAccessToken } from "./access-token.ts";

/** The scheme that a refusal names: the one that was used. */
type Scheme = "Bearer" | "DPoP";
type Brought = { readonly token: string; readonly scheme: Scheme };

/** A refusal of RFC 6750 §3 and RFC 9449 §7.1: said in the header, and in the body for people. */
function challenge(
  c: Context,
  scheme: Scheme,
  status: 400 | 401 | 403,
  error?: string,
  description = "",
): Response {
  const said = error === undefined ? "" : `, error="${error}", error_description="${description}"`;
  const algorithms = scheme === "DPoP" ? ', algs="ES256"' : "";
  c.header("WWW-Authenticate", `${scheme} realm="oauth"${algorithms}${said}`);
  return error === undefined
    ? c.body(null, status)
    : c.json({ error, error_description: description }, status);
}

/** The token of the header, or of a form (RFC 6750 §2.1, §2.2); never of the query. Two are one too many. */
async function tokenOf(c: Context<AppEnv>): Promise<Brought | "two" | undefined> {
  const [, scheme = "", token] = /^(Bearer|DPoP) +(\S+) *$/i.exec(c.req.header("Authorization") ?? "") ?? [];
  const isForm = c.req.method === "POST" && c.req.header("Content-Type") !== undefined;
  const body = isForm ? (await readForm(c))?.access_token : undefined;
  if (token !== undefined && body !== undefined) return "two";
  if (token !== undefined) return { token, scheme: /^dpop$/i.test(scheme) ? "DPoP" : "Bearer" };
  return body === undefined ? undefined : { token: body, scheme: "Bearer" };
}

/** What is known of the person of an access token (OpenID Connect Core §5.3). A bound token needs its key (RFC 9449 §7). */
export async function userinfo(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const brought = await tokenOf(c);
  if (brought === undefined) return challenge(c, "Bearer", 401);
  if (brought === "two") return challenge(c, "Bearer", 400, "invalid_request", "More than one access token");
  const { scheme } = brought;
  const token = await readAccessToken(powers, brought.token);
  const client = token && (await powers.clients.find(token.clientId));
  const user = client && (await powers.users.byId(token.userId, client.realm));
  if (!client || client.disabledAt !== undefined || !user || user.user.status !== "active") {
    return challenge(c, scheme, 401, "invalid_token", "The access token is not valid");
  }
  // A token for another API is not shown around here: whoever runs that API holds it too (RFC 9068 §4, RFC 8707 §3).
  if (token.claims.aud !== client.id) {
    return challenge(c, scheme, 401, "invalid_token", "The access token is for another resource");
  }
  c.set("client", client);
  if (scheme === "DPoP" || token.jkt !== undefined) {
    const key = scheme === "DPoP" ? await provenKey(c, client.id, brought.token) : ok(undefined);
    if (!key.ok) return challenge(c, "DPoP", 401, key.error.error, key.error.description);
    if (key.value === undefined || key.value !== token.jkt) {
      return challenge(c, "DPoP", 401, "invalid_token", "The access token is bound to another key");
    }
  }
  if (!hasScope(token.scope, "openid")) {
    return challenge(c, scheme, 403, "insufficient_scope", "The scope openid is needed");
  }
  return c.json(claimsOf(client, user, token.scope));
}

/** Claims by scope (OpenID Connect Core §5.4), as far as this client may know the names. */
export function claimsOf(
  client: Client,
  record: UserRecord,
  scope: string,
): Readonly<Record<string, unknown>> {
  const view = viewOf(client);
  const names = namesFor(view, record);
  const email = names.find(({ kind }) => kind === "email");
  const phone = names.find(({ kind }) => kind === "phone");
  const username = names.find(({ kind }) => kind === "username");
  return {
    sub: record.user.id,
    ...(email && hasScope(scope, "email")
      ? { email: email.value, email_verified: isSeenBy(view, email) }
      : {}),
    ...(phone && hasScope(scope, "phone")
      ? { phone_number: phone.normal, phone_number_verified: isSeenBy(view, phone) }
      : {}),
    ...(username && hasScope(scope, "profile") ? { preferred_username: username.value } : {}),
  };
}
