import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { isSeenBy, namesFor, viewOf } from "../../../core/user/name-view.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { hasScope } from "../scope.ts";
import { readAccessToken } from "./access-token.ts";

/** A refusal of RFC 6750 §3: said in the header, and in the body for people. */
function challenge(c: Context, status: 400 | 401 | 403, error?: string, description = ""): Response {
  const said = error === undefined ? "" : ` error="${error}", error_description="${description}"`;
  c.header("WWW-Authenticate", `Bearer realm="oauth"${said && `,${said}`}`);
  return error === undefined
    ? c.body(null, status)
    : c.json({ error, error_description: description }, status);
}

/** The token of the header, or of a form (RFC 6750 §2.1, §2.2); never of the query. Two are one too many. */
async function tokenOf(c: Context<AppEnv>): Promise<string | "two" | undefined> {
  const header = /^(?:Bearer|DPoP) +(\S+) *$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  const isForm = c.req.method === "POST" && c.req.header("Content-Type") !== undefined;
  const body = isForm ? (await readForm(c))?.access_token : undefined;
  return header !== undefined && body !== undefined ? "two" : (header ?? body);
}

/** What is known of the person of an access token (OpenID Connect Core §5.3). */
export async function userinfo(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const text = await tokenOf(c);
  if (text === undefined) return challenge(c, 401);
  if (text === "two") return challenge(c, 400, "invalid_request", "More than one access token");
  const token = await readAccessToken(powers, text);
  const client = token && (await powers.clients.find(token.clientId));
  const user = client && (await powers.users.byId(token.userId, client.realm));
  if (!client || client.disabledAt !== undefined || !user || user.user.status !== "active") {
    return challenge(c, 401, "invalid_token", "The access token is not valid");
  }
  c.set("client", client);
  if (!hasScope(token.scope, "openid"))
    return challenge(c, 403, "insufficient_scope", "The scope openid is needed");
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
