import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { checkCode } from "../../../src/core/code/prove.ts";
import { sendCode } from "../../../src/core/code/send.ts";
import { codeHash, codeSubject } from "../../../src/core/code/subject.ts";
import { type ChallengeId, MAIN } from "../../../src/core/ids.ts";
import { type ReadIdentifier, readIdentifier } from "../../../src/core/user/identifier.ts";
import { fresh } from "../support/cotter.ts";
import {
  appPath,
  browser,
  enter,
  newPageClient,
  pageDeployment,
  readable,
  verified,
} from "../support/page.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const email = () => `${fresh("ana")}@example.com`;
const wrongFor = (code: string | undefined) => (code === "000000" ? "111111" : "000000");
const minutes = (count: number) => vi.setSystemTime(Date.now() + count * 60_000);
const known = (text: string): ReadIdentifier => {
  const identifier = readIdentifier(text);
  if (!identifier) throw new Error(`no identifier: ${text}`);
  return identifier;
};

describe("guessing", () => {
  test("T60 five wrong codes end their challenge, whatever is sent again for it, and the right one does not help", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const person = browser(at);
    const check = await enter(person, client, address);
    const first = at.last().code ?? "";
    for (const left of [4, 3]) {
      expect((await person.post(check, { code: wrongFor(first) })).location).toBe(
        `${check}?e=wrong&n=${left}`,
      );
    }
    // Another code of the same challenge: the count goes on.
    await person.post(`${check}/again`, {});
    const second = at.last().code ?? "";
    expect((await person.post(check, { code: wrongFor(second) })).location).toBe(`${check}?e=wrong&n=2`);
    await person.post(`${check}/again`, {});
    const third = at.last().code ?? "";
    expect((await person.post(check, { code: wrongFor(third) })).location).toBe(`${check}?e=wrong&n=1`);
    const over = await person.post(check, { code: wrongFor(third) });
    expect(over.location).toBe(`${check}?e=over`);
    const shown = await person.get(over.location);
    expect([shown.status, readable(shown.text)]).toEqual([
      410,
      expect.stringContaining("Too many wrong codes"),
    ]);
    for (const code of [first, second, third]) {
      expect((await person.post(check, { code })).location).not.toContain("myapp");
    }
    await person.post(`${check}/again`, {});
    expect(at.last().code).toBe(third);
    const snapshot = await at.services.challenges.read(check.split("/").at(-1) as ChallengeId);
    expect(snapshot?.view.state).toBe("cancelled");
  });

  test("T152 wrong codes end nobody else's challenge and lock no address", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const person = browser(at);
    const check = await enter(person, client, address);
    const code = at.last().code ?? "";
    const dotted = address.replace("@", ".x@");
    for (const where of [address, dotted, address.replace("@", "+x@")]) {
      const stranger = browser(at);
      const theirs = await enter(stranger, client, where);
      for (let guess = 0; guess < 5; guess++) await stranger.post(theirs, { code: wrongFor(at.last().code) });
    }
    expect((await person.post(check, { code })).location).toContain("myapp://");
    expect((await verified(at, client, address)).code).toBeTruthy();
  });

  test("T152 the count of a challenge outlives its codes, and a right code changes it not", async () => {
    const { services: powers } = pageDeployment();
    const subject = await codeSubject(powers, MAIN, known(email()));
    const challengeId = powers.challenges.fresh();
    const until = Date.now() + 3_600_000;
    const put = () =>
      powers.inboxes.putCode(subject, { challengeId, hash: "right", expiresAt: Date.now() + 600_000, until });
    const guess = (hash: string) => powers.inboxes.tryCode(subject, { challengeId, hash });
    const wrong = (left: number) => ({ ok: false, error: { code: "wrong_code", left } });
    await put();
    expect([await guess("x"), await guess("right"), await guess("x")]).toEqual([
      wrong(4),
      { ok: true, value: true },
      wrong(3),
    ]);
    minutes(11);
    expect(await guess("right")).toEqual({ ok: false, error: { code: "expired" } });
    await put();
    expect([await guess("x"), await guess("x")]).toEqual([wrong(2), wrong(1)]);
    const over = { ok: false, error: { code: "out_of_guesses" } };
    expect([await guess("x"), await guess("right"), await put()]).toEqual([over, over, over]);
    minutes(60);
    expect(await guess("right")).toEqual({ ok: false, error: { code: "expired" } });
  });

  test("T152 guesses at a link's secret are not counted, and a code of before the count is read", async () => {
    const { services: powers } = pageDeployment();
    const subject = await codeSubject(powers, MAIN, known(email()));
    const challengeId = powers.challenges.fresh();
    const expiresAt = Date.now() + 600_000;
    await powers.inboxes.putCode(subject, { challengeId, hash: "right", expiresAt, link: true });
    const guess = (hash: string) => powers.inboxes.tryCode(subject, { challengeId, hash });
    for (let time = 0; time < 20; time++)
      expect(await guess("x")).toMatchObject({ error: { code: "wrong_code" } });
    expect(await guess("right")).toEqual({ ok: true, value: true });
    const old = await codeSubject(powers, MAIN, known(email()));
    const stub = (env.INBOXES as DurableObjectNamespace).get(
      (env.INBOXES as DurableObjectNamespace).idFromName(old),
    );
    await powers.inboxes.putCode(old, { challengeId, hash: "right", expiresAt });
    await runInDurableObject(stub, (_, { storage }) => {
      const [[key, value]] = [...storage.kv.list<object>()] as [[string, Record<string, unknown>]];
      const { letters: _letters, ...older } = value;
      const locked = { count: 0, locks: 1, until: expiresAt, lockedUntil: expiresAt };
      const codes = { [challengeId]: { hash: "right", expiresAt } };
      storage.kv.put(key, { ...older, codes, codeSends: Array(4).fill(Date.now()), codeFailures: locked });
    });
    await evictDurableObject(stub);
    expect(await powers.inboxes.tryCode(old, { challengeId, hash: "right" })).toEqual({
      ok: true,
      value: true,
    });
    const other = { challengeId: powers.challenges.fresh(), hash: "y", expiresAt };
    expect(await powers.inboxes.putCode(old, other)).toMatchObject({ ok: true });
    expect(
      await powers.inboxes.putCode(old, { ...other, challengeId: powers.challenges.fresh() }),
    ).toMatchObject({
      error: { code: "too_many", scope: "person" },
    });
  });

  test("T63 race: of a hundred guesses at once at most five are compared", async () => {
    const { services: powers } = pageDeployment();
    const place = async () => {
      const subject = await codeSubject(powers, MAIN, known(email()));
      const challengeId = powers.challenges.fresh();
      await powers.inboxes.putCode(subject, { challengeId, hash: "right", expiresAt: Date.now() + 600_000 });
      return (hash: string) => powers.inboxes.tryCode(subject, { challengeId, hash });
    };
    const wrong = await place();
    const answers = await Promise.all(Array.from({ length: 100 }, () => wrong("wrong")));
    const codes = answers.map((answer) => (answer.ok ? "ok" : answer.error.code));
    expect(codes.filter((code) => code === "wrong_code")).toHaveLength(4);
    expect(codes.filter((code) => code === "out_of_guesses")).toHaveLength(96);
    // The right one among them is found in the first five, and never after.
    for (const [place_, found] of [
      [4, true],
      [5, false],
      [99, false],
    ] as const) {
      const guess = await place();
      const tried = await Promise.all(
        Array.from({ length: 100 }, (_, index) => guess(index === place_ ? "right" : "wrong")),
      );
      expect(tried.some((answer) => answer.ok)).toBe(found);
    }
  });

  test("T63 race: fifty browsers that type the right code at once are one approval and one set of tokens", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    const done = await Promise.all(Array.from({ length: 20 }, () => person.post(check, { code })));
    expect(new Set(done.map(({ location }) => location)).size).toBe(1);
    const snapshot = await at.services.challenges.read(check.split("/").at(-1) as ChallengeId);
    expect(snapshot?.timeline.filter(({ what }) => what === "approved")).toHaveLength(1);
  });

  test("T70 a code of one flow does not fit another of the same address, nor another purpose", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const [a, b] = [browser(at), browser(at)];
    const checkA = await enter(a, client, address);
    const codeA = at.last().code ?? "";
    let checkB = await enter(b, client, address);
    // Two codes may be the same digits by chance.
    while (at.last().code === codeA) checkB = await enter(b, client, address);
    expect((await b.post(checkB, { code: codeA })).location).toContain("e=wrong");
    const other = await checkCode(at.services, {
      spec: { id: checkA.split("/").at(-1) as ChallengeId },
      identifier: known(address),
      purpose: "another",
      code: codeA,
    });
    expect(other).toMatchObject({ ok: false, error: { code: "wrong_code" } });
    expect((await a.post(checkA, { code: codeA })).location).toContain("myapp://");
  });

  test("T70 what is kept of the same digits differs by challenge, address and purpose", async () => {
    const { services: powers } = pageDeployment();
    const kept = { challengeId: "a", identifier: known("ana@example.com"), purpose: "x", code: "123456" };
    const hashes = await Promise.all(
      [
        kept,
        { ...kept, challengeId: "b" },
        { ...kept, identifier: known("bo@example.com") },
        { ...kept, purpose: "y" },
      ].map((one) => codeHash(powers, one)),
    );
    expect(new Set(hashes).size).toBe(4);
    expect(await codeHash(powers, kept)).toBe(hashes[0]);
  });

  test("T67 nothing at rest holds the code, the link's secret, the browser's secret or the address's spelling of the subject", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const person = browser(at);
    const check = await enter(person, client, address);
    const code = at.last().code ?? "";
    const link = browser(at);
    await enter(link, client, address, { auth_method: "MAGIC_LINK" });
    const secret = new URL(at.last().link ?? "").searchParams.get("t") ?? "";
    const subject = await codeSubject(at.services, MAIN, known(address));
    expect(subject).not.toContain("ana");
    const namespace = env.INBOXES as DurableObjectNamespace;
    const stub = namespace.get(namespace.idFromName(subject));
    const stored = await runInDurableObject(stub, (_, state) =>
      JSON.stringify([...state.storage.kv.list()].map(([, value]) => value)),
    );
    expect(stored).toContain(check.split("/").at(-1));
    const challenges = env.CHALLENGES as DurableObjectNamespace;
    const room = challenges.get(challenges.idFromString(check.split("/").at(-1) ?? ""));
    const kept = await runInDurableObject(room, (_, state) =>
      JSON.stringify([...state.storage.kv.list()].map(([, value]) => value)),
    );
    const cookie = person.cookie().split("=")[1] ?? "none";
    for (const text of [stored, kept, JSON.stringify(at.queued)]) {
      expect(text).not.toMatch(new RegExp(`(?<!\\d)${code}(?!\\d)`));
      expect(text).not.toContain(secret);
      expect(text).not.toContain(cookie);
    }
  });

  test("a code ends after ten minutes, or with its challenge", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at, { verify_seconds: 3_600 });
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    minutes(10);
    expect((await person.post(check, { code })).location).toBe(`${check}?e=expired`);
    await person.post(`${check}/again`, {});
    expect((await person.post(check, { code: at.last().code ?? "" })).location).toContain("myapp://");
    const short = await newPageClient(at, { verify_seconds: 30 });
    const late = await enter(person, short, email());
    minutes(1);
    expect((await person.post(late, { code: at.last().code ?? "" })).location).toBe(late);
    const over = await person.get(late);
    expect(over.status).toBe(410);
    expect(over.text).toContain("This took too long");
    expect(over.text).toContain("Start again");
    expect(over.text).toContain("myapp://auth_callback?error=expired&amp;state=abcXYZ456");
  });
});

