import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import { userSubject } from "../../../../src/core/ids.ts";
import { GUESS_LIMIT } from "../../../../src/core/inbox/limits.ts";
import { LIVE_CODES } from "../../../../src/doors/loginid/code/issue.ts";
import { drawCode, USER_CODE_LIFETIME, userCodeHash } from "../../../../src/doors/loginid/code/user-code.ts";
import { chance } from "../../../../src/wiring.ts";
import { storedIn } from "../../support/challenges.ts";
import { deployment, fresh } from "../../support/cotter.ts";
import {
  type Ada,
  codes,
  generated,
  newAda,
  newBackend,
  newScene,
  newWeb,
  tokenOf,
  waitOn,
} from "../../support/loginid.ts";
import { namespaces } from "../../support/namespaces.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());

/** Six digits that are not these. */
const other = (code: string, by = 1): string => String((Number(code) + by) % 1_000_000).padStart(6, "0");
const NOT_FOUND = { status: 404, body: { code: "verification_code_not_found" } };
const LOCKED = { status: 429, body: { code: "remote_session_maximum_retry_attempts" } };

const scene = () => newScene(at, { web: { settings: { wait_seconds: 5 } } });

describe("T60 wrong guesses are counted for who guesses, over all codes, and end nothing", () => {
  test("L5 by a waiter: five wrong ones keep that network from guessing on until a new code, and the codes live", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    for (let guess = 1; guess <= GUESS_LIMIT; guess++) {
      expect(await waitOn(at, web, ada, other(code, guess))).toMatchObject(NOT_FOUND);
    }
    expect(await waitOn(at, web, ada, code)).toMatchObject(NOT_FOUND);
    const next = await generated(at, backend, ada);
    for (const live of [code, next]) {
      expect((await codes(at, backend, "authorize", ada, { body: { code: live } })).status).toBe(200);
    }
    expect((await waitOn(at, web, ada, next)).status).toBe(200);
    for (let guess = 1; guess <= GUESS_LIMIT; guess++) {
      await waitOn(at, web, ada, other(code, 10 + guess), { no_wait: true });
    }
    expect(await waitOn(at, web, ada, code)).toMatchObject(NOT_FOUND);
    vi.useFakeTimers({ toFake: ["Date"] });
    vi.setSystemTime(Date.now() + 15 * 60_000);
    const later = await generated(at, backend, ada);
    expect((await waitOn(at, web, ada, later, { no_wait: true })).body.code).toBe(
      "remote_session_in_progress",
    );
  });

  test("by a backend: said to be locked; waiters, strangers and other backends are not", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    for (let guess = 1; guess <= GUESS_LIMIT; guess++) {
      expect(
        (await codes(at, backend, "authorize", ada, { body: { code: other(code, guess) } })).status,
      ).toBe(404);
    }
    const locked = await codes(at, backend, "authorize", ada, { body: { code } });
    expect(locked).toMatchObject(LOCKED);
    expect(Number(locked.headers.get("Retry-After"))).toBeGreaterThan(800);
    const pending = { body: { code: "remote_session_in_progress" } };
    expect(await waitOn(at, web, ada, code, { no_wait: true })).toMatchObject(pending);
    const token = await tokenOf(backend, "auth.temporary");
    const headers = { Authorization: `Bearer ${token}` };
    expect(await waitOn(at, backend, ada, code, { no_wait: true }, headers)).toMatchObject(pending);
    const sister = await newBackend(at, { settings: { names_from: [backend.id] } });
    expect((await codes(at, sister, "authorize", ada, { body: { code } })).status).toBe(200);
    const bob = await newAda(at);
    for (let guess = 1; guess <= GUESS_LIMIT; guess++)
      await waitOn(at, web, bob, `00000${guess}`, { no_wait: true });
    const own = await generated(at, sister, bob);
    expect((await codes(at, sister, "authorize", bob, { body: { code: own } })).status).toBe(200);
  });

  test("T158 a look at a right code forgives nothing and costs nothing", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    for (let guess = 1; guess < GUESS_LIMIT; guess++)
      await waitOn(at, web, ada, other(code, guess), { no_wait: true });
    const pending = { body: { code: "remote_session_in_progress" } };
    for (let look = 0; look < 20; look++) {
      expect(await waitOn(at, web, ada, code, { no_wait: true })).toMatchObject(pending);
    }
    await waitOn(at, web, ada, other(code, 9), { no_wait: true });
    expect(await waitOn(at, web, ada, code, { no_wait: true })).toMatchObject(NOT_FOUND);
  });

  test("T158 a redemption forgives what was typed wrong before it", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    const wrong = async (times: number, from: string) => {
      for (let guess = 1; guess <= times; guess++)
        await waitOn(at, web, ada, other(from, guess), { no_wait: true });
    };
    await wrong(GUESS_LIMIT - 1, code);
    await codes(at, backend, "authorize", ada, { body: { code } });
    expect((await waitOn(at, web, ada, code)).body.is_authenticated).toBe(true);
    await at.settled();
    const next = await generated(at, backend, ada);
    await wrong(GUESS_LIMIT - 1, next);
    const pending = { body: { code: "remote_session_in_progress" } };
    expect(await waitOn(at, web, ada, next, { no_wait: true })).toMatchObject(pending);
    await waitOn(at, web, ada, other(next, 9), { no_wait: true });
    expect(await waitOn(at, web, ada, next, { no_wait: true })).toMatchObject(NOT_FOUND);
  });

  test("T158 a code that is used or over forgives nothing and is no guess", async () => {
    const { backend, web, ada } = await scene();
    const used = await generated(at, backend, ada);
    await codes(at, backend, "invalidate-all", ada);
    for (let guess = 0; guess < 10; guess++) await waitOn(at, web, ada, used, { no_wait: true });
    const code = await generated(at, backend, ada);
    for (let guess = 1; guess < GUESS_LIMIT; guess++)
      await waitOn(at, web, ada, other(code, guess), { no_wait: true });
    await waitOn(at, web, ada, used, { no_wait: true });
    await waitOn(at, web, ada, other(code, 9), { no_wait: true });
    expect(await waitOn(at, web, ada, code)).toMatchObject(NOT_FOUND);
  });

  test("T158 twenty identical waits for the right code are no guesses, also all at once", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    const all = await Promise.all(
      Array.from({ length: 20 }, () => waitOn(at, web, ada, code, { no_wait: true })),
    );
    for (const { body } of all) expect(body.code).toBe("remote_session_in_progress");
    for (let guess = 1; guess < GUESS_LIMIT; guess++)
      await waitOn(at, web, ada, other(code, guess), { no_wait: true });
    expect((await waitOn(at, web, ada, code, { no_wait: true })).body.code).toBe(
      "remote_session_in_progress",
    );
  });

  test("T158 a code of this user under another purpose is no guess", async () => {
    const { backend, ada } = await scene();
    for (let round = 0; round < 8; round++) {
      const purpose = round % 2 ? "add_credential" : "temporary_authentication";
      const wrong = round % 2 ? "temporary_authentication" : "add_credential";
      const code = await generated(at, backend, ada, { purpose });
      const answer = await codes(at, backend, "authorize", ada, { purpose: wrong, body: { code } });
      expect(answer).toMatchObject(NOT_FOUND);
      if (round > 3) {
        expect((await codes(at, backend, "authorize", ada, { purpose, body: { code } })).status).toBe(200);
      }
    }
  });

  test("T158 guesses at long codes are neither counted nor refused", async () => {
    const { backend, web, ada } = await scene();
    const long = await generated(at, backend, ada, { type: "long" });
    const wait = (code: string) =>
      waitOn(at, web, ada, code, { authentication_code: { code, type: "long" }, no_wait: true });
    for (let guess = 0; guess < 30; guess++) expect(await wait(`guess ${guess}`)).toMatchObject(NOT_FOUND);
    expect((await wait(long)).body.code).toBe("remote_session_in_progress");
    const short = await generated(at, backend, ada);
    expect((await waitOn(at, web, ada, short, { no_wait: true })).body.code).toBe(
      "remote_session_in_progress",
    );
  });

  test("T158 a replayed token uses up no guess", async () => {
    const { backend, ada } = await scene();
    const code = await generated(at, backend, ada);
    const token = await tokenOf(backend, "codes.authorize");
    const tries = (wrong: string) => codes(at, backend, "authorize", ada, { token, body: { code: wrong } });
    expect((await tries(other(code, 1))).status).toBe(404);
    for (let guess = 2; guess < 2 * GUESS_LIMIT; guess++) {
      expect((await tries(other(code, guess))).status).toBe(401);
    }
    expect((await codes(at, backend, "authorize", ada, { body: { code: other(code, 20) } })).status).toBe(
      404,
    );
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
  });

  test("T158 an outage uses up no guess", async () => {
    const { backend, web, ada } = await scene();
    let away = true;
    const flaky = deployment({}, ({ userCodes }) => ({
      userCodes: {
        ...userCodes,
        lookUpOf: async (...given: Parameters<typeof userCodes.lookUpOf>) => {
          if (away) throw new Outage("D1 is away");
          return userCodes.lookUpOf(...given);
        },
      },
    }));
    for (let guess = 0; guess < 10; guess++) {
      expect((await waitOn(flaky, web, ada, `00000${guess}`, { no_wait: true })).status).toBe(503);
    }
    away = false;
    const code = await generated(at, backend, ada);
    expect((await waitOn(flaky, web, ada, code, { no_wait: true })).body.code).toBe(
      "remote_session_in_progress",
    );
  });
});

