import { afterEach, describe, expect, test, vi } from "vitest";
import { type ChallengeId, userSubject } from "../../../../src/core/ids.ts";
import { upkeep } from "../../../../src/core/upkeep.ts";
import { ask } from "../../support/app.ts";
import { answer, bearer, enrol, newTenant, startPush } from "../../support/authsignal.ts";
import { inside } from "../../support/challenges.ts";
import { claimsOf, deployment, fresh, type Json } from "../../support/cotter.ts";
import { codes, generated, newAda, newBackend, tokenOf, waitOn } from "../../support/loginid.ts";
import { until } from "../../support/until.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());

const scene = async (settings = {}) => {
  const backend = await newBackend(at, { settings });
  const names = { names_from: [backend.id] };
  const web = await newBackend(at, { kind: "public", settings: { wait_seconds: 20, ...names } });
  return { backend, web, ada: await newAda(at) };
};
type Scene = Awaited<ReturnType<typeof scene>>;
/** Moves the clock that Worker and objects share. */
const later = (seconds: number): void => {
  const now = Date.now() + seconds * 1_000;
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now);
};
const authorize = ({ backend, ada }: Scene, code: unknown) =>
  codes(at, backend, "authorize", ada, { body: { code } });
const challengeOf = async ({ ada }: Scene): Promise<ChallengeId> => {
  const [shown] = (await at.services.inboxes.view(userSubject(ada.id))).prompts;
  if (!shown) throw new Error("no prompt");
  return shown.challengeId;
};
const waiters = (id: ChallengeId, count: number): Promise<void> =>
  until(async () => expect(await inside(id, (_, state) => state.getWebSockets().length)).toBe(count), 5);

describe("L2 a counter is cleared by a code that is redeemed, once", () => {
  test("L2 a result that is told once more forgives nothing", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    await authorize({ backend, web, ada }, code);
    expect((await waitOn(at, web, ada, code)).status).toBe(200);
    const next = await generated(at, backend, ada);
    for (let guess = 1; guess <= 4; guess++) {
      await waitOn(at, web, ada, String((Number(next) + guess) % 1e6).padStart(6, "0"), { no_wait: true });
    }
    expect((await waitOn(at, web, ada, code)).status).toBe(200);
    await at.settled();
    await waitOn(at, web, ada, String((Number(next) + 5) % 1e6).padStart(6, "0"), { no_wait: true });
    expect((await waitOn(at, web, ada, next)).body.code).toBe("verification_code_not_found");
  });
});

describe("L3 right codes in flight are no guesses", () => {
  test("L3 twenty identical waits are held, and one gets the result", async () => {
    const here = await scene();
    const code = await generated(at, here.backend, here.ada);
    const waits = Array.from({ length: 20 }, () => waitOn(at, here.web, here.ada, code));
    await until(async () => {
      const ended = await Promise.all(waits.map((each) => Promise.race([each, undefined])));
      expect(ended.filter((one) => one !== undefined)).toHaveLength(19);
    });
    expect((await authorize(here, code)).status).toBe(200);
    const answers = await Promise.all(waits);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    const others = answers.filter(({ status }) => status !== 200);
    expect(new Set(others.map(({ body }) => body.code))).toEqual(new Set(["remote_session_in_progress"]));
  });
});

test("L4 a code of this user at another client is no guess either", async () => {
  const { backend, ada } = await scene();
  const bank = await newBackend(at);
  for (let round = 0; round < 7; round++) {
    const code = await generated(at, backend, ada);
    expect((await codes(at, bank, "authorize", ada, { body: { code } })).status).toBe(404);
  }
  const own = await generated(at, bank, ada);
  expect((await codes(at, bank, "authorize", ada, { body: { code: own } })).status).toBe(200);
});

