import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { userSubject } from "../../../../src/core/ids.ts";
import { stubOf } from "../../support/challenges.ts";
import { claimsOf, deployment, fresh, newPerson, prompt, respond } from "../../support/cotter.ts";
import { codes, generated, newAda, newBackend, newScene, newWeb, waitOn } from "../../support/loginid.ts";
import { mainUser, withId } from "../../support/people.ts";
import { until } from "../../support/until.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());

const scene = (settings = {}) =>
  newScene(at, {
    backend: { settings: { wait_seconds: 20, ...settings } },
    web: { settings: { wait_seconds: 20 } },
  });

/** The challenges that stand in a user's inbox. */
const promptsOf = async (ada: Parameters<typeof userSubject>[0]) =>
  (await at.services.inboxes.view(userSubject(ada))).prompts;

/** Until somebody waits on the newest challenge of this user. */
const waited = async (id: Parameters<typeof userSubject>[0], count = 1): Promise<void> => {
  await until(async () => {
    const [shown] = await promptsOf(id);
    if (!shown) throw new Error("no prompt");
    const { runInDurableObject } = await import("cloudflare:test");
    const open = await runInDurableObject(
      stubOf(shown.challengeId),
      (_, state) => state.getWebSockets().length,
    );
    expect(open).toBe(count);
  });
};

test("walks: a code, a wait, the backend's approval, the result", async () => {
  const { backend, web, ada } = await scene();
  const made = await codes(at, backend, "generate", ada);
  expect(made.status).toBe(200);
  expect(made.body).toEqual({
    code: expect.stringMatching(/^\d{6}$/),
    expires_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    is_authorized: false,
  });
  const { code } = made.body;
  const waiting = waitOn(at, web, ada, code);
  await waited(ada.id);
  const authorized = await codes(at, backend, "authorize", ada, { body: { code } });
  expect(authorized).toMatchObject({
    status: 200,
    body: { is_authorized: true, expires_at: made.body.expires_at },
  });
  const answer = await waiting;
  expect(answer.status).toBe(200);
  expect(answer.body).toMatchObject({
    client: { id: web.id, type: "directweb" },
    user: { id: ada.id, username: ada.username, type: "user" },
    credential: { type: "fido2", uuid: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    is_authenticated: true,
  });
  const claims = claimsOf(answer.body.jwt);
  expect(claims).toMatchObject({
    iss: "loginid.io",
    aud: web.id,
    sub: ada.id,
    udata: ada.username,
    action: "auth.temporary",
  });
  expect(Number(claims.exp) - Number(claims.iat)).toBe(300);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
});

test("T48 the object is evicted in mid-wait, and the answer still comes", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada);
  const waiting = waitOn(at, web, ada, code);
  await waited(ada.id);
  const [shown] = await promptsOf(ada.id);
  await evictDurableObject(stubOf(shown!.challengeId));
  await codes(at, backend, "authorize", ada, { body: { code } });
  expect((await waiting).body.is_authenticated).toBe(true);
});

test("a challenge started here is shown to a device that another door enrolled, which approves it", async () => {
  const { backend, web } = await scene();
  const person = await newPerson(at, backend.id);
  const known = await withId(at, person.id as Parameters<typeof userSubject>[0]);
  await at.services.users.update(
    known!.user,
    { identifiers: { of: "operator", given: [{ ...known!.identifiers[0]!, assertedBy: "admin" }] } },
    Date.now(),
  );
  const ada = { id: known!.user.id, username: person.identifier };
  const code = await generated(at, backend, ada);
  const waiting = waitOn(at, web, ada, code);
  await waited(ada.id);
  const shown = await prompt(at, backend.id, person);
  expect(shown).toMatchObject({ event: "LOGIN", issuer: backend.id });
  expect((await respond(at, backend.id, person, shown!, true)).status).toBe(200);
  const answer = await waiting;
  expect(answer.body).toMatchObject({
    is_authenticated: true,
    credential: { type: "public_key", name: "Pixel" },
  });
  expect((await codes(at, backend, "authorize", ada, { body: { code } })).body.code).toBe(
    "verification_code_not_found",
  );
});

test("a device's denial ends the wait as an invalidated code does", async () => {
  const { backend, web } = await scene();
  const person = await newPerson(at, backend.id);
  const known = await withId(at, person.id as Parameters<typeof userSubject>[0]);
  await at.services.users.update(
    known!.user,
    { identifiers: { of: "operator", given: [{ ...known!.identifiers[0]!, assertedBy: "admin" }] } },
    Date.now(),
  );
  const ada = { id: known!.user.id, username: person.identifier };
  const code = await generated(at, backend, ada);
  const waiting = waitOn(at, web, ada, code);
  await waited(ada.id);
  await respond(at, backend.id, person, (await prompt(at, backend.id, person))!, false);
  expect(await waiting).toMatchObject({ status: 400, body: { code: "invalid_verification_code" } });
  expect((await waitOn(at, web, ada, code)).body.code).toBe("verification_code_not_found");
});