describe("T63 guesses are taken before anything is looked up", () => {
  test("race: a hundred wrong ones at once make five comparisons", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    const looked = new Set<string>();
    const counted = deployment({}, ({ userCodes }) => ({
      userCodes: {
        ...userCodes,
        lookUpOf: (...given: Parameters<typeof userCodes.lookUpOf>) => {
          looked.add(given[1]);
          return userCodes.lookUpOf(...given);
        },
        lookUp: (...given: Parameters<typeof userCodes.lookUp>) => {
          looked.add(given[0]);
          return userCodes.lookUp(...given);
        },
      },
    }));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, guess) => waitOn(counted, web, ada, other(code, guess + 1))),
    );
    // Each is looked for as a code of the one purpose, and of the other.
    expect(looked.size).toBe(2 * GUESS_LIMIT);
    expect(answers.every(({ status }) => status === 404)).toBe(true);
  });

  test("race: a hundred for nobody's name take the same steps", async () => {
    const { web } = await scene();
    const nobody = { username: `${fresh("nobody")}@example.com` };
    let looks = 0;
    const counted = deployment({}, ({ userCodes }) => ({
      userCodes: {
        ...userCodes,
        lookUpOf: (...given: Parameters<typeof userCodes.lookUpOf>) => {
          looks++;
          return userCodes.lookUpOf(...given);
        },
        lookUp: (...given: Parameters<typeof userCodes.lookUp>) => {
          looks++;
          return userCodes.lookUp(...given);
        },
      },
    }));
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, guess) => waitOn(counted, web, nobody, other("123456", guess + 1))),
    );
    expect(looks).toBe(2 * GUESS_LIMIT);
    expect(answers.every(({ status }) => status === 404)).toBe(true);
  });

  test("race: a hundred through a backend, too", async () => {
    const { backend, ada } = await scene();
    const code = await generated(at, backend, ada);
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, guess) =>
        codes(at, backend, "authorize", ada, { body: { code: other(code, guess + 1) } }),
      ),
    );
    // Only what was compared is said to be wrong.
    expect(answers.filter(({ status }) => status === 404)).toHaveLength(GUESS_LIMIT);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(100 - GUESS_LIMIT);
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(429);
  });
});

