import { userSubject } from "../ids.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";

/** Takes a challenge back: its object is cancelled, its prompt leaves the person's inbox. What is over stays as it was. */
export async function withdrawChallenge(
  powers: Pick<Services, "rooms" | "inboxes">,
  { spec }: Pick<Snapshot, "spec">,
  by: string,
): Promise<void> {
  await powers.rooms.apply(spec.id, { name: "cancel", by });
  if (spec.userId !== undefined) await powers.inboxes.withdraw(userSubject(spec.userId), spec.id);
}
