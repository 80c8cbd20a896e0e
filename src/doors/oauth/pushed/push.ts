import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import type { AppEnv } from "../../../http/context.ts";
import { type BadAsk, readAsk } from "../authorize/ask.ts";
import { busy, knownClient } from "../client-auth.ts";
import { provenKey, readProof } from "../dpop.ts";
import { BAD_CLIENT, type OAuthError, wrong } from "../errors.ts";
import type { Call, Parameters } from "../form.ts";
import { PUSHED_FOR, sealRequest } from "./request-uri.ts";

/**
 * Pushed authorization requests (RFC 9126 §2): the client shows who it is, and its request is checked as the authorization endpoint would
 * check it. The answer names the request for one minute.
 */
export const pushRequest: Call = async (c, form) => {
  const known = await knownClient(c, form);
  if (!known.ok) return known;
  const { client, method } = known.value;
  if (form.request_uri !== undefined) return no(wrong("invalid_request", "request_uri is not allowed here"));
  const key = await keyOf(c, client, form, method === "none");
  if (!key.ok) return key;
  const parameters = requestOf(form, client, key.value);
  const ask = await readAsk(c, parameters);
  if (!ask.ok) return no(errorOfAsk(c, ask.error));
  const uri = await sealRequest(c, client.id, parameters);
  // RFC 9126 §2.3
  return uri === undefined
    ? no({ ...wrong("invalid_request", "The request is too long"), status: 413 })
    : ok({ request_uri: uri, expires_in: PUSHED_FOR / SECOND });
};

/**
 * The key that the code will be bound to: of a proof, of `dpop_jkt`, or of both where they agree (RFC 9449 §10.1). A proof that comes by a
 * public client's name is not used up, since a stranger writes no rows: a second time it says the same.
 */
async function keyOf(
  c: Context<AppEnv>,
  client: Client,
  { dpop_jkt }: Parameters,
  isStrangers: boolean,
): Promise<Result<string | undefined, OAuthError>> {
  const proven = isStrangers ? await shownKey(c, client) : await provenKey(c, client.id);
  if (!proven.ok || proven.value === undefined) return proven.ok ? ok(dpop_jkt) : proven;
  return dpop_jkt === undefined || dpop_jkt === proven.value
    ? proven
    : no(wrong("invalid_dpop_proof", "dpop_jkt is another key than the proof's"));
}

async function shownKey(c: Context<AppEnv>, { id }: Client): Promise<Result<string | undefined, OAuthError>> {
  const proof = await readProof(c, id);
  return proof.ok ? ok(proof.value?.jkt) : proof;
}

/** The request without what authenticates the client. */
function requestOf(
  { client_secret, client_assertion, client_assertion_type, ...rest }: Parameters,
  { id }: Client,
  jkt: string | undefined,
): Parameters {
  return { ...rest, client_id: id, ...(jkt === undefined ? {} : { dpop_jkt: jkt }) };
}

/** What the authorization endpoint would say on a page or by a redirect, as JSON (RFC 9126 §2.3). */
function errorOfAsk(c: Context<AppEnv>, bad: BadAsk): OAuthError {
  if (bad.kind === "back") return bad.error;
  switch (bad.what) {
    case "client":
      return BAD_CLIENT;
    case "redirect":
      return wrong("invalid_request", "redirect_uri is missing or not registered");
    case "request":
      return wrong("invalid_request", "The request cannot be read");
    case "busy":
      return busy(c);
  }
}
