import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { CODE_CHALLENGE } from "../../../core/client/pkce.ts";
import { isRegisteredRedirect } from "../../../core/client/redirect-match.ts";
import { requiresPkce } from "../../../core/client/settings.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { AppEnv } from "../../../http/context.ts";
import { namedClient } from "../client-auth.ts";
import { type OAuthError, wrong } from "../errors.ts";
import { type Parameters, queryOf, REQUEST_LIMIT } from "../form.ts";
import { isPushed, OPENED_MARK, openRequest, type Pushed } from "../pushed/request-uri.ts";
import { readResource } from "../resource.ts";
import { readScope } from "../scope.ts";
import { SIGNED_IN_MARK } from "./place.ts";

const PROMPTS = ["none", "login", "consent", "select_account"] as const;
export type Prompt = (typeof PROMPTS)[number];

/** What a client asks of the authorization endpoint. Everything here has been checked. */
export type Ask = {
  readonly client: Client;
  readonly redirectUri: string;
  readonly state?: string;
  readonly scope: string;
  readonly codeChallenge?: string;
  readonly nonce?: string;
  readonly prompts: readonly Prompt[];
  /** Seconds since the sign-in. */
  readonly maxAge?: number;
  readonly loginHint?: string;
  readonly idTokenHint?: string;
  readonly acrValues: readonly string[];
  readonly resource?: string;
  readonly dpopJkt?: string;
  /** Every parameter as it came: what the browser comes back with when the person has signed in. */
  readonly parameters: Parameters;
  /** Of a request that was pushed (RFC 9126): it is good for one code. */
  readonly pushed?: Pick<Pushed, "hash" | "over">;
};

/** Where an answer leads: an address that is registered for the client. */
export type Target = Pick<Ask, "client" | "redirectUri" | "state">;

/** `local`: nothing is registered to lead back to, so it is said here (RFC 6749 §4.1.2.1). */
export type BadAsk =
  | {
      readonly kind: "local";
      readonly what: "client" | "redirect" | "request" | "busy";
      readonly client?: Client;
    }
  | { readonly kind: "back"; readonly target: Target; readonly error: OAuthError };

const STATE_LIMIT = 2_048;
const NONCE_LIMIT = 512;
const HINT_LIMIT = 8_192;

/**
 * Reads an authorization request (RFC 6749 §4.1.1; OpenID Connect Core §3.1.2.1). The client and its redirect URI come first, and until
 * both are good nothing leads anywhere (T82). `repeated` names the parameters that came more than once. Of a request that was pushed only
 * what was pushed counts (RFC 9126 §4).
 */
export async function readAsk(
  c: Context<AppEnv>,
  parameters: Parameters,
  repeated: readonly string[] = [],
): Promise<Result<Ask, BadAsk>> {
  if (!isPushed(parameters)) return await readParameters(c, parameters, repeated);
  const pushed = repeated.length > 0 ? undefined : await openRequest(c, parameters);
  if (!pushed) return no({ kind: "local", what: "request" });
  const { hash, over, opened } = pushed;
  const ask = await readParameters(c, pushed.parameters, []);
  if (!ask.ok) return ask;
  if (opened === undefined) return no({ kind: "back", target: ask.value, error: LATE });
  const { client_id, request_uri, [SIGNED_IN_MARK]: signedIn } = parameters;
  const place: Parameters = {
    client_id,
    request_uri,
    [OPENED_MARK]: opened,
    ...(signedIn === undefined ? {} : { [SIGNED_IN_MARK]: signedIn }),
  };
  return ok({ ...ask.value, parameters: place, pushed: { hash, over } });
}

async function readParameters(
  c: Context<AppEnv>,
  parameters: Parameters,
  repeated: readonly string[],
): Promise<Result<Ask, BadAsk>> {
  if (repeated.some((name) => name === "client_id" || name === "redirect_uri")) {
    return no({ kind: "local", what: "request" });
  }
  const found = await namedClient(c, parameters.client_id ?? "");
  // A client whose own server does not answer is not known now.
  if (!found.ok) return no({ kind: "local", what: found.error.status === 429 ? "busy" : "client" });
  const client = found.value;
  if (!client) return no({ kind: "local", what: "client" });
  c.set("client", client);
  const { redirect_uri: redirectUri, state } = parameters;
  if (redirectUri === undefined || !isRegisteredRedirect(client.redirectUris, redirectUri)) {
    return no({ kind: "local", what: "redirect", client });
  }
  const target: Target = { client, redirectUri, ...(isState(state) ? { state } : {}) };
  const rest = repeated.length > 0 ? no(REPEATED) : readRest(parameters, target);
  return rest.ok ? rest : no({ kind: "back", target, error: rest.error });
}