test("T62 case, blanks, another client and another address are one counter", async () => {
  const { backend, ada } = await scene();
  const code = await generated(at, backend, ada);
  const spellings = [
    ada.username.toUpperCase(),
    ` ${ada.username}`,
    ada.username,
    `${ada.username} `,
    ada.username.toUpperCase(),
  ];
  for (const [index, username] of spellings.entries()) {
    const web = await newWeb(at, backend);
    await waitOn(
      at,
      web,
      { username },
      other(code, index + 1),
      {},
      { "CF-Connecting-IP": `203.0.113.${index}` },
    );
  }
  const web = await newWeb(at, backend);
  expect(await waitOn(at, web, ada, code)).toMatchObject(NOT_FOUND);
});

describe("a stranger cannot tell who exists", () => {
  test("an unknown user, an unverified name, a wrong code and a lock are one answer", async () => {
    const { web, backend, ada } = await scene();
    await generated(at, backend, ada);
    const claimed = await newAda(at, undefined, "anonymous");
    const nobody = { username: `${fresh("nobody")}@example.com` };
    const answers = [];
    for (const who of [ada, claimed, nobody, { username: fresh("name") }]) {
      for (let guess = 0; guess <= GUESS_LIMIT; guess++)
        answers.push(await waitOn(at, web, who, "000000", { no_wait: true }));
    }
    for (const { status, body } of answers)
      expect({ status, body }).toEqual({ status: 404, body: answers[0]!.body });
  });

  test("a name that only an anonymous call has claimed finds nobody for a backend either", async () => {
    const { backend } = await scene();
    const claimed = await newAda(at, undefined, "anonymous");
    const answer = await codes(at, backend, "generate", claimed, {
      body: { user_id: undefined, username: claimed.username },
    });
    expect(answer.body.code).toBe("user_not_found");
  });
});

