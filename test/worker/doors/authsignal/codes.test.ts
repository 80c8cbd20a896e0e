import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Outage } from "../../../../src/core/fault.ts";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import type { TriedCode } from "../../../../src/core/inbox/codes.ts";
import { chance } from "../../../../src/wiring.ts";
import {
  inQuery,
  newTenant,
  phoneCall,
  enrol as phoneOf,
  server,
  track,
  validate,
} from "../../support/authsignal.ts";
import { EXHAUSTED, enrolled, number, scene, tokenOf, WAYS, WRONG } from "../../support/authsignal-codes.ts";
import { claimsOf, fresh, type Json } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

const read = ({ status, body }: { status: number; body: Json }) => [status, body.error];
const INVALID = [400, "invalid_request"];
const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe.each(WAYS)("$path: a code meets an action", (way) => {
  const { path, word } = way;

  test("challenge, another code, verify, validate; the user's authenticator is listed", async () => {
    const here = scene();
    const { at, page } = here;
    const { tenant, user, id } = await enrolled(here, way);
    vi.setSystemTime(Date.now() + MINUTE);
    const tracked = await track(at, tenant, user, "signIn");
    expect(tracked.body).toMatchObject({
      state: "CHALLENGE_REQUIRED",
      isEnrolled: true,
      enrolledVerificationMethods: [word],
      allowedVerificationMethods: expect.arrayContaining(["EMAIL_OTP", "SMS", "WHATSAPP"]),
    });
    const begun = await page(tracked.body.token, `/challenge/${path}`);
    expect(begun.body).toEqual({ challengeId: expect.any(String) });
    const first = here.code();
    let second = first;
    while (second === first) {
      // The last two are good: the one after the next ends it.
      await page(tracked.body.token, `/challenge/${path}`);
      expect((await page(tracked.body.token, `/challenge/${path}`)).body).toEqual(begun.body);
      second = here.code();
    }
    const old = await page(tracked.body.token, `/verify/${path}`, { verificationCode: first });
    expect(old).toMatchObject({ status: 200, body: WRONG });
    const spaced = `${second.slice(0, 3)} ${second.slice(3)}`;
    const met = await page(tracked.body.token, `/verify/${path}`, { verificationCode: spaced });
    expect(met.body).toEqual({ isVerified: true, accessToken: expect.any(String) });
    expect(met.headers.get("Content-Type")).toBe("application/json");
    const checked = await validate(at, tenant, {
      token: met.body.accessToken,
      userId: user,
      action: "signIn",
    });
    expect(checked.body).toMatchObject({
      isValid: true,
      state: "CHALLENGE_SUCCEEDED",
      verificationMethod: word,
    });
    const list = await server(at, tenant, "GET", `/users/${user}/authenticators`);
    expect(list.body).toMatchObject([
      {
        userAuthenticatorId: id,
        verificationMethod: word,
        lastVerifiedAt: new Date().toISOString(),
      },
    ]);
    // A met action takes no further challenge; a lost answer may be asked for again.
    expect(read(await page(tracked.body.token, `/challenge/${path}`))).toEqual(INVALID);
    const again = await page(tracked.body.token, `/verify/${path}`, { verificationCode: second });
    expect(claimsOf(again.body.accessToken)).toEqual(claimsOf(met.body.accessToken));
  });

  test("nobody's device is shown it", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const phone = await phoneOf(here.at, tenant, user);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    expect((await here.page(token, `/challenge/${path}`)).status).toBe(200);
    const pending = await phoneCall(here.at, phone, "GET", `/challenge?publicKey=${inQuery(phone.key)}`);
    expect(pending.body).toEqual({ userAuthenticatorId: phone.id });
  });

  test("T60 five wrong codes, over however many codes of the challenge: it is over and its action has failed, and nothing else is touched", async () => {
    const here = scene();
    const { at, page } = here;
    const { tenant, user } = await enrolled(here, way);
    const { body } = await track(at, tenant, user, "signIn");
    const guess = (token: unknown, verificationCode: string) =>
      page(token, `/verify/${path}`, { verificationCode });
    // Counted on through another code of the same challenge.
    for (const round of [1, 2]) {
      await page(body.token, `/challenge/${path}`);
      for (let count = 0; count < 2; count++) {
        expect(await guess(body.token, here.wrong()), String(round)).toMatchObject({
          status: 200,
          body: WRONG,
        });
      }
    }
    const fifth = await guess(body.token, here.wrong());
    // A14: every code after it is told the same, the right one too.
    expect(fifth).toMatchObject({ status: 200, body: EXHAUSTED });
    expect((await guess(body.token, here.code())).body).toEqual(EXHAUSTED);
    expect((await guess(body.token, here.wrong())).body).toEqual(EXHAUSTED);
    // On record under the user, so that an erasure finds the address of whoever typed.
    const { uid } = claimsOf(body.token);
    const noted = () => here.queued.flatMap((message) => ("events" in message ? message.events : []));
    await expect.poll(noted).toContainEqual(expect.objectContaining({ type: "code_refused", userId: uid }));
    const action = await server(at, tenant, "GET", `/users/${user}/actions/signIn/${body.idempotencyKey}`);
    expect(action.body).toMatchObject({ state: "CHALLENGE_FAILED" });
    expect((await validate(at, tenant, { token: body.token })).body).toMatchObject({
      isValid: false,
      state: "CHALLENGE_FAILED",
    });
    const other = await tokenOf(at, tenant, user, "pay");
    expect((await page(other, `/challenge/${path}`)).status).toBe(200);
    expect((await guess(other, here.code())).body).toMatchObject({ isVerified: true });
    vi.setSystemTime(Date.now() + 5 * MINUTE);
    const late = await tokenOf(at, tenant, user, "signIn", { idempotencyKey: String(body.idempotencyKey) });
    expect((await page(late, `/challenge/${path}`)).status).toBe(200);
    expect((await guess(late, here.code())).body).toMatchObject({ isVerified: true });
    expect((await validate(at, tenant, { token: late })).body).toMatchObject({ isValid: true });
  });

  test("T63 race: of a hundred wrong guesses at once at most five are compared, and the right one is too late", async () => {
    const tried: TriedCode[] = [];
    const here = scene(undefined, ({ inboxes }) => ({
      inboxes: {
        ...inboxes,
        tryCode: async (who, guess) => {
          const answered = await inboxes.tryCode(who, guess);
          tried.push(answered);
          return answered;
        },
      },
    }));
    const { tenant, user } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    await here.page(token, `/challenge/${path}`);
    tried.length = 0;
    const verificationCode = here.wrong();
    const all = await Promise.all(
      Array.from({ length: 100 }, () => here.page(token, `/verify/${path}`, { verificationCode })),
    );
    expect(all.filter(({ status }) => status !== 200 && status !== 429)).toEqual([]);
    expect(all.filter(({ body }) => body.isVerified === true)).toEqual([]);
    expect(tried.length).toBeGreaterThan(4);
    // The fifth comparison is the last; every later call is told so without one.
    expect(tried.filter((one) => !one.ok && one.error.code === "wrong_code")).toHaveLength(4);
    const late = await here.page(token, `/verify/${path}`, { verificationCode: here.code() });
    expect(late.body).not.toHaveProperty("accessToken");
    const state = await validate(here.at, tenant, { token });
    expect(state.body).toMatchObject({ isValid: false, state: "CHALLENGE_FAILED" });
  });

  test("T63 race: twenty right codes at once are one approval and one token", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    const begun = await here.page(token, `/challenge/${path}`);
    const verificationCode = here.code();
    const all = await Promise.all(
      Array.from({ length: 20 }, () => here.page(token, `/verify/${path}`, { verificationCode })),
    );
    expect(new Set(all.map(({ body }) => claimsOf(body.accessToken).jti)).size).toBe(1);
    const snapshot = await here.at.services.challenges.read(String(begun.body.challengeId) as ChallengeId);
    expect(snapshot?.timeline.filter(({ what }) => what === "approved")).toHaveLength(1);
    expect(snapshot?.timeline.filter(({ what }) => what === "redeemed")).toHaveLength(1);
  });

  test("T62 another browser or network is the same count; another spelling is another mailbox's, and ends nothing", async () => {
    const here = scene();
    const to = path === "sms" ? number() : `${fresh("jo.ann")}@example.com`;
    const spelt = path === "sms" ? `${to.slice(0, 3)} ${to.slice(3)}` : to.replace("@", "+x@").toUpperCase();
    const one = await enrolled(here, way, {}, to);
    const token = await tokenOf(here.at, one.tenant, one.user, "signIn");
    await here.page(token, `/challenge/${path}`);
    const [code, wrong] = [here.code(), here.wrong()];
    const guess = async (count: number) => {
      const headers = { "User-Agent": `b${count}`, "CF-Connecting-IP": `192.0.2.${count}` };
      return await here.page(token, `/verify/${path}`, { verificationCode: wrong }, headers);
    };
    for (let count = 0; count < 4; count++) expect((await guess(count)).body).toEqual(WRONG);
    // Another user of another tenant guesses at the same address, spelt otherwise.
    const tenant = await newTenant(here.at);
    const other = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    await here.page(other, `/user-authenticators/${path}`, { [way.member]: spelt });
    for (let count = 0; count < 5; count++) {
      await here.page(other, `/verify/${path}`, { verificationCode: here.wrong() });
    }
    const verified = await here.page(token, `/verify/${path}`, { verificationCode: code });
    expect(verified.body).toMatchObject({ isVerified: true });
    vi.setSystemTime(Date.now() + MINUTE);
    const next = await tokenOf(here.at, one.tenant, one.user, "pay");
    await here.page(next, `/challenge/${path}`);
    for (let count = 0; count < 5; count++) {
      const headers = { "User-Agent": `b${count}`, "CF-Connecting-IP": `192.0.2.${count}` };
      const answer = await here.page(next, `/verify/${path}`, { verificationCode: here.wrong() }, headers);
      expect(answer).toMatchObject({ status: 200, body: count < 4 ? WRONG : EXHAUSTED });
    }
  });

  test("T64 no answer, log line, queue body, audit row or table holds the code", async () => {
    const CODE = "493027";
    const lines: string[] = [];
    for (const level of ["log", "info", "warn", "error"] as const) {
      vi.spyOn(console, level).mockImplementation((...words) => void lines.push(words.map(String).join(" ")));
    }
    vi.spyOn(chance, "digits").mockReturnValue(CODE);
    const here = scene();
    const { tenant, user, begun, done } = await enrolled(here, way);
    const tracked = await track(here.at, tenant, user, "signIn");
    const { token } = tracked.body;
    const answers = [begun, done, tracked];
    answers.push(await here.page(token, `/challenge/${path}`));
    answers.push(await here.page(token, `/verify/${path}`, { verificationCode: "111111" }));
    answers.push(await here.page(token, `/verify/${path}`, { verificationCode: CODE }));
    expect(answers.at(-1)?.body).toMatchObject({ isVerified: true });
    await here.at.settled();
    const tables = ["audit_events", "actions", "authenticators", "user_codes"];
    const rows = await Promise.all(
      tables.map(async (name) => (await env.DB.prepare(`select * from ${name}`).all()).results),
    );
    expect(here.messages.map(({ code }) => code)).toEqual([CODE, CODE]);
    expect(here.queued.length).toBeGreaterThan(0);
    expect(rows.flat().length).toBeGreaterThan(0);
    const everything = JSON.stringify([
      answers.map(({ body, headers }) => [body, [...headers]]),
      lines,
      here.queued,
      rows,
      here.told,
    ]);
    expect(everything).not.toContain(CODE);
  });

  test("T70 a code fits its own action, client and use only", async () => {
    const here = scene();
    const { at, page } = here;
    const { tenant, user } = await enrolled(here, way);
    const one = await tokenOf(at, tenant, user, "signIn");
    const two = await tokenOf(at, tenant, user, "pay");
    const begun = await page(one, `/challenge/${path}`);
    const code = here.code();
    const use = (token: unknown, verificationCode = code) =>
      page(token, `/verify/${path}`, { verificationCode });
    // Nothing is waited for there.
    expect((await use(two)).body).toEqual(WRONG);
    while (here.code() === code) await page(two, `/challenge/${path}`);
    expect((await use(two)).body).toEqual(WRONG);
    // The same user and action of another client.
    const stranger = await newTenant(at);
    const foreign = await tokenOf(at, stranger, user, "signIn");
    expect((await use(foreign)).body).toEqual(WRONG);
    // An enrolment of the same address under the same action.
    const scoped = await tokenOf(at, tenant, user, "add", { scope: "add:authenticators" });
    await page(scoped, `/challenge/${path}`);
    const meeting = here.code();
    vi.setSystemTime(Date.now() + 1);
    let enrolling = meeting;
    while (enrolling === meeting) {
      await page(scoped, `/user-authenticators/${path}`, { [way.member]: way.address() });
      enrolling = here.code();
    }
    expect((await use(scoped, meeting)).body).toEqual(WRONG);
    expect((await use(one)).body).toMatchObject({ isVerified: true });
    expect(begun.status).toBe(200);
  });

  test("T106 another tenant's secret, user or token does not see it", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    await here.page(token, `/challenge/${path}`);
    const stranger = await newTenant(here.at);
    const checked = await validate(here.at, stranger, { token });
    expect(checked.body).toEqual({ isValid: false, error: "unauthorized" });
    const someone = await tokenOf(here.at, tenant, fresh("u"), "signIn");
    expect((await here.page(someone, `/verify/${path}`, { verificationCode: here.code() })).body).toEqual(
      WRONG,
    );
    expect(read(await here.page("x", `/challenge/${path}`))).toEqual([401, "unauthorized"]);
    expect(read(await here.page("x", `/verify/${path}`, { verificationCode: "1" }))).toEqual([
      401,
      "unauthorized",
    ]);
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    expect(read(await here.page(token, `/verify/${path}`, { verificationCode: here.code() }))).toEqual([
      401,
      "expired_token",
    ]);
  });

  test("nobody to write to, a blocked action, a review, a locked user: nothing is sent", async () => {
    const here = scene();
    const { at, page } = here;
    const { tenant, user } = await enrolled(here, way, { actions: { no: "block", look: "review" } });
    const before = here.messages.length;
    const nobody = await tokenOf(at, tenant, fresh("u"), "signIn");
    expect(read(await page(nobody, `/challenge/${path}`))).toEqual(INVALID);
    for (const action of ["no", "look"]) {
      expect(read(await page(await tokenOf(at, tenant, user, action), `/challenge/${path}`))).toEqual(
        INVALID,
      );
    }
    const token = await tokenOf(at, tenant, user, "signIn");
    const record = await called(at, user);
    if (!record) throw new Error("no user");
    await at.services.users.update(record.user, { status: "locked" }, Date.now());
    expect(read(await page(token, `/challenge/${path}`))).toEqual(INVALID);
    expect(read(await page(token, `/verify/${path}`, { verificationCode: "123456" }))).toEqual(INVALID);
    expect(here.messages.length).toBe(before);
  });

  test("an action that was blocked before the code came back is met by nothing", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const { body } = await track(here.at, tenant, user, "signIn");
    await here.page(body.token, `/challenge/${path}`);
    const action = `/users/${user}/actions/signIn/${body.idempotencyKey}`;
    await server(here.at, tenant, "PATCH", action, { state: "BLOCK" });
    const late = await here.page(body.token, `/verify/${path}`, { verificationCode: here.code() });
    expect(late).toMatchObject({ status: 200, body: WRONG });
    expect((await server(here.at, tenant, "GET", action)).body).toMatchObject({ state: "BLOCK" });
  });

  test("an address that was removed meets nothing any more; the webhook is told, and it is on record", async () => {
    const here = scene();
    const { at, page } = here;
    const { tenant, user, id } = await enrolled(here, way);
    const token = await tokenOf(at, tenant, user, "signIn");
    await page(token, `/challenge/${path}`);
    expect((await server(at, tenant, "DELETE", `/users/${user}/authenticators/${id}`)).status).toBe(200);
    expect((await page(token, `/verify/${path}`, { verificationCode: here.code() })).body).toEqual(WRONG);
    expect(read(await page(token, `/challenge/${path}`))).toEqual(INVALID);
    expect((await server(at, tenant, "GET", `/users/${user}/authenticators`)).body).toEqual([]);
    const told = here.queued.filter((one) => one.kind === "action_webhook").map(({ event }) => event.type);
    expect(told).toEqual(["authenticator.created", "authenticator.deleted"]);
    const record = await called(at, user);
    const trail = await at.services.records.events({ userId: record?.user.id, size: 50 } as never);
    expect(trail.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["authenticator.enrolled", "authenticator.removed"]),
    );
  });

  test("an address that the user gave up, and that another has proven since, is sent nothing for the first", async () => {
    const here = scene();
    const { tenant, user, to } = await enrolled(here, way);
    await server(here.at, tenant, "PATCH", `/users/${user}`, { [way.member]: way.address() });
    const before = await tokenOf(here.at, tenant, user, "signIn");
    expect((await here.page(before, `/challenge/${path}`)).status).toBe(200);
    const other = await enrolled(here, way, {}, to);
    expect(other.done.body).toMatchObject({ isVerified: true });
    const sent = here.messages.length;
    expect(read(await here.page(before, `/challenge/${path}`))).toEqual([400, "invalid_request"]);
    const asked = { verificationMethod: way.word, action: "pay", userId: user };
    expect(read(await server(here.at, tenant, "POST", "/challenge", asked))).toEqual([
      400,
      "invalid_request",
    ]);
    expect(here.messages).toHaveLength(sent);
  });

  test("removed between the right code and the note of its use, it stays removed", async () => {
    const here = scene();
    const { user, id } = await enrolled(here, way);
    const { authenticators } = here.at.services;
    const record = await called(here.at, user);
    if (!record) throw new Error("no user");
    await authenticators.remove(record.user.id, id, Date.now());
    await authenticators.touch(record.user.id, id, Date.now());
    expect(await authenticators.find(record.user.id, id)).toBeUndefined();
    const [left] = await authenticators.ofUser(record.user.id);
    expect(left).toEqual({ ...left, removedAt: expect.any(Number) });
    expect([left?.identifier, left?.verifiedAt]).toEqual([undefined, undefined]);
  });

  test("T61 sends and guesses are limited: five codes in five minutes, and an address that guessed too often waits", async () => {
    const here = scene();
    const { tenant, user } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    // The letter that enrolled the address was in another lane.
    for (let count = 0; count < 5; count++) {
      expect((await here.page(token, `/challenge/${path}`)).status).toBe(200);
    }
    const code = here.code();
    const sixth = await here.page(token, `/challenge/${path}`);
    expect(read(sixth)).toEqual([429, "too_many_requests"]);
    expect(Number(sixth.headers.get("Retry-After"))).toBeGreaterThan(0);
    // What was sent last still fits.
    expect((await here.page(token, `/verify/${path}`, { verificationCode: code })).body).toMatchObject({
      isVerified: true,
    });
    const misses: unknown[] = [];
    const strict = scene(undefined, ({ limits }) => ({
      limits: {
        ...limits,
        miss: async (ip) => misses.push(ip) < 2,
        blocked: () => misses.length >= 2,
      },
    }));
    const other = await enrolled(strict, way);
    const held = await tokenOf(strict.at, other.tenant, other.user, "signIn");
    await strict.page(held, `/challenge/${path}`);
    for (let count = 0; count < 2; count++) {
      await strict.page(held, `/verify/${path}`, { verificationCode: strict.wrong() });
    }
    const right = { verificationCode: strict.code() };
    expect(read(await strict.page(held, `/verify/${path}`, right))).toEqual([429, "too_many_requests"]);
    // Nothing is guessed by asking for a letter with a good token.
    expect((await strict.page(held, `/challenge/${path}`)).status).toBe(200);
  });

  test("T101 an outage behind the approval loses nothing: the same code once more has its token", async () => {
    const fails = { now: false };
    const here = scene(undefined, ({ actions }) => ({
      actions: {
        ...actions,
        succeed: async (...given) => {
          if (fails.now) throw new Outage("D1 is away");
          return await actions.succeed(...given);
        },
      },
    }));
    const { tenant, user } = await enrolled(here, way);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    await here.page(token, `/challenge/${path}`);
    fails.now = true;
    const verificationCode = here.code();
    expect((await here.page(token, `/verify/${path}`, { verificationCode })).status).toBe(503);
    fails.now = false;
    const done = await here.page(token, `/verify/${path}`, { verificationCode });
    expect(done.body).toEqual({ isVerified: true, accessToken: expect.any(String) });
  });
});

