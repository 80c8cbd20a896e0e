import type { Context } from "hono";
import type { Client } from "../../core/client/client.ts";
import { parseClientId } from "../../core/ids.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { SECOND } from "../../core/time.ts";
import { basicOf, clientBySecret, type IdAndSecret, isBasic } from "../../http/basic.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import { retryAfterMinute } from "../../http/ip-limits.ts";
import { clientName } from "../../http/read-limits.ts";
import { ENDPOINTS } from "./endpoints.ts";
import { BAD_CLIENT, type OAuthError, tooMany, wrong } from "./errors.ts";
import type { Parameters } from "./form.ts";
import { openClient } from "./open-client/open-client.ts";

export const AUTH_METHODS = ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"] as const;
export type AuthMethod = (typeof AUTH_METHODS)[number];

/** A client, and how it has shown that it is that one; `none` is a public client's name alone. */
export type KnownClient = { readonly client: Client; readonly method: AuthMethod };

export const JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

type Credentials =
  | {
      readonly method: "client_secret_basic" | "client_secret_post";
      readonly id: string;
      readonly secret: string;
    }
  | { readonly method: "private_key_jwt"; readonly assertion: string; readonly id?: string }
  | { readonly method: "none"; readonly id: string };

/** Where the `Authorization` header was used, the refusal names the scheme (RFC 6749 §5.2). */
const badBasic: OAuthError = { ...BAD_CLIENT, headers: { "WWW-Authenticate": 'Basic realm="oauth"' } };

/**
 * Finds out which client calls (RFC 6749 §2.3, RFC 7523 §3). Exactly one method; a confidential client never gets through by its name
 * alone; an unknown client and a wrong secret are one answer.
 */
export async function knownClient(
  c: Context<AppEnv>,
  form: Parameters,
): Promise<Result<KnownClient, OAuthError>> {
  const read = credentialsOf(c, form);
  if (!read.ok) return read;
  const credentials = read.value;
  const found = await clientOf(c, credentials);
  if (!found.ok) return found;
  const client = found.value;
  if (!client || client.disabledAt !== undefined) {
    if (!(await services(c).limits.miss(originOf(c).ip))) return no(busy(c));
    return no(credentials.method === "client_secret_basic" ? badBasic : BAD_CLIENT);
  }
  c.set("client", client);
  return ok({ client, method: credentials.method });
}

function credentialsOf(c: Context, form: Parameters): Result<Credentials, OAuthError> {
  const header = c.req.header("Authorization");
  const withBasic = isBasic(header);
  const { client_id: id, client_secret: secret, client_assertion: assertion } = form;
  if ([withBasic, secret !== undefined, assertion !== undefined].filter(Boolean).length > 1) {
    return no(wrong("invalid_request", "More than one method of client authentication"));
  }
  if (withBasic) {
    const basic = basicOf(header ?? "");
    if (!basic || (id !== undefined && id !== basic.id)) return no(badBasic);
    return ok({ method: "client_secret_basic", ...basic });
  }
  if (assertion !== undefined) {
    if (form.client_assertion_type !== JWT_BEARER) {
      return no(wrong("invalid_request", "client_assertion_type is not supported"));
    }
    return ok({ method: "private_key_jwt", assertion, ...(id === undefined ? {} : { id }) });
  }
  if (id === undefined) return no(BAD_CLIENT);
  return ok(secret === undefined ? { method: "none", id } : { method: "client_secret_post", id, secret });
}

async function clientOf(
  c: Context<AppEnv>,
  credentials: Credentials,
): Promise<Result<Client | undefined, OAuthError>> {
  switch (credentials.method) {
    case "client_secret_basic":
    case "client_secret_post":
      return await bySecret(c, credentials);
    case "none":
      return await byName(c, credentials.id);
    case "private_key_jwt":
      return await byAssertion(c, credentials);
  }
}

/** A confidential client's own signature, good once (RFC 7523 §3). */
async function byAssertion(
  c: Context<AppEnv>,
  { assertion, id }: { readonly assertion: string; readonly id?: string },
): Promise<Result<Client | undefined, OAuthError>> {
  const { clientAssertions, clock, config, nonces } = services(c);
  const name = clientAssertions.peek(assertion);
  if (name === undefined || (id !== undefined && id !== name)) return ok(undefined);
  const found = await namedClient(c, name);
  if (!found.ok || found.value?.kind !== "confidential") return found.ok ? ok(undefined) : found;
  const client = found.value;
  // The token endpoint is good everywhere: CIBA Core §7.1 and RFC 9126 §2 demand it.
  const audiences = [c.req.path, ENDPOINTS.token_endpoint].map((path) => `${config.issuer}${path}`);
  const checked = await clientAssertions.check(assertion, {
    client,
    audiences: [config.issuer, ...audiences],
    now: clock.now(),
  });
  return ok(checked.ok && (await nonces.spend(checked.value)) ? client : undefined);
}

async function bySecret(
  c: Context<AppEnv>,
  given: IdAndSecret,
): Promise<Result<Client | undefined, OAuthError>> {
  const found = await clientBySecret(c, given);
  return found.ok ? found : no(busy(c));
}

async function byName(c: Context<AppEnv>, text: string): Promise<Result<Client | undefined, OAuthError>> {
  const client = await namedClient(c, text);
  return client.ok ? ok(client.value?.kind === "public" ? client.value : undefined) : client;
}

/** The client that a call names, which proves nothing; undefined when there is none, or it is disabled. */
export async function namedClient(
  c: Context<AppEnv>,
  text: string,
): Promise<Result<Client | undefined, OAuthError>> {
  const { clients, limits } = services(c);
  const id = parseClientId(text);
  if (id === undefined) return await openClient(c, text);
  if (!(await limits.check(originOf(c).ip, clientName(id)))) return no(busy(c));
  const client = await clients.find(id);
  limits.vouch(clientName(id), client !== undefined);
  return ok(client?.disabledAt === undefined ? client : undefined);
}

/** Until the minute ends, as limits for an address count. */
export const busy = (c: Context<AppEnv>): OAuthError => {
  const now = services(c).clock.now();
  return tooMany(now + retryAfterMinute(now) * SECOND);
};
