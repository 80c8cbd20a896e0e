import { expect, test } from "vitest";
import type { Brought, Caller } from "../../../../src/core/caller.ts";
import { aboutForBackend, takeStart } from "../../../../src/core/challenge/take-start.ts";
import { callerFrom } from "../../../../src/core/client/caller-from.ts";
import type { StartAbout } from "../../../../src/core/inbox/counters.ts";
import { BANK } from "../../support/clients.ts";

/** What is asked of the objects for a start of this caller. */
async function countedFor(caller: Caller, about?: string) {
  const asked: { readonly who: string; readonly about?: StartAbout }[] = [];
  const inboxes = {
    countStart: async (who: string, _limit: number, whom?: StartAbout) => {
      asked.push({ who, ...(whom ? { about: whom } : {}) });
      return { allowed: true, retryAt: 0 };
    },
  };
  const taken = await takeStart({ inboxes } as never, BANK, caller, about);
  expect(taken.ok).toBe(true);
  return asked;
}

test("T154 strangers, known browsers and a backend have a count of starts each; what a device signs has none", async () => {
  const asked = await Promise.all(
    (["nothing", "browser", "secret"] as const).map((brought) => countedFor({ brought })),
  );
  expect(new Set(asked.map(([one]) => one?.who)).size).toBe(3);
  expect(asked.every((calls) => calls.length === 1)).toBe(true);
  expect(await countedFor({ brought: "device" })).toEqual([]);
});

test.each<[Brought, StartAbout]>([
  ["nothing", { key: "ada", network: "n" }],
  ["secret", { key: "ada", network: "n" }],
  ["browser", { key: "ada" }],
])("T154 of starts about one user, one network's half is for who brings %s", async (brought, about) => {
  expect((await countedFor({ brought, network: "n" }, "ada"))[0]?.about).toEqual(about);
});

test("T202 a backend's own call about a user is another count than a call with a token of theirs", async () => {
  const token = await countedFor({ brought: "secret" }, "ada");
  const own = await countedFor({ brought: "secret" }, aboutForBackend("ada"));
  expect(own[0]?.who).toBe(token[0]?.who);
  expect(own[0]?.about?.key).not.toBe(token[0]?.about?.key);
});

test("T160 objects remember a network by a short keyed name, and never by its address", async () => {
  const powers = {
    limits: { network: (ip: string | undefined) => ip },
    handles: {
      pepper: async (context: readonly string[], text: string) =>
        `${context.join()}-${btoa(text)}`.padEnd(43, "x"),
    },
  } as never;
  const caller = await callerFrom(powers, "nothing", "192.0.2.7");
  expect(caller.network).toHaveLength(16);
  expect(caller.network).not.toContain("192.0.2.7");
  expect(await callerFrom(powers, "secret", undefined)).toEqual({ brought: "secret" });
});