describe("what carries a code", () => {
  test.each([
    ["the action's", "de-AT", "fr", "de-AT"],
    ["else the user's", undefined, "fr", "fr"],
    ["else the browser's, as far as there is one", undefined, undefined, "en"],
  ])("the language is %s", async (_name, action, user, expected) => {
    const here = scene();
    const [way] = WAYS;
    const person = await enrolled(here, way);
    if (user) await server(here.at, person.tenant, "PATCH", `/users/${person.user}`, { locale: user });
    const token = await tokenOf(
      here.at,
      person.tenant,
      person.user,
      "signIn",
      action ? { locale: action } : {},
    );
    await here.page(token, `/challenge/${way.path}`, undefined, { "Accept-Language": "xx, en;q=0.5" });
    expect(here.messages.at(-1)).toMatchObject({ locale: expected, template: "one_time_code" });
  });

  test("S9 mail goes to the form that is enrolled, however its owner spells it", async () => {
    const here = scene();
    const [way] = WAYS;
    const to = `Jo.${fresh("X")}@Example.com`;
    const { tenant, user } = await enrolled(here, way, {}, to);
    const enrolling = here.messages.at(-1)?.to;
    const token = await tokenOf(here.at, tenant, user, "signIn");
    await here.page(token, `/challenge/${way.path}`);
    expect(here.messages).toHaveLength(2);
    expect(here.messages.at(-1)?.to).toBe(enrolling);
    expect(enrolling).toBe(to.toLowerCase());
    const settings = { webhook_events: ["email.created"] };
    await here.at.services.clients.update(tenant.id, { settings }, Date.now());
    vi.setSystemTime(Date.now() + MINUTE);
    const next = await tokenOf(here.at, tenant, user, "signIn");
    await here.page(next, `/challenge/${way.path}`);
    expect(here.told.at(-1)?.data).toMatchObject({ to: to.toLowerCase() });
  });

  test("a number is written to as it is enrolled, however another door spells it", async () => {
    const here = scene();
    const [, way] = WAYS;
    const { tenant, user, to } = await enrolled(here, way);
    const record = await called(here.at, user);
    if (!record) throw new Error("no user");
    const identifiers = record.identifiers.map((own) => ({
      ...own,
      value: `${to.slice(0, 3)} (0) ${to.slice(3)}`,
    }));
    await here.at.services.users.update(
      record.user,
      { identifiers: { of: "operator", given: identifiers } },
      Date.now(),
    );
    const token = await tokenOf(here.at, tenant, user, "signIn");
    await here.page(token, `/challenge/${way.path}`);
    expect(here.messages.at(-1)?.to).toBe(to);
    const met = await here.page(token, `/verify/${way.path}`, { verificationCode: here.code() });
    expect(met.body).toMatchObject({ isVerified: true });
    const asked = { verificationMethod: "SMS", action: "pay", userId: user };
    const { challengeId } = (await server(here.at, tenant, "POST", "/challenge", asked)).body;
    const typed = { challengeId, verificationCode: here.code() };
    expect((await server(here.at, tenant, "POST", "/verify", typed)).body).toMatchObject({
      isVerified: true,
    });
  });

  test("a number that is enrolled is reached over WhatsApp too, by either of its addresses", async () => {
    const here = scene();
    const person = await enrolled(here, WAYS[1]);
    const one = await tokenOf(here.at, person.tenant, person.user, "signIn");
    expect((await here.page(one, "/challenge/whatsapp")).status).toBe(200);
    expect(here.messages.at(-1)).toMatchObject({ channel: "whatsapp", to: person.to });
    const met = await here.page(one, "/verify/whatsapp", { verificationCode: here.code() });
    expect(met.body).toEqual({ isVerified: true, accessToken: expect.any(String) });
    const checked = await validate(here.at, person.tenant, { token: met.body.accessToken });
    expect(checked.body).toMatchObject({ isValid: true, verificationMethod: "WHATSAPP" });
    const two = await tokenOf(here.at, person.tenant, person.user, "pay");
    await here.page(two, "/challenge/sms", { smsChannel: "WHATSAPP" });
    expect(here.messages.at(-1)).toMatchObject({ channel: "whatsapp" });
    const back = await here.page(two, "/verify/sms", { verificationCode: here.code() });
    expect(back.body).toMatchObject({ isVerified: true });
    const three = await tokenOf(here.at, person.tenant, person.user, "read");
    await here.page(three, "/challenge/sms", { smsChannel: "DEFAULT" });
    expect(here.messages.at(-1)).toMatchObject({ channel: "sms" });
    // A text's code is not given back where WhatsApp's is.
    const crossed = await here.page(three, "/verify/whatsapp", { verificationCode: here.code() });
    expect(crossed.body).toEqual(WRONG);
    expect(read(await here.page(three, "/challenge/sms", { smsChannel: "PIGEON" }))).toEqual(INVALID);
  });

  test("a number gets six texts in ten minutes, over all actions", async () => {
    const here = scene();
    const person = await enrolled(here, WAYS[1]);
    const send = async () => {
      const token = await tokenOf(here.at, person.tenant, person.user, fresh("a"));
      return (await here.page(token, "/challenge/sms")).status;
    };
    for (let count = 0; count < 5; count++) expect(await send()).toBe(200);
    // Past the window of every door, and still inside this one.
    vi.setSystemTime(Date.now() + 5 * MINUTE);
    expect([await send(), await send()]).toEqual([200, 429]);
    vi.setSystemTime(Date.now() + 5 * MINUTE);
    expect(await send()).toBe(200);
  });

  test.each([
    ["fails to carry e-mail", {}, "invalid_request"],
    ["does not carry e-mail at all", { uncarried: true }, "invalid_configuration"],
  ] as const)("a deployment that %s: refused, and nothing pends", async (_name, more, error) => {
    const here = scene();
    const person = await enrolled(here, WAYS[0]);
    const bare = scene(undefined, ({ deliveries }) => ({
      deliveries: {
        ...deliveries,
        send: async () => ({ ok: false, error: { code: "delivery_failed", detail: "no carrier", ...more } }),
      },
    }));
    const tracked = await track(here.at, person.tenant, person.user, "signIn");
    const refused = await bare.page(tracked.body.token, "/challenge/email-otp");
    expect(read(refused)).toEqual([400, error]);
    const state = await validate(here.at, person.tenant, { token: tracked.body.token });
    expect(state.body).toMatchObject({ state: "CHALLENGE_REQUIRED" });
  });
});

