import { describe, expect, test } from "vitest";
import type { Caller } from "../../../../src/core/caller.ts";
import type { ClientId } from "../../../../src/core/ids.ts";
import { countLetter, nextLetterAt, type Sender } from "../../../../src/core/inbox/letters.ts";
import {
  CHOSEN_LETTERS,
  OPEN_LETTERS,
  OPEN_SHARE,
  OWN_LETTERS,
  partOf,
} from "../../../../src/core/inbox/limits.ts";
import { EMPTY_INBOX, type InboxState } from "../../../../src/core/inbox/state.ts";
import { DAY, MINUTE } from "../../../../src/core/time.ts";

const NOW = 1_790_000_000_000;
const sender = (caller: Caller, client = "bank"): Sender => ({ caller, clientId: client as ClientId });
const SECRET: Caller = { brought: "secret" };
const asked = (by: Sender, identifierId = "ada") => ({ sender: by, identifierId });

/** A lane that has let so many letters through in this moment. */
const sent = (count: number, by: Sender, from: InboxState = EMPTY_INBOX, at = NOW): InboxState =>
  Array.from({ length: count }).reduce<InboxState>((state) => countLetter(state, asked(by), at), from);

describe("T152 lanes of an address", () => {
  const full = sent(5, sender(SECRET));

  test("T152 a full one says when it is free", () => {
    expect(nextLetterAt(full, asked(sender(SECRET)), NOW)).toBe(NOW + 5 * MINUTE);
    expect(nextLetterAt(full, asked(sender(SECRET)), NOW + 5 * MINUTE)).toBeUndefined();
  });

  test.each([
    ["another client's", asked(sender(SECRET, "blog"))],
    ["a known browser's", asked(sender({ brought: "browser" }))],
    ["strangers'", asked(sender({ brought: "nothing" }))],
    ["that of an address which nobody has enrolled", asked({ ...sender(SECRET), unproven: true })],
    ["a neighbouring spelling's", asked(sender(SECRET), "a.da")],
  ])("T152 a full one leaves %s alone", (_, other) => {
    expect(nextLetterAt(full, other, NOW)).toBeUndefined();
  });

  test("T152 one network has half of it, but a known browser's is its own", () => {
    const four = (caller: Caller) => nextLetterAt(sent(3, sender(caller)), asked(sender(caller)), NOW);
    expect(four({ brought: "secret", network: "n" })).toBe(NOW + 5 * MINUTE);
    expect(four({ brought: "nothing", network: "n" })).toBe(NOW + 5 * MINUTE);
    expect(four({ brought: "browser", network: "n" })).toBeUndefined();
  });

  test("T152 strangers' is one over all clients and spellings", () => {
    const open = sent(5, sender({ brought: "nothing" }));
    for (const other of [
      asked(sender({ brought: "nothing" }, "blog")),
      asked(sender({ brought: "nothing" }), "a.da"),
    ]) {
      expect(nextLetterAt(open, other, NOW)).toBe(NOW + 5 * MINUTE);
    }
  });

  test("T152 a day of letters is counted from each, and those of a version before lanes are strangers'", () => {
    const days = [OPEN_LETTERS, OWN_LETTERS].map(
      (rules) => rules.find(({ window }) => window === DAY)?.limit ?? 0,
    );
    for (const [by, limit] of [
      [sender({ brought: "nothing" }), days[0]],
      [sender(SECRET), days[1]],
    ] as const) {
      let state = EMPTY_INBOX;
      for (let letter = 0; letter < (limit ?? 0); letter++)
        state = sent(1, by, state, NOW + letter * 2 * MINUTE);
      const last = NOW + (limit ?? 0) * 2 * MINUTE;
      expect(nextLetterAt(state, asked(by), last)).toBe(NOW + DAY);
    }
    const old: InboxState = { ...EMPTY_INBOX, codeSends: Array(5).fill(NOW) };
    expect(nextLetterAt(old, asked(sender({ brought: "nothing" })), NOW)).toBe(NOW + 5 * MINUTE);
    expect(nextLetterAt(old, asked(sender(SECRET)), NOW)).toBeUndefined();
  });
});

describe("T200 the day's letters to one address at one client, enrolled or chosen", () => {
  const enrolled = sender(SECRET);
  const chosen: Sender = { ...enrolled, unproven: true };
  const day = OWN_LETTERS.find(({ window }) => window === DAY)?.limit ?? 0;
  /** So many letters, far enough apart for the short rule, from `at` on; how many went out, and when the last was asked for. */
  function spread(by: Sender, count: number, from: InboxState, at: number, spelled = () => "ada") {
    let state = from;
    let out = 0;
    for (let letter = 0; letter < count; letter++) {
      const one = { sender: by, identifierId: spelled() };
      const now = at + letter * 2 * MINUTE;
      if (nextLetterAt(state, one, now) !== undefined) continue;
      state = countLetter(state, one, now);
      out++;
    }
    return { state, out, now: at + count * 2 * MINUTE };
  }

  test("T200 have one sum: whoever chose the address takes half of it and no more, and the owner the rest", () => {
    const strangers = spread(chosen, 40, EMPTY_INBOX, NOW);
    expect(strangers.out).toBe(CHOSEN_LETTERS.limit);
    const owner = spread(enrolled, 40, strangers.state, strangers.now);
    expect(strangers.out + owner.out).toBe(day);
    expect(nextLetterAt(owner.state, asked(enrolled), owner.now)).toBe(NOW + DAY);
    expect(nextLetterAt(owner.state, asked(chosen), owner.now)).toBeGreaterThan(owner.now);
  });

  test("T200 leave the last of the day to the owner, whoever came first", () => {
    const open = partOf(day, OPEN_SHARE);
    const owner = spread(enrolled, open - 1, EMPTY_INBOX, NOW);
    const strangers = spread(chosen, 40, owner.state, owner.now);
    expect(strangers.out).toBe(1);
    expect(spread(enrolled, 40, strangers.state, strangers.now).out).toBe(day - open);
  });

  test("T200 are twice as many for all spellings together, and no more by spelling anew", () => {
    let serial = 0;
    const strangers = spread(chosen, 100, EMPTY_INBOX, NOW, () => `ada+${++serial}`);
    expect(strangers.out).toBe(2 * CHOSEN_LETTERS.limit);
    expect(spread(enrolled, 40, strangers.state, strangers.now).out).toBe(day);
    const owners = spread(enrolled, 100, strangers.state, strangers.now, () => `ada+${++serial}`);
    expect(strangers.out + owners.out).toBe(2 * day);
  });

  test("T200 one network that chose it takes half of that half", () => {
    const here: Sender = { ...chosen, caller: { brought: "secret", network: "n" } };
    expect(spread(here, 40, EMPTY_INBOX, NOW).out).toBe(Math.ceil(CHOSEN_LETTERS.limit / 2));
  });

  test("T200 are another client's own", () => {
    const { state, now } = spread(chosen, 40, EMPTY_INBOX, NOW);
    const blog = { ...sender(SECRET, "blog"), unproven: true } as const;
    expect(spread(blog, 40, state, now).out).toBe(CHOSEN_LETTERS.limit);
    expect(spread(sender(SECRET, "blog"), 40, state, now).out).toBe(day);
  });
});