describe("sending", () => {
  test("T62 one counter for an address, however it is spelled, from wherever it is asked", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const name = fresh("ana").replaceAll("-", "");
    const spellings = [
      `${name}@example.com`,
      `${name.toUpperCase()}@EXAMPLE.com`,
      `${name}+shop@example.com`,
      `${name.slice(0, 2)}.${name.slice(2)}@example.com`,
      `${name.replaceAll("a", "а")}@example.com.`,
    ];
    for (const [index, spelling] of spellings.entries()) {
      const person = browser(at, {
        "CF-Connecting-IP": `192.0.2.${index}`,
        "X-Forwarded-For": `198.51.100.${index}`,
        "User-Agent": `agent ${index}`,
      });
      await enter(person, client, spelling);
    }
    expect(at.messages).toHaveLength(5);
    for (const spelling of [...spellings, `${name.replace("a", "á")}+x@example.com`]) {
      await expect(enter(browser(at), client, spelling), spelling).rejects.toThrow(
        "Too many codes were asked for",
      );
    }
    expect(at.messages).toHaveLength(5);
    minutes(5);
    await enter(browser(at), client, spellings[0] ?? "");
    expect(at.messages).toHaveLength(6);
  });

  test("T62 one counter for a phone number, with blanks, trunk zero and widths", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const number = `151${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`;
    const phone = { type: "PHONE" };
    for (const spelling of [
      `+49${number}`,
      `+49 ${number}`,
      `+49 0${number}`,
      `+49 (0)${number.slice(0, 3)} ${number.slice(3)}`,
      `＋49${number}`,
    ]) {
      await enter(browser(at), client, spelling, phone);
      expect(at.last()).toMatchObject({ to: `+49${number}`, channel: "sms" });
    }
    await expect(enter(browser(at), client, `+49-${number}`, phone)).rejects.toThrow("Too many codes");
  });

  test("T71 T153 a client sends so many an hour and no more, and the last of them for no stranger", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at, { code_sends_per_hour: 5 });
    const address = email();
    const known = browser(at);
    await known.post(await enter(known, client, address), { code: at.last().code ?? "" });
    for (let count = 0; count < 3; count++) await enter(browser(at), client, email());
    await expect(enter(browser(at), client, email())).rejects.toThrow("came 429");
    expect(at.messages).toHaveLength(4);
    expect(JSON.stringify(at.queued)).toContain("client_sends_limited");
    await enter(known, client, address);
    await expect(enter(known, client, address)).rejects.toThrow("came 429");
    minutes(60);
    await enter(browser(at), client, email());
  });

  test("T153 a letter that its own lane refuses is not charged to the client", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at, { code_sends_per_hour: 10 });
    const address = email();
    for (let count = 0; count < 5; count++) await enter(browser(at), client, address);
    for (let count = 0; count < 20; count++) {
      await expect(enter(browser(at), client, address)).rejects.toThrow("Too many codes");
    }
    for (let count = 0; count < 3; count++) await enter(browser(at), client, email());
    await expect(enter(browser(at), client, email())).rejects.toThrow("came 429");
  });

  test("T71 the limit of an address is asked before anything is kept or sent", async () => {
    const asked: (string | undefined)[] = [];
    const at = pageDeployment({}, ({ limits }) => ({
      limits: { ...limits, send: async (ip) => asked.push(ip) < 3 },
    }));
    const client = await newPageClient(at);
    const headers = { "CF-Connecting-IP": "192.0.2.9" };
    await enter(browser(at, headers), client, email());
    await enter(browser(at, headers), client, email());
    await expect(enter(browser(at, headers), client, email())).rejects.toThrow("came 429");
    expect(at.messages).toHaveLength(2);
    expect(asked).toEqual(["192.0.2.9", "192.0.2.9", "192.0.2.9"]);
  });

  test("T71 a number of another country, or that is no mobile, is said to be one that nothing is sent to", async () => {
    const at = pageDeployment({ SMS_COUNTRIES: "DE" }, (_, whole) => ({ deliveries: whole.deliveries }));
    const client = await newPageClient(at);
    for (const number of ["+19005550100", "+15005550006", "+499001234567", "+8821612345678"]) {
      await expect(enter(browser(at), client, number, { type: "PHONE" }), number).rejects.toThrow(
        "No message can be sent to this number",
      );
    }
    await enter(browser(at), client, "+4915112345678", { type: "PHONE" });
  });

  test("T71 fifty numbers in a row of one range, each new, from fifty networks: few are sent to", async () => {
    const at = pageDeployment({ SMS_COUNTRIES: "DE", SMS_PER_RANGE: "5" }, (_, whole) => ({
      deliveries: whole.deliveries,
    }));
    const client = await newPageClient(at);
    let sent = 0;
    for (let index = 0; index < 50; index++) {
      const person = browser(at, { "CF-Connecting-IP": `192.0.2.${index}` });
      const path = await appPath(client, { type: "PHONE" });
      await person.get(path);
      const answer = await person.post(path, { identifier: `+491769999${String(5_000 + index)}` });
      if (answer.status === 303) sent += 1;
      else expect(readable(answer.text)).toContain("Too many codes were asked for");
    }
    // The last one is for callers who bring something.
    expect(sent).toBe(4);
  });

  test("no more than twenty in a day of strangers", async () => {
    const { services: powers } = pageDeployment();
    const subject = await codeSubject(powers, MAIN, known(email()));
    const put = () =>
      powers.inboxes.putCode(subject, {
        challengeId: powers.challenges.fresh(),
        hash: "x",
        expiresAt: Date.now() + 600_000,
      });
    const first = Date.now();
    for (let count = 0; count < 20; count++) {
      expect(await put()).toEqual({ ok: true, value: true });
      minutes(2);
    }
    expect(await put()).toEqual({
      ok: false,
      error: { code: "too_many", scope: "person", retryAt: first + 86_400_000 },
    });
  });

  test("what the delivery refuses is told, and may be tried again", async () => {
    let broken = true;
    const at = pageDeployment({}, ({ deliveries }) => ({
      deliveries: {
        ...deliveries,
        send: async (message) =>
          broken
            ? { ok: false, error: { code: "delivery_failed", detail: "no provider" } }
            : deliveries.send(message),
        stateOf: async (_subject, id) => (id === "lost" ? "failed" : "sent"),
      },
    }));
    const client = await newPageClient(at);
    await expect(enter(browser(at), client, email())).rejects.toThrow("The message could not be sent");
    broken = false;
    const person = browser(at);
    const check = await enter(person, client, email());
    const lost = await person.get(`${check}?m=lost`);
    expect(lost.text).toContain("The message could not be sent");
    // What the page's script asks.
    const head = (m: string) =>
      at.ask(`${check}?m=${m}`, { method: "HEAD", headers: { Cookie: person.cookie() } });
    expect((await head("lost")).status).toBe(422);
    expect((await head("other")).status).toBe(200);
    broken = true;
    expect((await person.post(`${check}/again`, {})).location).toBe(`${check}?e=unsent`);
  });

  test("a message names what its reader must know, and its id is its own", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at, { brand: { name: "Shop & Co", colour: "#112233" } });
    const person = browser(at, { "CF-Connecting-IP": "192.0.2.9", "User-Agent": "Laptop" });
    const check = await enter(person, client, email());
    const first = at.last();
    expect(first).toMatchObject({
      brand: { name: "Shop & Co", colour: "#112233" },
      origin: { ip: "192.0.2.9", userAgent: "Laptop" },
      locale: "en",
    });
    expect(first.expiresAt).toBe(Date.now() + 600_000);
    expect(first.id).toMatch(/^[A-Za-z0-9_-]{16,100}$/);
    await person.post(`${check}/again`, {});
    expect(at.last().id).not.toBe(first.id);
    expect(at.last().subject).toBe(first.subject);
  });

  test("mail goes to the name in lower case, at the domain as DNS knows it", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const name = fresh("Ana");
    await enter(browser(at), client, ` ${name}@MÜNCHEN.example `);
    expect(at.last().to).toBe(`${name.toLowerCase()}@xn--mnchen-3ya.example`);
  });

  test("sendCode answers neither code nor link", async () => {
    const at = pageDeployment();
    const client = await at.services.clients.find(await newPageClient(at));
    if (!client) throw new Error("no client");
    const sent = await sendCode(at.services, {
      challengeId: at.services.challenges.fresh(),
      client,
      identifier: known(email()),
      channel: "email",
      purpose: "x",
      as: { template: "magic_link", linkOf: (secret) => `https://x.example/?t=${secret}` },
      origin: {},
      caller: { brought: "nothing" },
      locale: "en",
      expiresAt: Date.now() + 60_000,
    });
    const secret = new URL(at.last().link ?? "").searchParams.get("t") ?? "none";
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(JSON.stringify(sent)).not.toContain(secret);
    expect(at.last().code).toBeUndefined();
  });
});
