import type { Chance } from "../ports/edge.ts";
import { type Instant, MINUTE } from "../time.ts";
import type { AuditEvent } from "./event.ts";

/** Rows of one type that an isolate lets through in a minute: whoever is refused chooses what for. */
export const FOLDED_ROWS = 50;

/** What an isolate has put on record in this minute; one for each isolate, made by the wiring. */
export type AuditFold = {
  /**
   * The rows to write for this one: itself; none when its id was written before; past `FOLDED_ROWS` one that counts how many more there
   * were, at the first of them, the tenth, the hundredth and so on, so that a flood is on record even if the isolate ends.
   */
  take(event: AuditEvent): readonly AuditEvent[];
  /** Takes back what could not be sent. */
  forget(event: AuditEvent): void;
};

type Seen = { readonly ids: Set<string>; more: number };

const isPowerOfTen = (count: number): boolean => /^10*$/.test(String(count));

/** Folds by the minute of each event's own instant. */
export function makeAuditFold(chance: Pick<Chance, "text">): AuditFold {
  const seen = new Map<string, Seen>();
  let minute = 0;

  function seenOf({ at, type }: AuditEvent): Seen {
    if (minuteOf(at) > minute) {
      seen.clear();
      minute = minuteOf(at);
    }
    const known = seen.get(type) ?? { ids: new Set<string>(), more: 0 };
    seen.set(type, known);
    return known;
  }

  function counted({ at, type }: AuditEvent, count: number): AuditEvent {
    const id = minute.toString(16).padStart(12, "0") + chance.text(15);
    return { id, at, type: "refusals_folded", actor: "system", reason: type, data: { at_least: count } };
  }

  return {
    take(event) {
      const known = seenOf(event);
      if (known.ids.has(event.id)) return [];
      if (known.ids.size < FOLDED_ROWS) {
        known.ids.add(event.id);
        return [event];
      }
      known.more += 1;
      return isPowerOfTen(known.more) ? [counted(event, known.more)] : [];
    },
    forget: ({ id, type }) => void seen.get(type)?.ids.delete(id),
  };
}

const minuteOf = (at: Instant): Instant => Math.floor(at / MINUTE) * MINUTE;
