import type { Client } from "../../core/client/client.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { type OAuthError, wrong } from "./errors.ts";

const LONGEST = 2_048;

/**
 * What access tokens are asked for (RFC 8707 §2): an absolute URI without a fragment that the client's settings list; without a list,
 * the client itself. Compared byte by byte. `invalid_target` for anything else.
 */
export function readResource(
  { id, settings }: Pick<Client, "id" | "settings">,
  text: string | undefined,
): Result<string | undefined, OAuthError> {
  if (text === undefined) return ok(undefined);
  if (text.length > LONGEST || text.includes("#") || URL.parse(text) === null) {
    return no(wrong("invalid_target", "resource must be an absolute URI without a fragment"));
  }
  const listed: readonly string[] = settings.resources ?? [id];
  return listed.includes(text)
    ? ok(text)
    : no(wrong("invalid_target", "The client may not ask for this resource"));
}