test("T107 bad bytes, types and shapes are 4xx with all three members, and send nothing", async () => {
  const here = scene();
  const person = await enrolled(here, WAYS[1]);
  const token = await tokenOf(here.at, person.tenant, person.user, "signIn", { scope: "add:authenticators" });
  const sent = here.messages.length;
  const bad: readonly unknown[] = [
    7,
    null,
    [],
    {},
    "a\u0000b",
    "\ud800",
    "x".repeat(100_000),
    { toString: 1 },
  ];
  for (const [path, member] of [
    ["/challenge/sms", "smsChannel"],
    ["/user-authenticators/email-otp", "email"],
    ["/user-authenticators/sms", "phoneNumber"],
    ["/verify/email-otp", "verificationCode"],
    ["/verify/sms", "verificationCode"],
    ["/verify/whatsapp", "verificationCode"],
  ] as const) {
    for (const value of bad) {
      if (value === null && member === "smsChannel") continue;
      const answered = await here.page(token, path, { [member]: value });
      const isMiss = member === "verificationCode" && typeof value === "string" && value.length < 128;
      const name = `${path} ${JSON.stringify(value).slice(0, 30)}`;
      if (isMiss) expect(answered, name).toMatchObject({ status: 200, body: WRONG });
      else {
        expect(answered.status, name).toBeGreaterThanOrEqual(400);
        expect(answered.status, name).toBeLessThan(500);
        expect(Object.keys(answered.body).sort()).toEqual(["error", "errorCode", "errorDescription"]);
      }
    }
  }
  expect(here.messages.length).toBe(sent);
});

