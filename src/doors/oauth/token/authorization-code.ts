import { codeChallengeOf } from "../../../core/client/pkce.ts";
import { burnCode, redeemCode } from "../../../core/grant/authorization-code.ts";
import type { Services } from "../../../core/ports/services.ts";
import { no, ok } from "../../../core/result.ts";
import { originOf, services } from "../../../http/context.ts";
import { SPENT_PROOF } from "../dpop.ts";
import { wrong } from "../errors.ts";
import { type OAuthRequest, type OAuthSubject, requestOf } from "../request.ts";
import { boundKey, type Exchange, type TokenCall } from "./exchange.ts";
import { issueTokens } from "./tokens.ts";

/** The kind of handle that a code of this door is; a code of the hosted page is of another one. */
export const OAUTH_CODE = "oauth_code";

/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9._~-]{43,128}$/;

/** RFC 8707 §2.2: refused by name, and the code is as good as before. */
export const OTHER_TARGET = wrong("invalid_target", "The grant is not for this resource");

const NOT_THIS = wrong("invalid_grant", "The code is not valid");

/** What a request keeps of its redirect URI. */
export const redirectDigest = ({ handles }: Pick<Services, "handles">, uri: string): Promise<string> =>
  handles.digest(["oauth-redirect", uri]);

/**
 * `authorization_code` (RFC 6749 §4.1.3, RFC 7636 §4.6). A code is good once: the second use takes back what the first has got (T46).
 * Another client's code does nothing. The client's own with a wrong verifier, redirect URI or key, or without the verifier that was
 * promised, is burnt (T80, T81).
 */
export const authorizationCode: Exchange = async (c, call) => {
  const powers = services(c);
  const { client, form } = call;
  const { code, redirect_uri: redirectUri, code_verifier: verifier } = form;
  if (code === undefined || redirectUri === undefined) {
    return no(wrong("invalid_request", "code and redirect_uri are needed"));
  }
  if (verifier !== undefined && !VERIFIER.test(verifier)) {
    return no(wrong("invalid_request", "code_verifier is outside of its alphabet or length"));
  }
  const id = await powers.handles.read(code, OAUTH_CODE);
  const snapshot = id && powers.challenges.parse(id) ? await powers.challenges.read(id) : undefined;
  const request = snapshot && requestOf(snapshot.spec);
  if (!snapshot || !request || snapshot.spec.clientId !== client.id) return no(NOT_THIS);
  if (form.resource !== undefined && form.resource !== (snapshot.spec.subject as OAuthSubject).resource) {
    return no(OTHER_TARGET);
  }
  const { ip } = originOf(c);
  const from = ip === undefined ? {} : { ip };
  if (!(await isAskers(powers, request, call))) {
    await burnCode(powers, snapshot, { client, ...from });
    return no(NOT_THIS);
  }
  if (!(await call.spendProof())) return no(SPENT_PROOF);
  const redeemed = await redeemCode(powers, {
    snapshot,
    client,
    lane: "standard",
    parts: ["oauth", client.id, code],
    subject: () => snapshot.spec.subject ?? {},
    withGrant: true,
    ...boundKey(call),
    ...from,
  });
  // Whatever stands behind it: one answer (RFC 6749 §5.2).
  if (!redeemed.ok) return no(NOT_THIS);
  const { facts, grant } = redeemed.value;
  if (!grant) throw new Error("a code that redeems opens a grant");
  const withRefresh =
    snapshot.spec.grantLifetime === undefined && client.grantTypes.includes("refresh_token");
  return ok(
    await issueTokens(powers, { client, grant, times: facts, jkt: call.jkt, withRefresh, withNonce: true }),
  );
};

async function isAskers(powers: Services, request: OAuthRequest, { form, jkt }: TokenCall): Promise<boolean> {
  const { code_verifier: verifier, redirect_uri: redirectUri = "" } = form;
  const { codeChallenge, redirect, dpopJkt } = request;
  if (redirect !== (await redirectDigest(powers, redirectUri))) return false;
  // A verifier that nobody promised is as wrong as one that is missing (OAuth 2.1 §4.1.3).
  if ((codeChallenge === undefined) !== (verifier === undefined)) return false;
  if (verifier !== undefined && codeChallenge !== (await codeChallengeOf(verifier))) return false;
  return dpopJkt === undefined || dpopJkt === jkt;
}
