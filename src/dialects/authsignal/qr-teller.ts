import type { Context } from "hono";
import type { PhaseName } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import type { Applied, Snapshot } from "../../core/ports/rooms.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { collect, collectRedeemed } from "./collect.ts";

/** Sends one message of §8.1. */
export function tell(socket: WebSocket, type: string, data: object): void {
  try {
    socket.send(JSON.stringify({ type, data }));
  } catch {
    // The page has gone; what was decided stands.
  }
}

/**
 * Tells a page's socket what becomes of its challenge, with the accessToken once it is approved; that nobody has claimed it yet is
 * never said (§8.1). Who claimed an anonymous one is looked up at once, so that the approval has nothing left to read.
 */
export function makeTeller(
  c: Context<AppEnv>,
  socket: WebSocket,
  client: Client,
  { spec }: Snapshot,
): (state: PhaseName, redeemed?: Applied) => Promise<void> {
  const { rooms, users } = services(c);
  let claimant: UserRecord | undefined;

  const claimed = async (): Promise<void> => {
    tell(socket, "STATE_CHANGE", { challengeId: spec.id, state: "claimed" });
    if (spec.userId !== undefined) return;
    claimant = await lookAhead().catch(() => undefined);
  };
  const lookAhead = async (): Promise<UserRecord | undefined> => {
    const userId = (await rooms.read(spec.id))?.claimant;
    return userId && (await users.byId(userId));
  };

  return async (state, redeemed) => {
    if (state === "claimed") return await claimed();
    if (state !== "approved" && state !== "redeemed" && state !== "denied") return;
    const snapshot = redeemed ?? (await rooms.read(spec.id));
    if (!snapshot) return;
    const { isVerified, accessToken } = redeemed
      ? await collectRedeemed(c, client, redeemed, claimant)
      : await collect(c, client, snapshot);
    if (isVerified && accessToken === undefined) return;
    tell(socket, "STATE_CHANGE", {
      challengeId: spec.id,
      state: isVerified ? "approved" : "rejected",
      ...(accessToken === undefined ? {} : { accessToken }),
    });
  };
}
