import type { Context } from "hono";
import type { PhaseName } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Applied, Snapshot } from "../../../core/ports/challenges.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { collect, collectRedeemed } from "../action/collect.ts";
import { hears } from "../action/webhook.ts";

/** The close of a socket whose sender is not let in any more. */
export const UNAUTHORIZED = 4401;

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
 * never said (§8.1). At the claim it is looked up who claimed an anonymous one and how the client stands now, so that the approval has
 * nothing left to read: ten minutes may lie between. A client that was disabled is told nothing more.
 */
export function makeTeller(
  c: Context<AppEnv>,
  socket: WebSocket,
  client: Client,
  { spec }: Snapshot,
): (state: PhaseName, redeemed?: Applied) => Promise<void> {
  const { challenges, users, clients } = services(c);
  let claimant: UserRecord | undefined;
  let present: Client | undefined = client;

  const claimed = async (): Promise<void> => {
    tell(socket, "STATE_CHANGE", { challengeId: spec.id, state: "claimed" });
    await Promise.all([lookAgain(), lookAhead()]).catch(() => undefined);
  };
  const lookAgain = async (): Promise<void> => {
    const found = await clients.find(client.id);
    present = found?.disabledAt === undefined ? found : undefined;
  };
  const lookAhead = async (): Promise<void> => {
    const userId = spec.userId === undefined ? (await challenges.read(spec.id))?.claimant : undefined;
    claimant = userId && (await users.byId(userId, client.realm));
  };

  return async (state, redeemed) => {
    if (state === "claimed") return await claimed();
    if (state !== "approved" && state !== "redeemed" && state !== "denied" && state !== "cancelled") return;
    if (!redeemed) await lookAgain();
    const snapshot = redeemed ?? (await challenges.read(spec.id));
    if (!snapshot) return;
    if (!present) return socket.close(UNAUTHORIZED);
    // An order was left before the client's webhook was given its say: that is heard all the same, before the token is told.
    const isDone = redeemed && !hears(present, "action.verify");
    const { isVerified, isConsumed, accessToken } = isDone
      ? await collectRedeemed(c, present, redeemed, claimant)
      : await collect(c, present, snapshot);
    if (!isConsumed || (isVerified && accessToken === undefined)) return;
    tell(socket, "STATE_CHANGE", {
      challengeId: spec.id,
      state: isVerified ? "approved" : "rejected",
      ...(accessToken === undefined ? {} : { accessToken }),
    });
  };
}