describe("L5 a new code is a new challenge, with guesses of its own", () => {
  const wrong = (code: string, by: number) => String((Number(code) + by) % 1e6).padStart(6, "0");

  test("L5 after five wrong ones the next code is approved and collected by the same caller", async () => {
    const here = await scene();
    const first = await generated(at, here.backend, here.ada);
    for (let by = 1; by <= 5; by++) await waitOn(at, here.web, here.ada, wrong(first, by), { no_wait: true });
    expect((await waitOn(at, here.web, here.ada, first, { no_wait: true })).status).toBe(404);
    const code = await generated(at, here.backend, here.ada);
    expect((await authorize(here, code)).status).toBe(200);
    expect((await waitOn(at, here.web, here.ada, code)).status).toBe(200);
  });

  test("T60 L5 new codes do not lift the day's sum: the twenty-first wrong one is not looked at", async () => {
    const { backend, web, ada } = await scene();
    for (let round = 0; round < 4; round++) {
      const code = await generated(at, backend, ada);
      for (let by = 1; by <= 5; by++) {
        await waitOn(at, web, ada, wrong(code, 7 * round + by), { no_wait: true });
      }
    }
    const code = await generated(at, backend, ada);
    expect((await waitOn(at, web, ada, code, { no_wait: true })).status).toBe(404);
    // Whoever brings a token is not among the strangers.
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
  });

  test("L5 one client's code gives another client's backend no new guesses", async () => {
    const { backend, ada } = await scene();
    const bank = await newBackend(at);
    const code = await generated(at, backend, ada);
    for (let by = 1; by <= 5; by++) {
      await codes(at, bank, "authorize", ada, { body: { code: wrong(code, by) } });
    }
    await generated(at, backend, ada);
    const late = await codes(at, bank, "authorize", ada, { body: { code: wrong(code, 6) } });
    expect(late.status).toBe(429);
    const own = await generated(at, bank, ada);
    expect((await codes(at, bank, "authorize", ada, { body: { code: own } })).status).toBe(200);
  });
});

describe("T238 L6 the name in a result is the caller's own spelling of a name that is theirs", () => {
  test("T238 L6 registered with capitals, waited for as typed", async () => {
    const here = await scene();
    const registered = `${fresh("Ada")}@Example.com`;
    const ada = await newAda(at, registered);
    for (const typed of [registered, registered.toLowerCase(), ` ${registered.toUpperCase()} `]) {
      const code = await generated(at, here.backend, ada);
      await authorize({ ...here, ada }, code);
      const { body } = await waitOn(at, here.web, { username: typed }, code);
      expect([(body.user as Json).username, claimsOf(body.jwt).udata]).toEqual([typed, typed]);
      expect(claimsOf(body.jwt).sub).toBe(ada.id);
    }
  });

  test("T238 L6 a name that is not this user's is never put into their token", async () => {
    const here = await scene();
    const code = await generated(at, here.backend, here.ada);
    await authorize(here, code);
    const { body } = await waitOn(at, here.web, { username: "somebody@else.example" }, code, {
      user_id: here.ada.id,
    });
    expect([(body.user as Json).username, claimsOf(body.jwt).udata]).toEqual([
      here.ada.username,
      here.ada.username,
    ]);
  });
});

