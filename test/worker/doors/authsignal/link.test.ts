import { waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeApp } from "../../../../src/app.ts";
import { ok } from "../../../../src/core/result.ts";
import { newTenant, server, track, validate } from "../../support/authsignal.ts";
import { enrolled, type Scene, scene, tokenOf, WAYS } from "../../support/authsignal-codes.ts";
import { newContext } from "../../support/contexts.ts";
import { claimsOf, fresh, type Json } from "../../support/cotter.ts";
import { counting } from "../../support/counting.ts";
import { called } from "../../support/people.ts";

const read = ({ status, body }: { status: number; body: Json }) => [status, body.error];
const [MAIL] = WAYS;
const LINK = "email-magic-link";
const PENDING = { isVerified: false };
const MINUTE = 60_000;

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

const app = makeApp();

/** A browser that brings no token: whoever reads the mail. */
function reader(here: Scene, headers: Record<string, string> = {}) {
  const ask = async (path: string, init: RequestInit = {}) => {
    const context = newContext();
    const request = new Request(`http://localhost:8787${path}`, init);
    const answer = await app.fetch(request, ok(here.at.services), context);
    await waitOnExecutionContext(context);
    return { status: answer.status, text: await answer.text(), headers: answer.headers };
  };
  const pathOf = (link: string) => link.replace(/^https?:\/\/[^/]+/, "");
  return {
    look: (link: string, method = "GET") => ask(pathOf(link), { method, headers }),
    press: (link: string, decision: string | undefined, more: Record<string, string> = {}) => {
      const url = new URL(link);
      const secret = url.searchParams.get("t") ?? "";
      return ask(url.pathname, {
        method: "POST",
        headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers, ...more },
        body: new URLSearchParams({ secret, ...(decision === undefined ? {} : { decision }) }).toString(),
      });
    },
  };
}

const finalize = (here: Scene, token: unknown) => here.page(token, `/verify/${LINK}/finalize`, {});
const linkIn = (here: Scene) => here.messages.at(-1)?.link ?? "";

const stateOf = async (here: Scene, { tenant, user, key }: Awaited<ReturnType<typeof waiting>>) =>
  (await server(here.at, tenant, "GET", `/users/${user}/actions/signIn/${key}`)).body.state;

/** A user with an enrolled e-mail address whose page has asked for a link. */
async function waiting(here: Scene) {
  const person = await enrolled(here, MAIL);
  vi.setSystemTime(Date.now() + MINUTE);
  const tracked = await track(here.at, person.tenant, person.user, "signIn");
  const begun = await here.page(tracked.body.token, `/challenge/${LINK}`);
  return {
    ...person,
    token: tracked.body.token,
    key: tracked.body.idempotencyKey,
    begun,
    link: linkIn(here),
  };
}

