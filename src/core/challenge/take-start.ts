import { noteRefusal } from "../audit/note-refusal.ts";
import type { Caller } from "../caller.ts";
import type { Client } from "../client/client.ts";
import { startsPerMinute } from "../client/settings.ts";
import { clientSubject, type SubjectKey, startsSubject } from "../ids.ts";
import type { StartAbout } from "../inbox/counters.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";

type TooMany = RefusalOf<"too_many">;
type Powers = Pick<Services, "inboxes" | "clock" | "handles" | "events" | "background" | "log">;

/** Counts one start against the client's own limit; the refusal when it is reached, which is also put on record. */
export async function countStart(
  powers: Powers,
  client: Client,
  caller: Caller,
  about?: string,
): Promise<TooMany | undefined> {
  const taken = await takeStart(powers, client, caller, about);
  return taken.ok ? undefined : taken.error;
}

/** One start that has been counted, and the way to give it back when nothing was begun. */
export type TakenStart = { giveBack(): Promise<void> };

/**
 * Counts one start as `countStart` does, for what has to write before it begins: a refusal must come before the writing. Strangers,
 * known browsers and the client's backend have the client's limit each; what a device of its users has signed is not counted.
 */
export async function takeStart(
  powers: Powers,
  client: Client,
  caller: Caller,
  about?: string,
): Promise<Result<TakenStart, TooMany>> {
  const taken = await tryStart(powers, client, caller, about);
  if (!taken.ok) noteLimited(powers, client, taken.error, about);
  return taken;
}

/** The same without a record, for who cannot say yet whom the start is about: `noteLimited` is left to the caller. */
export async function tryStart(
  powers: Pick<Services, "inboxes">,
  client: Client,
  caller: Caller,
  about?: string,
): Promise<Result<TakenStart, TooMany>> {
  const limit = startsPerMinute(client.settings);
  const who = counterOf(client, caller);
  if (limit === 0 || who === undefined) return ok({ giveBack: async () => undefined });
  const whom = aboutOf(caller, about);
  const counted = await powers.inboxes.countStart(who, limit, whom);
  const { retryAt } = counted;
  if (counted.allowed) return ok({ giveBack: () => powers.inboxes.returnStart(who, retryAt, whom) });
  return no({ code: "too_many", scope: counted.scope, retryAt });
}

/** Puts on record that a start was one too many: of the client, or about this user or address. */
export function noteLimited(powers: Powers, client: Client, { scope }: TooMany, about = ""): void {
  const refused =
    scope === "client"
      ? { type: "client_starts_limited", subject: client.id }
      : { type: "starts_about_limited", subject: about };
  noteRefusal(powers, { ...refused, clientId: client.id });
}

/**
 * What a backend's own call about somebody is counted for. Apart from calls with an action's token: whoever holds one must not use up
 * what the backend may.
 */
export const aboutForBackend = (key: string): string => `backend ${key}`;

function counterOf({ id }: Client, { brought }: Caller): SubjectKey | undefined {
  switch (brought) {
    case "nothing":
      return startsSubject(id, "strangers");
    case "browser":
      return startsSubject(id, "browsers");
    case "secret":
      return clientSubject(id);
    case "device":
      return undefined;
  }
}

/** One network may use half; a known browser's is its own, and a backend itself is of no network. */
function aboutOf({ brought, network }: Caller, key: string | undefined): StartAbout | undefined {
  if (key === undefined) return undefined;
  return brought === "browser" || network === undefined ? { key } : { key, network };
}