const LATE = wrong("invalid_request_uri", "The request_uri has expired");
const REPEATED = wrong("invalid_request", "A parameter came more than once");

const isState = (state: string | undefined): state is string =>
  state !== undefined && state.length <= STATE_LIMIT && state.isWellFormed();

function readRest(parameters: Parameters, target: Target): Result<Ask, OAuthError> {
  const { client } = target;
  const fault = faultOf(parameters, client);
  if (fault) return no(fault);
  const scope = readScope(parameters.scope);
  if (!scope.ok) return scope;
  const proof = readProof(parameters, client, scope.value.includes("openid"));
  if (!proof.ok) return proof;
  const prompts = readPrompts(parameters.prompt);
  if (!prompts) return no(wrong("invalid_request", "prompt has an unknown value, or none beside another"));
  const resource = readResource(client, parameters.resource);
  if (!resource.ok) return resource;
  const { max_age: maxAge, login_hint, id_token_hint, acr_values = "", dpop_jkt } = parameters;
  if (maxAge !== undefined && !/^\d{1,9}$/.test(maxAge)) {
    return no(wrong("invalid_request", "max_age is not a number of seconds"));
  }
  return ok({
    ...target,
    scope: scope.value.join(" "),
    ...proof.value,
    prompts,
    ...(maxAge === undefined ? {} : { maxAge: Number(maxAge) }),
    ...(login_hint === undefined ? {} : { loginHint: login_hint }),
    ...(id_token_hint === undefined ? {} : { idTokenHint: id_token_hint }),
    acrValues: acr_values.split(" ").filter((value) => value !== ""),
    ...(resource.value === undefined ? {} : { resource: resource.value }),
    ...(dpop_jkt === undefined ? {} : { dpopJkt: dpop_jkt }),
    parameters,
  });
}

function faultOf(parameters: Parameters, client: Client): OAuthError | undefined {
  const { response_type: type, response_mode: mode, state, dpop_jkt } = parameters;
  if (queryOf(parameters).length > REQUEST_LIMIT) return wrong("invalid_request", "The request is too long");
  if (type === undefined) return wrong("invalid_request", "response_type is missing");
  if (type !== "code") return wrong("unsupported_response_type", "Only the response type code is offered");
  if (!client.grantTypes.includes("authorization_code")) {
    return wrong("unauthorized_client", "The client may not use authorization codes");
  }
  if (parameters.request !== undefined) return wrong("request_not_supported", "request is not supported");
  if (parameters.request_uri !== undefined) {
    return wrong("request_uri_not_supported", "request_uri is not supported");
  }
  if (parameters.registration !== undefined) {
    return wrong("registration_not_supported", "registration is not supported");
  }
  if (mode !== undefined && mode !== "query") return wrong("invalid_request", "response_mode must be query");
  if (state !== undefined && !isState(state)) return wrong("invalid_request", "state is too long");
  if ((parameters.id_token_hint ?? "").length + (parameters.login_hint ?? "").length > HINT_LIMIT) {
    return wrong("invalid_request", "A hint is too long");
  }
  if (dpop_jkt !== undefined && !CODE_CHALLENGE.test(dpop_jkt)) {
    return wrong("invalid_request", "dpop_jkt is not a thumbprint");
  }
  return undefined;
}

/** What the code will be bound to: PKCE by S256 alone (RFC 7636 §4.3, T80); a client that is excused from it sends a nonce instead. */
function readProof(
  { code_challenge: challenge, code_challenge_method: method, nonce }: Parameters,
  client: Client,
  isOpenId: boolean,
): Result<Pick<Ask, "codeChallenge" | "nonce">, OAuthError> {
  if ((nonce ?? "").length > NONCE_LIMIT) return no(wrong("invalid_request", "nonce is too long"));
  const kept = nonce === undefined ? {} : { nonce };
  if (challenge !== undefined) {
    if (method !== "S256") return no(wrong("invalid_request", "code_challenge_method must be S256"));
    return CODE_CHALLENGE.test(challenge)
      ? ok({ codeChallenge: challenge, ...kept })
      : no(wrong("invalid_request", "code_challenge is not the base64url of a SHA-256"));
  }
  if (method !== undefined || requiresPkce(client)) {
    return no(wrong("invalid_request", "code_challenge is missing"));
  }
  // OAuth 2.1 §7.5.2
  return nonce === undefined || !isOpenId
    ? no(wrong("invalid_request", "Without code_challenge a nonce and the scope openid are needed"))
    : ok(kept);
}

function readPrompts(text = ""): readonly Prompt[] | undefined {
  const values = text.split(" ").filter((value) => value !== "");
  const known = PROMPTS.filter((prompt) => values.includes(prompt));
  if (known.length !== new Set(values).size) return undefined;
  return known.includes("none") && known.length > 1 ? undefined : known;
}