test("T20 T106 a code is its user's: another's name, deployment ids and other codes are nothing", async () => {
  const { backend, web, ada } = await scene();
  const bob = await newAda(at);
  const code = await generated(at, backend, ada);
  expect((await codes(at, backend, "authorize", bob, { body: { code } })).body.code).toBe(
    "verification_code_not_found",
  );
  await codes(at, backend, "invalidate-all", bob);
  expect(await waitOn(at, web, bob, code)).toMatchObject(NOT_FOUND);
  const gone: Ada = { ...ada, id: "00000000-0000-4000-8000-000000000000" as Ada["id"] };
  expect((await codes(at, backend, "authorize", gone, { body: { code } })).body.code).toBe("user_not_found");
  expect((await waitOn(at, web, ada, code, { no_wait: true })).body.code).toBe("remote_session_in_progress");
});

test("T67 no code and no nonce rests anywhere as it is", async () => {
  const { backend, ada } = await scene();
  const drawn = [
    await generated(at, backend, ada, { type: "long" }),
    await generated(at, backend, ada, { type: "phrase" }),
    await generated(at, backend, ada),
  ];
  const [shown] = (await at.services.inboxes.view(userSubject(ada.id))).prompts;
  const rows = await env.DB.prepare("select * from user_codes where user_id = ?").bind(ada.id).all();
  const nonces = await env.DB.prepare("select * from used_nonces where client_id = ?").bind(backend.id).all();
  const inbox = await runInDurableObject(
    namespaces.INBOXES.get(namespaces.INBOXES.idFromName(userSubject(ada.id))),
    (_, { storage }) => [...storage.kv.list()],
  );
  const dump = JSON.stringify([rows.results, nonces.results, inbox, await storedIn(shown!.challengeId)]);
  expect(rows.results).toHaveLength(3);
  expect(nonces.results).toHaveLength(3);
  for (const code of drawn) expect(dump).not.toContain(code);
});

test("T65 codes are drawn evenly and are long enough", async () => {
  const counts = new Map<string, number>();
  const draws = 60_000;
  for (let i = 0; i < draws; i++) {
    for (const digit of drawCode(chance, "short")) counts.set(digit, (counts.get(digit) ?? 0) + 1);
  }
  const expected = (draws * 6) / 10;
  const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  expect(counts.size).toBe(10);
  // Nine degrees of freedom: beyond 40 once in a hundred thousand runs.
  expect(chiSquare).toBeLessThan(40);
  const words = new Set(Array.from({ length: 20_000 }, () => chance.words(4)).flat());
  expect(words.size).toBe(2_048);
  expect(4 * Math.log2(2_048)).toBeGreaterThanOrEqual(34.5);
  expect(new Set(Array.from({ length: 1_000 }, () => drawCode(chance, "long"))).size).toBe(1_000);
});

test("T66 what guessing can win in the life of a code", () => {
  // One network's guesses in a window that the code's life may touch, against the live codes of both purposes.
  const guesses = (lifetime: number) => GUESS_LIMIT * (1 + Math.ceil(lifetime / (15 * 60_000)));
  expect((guesses(USER_CODE_LIFETIME.phrase) * 2 * LIVE_CODES) / 2_048 ** 4).toBeLessThan(2 ** -32);
  // The vendor's six digits cannot get there: what a guess would win is worth something only once the user approves that code.
  expect(guesses(USER_CODE_LIFETIME.short) / 1e6).toBeLessThanOrEqual(1e-5);
});

test("a code's hash is bound to user, kind and purpose", async () => {
  const userId = (await newAda(at)).id;
  const context = { userId, kind: "short", purpose: "sign_in" } as const;
  const hashes = await Promise.all([
    userCodeHash(at.services, context, "123456"),
    userCodeHash(at.services, { ...context, userId: (await newAda(at)).id }, "123456"),
    userCodeHash(at.services, { ...context, kind: "phrase" }, "123456"),
    userCodeHash(at.services, { ...context, purpose: "enrol_device" }, "123456"),
  ]);
  expect(new Set(hashes).size).toBe(4);
});
