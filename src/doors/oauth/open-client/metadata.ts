import * as z from "zod";
import type { GrantType } from "../../../core/client/client.ts";
import { redirectUriFault } from "../../../core/client/redirect-uri.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { oneLine } from "../../../core/shown-text.ts";
import { type OAuthError, wrong } from "../errors.ts";
import { isAllowedTarget, type OpenRules } from "./rules.ts";

const MOST_TARGETS = 10;
const NAME_LIMIT = 48;

/** Client metadata as far as it is read (RFC 7591 §2); whatever else it says is ignored. */
export const metadataSchema = z.looseObject({
  redirect_uris: z.array(z.string()).min(1).max(MOST_TARGETS),
  token_endpoint_auth_method: z.string().optional(),
  grant_types: z.array(z.string()).optional(),
  response_types: z.array(z.string()).optional(),
  client_name: z.string().optional(),
  client_secret: z.unknown().optional(),
});

/** What a client that nobody registered says of itself, as far as it is taken. */
export type OpenMetadata = {
  /** Its own word, for the consent page alone; may be empty. */
  readonly name: string;
  readonly redirectUris: readonly string[];
  readonly grantTypes: readonly GrantType[];
};

const bad = (description: string) => no(wrong("invalid_client_metadata", description));

/**
 * Checks the metadata of a client that nobody registered (RFC 7591 §2; Client ID Metadata Document, section 4). Public clients alone: one
 * with a secret would have told it to whoever asks. Grants that it may not have are left out.
 */
export function readMetadata(json: unknown, rules: OpenRules): Result<OpenMetadata, OAuthError> {
  const parsed = metadataSchema.safeParse(json);
  if (!parsed.success) return bad("redirect_uris is missing, or a member has another type");
  const { redirect_uris, token_endpoint_auth_method: method = "none", client_name = "" } = parsed.data;
  const { grant_types: grants = ["authorization_code"], response_types: responses = ["code"] } = parsed.data;
  if (method !== "none") return bad("token_endpoint_auth_method must be none");
  if (parsed.data.client_secret !== undefined) return bad("A public client has no secret");
  if (!grants.includes("authorization_code")) return bad("grant_types must have authorization_code");
  if (!responses.includes("code")) return bad("response_types must have code");
  for (const uri of redirect_uris) {
    const fault = redirectUriFault(uri);
    if (fault !== undefined) return no(wrong("invalid_redirect_uri", `A redirect URI ${fault}`));
    if (!isAllowedTarget(rules, uri)) {
      return no(wrong("invalid_redirect_uri", "A redirect URI is on a host that is not allowed here"));
    }
  }
  return ok({
    name: oneLine(client_name, NAME_LIMIT),
    redirectUris: [...new Set(redirect_uris)],
    grantTypes: grants.includes("refresh_token")
      ? ["authorization_code", "refresh_token"]
      : ["authorization_code"],
  });
}