test("invalidating ends the wait, the prompt and the code, and may be repeated", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada);
  const other = await generated(at, backend, ada, { type: "long" });
  const waiting = waitOn(at, web, ada, code, {});
  await until(async () =>
    expect((await waitOn(at, web, ada, code, { no_wait: true })).body.code).toBe(
      "remote_session_in_progress",
    ),
  );
  const ended = await codes(at, backend, "invalidate-all", ada);
  expect(ended.body).toEqual({ deleted_at: expect.stringMatching(/Z$/) });
  expect(await waiting).toMatchObject({ status: 400, body: { code: "invalid_verification_code" } });
  expect((await waitOn(at, web, ada, code)).body.code).toBe("verification_code_not_found");
  expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(404);
  expect((await codes(at, backend, "invalidate-all", ada)).status).toBe(200);
  // Another type stays.
  expect((await codes(at, backend, "authorize", ada, { type: "long", body: { code: other } })).status).toBe(
    200,
  );
});

test("a wait that times out may be repeated, until the code itself is over", async () => {
  const { backend, ada } = await scene();
  const web = await newWeb(at, backend, { settings: { wait_seconds: 1 } });
  const code = await generated(at, backend, ada);
  expect(await waitOn(at, web, ada, code)).toMatchObject({
    status: 400,
    body: { code: "remote_session_timeout" },
  });
  await codes(at, backend, "authorize", ada, { body: { code } });
  expect((await waitOn(at, web, ada, code)).body.is_authenticated).toBe(true);
});

test("T52 a code that runs out is said to be expired, in a wait and before one", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada);
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 180_000);
  expect(await waitOn(at, web, ada, code)).toMatchObject({
    status: 400,
    body: { code: "verification_code_expired" },
  });
  expect((await codes(at, backend, "authorize", ada, { body: { code } })).body.code).toBe(
    "verification_code_expired",
  );
});

test("T52 an approved code that nobody waited for is over five minutes after the approval, to the millisecond", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada);
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 170_000);
  const other = await generated(at, backend, ada);
  for (const each of [code, other]) await codes(at, backend, "authorize", ada, { body: { code: each } });
  vi.setSystemTime(Date.now() + 299_999);
  expect((await waitOn(at, web, ada, other)).status).toBe(200);
  vi.setSystemTime(Date.now() + 1);
  expect((await waitOn(at, web, ada, code)).body.code).toBe("verification_code_expired");
});

test("of two waiters the newest stays, and the older is told at once", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada);
  const first = waitOn(at, web, ada, code);
  await waited(ada.id);
  const second = waitOn(at, web, ada, code);
  expect(await first).toMatchObject({ status: 400, body: { code: "remote_session_in_progress" } });
  await codes(at, backend, "authorize", ada, { body: { code } });
  expect((await second).status).toBe(200);
});

test("a pre-approved code needs the client's setting, is on record and asks nobody", async () => {
  const { backend, web, ada } = await scene({ preauthorize: true });
  const made = await codes(at, backend, "generate", ada, { body: { authorize: true } });
  expect(made.body).toMatchObject({ is_authorized: true });
  expect(await promptsOf(ada.id)).toEqual([]);
  expect((await codes(at, backend, "authorize", ada, { body: { code: made.body.code } })).status).toBe(200);
  const answer = await waitOn(at, web, ada, made.body.code, { no_jwt: true, no_wait: true });
  expect(answer.body).toMatchObject({ is_authenticated: true });
  expect(answer.body).not.toHaveProperty("jwt");
  const rows = await env.DB.prepare("select type from audit_events where user_id = ?")
    .bind(ada.id)
    .all<{ type: string }>();
  expect(rows.results.map(({ type }) => type)).toContain("code.preauthorized");
  const plain = await newBackend(at);
  expect((await codes(at, plain, "generate", ada, { body: { authorize: true } })).body.code).toBe(
    "operation_not_allowed",
  );
});

test("T08 T45 a result is given out once: the identical request again within five minutes, nothing else ever", async () => {
  const { backend, web, ada } = await scene();
  const other = await newWeb(at, backend);
  const code = await generated(at, backend, ada);
  await codes(at, backend, "authorize", ada, { body: { code } });
  const answers = await Promise.all(Array.from({ length: 20 }, () => waitOn(at, web, ada, code)));
  const won = answers.filter(({ status }) => status === 200);
  expect(won.length).toBeGreaterThan(0);
  expect(new Set(won.map(({ body }) => claimsOf(body.jwt).jti)).size).toBe(1);
  expect((await waitOn(at, other, ada, code)).body.code).toBe("verification_code_not_found");
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + 300_000);
  expect((await waitOn(at, web, ada, code)).body.code).toBe("verification_code_not_found");
});

