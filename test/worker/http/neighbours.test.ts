import { describe, expect, test } from "vitest";
import { ask, envWith } from "../support/app.ts";
import { basic, bearer, enrol, newTenant, server, startPush, track } from "../support/authsignal.ts";
import {
  type Answer,
  claimsOf,
  deployment,
  fresh,
  newClient,
  newPerson,
  newPhone,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../support/cotter.ts";
import { from, limited } from "../support/limiters.ts";
import { codes, generated, newAda, newBackend, newWeb, tokenOf, waitOn } from "../support/loginid.ts";
import { browser, enter, exchange, newPageClient, pageDeployment, verified } from "../support/page.ts";

const IP = "192.0.2.44";
const MISSES = 30;
const open = deployment();
/** What an address may look at that brings nothing is used up; what it brings is still checked. */
const lookedOut = {
  LIMIT_READ: { limit: async ({ key }: { key: string }) => ({ success: key.includes("|check|") }) },
};

/** Limits on, and a neighbour at this address who has knocked with 31 wrong secrets. */
async function beside(over: Record<string, unknown> = {}) {
  const at = deployment({ ...limited({ LIMIT_MISS: MISSES }), ...over });
  const here = {
    ...at,
    call: (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) =>
      at.call(method, path, body, { ...from(IP), ...headers }),
  };
  const knock = () => here.call("GET", "/v1/users/ada", undefined, basic(`wrong-${crypto.randomUUID()}`));
  const statuses = [];
  for (let miss = 0; miss <= MISSES; miss++) statuses.push((await knock()).status);
  expect(statuses).toEqual([...Array(MISSES).fill(401), 429]);
  expect(at.services.limits.blocked(IP)).toBe(true);
  return { here, knock };
}

describe("S14 beside a neighbour who has missed too often", () => {
  test("a backend with the right secret is served, and a wrong one stays refused", async () => {
    const tenant = await newTenant(open);
    const { here, knock } = await beside();
    for (let call = 0; call < 20; call++) {
      expect((await server(here, tenant, "GET", `/users/${fresh("u")}`)).status).toBe(200);
    }
    expect((await knock()).status).toBe(429);
    expect((await here.call("GET", "/v1/users/ada")).status).toBe(429);
  });

  test("S14 a page with a good action token has a code sent, one with a bad token or none does not", async () => {
    const tenant = await newTenant(open);
    const at = await beside();
    const email = `${fresh("ana")}@example.com`;
    const add = { scope: "add:authenticators" };
    const { token } = (await track(open, tenant, fresh("u"), "addAuthenticator", add)).body;
    const paths = ["/user-authenticators/email-otp", "/challenge/email-otp"];
    const sent = (path: string, headers: Record<string, string>) =>
      at.here.call("POST", `/v1/client${path}`, { email }, headers);
    for (const path of paths) {
      expect((await sent(path, bearer(`${token}x`))).status).toBe(429);
      expect((await sent(path, basic(tenant.id))).status).toBe(429);
    }
    expect((await sent("/user-authenticators/email-otp", bearer(token))).status).toBe(200);
    expect((await sent("/challenge/email-otp", bearer(token))).status).not.toBe(429);
    const guess = await at.here.call(
      "POST",
      "/v1/client/verify/email-otp",
      { verificationCode: "123456" },
      bearer(token),
    );
    expect(guess.status).toBe(429);
  });

  test("a laptop's poll and wait, and its tokens", async () => {
    const client = await newClient(open);
    const person = await newPerson(open, client);
    const { here } = await beside();
    const waiter = (await start(here, client, person)).body;
    expect((await poll(here, client, waiter)).status).toBe(200);
    const { pathname } = new URL(String(waiter.wait_uri));
    const waited = (number: unknown) =>
      here.call("GET", `${pathname}?timeout=1`, undefined, { Authorization: `Bearer ${number}` });
    expect((await waited(waiter.ID)).status).toBe(200);
    expect((await waited(String(Number(waiter.ID) - 1))).status).toBe(429);
    await respond(here, client, person, (await prompt(here, client, person)) ?? {}, true);
    const collected = await poll(here, client, waiter);
    expect(collected.body.oauth_token).toBeDefined();
    const wrong = await poll(here, client, { ID: Number(waiter.ID) - 1 });
    expect([wrong.status, wrong.body]).toEqual([429, { msg: expect.any(String) }]);
  });

  test("T136 a number of 31 bits could be guessed at: the block stands before it", async () => {
    const client = await newClient(open);
    const person = await newPerson(open, client);
    const body = { client_user_id: person.id, issuer: client, event: "LOGIN", method: "TRUSTED_DEVICE" };
    const begun = await open.call("POST", "/api/v0/event/create_pending", body, { API_KEY_ID: client });
    expect(Number(begun.body.ID)).toBeLessThan(2 ** 31);
    const { here } = await beside();
    expect((await poll(here, client, begun.body)).status).toBe(429);
    const { pathname } = new URL(String(begun.body.wait_uri));
    const headers = { Authorization: `Bearer ${begun.body.ID}` };
    expect((await here.call("GET", `${pathname}?timeout=1`, undefined, headers)).status).toBe(429);
    expect((await poll(open, client, begun.body)).status).toBe(200);
  });

  test("a waiter's handle, and a device's key at the Cotter door", async () => {
    const tenant = await newTenant(open);
    const client = await newClient(open);
    const person = await newPerson(open, client);
    const user = fresh("u");
    await enrol(open, tenant, user);
    const { answer } = await startPush(open, tenant, user);
    const { here } = await beside();
    const { pathname } = new URL(String(answer.body.wait_uri));
    const waited = (handle: unknown) => here.call("GET", `${pathname}?timeout=1`, undefined, bearer(handle));
    expect((await waited(answer.body.wait_handle)).status).toBe(200);
    expect((await waited("nonsense")).status).toBe(429);
    const remove = (code: string) =>
      here.call(
        "PUT",
        `/api/v0/user/${person.id}`,
        { method: "TRUSTED_DEVICE", enrolled: false, code },
        { API_KEY_ID: client },
      );
    expect((await remove((await newPhone()).publicKey)).status).toBe(429);
    expect((await remove(person.phone.publicKey)).status).toBe(200);
  });

  test("LoginID: 192 bits are looked at, six digits are not", async () => {
    const backend = await newBackend(open);
    const web = await newWeb(open, backend, { settings: { wait_seconds: 1 } });
    const ada = await newAda(open);
    const { here } = await beside();
    const answers: Record<string, Answer> = {};
    for (const type of ["long", "short", "phrase"] as const) {
      const code = await generated(open, backend, ada, { type });
      expect((await codes(open, backend, "authorize", ada, { type, body: { code } })).status).toBe(200);
      answers[type] = await waitOn(here, web, ada, code, { authentication_code: { code, type } });
    }
    expect([answers.long?.status, answers.short?.status, answers.phrase?.status]).toEqual([200, 429, 429]);
    expect(claimsOf(answers.long?.body.jwt).sub).toBe(ada.id);
    const wrong = { authentication_code: { code: "A".repeat(32), type: "long" } };
    expect((await waitOn(here, web, ada, "", wrong)).status).toBe(429);
  });

  test("a magic link, on the hosted page", async () => {
    const at = pageDeployment({ ...limited({ LIMIT_MISS: 0 }) });
    const client = await newPageClient(at);
    await enter(browser(at), client, `${fresh("ana")}@example.com`, { auth_method: "MAGIC_LINK" });
    const link = new URL(at.last().link ?? "");
    const press = (secret: string) =>
      browser(at, from(IP)).post(link.pathname, { secret, decision: "approve" });
    expect((await press("A".repeat(43))).status).toBe(429);
    expect(at.services.limits.blocked(IP)).toBe(true);
    expect((await press(link.searchParams.get("t") ?? "")).status).toBe(200);
  });
});

describe("T137 where an address has looked too much", () => {
  test("what brings a good credential goes on: secrets, tokens, numbers, codes", async () => {
    const tenant = await newTenant(open);
    const client = await newClient(open);
    const person = await newPerson(open, client);
    const backend = await newBackend(open);
    const ada = await newAda(open);
    const { here } = await beside(lookedOut);
    expect(
      (await here.call("GET", `/api/v0/user/${person.id}`, undefined, { API_KEY_ID: client })).status,
    ).toBe(429);
    expect((await start(here, client, person)).status).toBe(429);
    expect((await here.call("GET", "/healthz")).status).toBe(429);

    expect((await track(here, tenant, fresh("u"), "signIn")).status).toBe(200);
    const token = (await track(open, tenant, fresh("u"), "signIn")).body.token;
    const qr = await here.call("POST", "/v1/client/challenge/qr-code", { action: "signIn" }, bearer(token));
    expect(qr.status).toBe(200);
    const { challengeId, deviceCode } = qr.body;
    const polled = await here.call(
      "POST",
      "/v1/client/verify/qr-code",
      { challengeId, deviceCode },
      basic(tenant.id),
    );
    expect(polled.status).toBe(200);
    const nameless = await here.call(
      "POST",
      "/v1/client/challenge/qr-code",
      { action: "signIn" },
      basic(tenant.id),
    );
    expect(nameless.status).toBe(429);

    const waiter = (await start(open, client, person)).body;
    expect((await poll(here, client, waiter)).status).toBe(200);
    expect((await refresh(here, client, person.tokens.refresh_token)).status).toBe(200);
    expect((await codes(here, backend, "generate", ada)).status).toBe(200);
    const listing = await here.call(
      "GET",
      `/api/native/credentials?user_id=${ada.id}`,
      undefined,
      bearer(await tokenOf(backend, "credentials.list")),
    );
    expect(listing.status).toBe(200);
  });

  test("the exchange of the hosted page's code goes on", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const code = await verified(at, client, `${fresh("ana")}@example.com`);
    const out = pageDeployment({ ...limited(), ...lookedOut });
    expect((await out.ask(`/app?api_key=${client}`, { headers: from(IP) })).status).toBe(429);
    expect((await exchange(out, client, code, {}, from(IP))).status).toBe(200);
  });

  test("a refusal says when to come again, in each door's shape", async () => {
    const raw = envWith({ ...limited({ LIMIT_READ: 0 }) });
    const shapes = {
      "/healthz": { status: 429, title: "Too Many Requests" },
      "/api/v0/user/x": { msg: expect.any(String) },
      "/certs": { code: "too_many_requests" },
      "/v1/client/public/x/.well-known/jwks": { errorCode: "too_many_requests" },
    };
    for (const [path, shape] of Object.entries(shapes)) {
      const answer = await ask(path, { headers: from(IP) }, raw);
      expect(answer.status, path).toBe(429);
      expect(Number(answer.headers.get("Retry-After")), path).toBeGreaterThan(0);
      expect(await answer.json(), path).toMatchObject(shape);
    }
    const page = await ask("/app", { headers: from(IP) }, raw);
    expect([page.status, page.headers.get("Content-Type")]).toEqual([429, expect.stringContaining("html")]);
  });
});

test("S12 300 sign-ups from 300 /64s of one /48 are stopped at four addresses' share", async () => {
  const at = deployment({ ...limited({ LIMIT_START: 60 }) });
  const client = await newClient(open);
  const statuses = await Promise.all(
    Array.from({ length: 300 }, async (_, net) => {
      const body = { client_user_id: fresh("user") };
      const headers = { API_KEY_ID: client, ...from(`2001:db8:7:${net.toString(16)}::1`) };
      return (await at.call("POST", "/api/v0/user/create", body, headers)).status;
    }),
  );
  const made = statuses.filter((status) => status === 200).length;
  expect(made).toBeGreaterThan(180);
  expect(made).toBeLessThanOrEqual(240);
  expect(statuses.filter((status) => status === 429)).toHaveLength(300 - made);
});
