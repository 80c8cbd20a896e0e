import { describe, expect, test } from "vitest";
import type { SubjectKey } from "../../../../src/core/ids.ts";
import { claimDelivery, deliveriesMatterUntil, endDelivery } from "../../../../src/core/inbox/deliveries.ts";
import { EMPTY_INBOX, type InboxState } from "../../../../src/core/inbox/state.ts";
import { HOUR, MINUTE } from "../../../../src/core/time.ts";
import { idleAt, isPassing } from "../../../../src/objects/inbox-life.ts";

const NOW = Date.UTC(2026, 9, 20);
const END = NOW + 10 * MINUTE;
const claim = (state: InboxState, now = NOW, id = "a") => claimDelivery(state, id, END, now);

describe("a message's fate in the inbox", () => {
  test("is claimed by one at a time, and again when the claim has run out or was given back", () => {
    const first = claim(EMPTY_INBOX);
    expect(first.value).toBe("mine");
    expect(claim(first.next).value).toBe("busy");
    expect(claim(first.next, NOW, "b").value).toBe("mine");
    expect(claim(first.next, NOW + 44_999).value).toBe("busy");
    expect(claim(first.next, NOW + 45_000).value).toBe("mine");
    expect(claim(endDelivery(first.next, "a", "released", NOW)).value).toBe("mine");
  });

  test.each(["sent", "failed"] as const)("once %s it stays so", (status) => {
    const over = endDelivery(claim(EMPTY_INBOX).next, "a", status, NOW);
    expect(claim(over, NOW + MINUTE)).toEqual({ next: over, value: "over" });
    for (const other of ["released", "sent", "failed"] as const) {
      expect(endDelivery(over, "a", other, NOW + MINUTE)).toBe(over);
    }
  });

  test("is remembered for half an hour after the message's own end, and then forgotten", () => {
    const sent = endDelivery(claim(EMPTY_INBOX).next, "a", "sent", NOW);
    expect(deliveriesMatterUntil(sent)).toBe(END + 30 * MINUTE);
    expect(idleAt(sent)).toBeGreaterThanOrEqual(END + 30 * MINUTE);
    const later = claimDelivery(sent, "b", END + HOUR, END + 30 * MINUTE).next;
    expect(Object.keys(later.deliveries)).toEqual(["b"]);
    expect(deliveriesMatterUntil(EMPTY_INBOX)).toBe(0);
  });

  test("an inbox that an earlier version stored knows of none", () => {
    const { deliveries: _, ...old } = EMPTY_INBOX;
    const read: InboxState = { ...EMPTY_INBOX, ...old };
    expect(claim(read).value).toBe("mine");
  });

  test("the count of texts passes like every count of no user", () => {
    expect(isPassing("texts:range:+4915112" as SubjectKey)).toBe(true);
  });
});
