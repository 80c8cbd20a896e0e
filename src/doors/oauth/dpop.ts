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

/** A proof that is good for this request. */
export type Proof = {
  /** Thumbprint of the key that has signed it. */
  readonly jkt: string;
  /**
   * Uses it up: false where it was used before (T90). That writes a row, and anybody makes proofs: so it comes once the caller has shown
   * something else that is good, be it a secret, a code or a token.
   */
  readonly spend: () => Promise<boolean>;
};

export const SPENT_PROOF: OAuthError = wrong("invalid_dpop_proof", "The proof was used before");

/**
 * The proof of this request (RFC 9449 §4.3), or nothing where none came along. A proof needs a nonce of ours and is good once.
 * `accessToken` is the one that came with it, at a resource.
 */
export async function readProof(
  c: Context<AppEnv>,
  clientId: ClientId,
  accessToken?: string,
): Promise<Result<Proof | undefined, OAuthError>> {
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
  return ok({ jkt, spend: () => nonces.spend({ clientId, hash, expiresAt }) });
}

/** The key of this request's proof, which is used up by this: of a caller who has shown something else that is good. */
export async function provenKey(
  ...asked: Parameters<typeof readProof>
): Promise<Result<string | undefined, OAuthError>> {
  const proof = await readProof(...asked);
  if (!proof.ok || proof.value === undefined) return proof.ok ? ok(undefined) : proof;
  return (await proof.value.spend()) ? ok(proof.value.jkt) : no(SPENT_PROOF);
}
