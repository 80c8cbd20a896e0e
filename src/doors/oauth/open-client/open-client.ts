import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { parseOpenClientId } from "../../../core/ids.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { retryAfterMinute } from "../../../http/ip-limits.ts";
import { clientName } from "../../../http/read-limits.ts";
import { type OAuthError, tooMany } from "../errors.ts";

const UNREACHABLE: OAuthError = {
  error: "temporarily_unavailable",
  description: "The client's metadata document cannot be fetched now",
  status: 503,
};

/** The client that nobody registered and a call names: undefined when there is none, or the operator has opened nothing. */
export async function openClient(
  c: Context<AppEnv>,
  text: string,
): Promise<Result<Client | undefined, OAuthError>> {
  const { clock, limits, openClients } = services(c);
  const id = openClients === undefined ? undefined : parseOpenClientId(text);
  if (id === undefined || openClients === undefined) return ok(undefined);
  const { ip } = originOf(c);
  const now = clock.now();
  const busy = () => no(tooMany(now + retryAfterMinute(now) * SECOND));
  if (!(await limits.check(ip, clientName(id)))) return busy();
  // Whatever makes us call another server is counted like a start.
  const found = await openClients.find(id, () => limits.start(ip));
  switch (found.kind) {
    case "client":
      return ok(found.client);
    case "none":
      return ok(undefined);
    case "busy":
      return busy();
    case "unreachable":
      return no(UNREACHABLE);
  }
}