describe("a link meets an action", () => {
  test("asked for, looked at, confirmed in another browser, collected by the page that asked", async () => {
    const here = scene();
    const { tenant, user, token, begun, link, to } = await waiting(here);
    expect(begun.body).toEqual({ challengeId: expect.any(String) });
    expect(here.messages.at(-1)).toMatchObject({ template: "magic_link", channel: "email", to });
    expect(here.messages.at(-1)).not.toHaveProperty("code");
    expect((await finalize(here, token)).body).toEqual(PENDING);
    const shown = await reader(here).look(link);
    expect([shown.status, shown.headers.get("Cache-Control")]).toEqual([200, "no-store"]);
    expect(shown.headers.get("Content-Security-Policy")).toContain("frame-ancestors 'none'");
    expect(shown.text).toContain(to);
    expect(shown.text).toContain("Sign in");
    expect(shown.text).not.toContain("signIn");
    expect((await reader(here).press(link, "approve")).status).toBe(200);
    const done = await finalize(here, token);
    expect(done.body).toEqual({ isVerified: true, accessToken: expect.any(String) });
    const checked = await validate(here.at, tenant, { token: done.body.accessToken, userId: user });
    expect(checked.body).toMatchObject({ isValid: true, verificationMethod: "EMAIL_MAGIC_LINK" });
    expect(claimsOf((await finalize(here, token)).body.accessToken)).toEqual(claimsOf(done.body.accessToken));
    // The same press again, by a double click or a reload, is told the same; whoever looks is told what became of it; the other word is not taken.
    const again = await reader(here).press(link, "approve");
    expect([again.status, again.text.includes("That is confirmed")]).toEqual([200, true]);
    expect((await reader(here).press(link, "deny")).status).toBe(410);
    const later = await reader(here).look(link);
    expect([later.status, later.text.includes("You have confirmed this already")]).toEqual([200, true]);
    const other = await reader(here).look(link.replace(/t=./, (found) => (found === "t=A" ? "t=B" : "t=A")));
    expect([other.status, other.text.includes("not good any more")]).toEqual([410, true]);
    expect(claimsOf((await finalize(here, token)).body.accessToken)).toEqual(claimsOf(done.body.accessToken));
  });

  test("T68 looking, however often and by whatever method, confirms nothing; neither does a POST of another page", async () => {
    const here = scene();
    const { token, link } = await waiting(here);
    for (let count = 0; count < 5; count++) {
      expect((await reader(here).look(link)).status).toBe(200);
      expect((await reader(here).look(link, "HEAD")).status).toBe(200);
    }
    for (const headers of [{ Origin: "https://evil.example" }, { "Sec-Fetch-Site": "cross-site" }]) {
      expect((await reader(here, headers).press(link, "approve")).status).toBe(410);
    }
    const asJson = { "Content-Type": "application/json" };
    expect((await reader(here).press(link, "approve", asJson)).status).toBe(410);
    expect((await finalize(here, token)).body).toEqual(PENDING);
    expect((await reader(here).press(link, "approve")).status).toBe(200);
  });

  test("T221 C19 a form that comes without a choice is neither yes nor no", async () => {
    const here = scene();
    const { token, link } = await waiting(here);
    for (const decision of [undefined, "", "Approve", "deny "]) {
      expect((await reader(here).press(link, decision)).status, String(decision)).toBe(422);
    }
    await reader(here).press(link, "approve");
    expect((await finalize(here, token)).body).toMatchObject({ isVerified: true });
  });

  test("who knows the challenge alone is not shown whose the address is; looking at it wrongly is not counted", async () => {
    const here = scene();
    const { token, link, to, begun } = await waiting(here);
    for (const secret of ["A".repeat(43), "", "x"]) {
      const shown = await reader(here).look(`http://x/v1/link/${begun.body.challengeId}?t=${secret}`);
      expect([shown.status, shown.text.includes(to)]).toEqual([410, false]);
    }
    for (let count = 0; count < 10; count++)
      await reader(here).look(link.replace(/t=.*/, `t=${"A".repeat(43)}`));
    expect((await reader(here).look(link)).text).toContain(to);
    await reader(here).press(link, "approve");
    expect((await finalize(here, token)).body).toMatchObject({ isVerified: true });
  });

  test("no ends it: the action has failed, and the link is dead", async () => {
    const here = scene();
    const { tenant, token, link } = await waiting(here);
    expect((await reader(here).press(link, "deny")).status).toBe(200);
    expect((await finalize(here, token)).body).toEqual(PENDING);
    expect((await validate(here.at, tenant, { token })).body).toMatchObject({
      isValid: false,
      state: "CHALLENGE_FAILED",
    });
    expect((await reader(here).press(link, "approve")).status).toBe(410);
    expect((await finalize(here, token)).body).toEqual(PENDING);
  });

  test("a forged secret opens nothing and is counted; an unknown, a used and another door's link look the same", async () => {
    const misses: unknown[] = [];
    const here = scene(undefined, ({ limits }) => ({
      limits: { ...limits, miss: async (ip) => misses.push(ip) < 3, blocked: () => misses.length >= 3 },
    }));
    const { token, link } = await waiting(here);
    const forged = link.replace(/t=.*/, `t=${"A".repeat(43)}`);
    const first = await reader(here).press(forged, "approve");
    expect(first.status).toBe(410);
    expect(misses).toHaveLength(1);
    for (const bad of [
      "http://x/v1/link/nothing?t=x",
      `http://x/v1/link/${"0".repeat(64)}?t=${"A".repeat(43)}`,
    ]) {
      expect((await reader(here).look(bad)).status, bad).toBe(410);
      expect((await reader(here).press(bad, "approve")).status, bad).toBe(410);
    }
    expect((await finalize(here, token)).body).toEqual(PENDING);
    await reader(here).press(forged, "approve");
    const busy = await reader(here).press(forged, "deny");
    expect([busy.status, busy.headers.get("Retry-After")]).toEqual([429, "60"]);
    // S14: the address has missed too often; the right secret is looked at all the same.
    expect((await reader(here).press(link, "approve")).status).toBe(200);
  });

  test("a link is over once its action asks in another way, or its user was deleted: nobody would hear the answer", async () => {
    const here = scene();
    const { token, link } = await waiting(here);
    await here.page(token, "/challenge/email-otp");
    const verificationCode = here.code();
    expect((await reader(here).look(link)).status).toBe(410);
    for (const decision of ["deny", "approve"]) {
      expect((await reader(here).press(link, decision)).status).toBe(410);
    }
    const met = await here.page(token, "/verify/email-otp", { verificationCode });
    expect(met.body).toMatchObject({ isVerified: true });
    const gone = await waiting(here);
    await server(here.at, gone.tenant, "DELETE", `/users/${gone.user}`);
    expect((await reader(here).look(gone.link)).status).toBe(410);
  });

  test("T70 T220 the last two links are good, an older one is dead, and a link's secret is no code", async () => {
    const here = scene();
    const { token, link } = await waiting(here);
    for (let letters = 0; letters < 2; letters++) {
      const again = await here.page(token, `/challenge/${LINK}`);
      expect(again.status).toBe(200);
      expect(linkIn(here)).not.toBe(link);
    }
    expect((await reader(here).press(link, "approve")).status).toBe(410);
    const verificationCode = new URL(linkIn(here)).searchParams.get("t");
    const typed = await here.page(token, "/verify/email-otp", { verificationCode });
    expect(typed.body).toMatchObject({ isVerified: false });
    expect((await reader(here).press(linkIn(here), "approve")).status).toBe(200);
    expect((await finalize(here, token)).body).toMatchObject({ isVerified: true });
  });

  test("T106 another action's, user's or client's token collects nothing", async () => {
    const here = scene();
    const { tenant, user, link } = await waiting(here);
    await reader(here).press(link, "approve");
    const stranger = await newTenant(here.at);
    for (const token of [
      await tokenOf(here.at, tenant, user, "pay"),
      await tokenOf(here.at, tenant, fresh("u"), "signIn"),
      await tokenOf(here.at, stranger, user, "signIn"),
    ]) {
      expect((await finalize(here, token)).body).toEqual(PENDING);
    }
    expect(read(await finalize(here, "x"))).toEqual([401, "unauthorized"]);
  });

  test("an address that was removed confirms nothing, before the press or after it", async () => {
    const here = scene();
    const before = await waiting(here);
    const remove = ({ tenant, user, id }: typeof before) =>
      server(here.at, tenant, "DELETE", `/users/${user}/authenticators/${id}`);
    await remove(before);
    expect((await reader(here).press(before.link, "approve")).status).toBe(410);
    const after = await waiting(here);
    expect((await reader(here).press(after.link, "approve")).status).toBe(200);
    await remove(after);
    expect((await finalize(here, after.token)).body).toEqual(PENDING);
    expect(await stateOf(here, after)).toBe("CHALLENGE_FAILED");
  });

  test("T11 locked between the press and the first look, by whomever: the action has failed", async () => {
    const here = scene();
    const person = await waiting(here);
    expect((await reader(here).press(person.link, "approve")).status).toBe(200);
    const record = await called(here.at, person.user);
    if (!record) throw new Error("no user");
    await here.at.services.users.update(record.user, { status: "locked" }, Date.now());
    expect(await stateOf(here, person)).toBe("CHALLENGE_FAILED");
    await here.at.services.users.update(record.user, { status: "active" }, Date.now());
    expect((await finalize(here, person.token)).body).toEqual(PENDING);
    expect(await stateOf(here, person)).toBe("CHALLENGE_FAILED");
  });

  test("T189 locked before the press: nothing is confirmed; not locked any more, the same press is good", async () => {
    const here = scene();
    const person = await waiting(here);
    const record = await called(here.at, person.user);
    if (!record) throw new Error("no user");
    await here.at.services.users.update(record.user, { status: "locked" }, Date.now());
    const locked = await reader(here).press(person.link, "approve");
    expect([locked.status, locked.text.includes("This account is locked")]).toEqual([403, true]);
    await here.at.services.users.update(record.user, { status: "active" }, Date.now());
    expect((await finalize(here, person.token)).body).toEqual(PENDING);
    expect((await reader(here).press(person.link, "approve")).status).toBe(200);
    expect((await finalize(here, person.token)).body).toMatchObject({ isVerified: true });
  });

  test("too late, blocked meanwhile: nothing", async () => {
    const here = scene();
    const blocked = await waiting(here);
    await reader(here).press(blocked.link, "approve");
    const path = `/users/${blocked.user}/actions/signIn/${blocked.key}`;
    await server(here.at, blocked.tenant, "PATCH", path, { state: "BLOCK" });
    expect((await finalize(here, blocked.token)).body).toEqual(PENDING);
    const late = await waiting(here);
    vi.setSystemTime(Date.now() + 10 * MINUTE);
    expect((await reader(here).look(late.link)).status).toBe(410);
    expect((await reader(here).press(late.link, "approve")).status).toBe(410);
    expect(read(await finalize(here, late.token))).toEqual([401, "expired_token"]);
  });

  test("twenty presses at once, half of them no: one wins, and the page and the backend agree with it", async () => {
    const here = scene();
    const { tenant, token, link } = await waiting(here);
    const pressed = await Promise.all(
      Array.from({ length: 20 }, (_, index) => reader(here).press(link, index % 2 ? "deny" : "approve")),
    );
    const winners = new Set(pressed.flatMap(({ status }, index) => (status === 200 ? [index % 2] : [])));
    expect(winners.size).toBe(1);
    const { isVerified } = (await finalize(here, token)).body;
    const { state } = (await validate(here.at, tenant, { token })).body;
    expect(state).toBe(isVerified ? "CHALLENGE_SUCCEEDED" : "CHALLENGE_FAILED");
  });

  test("polling while nobody has confirmed writes nothing", async () => {
    const counted = counting(env as unknown as Parameters<typeof counting>[0]);
    const here = scene(undefined, undefined, { ...counted.bindings });
    const { token } = await waiting(here);
    await finalize(here, token);
    counted.take();
    for (let polls = 0; polls < 5; polls++) expect((await finalize(here, token)).body).toEqual(PENDING);
    const cost = counted.take();
    expect([cost.d1RowsWritten, cost.queue, cost.objects]).toEqual([0, 0, { "challenge.read": 5 }]);
    expect(here.queued).toHaveLength(1);
  });
});

