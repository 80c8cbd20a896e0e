import type { Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import { brandOf } from "../client/settings.ts";
import type { Device } from "../device/device.ts";
import { userSubject } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { UserRecord } from "../ports/users.ts";
import { DAY } from "../time.ts";
import { reachedAt } from "./send-code.ts";

type Powers = Pick<Services, "deliveries" | "chance" | "clock" | "background" | "log">;

/** Tells a person at every e-mail address they have proven, behind the answer. The removal stands whatever becomes of the letters. */
export function tellDeviceRemoved(
  powers: Powers,
  told: {
    readonly client: Client;
    readonly user: UserRecord;
    readonly device: Device;
    readonly origin: Origin;
  },
): void {
  const { user, identifiers } = told.user;
  const addresses = identifiers.filter(
    ({ kind, verifiedAt }) => kind === "email" && verifiedAt !== undefined,
  );
  const send = async (to: string): Promise<void> => {
    const handed = await powers.deliveries.send({
      id: powers.chance.text(18),
      channel: "email",
      to,
      template: "device_removed",
      locale: "en",
      brand: brandOf(told.client),
      clientId: told.client.id,
      userId: user.id,
      subject: userSubject(user.id),
      deviceName: told.device.name,
      origin: told.origin,
      expiresAt: powers.clock.now() + DAY,
    });
    if (!handed.ok) powers.log("warn", "a person was not told of a removal", { reason: handed.error.code });
  };
  if (addresses.length === 0) return;
  powers.background(async () => {
    const sent = await Promise.allSettled(addresses.map((address) => send(reachedAt(address))));
    for (const one of sent) {
      if (one.status === "rejected")
        powers.log("warn", "a person was not told of a removal", { cause: String(one.reason) });
    }
  });
}
