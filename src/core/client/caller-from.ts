import type { Brought, Caller } from "../caller.ts";
import type { Services } from "../ports/services.ts";

const MARK_LENGTH = 16;

/** The caller who asks from this address, having brought this. */
export async function callerFrom(
  powers: Pick<Services, "limits" | "handles">,
  brought: Brought,
  ip: string | undefined,
): Promise<Caller> {
  const network = powers.limits.network(ip);
  if (network === undefined) return { brought };
  // Keyed and short: objects that remember it tell nobody's address.
  const mark = await powers.handles.pepper(["network"], network);
  return { brought, network: mark.slice(0, MARK_LENGTH) };
}