describe("a link enrols an address", () => {
  test("confirmed and then collected: enrolled where the token is, and good for codes too", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, {}, { webhookUrl: "https://hook.example/in" });
    const user = fresh("u");
    const to = MAIL.address();
    const token = await tokenOf(here.at, tenant, user, "enrol");
    const begun = await here.page(token, `/user-authenticators/${LINK}`, { email: to });
    expect(begun.body).toEqual({ userAuthenticatorId: expect.any(String), userId: user });
    expect((await finalize(here, token)).body).toEqual(PENDING);
    expect((await reader(here).look(linkIn(here))).text).toContain("add your address to their account");
    await reader(here).press(linkIn(here), "approve");
    const list = () => server(here.at, tenant, "GET", `/users/${user}/authenticators`);
    expect((await list()).body).toEqual([]);
    const done = await finalize(here, token);
    expect(done.body).toMatchObject({
      isVerified: true,
      accessToken: expect.any(String),
      userAuthenticator: { userAuthenticatorId: begun.body.userAuthenticatorId, email: to },
    });
    expect((await list()).body).toMatchObject([{ verificationMethod: "EMAIL_OTP", email: to }]);
    const again = await finalize(here, token);
    expect(again.body.userAuthenticator).toEqual(done.body.userAuthenticator);
    expect(claimsOf(again.body.accessToken)).toEqual(claimsOf(done.body.accessToken));
    expect(here.queued.filter((one) => one.kind === "action_webhook")).toHaveLength(1);
    const next = await tokenOf(here.at, tenant, user, "signIn");
    expect((await here.page(next, "/challenge/email-otp")).status).toBe(200);
  });

  test("confirmed in the last second, it is collected behind it", async () => {
    const here = scene();
    const tenant = await newTenant(here.at, { challenge_seconds: 60 });
    const token = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    await here.page(token, `/user-authenticators/${LINK}`, { email: MAIL.address() });
    vi.setSystemTime(Date.now() + 59_000);
    expect((await reader(here).press(linkIn(here), "approve")).status).toBe(200);
    vi.setSystemTime(Date.now() + 2_000);
    expect((await finalize(here, token)).body).toMatchObject({
      isVerified: true,
      accessToken: expect.any(String),
    });
    const late = await tokenOf(here.at, tenant, fresh("u"), "enrol");
    await here.page(late, `/user-authenticators/${LINK}`, { email: MAIL.address() });
    vi.setSystemTime(Date.now() + 60_000);
    expect((await reader(here).press(linkIn(here), "approve")).status).toBe(410);
    // Too late for that one, and free for another.
    const again = await here.page(late, `/user-authenticators/${LINK}`, { email: MAIL.address() });
    expect(again.status).toBe(200);
    await reader(here).press(linkIn(here), "approve");
    expect((await finalize(here, late)).body).toMatchObject({ isVerified: true });
  });

  test("polling for what is refused writes nothing: another user's address, one that comes too late", async () => {
    const counted = counting(env as unknown as Parameters<typeof counting>[0]);
    const here = scene(undefined, undefined, { ...counted.bindings });
    const tenant = await newTenant(here.at);
    const [user, to] = [fresh("u"), MAIL.address()];
    const [theirs, late, first] = [
      await tokenOf(here.at, tenant, user, "a"),
      await tokenOf(here.at, tenant, user, "b"),
      await tokenOf(here.at, tenant, user, "c"),
    ];
    const confirm = async (token: unknown, email: string) => {
      await here.page(token, `/user-authenticators/${LINK}`, { email });
      await reader(here).press(linkIn(here), "approve");
    };
    const refusedFor = async (token: unknown) => {
      await finalize(here, token);
      counted.take();
      const status = (await finalize(here, token)).status;
      const { d1RowsWritten, queue, objects } = counted.take();
      return [status, d1RowsWritten, queue, objects];
    };
    await confirm(theirs, to);
    expect((await enrolled(here, MAIL, {}, to, tenant)).done.body.isVerified).toBe(true);
    expect(await refusedFor(theirs)).toEqual([400, 0, 0, { "challenge.read": 1 }]);
    await confirm(late, MAIL.address());
    await confirm(first, MAIL.address());
    expect((await finalize(here, first)).body).toMatchObject({ isVerified: true });
    expect(await refusedFor(late)).toEqual([401, 0, 0, { "challenge.read": 1 }]);
  });

  test("one that the reader did not ask for, or that comes after another first, enrols nothing", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const user = fresh("u");
    const [one, two] = [await tokenOf(here.at, tenant, user, "a"), await tokenOf(here.at, tenant, user, "b")];
    await here.page(one, `/user-authenticators/${LINK}`, { email: MAIL.address() });
    await reader(here).press(linkIn(here), "deny");
    expect((await finalize(here, one)).body).toEqual(PENDING);
    await here.page(one, `/user-authenticators/${LINK}`, { email: MAIL.address() });
    await reader(here).press(linkIn(here), "approve");
    await here.page(two, `/user-authenticators/${LINK}`, { email: MAIL.address() });
    await reader(here).press(linkIn(here), "approve");
    expect((await finalize(here, two)).body).toMatchObject({ isVerified: true });
    expect(read(await finalize(here, one))).toEqual([401, "unauthorized"]);
    expect((await server(here.at, tenant, "GET", `/users/${user}/authenticators`)).body).toHaveLength(1);
  });
});

test("a client that sends its mail itself is given the link, and nobody else", async () => {
  const here = scene();
  const { tenant, user, id } = await enrolled(here, MAIL);
  const settings = { webhook_events: ["email.created"] };
  await here.at.services.clients.update(tenant.id, { settings }, Date.now());
  vi.setSystemTime(Date.now() + MINUTE);
  const token = await tokenOf(here.at, tenant, user, "signIn");
  const begun = await here.page(token, `/challenge/${LINK}`);
  const [event] = here.told;
  expect(event).toMatchObject({
    type: "email.created",
    data: { userId: user, verificationMethod: "EMAIL_MAGIC_LINK", url: expect.stringContaining("/v1/link/") },
  });
  expect(event?.data).not.toHaveProperty("code");
  expect(here.messages).toHaveLength(1);
  const url = String(event?.data.url);
  const secret = new URL(url).searchParams.get("t") ?? "";
  expect(JSON.stringify([begun.body, here.queued])).not.toContain(secret);
  await reader(here).press(url, "approve");
  expect((await finalize(here, token)).body).toMatchObject({ isVerified: true });
  expect(id).not.toBe("");
});
