import { grantOfToken, refreshGrant } from "../../../core/grant/refresh.ts";
import { no, ok } from "../../../core/result.ts";
import { originOf, services } from "../../../http/context.ts";
import { SPENT_PROOF } from "../dpop.ts";
import { errorOf, wrong } from "../errors.ts";
import { givesTokens, type OAuthSubject } from "../request.ts";
import { readScope } from "../scope.ts";
import { OTHER_TARGET } from "./authorization-code.ts";
import type { Exchange } from "./exchange.ts";
import { issueTokens, timesNow } from "./tokens.ts";

/**
 * `refresh_token` (RFC 6749 §6): a new refresh token each time, the one before good for 30 s more, and the end of all of them when an older
 * one comes back (RFC 9700 §4.14.2, T84-T86). `scope` may only narrow, and what does not fit is refused before anything is rotated.
 */
export const refreshToken: Exchange = async (c, { client, form, jkt, spendProof }) => {
  const powers = services(c);
  const token = form.refresh_token;
  if (token === undefined) return no(wrong("invalid_request", "refresh_token is missing"));
  const asked = readScope(form.scope);
  if (!asked.ok) return asked;
  if (asked.value.length > 0 || form.resource !== undefined) {
    const found = await grantOfToken(powers, token);
    if (!found.ok) return no(errorOf(found.error));
    const { grant } = found.value;
    const granted = grant.scope.split(" ");
    if (!asked.value.every((value) => granted.includes(value))) {
      return no(wrong("invalid_scope", "The scope is wider than what was granted"));
    }
    const audience = (grant.subject as OAuthSubject).resource;
    if (form.resource !== undefined && form.resource !== audience) {
      return no(OTHER_TARGET);
    }
  }
  const refreshed = await refreshGrant(powers, client, token, {
    lane: "standard",
    rotation: "strict",
    isOurs: givesTokens,
    jkt,
    once: spendProof,
    ip: originOf(c).ip,
  });
  if (!refreshed.ok) {
    return no(refreshed.error.code === "replayed" ? SPENT_PROOF : errorOf(refreshed.error));
  }
  const scope = asked.value.length > 0 ? asked.value.join(" ") : undefined;
  const times = timesNow(powers, client);
  const grant = refreshed.value;
  return ok(
    await issueTokens(powers, { client, grant, times, scope, jkt, withRefresh: true, withNonce: false }),
  );
};