test("T28 race: approvals and endings at once leave one outcome", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada);
  const calls = Array.from({ length: 6 }, (_, index) =>
    index % 2 === 0
      ? codes(at, backend, "authorize", ada, { body: { code } })
      : codes(at, backend, "invalidate-all", ada),
  );
  await Promise.all(calls);
  expect((await waitOn(at, web, ada, code)).body.code).toBe("verification_code_not_found");
});

test("five codes live beside each other, the sixth ends the oldest", async () => {
  const { backend, ada } = await scene();
  const drawn: string[] = [];
  for (let i = 0; i < 6; i++) drawn.push(await generated(at, backend, ada, { type: "long" }));
  const first = await codes(at, backend, "authorize", ada, { type: "long", body: { code: drawn[0] } });
  expect(first.body.code).toBe("verification_code_not_found");
  for (const code of drawn.slice(1)) {
    expect((await codes(at, backend, "authorize", ada, { type: "long", body: { code } })).status).toBe(200);
  }
});

test("purposes keep apart: an enrolment's code signs nobody in and stands in no inbox", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada, { purpose: "add_credential" });
  expect(await promptsOf(ada.id)).toEqual([]);
  expect((await codes(at, backend, "authorize", ada, { body: { code } })).body.code).toBe(
    "verification_code_not_found",
  );
  expect(
    (await codes(at, backend, "authorize", ada, { purpose: "add_credential", body: { code } })).status,
  ).toBe(200);
  expect((await waitOn(at, web, ada, code)).body.code).toBe("verification_code_not_found");
});

test("codes are read as people type them", async () => {
  const { backend, ada } = await scene();
  const short = await generated(at, backend, ada);
  const typed = `${short.slice(0, 3)} - ${short.slice(3)}`;
  expect((await codes(at, backend, "authorize", ada, { body: { code: typed } })).status).toBe(200);
  expect((await codes(at, backend, "authorize", ada, { body: { code: Number(short) } })).status).toBe(200);
  const phrase = await generated(at, backend, ada, { type: "phrase" });
  expect(phrase).toMatch(/^[a-z]+(-[a-z]+){3}$/);
  const spoken = ` ${phrase.toUpperCase().replaceAll("-", "  ")}`;
  expect(
    (await codes(at, backend, "authorize", ada, { type: "phrase", body: { code: spoken } })).status,
  ).toBe(200);
  const long = await generated(at, backend, ada, { type: "long" });
  expect(long).toMatch(/^[A-Za-z0-9_-]{32}$/);
});

test("T01 a start that is kept from the user still hands out a code that works", async () => {
  const { backend, web, ada } = await scene();
  const drawn: string[] = [];
  for (let i = 0; i < 6; i++)
    drawn.push(await generated(at, backend, ada, { type: i < 5 ? "long" : "short" }));
  const last = drawn.at(-1)!;
  expect((await codes(at, backend, "authorize", ada, { body: { code: last } })).status).toBe(200);
  expect((await waitOn(at, web, ada, last)).status).toBe(200);
});

test("T11 a locked or deleted user gets no code and no result", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada);
  await codes(at, backend, "authorize", ada, { body: { code } });
  await at.services.users.update(mainUser(ada.id), { status: "locked" }, Date.now());
  expect((await waitOn(at, web, ada, code)).body.code).toBe("account_deactivated");
  expect((await codes(at, backend, "generate", ada)).body.code).toBe("account_deactivated");
  await at.services.users.remove(ada.id);
  expect((await codes(at, backend, "generate", ada)).body.code).toBe("user_not_found");
});

test("S6 T205 a code is good at the client that gave it out, and at those that list it, whoever named the user", async () => {
  const { backend, web, ada } = await scene();
  const own = await newAda(at, undefined, "client", backend.id);
  const proven = await newAda(at, `${fresh("eve")}@example.com`, "proof");
  const bank = await newBackend(at);
  const [plain, strict, listing] = [
    await newBackend(at, { kind: "public", settings: { wait_seconds: 1 } }),
    await newWeb(at, bank, { settings: { wait_seconds: 1 } }),
    await newWeb(at, backend, { settings: { wait_seconds: 1 } }),
  ];
  const look = async (client: { readonly id: string }, whom: typeof ada, code: unknown) =>
    (
      await waitOn(at, client, { username: "" }, code, {
        username: undefined,
        user_id: whom.id,
        no_wait: true,
      })
    ).body.code;
  // Named by the operator, by the backend itself, and by nobody but themselves.
  for (const person of [ada, own, proven]) {
    const code = await generated(at, backend, person);
    expect(await look(plain, person, code)).toBe("verification_code_not_found");
    expect(await look(strict, person, code)).toBe("verification_code_not_found");
    expect(await look(web, person, code)).toBe("remote_session_in_progress");
    expect(await look(listing, person, code)).toBe("remote_session_in_progress");
    expect((await codes(at, bank, "authorize", person, { body: { code } })).status).toBe(404);
  }
});