describe.each(WAYS)("$event: the client's webhook sends the code itself", (way) => {
  const { path, event, word } = way;
  const settings = { webhook_events: [event] };

  test("it is told the code, once, and no carrier is used; the limits stay", async () => {
    const here = scene();
    const { tenant, user, to, done } = await enrolled(here, way, {});
    expect(done.body).toMatchObject({ isVerified: true });
    await here.at.services.clients.update(tenant.id, { settings }, Date.now());
    vi.setSystemTime(Date.now() + MINUTE);
    const about = { userAgent: "Mozilla/5.0", ipAddress: "203.0.113.7", locale: "de" };
    const tracked = await track(here.at, tenant, user, "signIn", about);
    const before = here.messages.length;
    expect((await here.page(tracked.body.token, `/challenge/${path}`)).status).toBe(200);
    expect(here.messages.length).toBe(before);
    expect(here.told).toHaveLength(1);
    expect(here.told[0]).toMatchObject({
      type: event,
      data: {
        to,
        code: expect.stringMatching(/^\d{6}$/),
        userId: user,
        idempotencyKey: tracked.body.idempotencyKey,
        actionCode: "signIn",
        verificationMethod: word,
        ...about,
      },
    });
    const verificationCode = String(here.told[0]?.data.code);
    const met = await here.page(tracked.body.token, `/verify/${path}`, { verificationCode });
    expect(met.body).toEqual({ isVerified: true, accessToken: expect.any(String) });
    const next = await tokenOf(here.at, tenant, user, "pay");
    const sent = [];
    for (let count = 0; count < 6; count++) sent.push((await here.page(next, `/challenge/${path}`)).status);
    expect(sent).toContain(429);
    const everything = JSON.stringify(here.queued);
    for (const { data } of here.told) expect(everything).not.toContain(String(data.code));
  });

  test.each([
    { kind: "refused", reason: "status 500" },
    { kind: "retry", reason: "no answer in time" },
  ] as const)("$reason: 502, and nothing pends, neither new nor before it", async (outcome) => {
    const takes = { now: true };
    const here = scene(() => (takes.now ? { kind: "sent" } : outcome));
    const { tenant, user } = await enrolled(here, way, {});
    await here.at.services.clients.update(tenant.id, { settings }, Date.now());
    vi.setSystemTime(Date.now() + MINUTE);
    const token = await tokenOf(here.at, tenant, user, "signIn");
    takes.now = false;
    expect(read(await here.page(token, `/challenge/${path}`))).toEqual([502, "webhook_failed"]);
    const told = (index: number) => String(here.told.at(index)?.data.code);
    const verify = (verificationCode: string) => here.page(token, `/verify/${path}`, { verificationCode });
    expect((await verify(told(-1))).body).toEqual(WRONG);
    takes.now = true;
    expect((await here.page(token, `/challenge/${path}`)).status).toBe(200);
    takes.now = false;
    expect(read(await here.page(token, `/challenge/${path}`))).toEqual([502, "webhook_failed"]);
    expect((await verify(told(-1))).body).toEqual(WRONG);
    expect((await verify(told(-2))).body).toEqual(WRONG);
    expect(here.messages).toHaveLength(1);
    takes.now = true;
    await here.page(token, `/challenge/${path}`);
    expect((await verify(told(-1))).body).toMatchObject({ isVerified: true });
  });
});
