import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import type { Result } from "../../../core/result.ts";
import type { AppEnv } from "../../../http/context.ts";
import type { AuthMethod } from "../client-auth.ts";
import type { OAuthError } from "../errors.ts";
import type { Parameters } from "../form.ts";
import type { TokenAnswer } from "./tokens.ts";

/** A call of the token endpoint whose client is known, and may use the grant that it names. */
export type TokenCall = {
  readonly client: Client;
  readonly method: AuthMethod;
  readonly form: Parameters;
  /** Thumbprint of the DPoP key that signed for this call (RFC 9449 §5). */
  readonly jkt?: string;
  /** Uses up its proof, where one came along: false where it was used before. Asked once what is exchanged was found good. */
  readonly spendProof: () => Promise<boolean>;
};

/** One grant of the token endpoint. */
export type Exchange = (c: Context<AppEnv>, call: TokenCall) => Promise<Result<TokenAnswer, OAuthError>>;

/** The key that a grant is bound to: a public client's alone, since a confidential one proves itself (RFC 9449 §5). */
export const boundKey = ({ client, jkt }: TokenCall): { readonly jkt?: string } =>
  client.kind === "public" && jkt !== undefined ? { jkt } : {};