describe("L7 a path that leads out of its door is answered by the door", () => {
  const shape = ["code", "message"];
  test.each([
    "/codes/%2e%2e/generate",
    "/codes/%2E%2e/authorize",
    "/codes/%2e%2e/generate/fido2/init",
    "/codes/%2e/invalidate-all",
    "/manage/users/%2e%2e/%2e%2e/activate",
    "/api/native/codes/%2e%2e/generate",
    "/api/native/codes/%2e%2e/%2e%2e/%2e%2e/%2e%2e/generate",
    "/codes/..%2f/generate",
    "/codes/%zz/generate",
    "/codes/%E0%A4%A/generate",
    "/codes/%00/generate",
    "/codes/%/generate",
    "/api/native/codes/%ff%fe/authorize",
    "/credentials/%zz",
    "/%63odes/short/generate",
  ])("T107 L7 LoginID: %s", async (path) => {
    for (const method of ["POST", "PUT", "DELETE"]) {
      const headers = { "Content-Type": "application/json" };
      const answer = await ask(path, { method, headers, body: "{}" });
      expect(Object.keys((await answer.json()) as Json)).toEqual(shape);
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
    }
  });

  test("L7 what a browser or a reader asks for at the root is a page or a problem as before", async () => {
    expect((await ask("/nothing")).headers.get("Content-Type")).toContain("problem+json");
    const page = await ask("/nothing", { headers: { Accept: "text/html" } });
    expect(page.headers.get("Content-Type")).toContain("text/html");
    const health = await ask("/healthz", { method: "POST" });
    expect([health.status, health.headers.get("Content-Type")]).toEqual([405, "application/problem+json"]);
  });

  test.each([
    ["Cotter", "GET", "/api/v0/user/enrolled/%E0%A4%A", "msg"],
    ["Cotter", "GET", "/api/v0/event/get/%zz", "msg"],
    ["Cotter", "GET", "/api/v0/event/%2e%2e/%2e%2e/nothing", "code"],
    ["Cotter", "PUT", "/api/v0/event/%2e%2e/nothing", "msg"],
    ["Authsignal", "POST", "/v1/users/u/actions/%2e%2e", "errorCode"],
    ["Authsignal", "GET", "/v1/users/%2e%2e/nothing", "errorCode"],
    ["admin", "GET", "/admin/clients/%zz", "title"],
    ["admin", "GET", "/admin/clients/%2e%2e/nothing", "title"],
  ])("T107 L7 %s: %s %s", async (_door, method, path, member) => {
    const answer = await ask(path, {
      method,
      headers: { Authorization: "Bearer dev-admin-token", API_KEY_ID: "nobody" },
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    // Out of its door altogether, it is nobody's.
    const expected = member === "code" ? "title" : member;
    expect(Object.keys((await answer.json()) as Json)).toContain(expected);
  });
});

describe("T237 L8 a wait that nobody hears uses up no result", () => {
  test("T237 L8 dropped by its caller: the code stays approved, and the next wait takes it", async () => {
    const here = await scene();
    const code = await generated(at, here.backend, here.ada);
    const id = await challengeOf(here);
    const gone = new AbortController();
    const dropped = at.call(
      "POST",
      "/api/native/authenticate/code/wait",
      waitBody(here, code),
      {},
      gone.signal,
    );
    await waiters(id, 1);
    gone.abort();
    await waiters(id, 0);
    await dropped;
    expect((await authorize(here, code)).status).toBe(200);
    expect((await at.services.challenges.read(id))?.view.state).toBe("approved");
    later(40);
    expect((await waitOn(at, here.web, here.ada, code)).body.is_authenticated).toBe(true);
  });

  test("T237 L8 a caller who has left before the wait is held is not waited for", async () => {
    const here = await scene();
    await generated(at, here.backend, here.ada);
    const id = await challengeOf(here);
    const began = Date.now();
    const held = await at.services.challenges.wait(id, 20_000, { alone: true, gone: AbortSignal.abort() });
    expect(held?.state ?? "pending").toBe("pending");
    expect(Date.now() - began).toBeLessThan(5_000);
    await waiters(id, 0);
  });

  test("T237 L8 left without a word: the identical request gets the result for five minutes, nobody else ever", async () => {
    const here = await scene();
    const { backend, web, ada } = here;
    const other = await newBackend(at, { kind: "public", settings: { names_from: [backend.id] } });
    const code = await generated(at, backend, ada);
    const held = waitOn(at, web, ada, code);
    await waiters(await challengeOf(here), 1);
    expect((await authorize(here, code)).status).toBe(200);
    const lost = claimsOf((await held).body.jwt);
    later(40);
    expect(claimsOf((await waitOn(at, web, ada, code)).body.jwt)).toEqual(lost);
    expect((await waitOn(at, other, ada, code)).body.code).toBe("verification_code_not_found");
    later(258);
    expect((await waitOn(at, web, ada, code)).status).toBe(200);
    later(3);
    expect((await waitOn(at, web, ada, code)).body.code).toBe("verification_code_not_found");
  });

  test("T237 L8 nobody waited: collectable for five minutes after the approval, also past a short code's own end", async () => {
    const here = await scene();
    const code = await generated(at, here.backend, here.ada);
    later(170);
    expect((await authorize(here, code)).status).toBe(200);
    later(290);
    await upkeep(at.services);
    expect((await waitOn(at, here.web, here.ada, code)).status).toBe(200);
  });

  test("T237 L8 for a phrase's life; at its end for nobody", async () => {
    const here = await scene();
    const { backend, web, ada } = here;
    const both = [];
    for (let i = 0; i < 2; i++) both.push(await generated(at, backend, ada, { type: "phrase" }));
    for (const code of both) {
      await codes(at, backend, "authorize", ada, { type: "phrase", body: { code } });
    }
    const wait = (code: unknown) =>
      waitOn(at, web, ada, code, { authentication_code: { code, type: "phrase" } });
    later(14 * 60);
    expect((await wait(both[0])).status).toBe(200);
    later(61);
    expect((await wait(both[1])).body.code).toBe("verification_code_expired");
  });

  test("T237 L8 invalidating ends what is approved and not collected, past the code's own end too", async () => {
    const here = await scene();
    const code = await generated(at, here.backend, here.ada);
    later(170);
    await authorize(here, code);
    later(60);
    expect((await codes(at, here.backend, "invalidate-all", here.ada)).status).toBe(200);
    expect((await waitOn(at, here.web, here.ada, code)).body.code).toBe("verification_code_not_found");
  });

  test("L8 an enrolment's code is over at its own end", async () => {
    const pages = { allowedOrigins: ["https://shop.example"] };
    const backend = await newBackend(at, pages);
    const ada = await newAda(at);
    const purpose = "add_credential";
    const code = await generated(at, backend, ada, { purpose });
    later(170);
    expect((await codes(at, backend, "authorize", ada, { purpose, body: { code } })).status).toBe(200);
    later(11);
    const body = { client_id: backend.id, user_id: ada.id, authentication_code: { code, type: "short" } };
    const token = await tokenOf(backend, "credentials.add");
    const reserved = await at.call("POST", "/credentials/fido2/init/code", body, bearer(token));
    expect(reserved.body.code).toBe("verification_code_expired");
  });

  test("T237 L8 Authsignal: a held poll whose caller leaves takes its order along", async () => {
    const tenant = await newTenant(at, { starts_per_minute: 0 });
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    const { id, token } = await startPush(at, tenant, user);
    const gone = new AbortController();
    const headers = { ...bearer(token), Prefer: "wait=20" };
    const dropped = at.call("POST", "/v1/client/verify/push", { challengeId: id }, headers, gone.signal);
    await waiters(id as ChallengeId, 1);
    gone.abort();
    await waiters(id as ChallengeId, 0);
    await dropped;
    await answer(at, phone, id, true);
    later(90);
    const poll = await at.call("POST", "/v1/client/verify/push", { challengeId: id }, bearer(token));
    expect(poll.body.isVerified).toBe(true);
  });
});

const waitBody = ({ web, ada }: Scene, code: unknown): Json => ({
  client_id: web.id,
  username: ada.username,
  authentication_code: { code, type: "short" },
});

describe("T235 L9 one client for backend and browser", () => {
  const one = (settings = {}) =>
    newBackend(at, { settings: { wait_seconds: 2, public_wait: true, ...settings } });

  test("L9 the guide's flow: the backend by its token, the browser by the bare id", async () => {
    const backend = await one();
    const ada = await newAda(at, `${fresh("ada")}@example.com`, "client", backend.id);
    const code = await generated(at, backend, ada);
    expect((await waitOn(at, backend, ada, code)).body.code).toBe("remote_session_timeout");
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
    const { body } = await waitOn(at, backend, ada, code);
    expect([body.is_authenticated, claimsOf(body.jwt).aud]).toEqual([true, backend.id]);
  });

  test("L9 without the setting a private client's browser waits for nothing", async () => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    expect(await waitOn(at, backend, ada, code)).toMatchObject({
      status: 401,
      body: { code: "unauthorized" },
    });
  });

  const CALLS: readonly [string, string][] = [
    ["POST", "/codes/short/generate"],
    ["POST", "/codes/short/authorize"],
    ["POST", "/codes/short/invalidate-all"],
    ["POST", "/manage/users/retrieve"],
    ["POST", "/manage/users"],
    ["POST", "/manage/users/delete"],
    ["PUT", "/manage/users/7b6d7a3e-6b6b-4a55-9d5e-2f3c4f1f0a11/activate"],
    ["DELETE", "/manage/users/7b6d7a3e-6b6b-4a55-9d5e-2f3c4f1f0a11"],
    ["POST", "/credentials/list"],
    ["POST", "/credentials/rename"],
    ["POST", "/credentials/revoke"],
    ["POST", "/credentials/fido2/init/code"],
    ["POST", "/credentials/fido2/init/force"],
    ["POST", "/codes/short/generate/fido2/init"],
  ];
  test.each(CALLS)("T235 L9 the bare id opens no other call: %s %s", async (method, path) => {
    const backend = await one({ preauthorize: true });
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    const body = {
      client_id: backend.id,
      user_id: ada.id,
      username: ada.username,
      purpose: "temporary_authentication",
      code,
      credential: { uuid: crypto.randomUUID(), name: "x" },
      authentication_code: { code, type: "short" },
    };
    const { status, body: said } = await at.call(method, path, body, { "X-Client-ID": backend.id });
    expect([status, said.code]).toEqual([401, "unauthorized"]);
  });

  test("T235 L9 a token for the wait must be good; a leaked one for another call is not looked at", async () => {
    const backend = await one();
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    const waited = async (token: string) =>
      (await waitOn(at, backend, ada, code, { no_wait: true }, bearer(token))).body.code;
    expect(await waited(await tokenOf(backend, "auth.login"))).toBe("remote_session_in_progress");
    expect(await waited(await tokenOf(backend, "auth.temporary"))).toBe("remote_session_in_progress");
    expect(await waited(await tokenOf(backend, "auth.temporary", { iat: 1 }))).toBe("unauthorized");
    expect(await waited(await tokenOf(await newBackend(at), "auth.temporary"))).toBe("operation_not_allowed");
    expect(await waited(await tokenOf(backend, "auth.temporary", { username: "bob" }))).toBe(
      "operation_not_allowed",
    );
  });

  test("T235 L9 a bare wait is a stranger's: its guesses, its pages, its codes", async () => {
    const backend = await one();
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    const wrong = (by: number) => String((Number(code) + by) % 1e6).padStart(6, "0");
    for (let guess = 1; guess <= 5; guess++) await waitOn(at, backend, ada, wrong(guess), { no_wait: true });
    const locked = await waitOn(at, backend, ada, code, { no_wait: true });
    expect([locked.status, locked.body.code]).toEqual([404, "verification_code_not_found"]);
    // Nothing of it reaches the backend's own lanes.
    const token = await tokenOf(backend, "auth.temporary");
    expect((await waitOn(at, backend, ada, code, { no_wait: true }, bearer(token))).body.code).toBe(
      "remote_session_in_progress",
    );
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
    const foreign = await waitOn(at, backend, ada, code, {}, { Origin: "https://evil.example" });
    expect(foreign.body.code).toBe("operation_not_allowed");
    const bank = await newBackend(at);
    const theirs = await generated(at, bank, ada);
    expect((await waitOn(at, backend, ada, theirs, { no_wait: true })).status).toBe(404);
  });
});

describe("L10 the name that a waiter gives its session", () => {
  const named = async (over: Json, held: boolean) => {
    const here = await scene();
    const code = await generated(at, here.backend, here.ada);
    const id = await challengeOf(here);
    const waiting = held ? waitOn(at, here.web, here.ada, code, over) : undefined;
    if (held) await waiters(id, 1);
    await authorize(here, code);
    const { body } = await (waiting ?? waitOn(at, here.web, here.ada, code, over));
    const again = await waitOn(at, here.web, here.ada, code);
    await at.settled();
    const [row] = await at.services.records.events({
      userId: here.ada.id,
      type: "sign_in.redeemed",
      size: 1,
    });
    const data = row?.data as { timeline: { what: string; session_name?: string }[] } | undefined;
    const steps = data?.timeline ?? [];
    return {
      answer: (body.credential as Json).name,
      again: (again.body.credential as Json).name,
      record: steps.find(({ what }) => what === "redeemed")?.session_name,
    };
  };

  test.each([true, false])("L10 stands in the answer and on record, held: %s", async (held) => {
    const name = "Büro 4 \u{1F5A5} 会議室";
    const all = { answer: name, again: name, record: name };
    expect(await named({ credential_name: name }, held)).toEqual(all);
    expect(await named({ options: { credential_name: name } }, held)).toEqual(all);
  });

  test("L10 is one line, and a blank one is none", async () => {
    expect((await named({ credential_name: "a\u202eb\nc" }, false)).answer).not.toMatch(/[\n\u202e]/);
    expect(await named({ credential_name: " " }, false)).toEqual({
      answer: "",
      again: "",
      record: undefined,
    });
    const here = await scene();
    expect((await waitOn(at, here.web, here.ada, "000000", { credential_name: 7 })).status).toBe(400);
    expect(
      (await waitOn(at, here.web, here.ada, "000000", { credential_name: "x".repeat(257) })).status,
    ).toBe(400);
  });
});

describe("L11 what the guide says of generate and authorize", () => {
  test("L11 a username as user_id, with a token, in every call that names a user", async () => {
    const { backend, web } = await scene();
    const ada = await newAda(at, `${fresh("Ada")}@example.com`, "client", backend.id);
    const by = { body: { user_id: ada.username.toLowerCase() } };
    const code = await generated(at, backend, ada, by);
    const approved = await codes(at, backend, "authorize", ada, { body: { ...by.body, code } });
    expect(approved.status).toBe(200);
    expect((await waitOn(at, web, ada, code)).status).toBe(200);
    expect((await codes(at, backend, "invalidate-all", ada, by)).status).toBe(200);
    const token = await tokenOf(backend, "codes.generate", { user_id: ada.username });
    expect((await codes(at, backend, "generate", ada, { token })).status).toBe(200);
    const other = await tokenOf(backend, "codes.generate", { user_id: "somebody@else.example" });
    expect((await codes(at, backend, "generate", ada, { token: other })).status).toBe(403);
  });

  test("T238 L11 a name in the form of an id stands in for nobody's id, and a stranger's user_id is an id", async () => {
    const { backend, web, ada } = await scene();
    const lost = crypto.randomUUID();
    const mallory = await newAda(at, lost, "client", backend.id);
    for (const user_id of [lost, lost.toUpperCase()]) {
      expect((await codes(at, backend, "generate", mallory, { body: { user_id } })).body.code).toBe(
        "user_not_found",
      );
    }
    const shadow = await newAda(at, ada.id, "client", backend.id);
    const code = await generated(at, backend, { ...shadow, id: ada.id });
    expect((await waitOn(at, web, ada, code, { no_wait: true })).body.code).toBe(
      "remote_session_in_progress",
    );
    const bare = { username: undefined, user_id: ada.username, no_wait: true };
    expect((await waitOn(at, web, ada, code, bare)).status).toBe(404);
  });

  test("L11 completed_at is when the code was approved first", async () => {
    const here = await scene();
    const code = await generated(at, here.backend, here.ada);
    const before = Date.now();
    const first = await authorize(here, code);
    expect(Date.parse(String(first.body.completed_at))).toBeGreaterThanOrEqual(before);
    expect(Date.parse(String(first.body.completed_at))).toBeLessThanOrEqual(Date.now());
    later(20);
    expect((await authorize(here, code)).body).toEqual(first.body);
    expect((await waitOn(at, here.web, here.ada, code)).status).toBe(200);
    expect((await authorize(here, code)).body).toEqual(first.body);
  });
});
