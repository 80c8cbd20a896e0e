import type { Context } from "hono";
import type { ClientId } from "../../core/ids.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { type OAuthError, wrong } from "./errors.ts";

/** Tells the nonce that the next proof has to have (RFC 9449 §8.2). */
async function tellNonce(c: Context<AppEnv>): Promise<readonly [string, string]> {
  const nonces = await services(c).dpop.nonces(services(c).clock.now());
  c.header("DPoP-Nonce", nonces[0]);
  return nonces;
}

/**
 * The key of this request's proof (RFC 9449 §4.3): its thumbprint, or nothing where no proof came along. A proof needs a nonce of ours and
 * is good once (T90). `accessToken` is the one that came with it, at a resource.
 */
export async function provenKey(
  c: Context<AppEnv>,
  clientId: ClientId,
  accessToken?: string,
): Promise<Result<string | undefined, OAuthError>> {
  const proof = c.req.header("DPoP");
  if (proof === undefined) return ok(undefined);
  const { clock, config, dpop, nonces } = services(c);
  const now = clock.now();
  const checked = await dpop.check(proof, {
    method: c.req.method,
    url: `${config.issuer}${c.req.path}`,
    nonces: await tellNonce(c),
    now,
    ...(accessToken === undefined ? {} : { accessToken }),
  });
  if (!checked.ok) return no(wrong(checked.error.code, checked.error.detail));
  const { jkt, hash, expiresAt } = checked.value;
  return (await nonces.spend({ clientId, hash, expiresAt }))
    ? ok(jkt)
    : no(wrong("invalid_dpop_proof", "The proof was used before"));
}
