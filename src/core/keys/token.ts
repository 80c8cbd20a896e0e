import type { JsonObject } from "../challenge/state.ts";

/** A JOSE header of a door; `alg` and `kid` are the signer's to add. */
export type TokenHeader = { readonly typ: string };
export type TokenClaims = JsonObject;

/** `action`: a token of the Authsignal door, good for one tracked action. */
export type TokenKind = "access" | "id" | "action";

/** What the verifier demands beside a good ES256 signature. */
export type TokenDemands = {
  readonly kind: TokenKind;
  readonly issuer?: string;
  readonly audience?: string;
  /** A hint of who somebody is stays one past its end (OpenID Connect Core, section 3.1.2.1): `exp` is not looked at. */
  readonly expired?: "allowed";
};
