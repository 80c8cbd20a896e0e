import { afterEach, describe, expect, test, vi } from "vitest";
import { codes, generated, newAda, newBackend, newWeb, waitOn } from "../../support/loginid.ts";
import { HOME, STRANGER, seconds, world } from "../../support/stranger.ts";

afterEach(() => vi.useRealTimers());

const other = (code: string, by: number): string => String((Number(code) + by) % 1_000_000).padStart(6, "0");

describe("S7 a stranger's guesses at user codes", () => {
  test.each(["short", "phrase", "long"] as const)(
    "S7e wrong %s codes end no live one and keep no right one out",
    async (type) => {
      const at = world();
      const [home, stranger] = [at.from(HOME), at.from(STRANGER)];
      const bank = await newBackend(home);
      const web = await newWeb(home, bank);
      const ada = await newAda(home);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
      const live = await generated(home, bank, ada, { type });
      for (let guess = 1; guess <= 15; guess++) {
        const kind = (["short", "phrase", "long"] as const)[guess % 3];
        const wrong = kind === "short" ? other("123456", guess) : `wrong-${guess}`;
        await waitOn(stranger, web, ada, wrong, {
          authentication_code: { code: wrong, type: kind },
          no_wait: true,
        });
      }
      for (let guess = 1; guess <= 15; guess++) {
        await waitOn(stranger, web, ada, "x", {
          authentication_code: { code: type === "short" ? other("654321", guess) : `guess-${guess}`, type },
          no_wait: true,
        });
      }
      const wait = (code: string) =>
        waitOn(home, web, ada, code, { authentication_code: { code, type }, no_wait: true });
      expect((await wait(live)).body.code).toBe("remote_session_in_progress");
      expect((await codes(home, bank, "authorize", ada, { type, body: { code: live } })).status).toBe(200);
      expect((await wait(live)).body).toMatchObject({ is_authenticated: true });
      seconds(5);
      const next = await generated(home, bank, ada, { type });
      await codes(home, bank, "authorize", ada, { type, body: { code: next } });
      expect((await wait(next)).body).toMatchObject({ is_authenticated: true });
    },
  );
});
