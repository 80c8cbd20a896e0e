import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { newUserId, userSubject } from "../../../../src/core/ids.ts";
import { STARTS_ABOUT } from "../../../../src/core/inbox/limits.ts";
import { LIVE_CODES } from "../../../../src/doors/loginid/code/issue.ts";
import { deployment } from "../../support/cotter.ts";
import { type Ada, codes, generated, newAda, newBackend, tokenOf } from "../../support/loginid.ts";
import { assertionOf, PAGE, passkeysAt } from "../../support/passkeys.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());
const { withPasskey, beginSelf, signed, sendSigned } = passkeysAt(at);

const TOO_MANY = { status: 429, body: { code: "too_many_requests" } };

/** All that a code leaves behind: its row, what is on record, the prompt. */
async function leftBy({ id }: Ada) {
  const rows = await env.DB.prepare("select code_hash from user_codes where user_id = ?").bind(id).all();
  const audit = await env.DB.prepare("select type from audit_events where user_id = ?").bind(id).all();
  const { prompts } = await at.services.inboxes.view(userSubject(id));
  return { codes: rows.results.length, audit: audit.results.length, prompts: prompts.length };
}

describe("T05 a start past the client's limit", () => {
  test.each([false, true])(
    "leaves nothing behind, and spends its token (authorize: %j)",
    async (authorize) => {
      const backend = await newBackend(at, { settings: { starts_per_minute: 1, preauthorize: true } });
      const ada = await newAda(at);
      expect((await codes(at, backend, "generate", await newAda(at))).status).toBe(200);
      const before = await leftBy(ada);
      const token = await tokenOf(backend, "codes.generate");
      const refused = await codes(at, backend, "generate", ada, { token, body: { authorize } });
      expect(refused).toMatchObject(TOO_MANY);
      expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
      expect(await leftBy(ada)).toEqual(before);
      expect((await codes(at, backend, "generate", ada, { token, body: { authorize } })).status).toBe(401);
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
      expect((await codes(at, backend, "generate", ada, { body: { authorize } })).status).toBe(200);
    },
  );

  test("T24 a replayed token uses up no start", async () => {
    const backend = await newBackend(at, { settings: { starts_per_minute: 2 } });
    const ada = await newAda(at);
    const token = await tokenOf(backend, "codes.generate");
    expect((await codes(at, backend, "generate", ada, { token })).status).toBe(200);
    for (let i = 0; i < 5; i++) {
      expect((await codes(at, backend, "generate", ada, { token })).status).toBe(401);
    }
    expect((await codes(at, backend, "generate", ada)).status).toBe(200);
    expect(await codes(at, backend, "generate", ada)).toMatchObject(TOO_MANY);
  });

  test("a call for an id that nobody has, or whose user is locked, uses up no start", async () => {
    const backend = await newBackend(at, { settings: { starts_per_minute: 1 } });
    const [ada, bob] = [await newAda(at), await newAda(at)];
    await at.services.users.update(mainUser(bob.id), { status: "locked" }, Date.now());
    const nobody = { ...ada, id: newUserId(crypto.randomUUID()) };
    for (const [whom, status] of [[nobody, 404] as const, [bob, 403] as const]) {
      expect((await codes(at, backend, "generate", whom)).status).toBe(status);
      await at.settled();
    }
    expect((await codes(at, backend, "generate", ada)).status).toBe(200);
    // Nor are they told that the client's starts are used up.
    expect((await codes(at, backend, "generate", nobody)).status).toBe(404);
  });

  test("a passkey's own code is no start of the client's: a device of its users has signed", async () => {
    const { web, ada, authenticator } = await withPasskey();
    const busy = { settings: { starts_per_minute: 1, wait_seconds: 1 } };
    await at.services.clients.update(web.id, busy, Date.now());
    const statuses: number[] = [];
    for (let count = 4; count < 10; count += 2) {
      const begun = assertionOf(await beginSelf(web, ada.username));
      statuses.push(
        (await sendSigned(await signed(web, ada.username, begun, authenticator, { count }))).status,
      );
      // The same signature again is refused.
      const again = await signed(web, ada.username, begun, authenticator, { count: count + 1 });
      expect((await sendSigned(again)).status).toBe(403);
    }
    expect(statuses).toEqual([200, 200, 200]);
  });

  test("a browser that lists its page may make a code beside the limit of another client", async () => {
    const { web, ada, authenticator } = await withPasskey();
    const busy = await newBackend(at, { settings: { starts_per_minute: 1 }, allowedOrigins: [PAGE] });
    await codes(at, busy, "generate", ada);
    expect(await codes(at, busy, "generate", ada)).toMatchObject(TOO_MANY);
    const begun = assertionOf(await beginSelf(web, ada.username));
    expect((await sendSigned(await signed(web, ada.username, begun, authenticator))).status).toBe(200);
  });
});

test("T201 another client's codes for a user end none of this one's", async () => {
  const [bank, blog] = [await newBackend(at), await newBackend(at)];
  const ada = await newAda(at);
  const own: string[] = [];
  for (let i = 0; i < LIVE_CODES; i++) own.push(await generated(at, bank, ada, { type: "long" }));
  for (let i = 0; i <= LIVE_CODES; i++) await generated(at, blog, ada, { type: "long" });
  for (const code of own) {
    expect((await codes(at, bank, "authorize", ada, { type: "long", body: { code } })).status).toBe(200);
  }
});

describe("T202 a backend's codes for one user", () => {
  test("T202 are ten in a minute, and others' go on", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
    const backend = await newBackend(at);
    const [ada, bob] = [await newAda(at), await newAda(at)];
    for (let i = 0; i < STARTS_ABOUT; i++) await generated(at, backend, ada);
    const before = await leftBy(ada);
    const refused = await codes(at, backend, "generate", ada);
    expect(refused).toMatchObject(TOO_MANY);
    expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(0);
    // Another purpose is no other count.
    expect(await codes(at, backend, "generate", ada, { purpose: "add_credential" })).toMatchObject(TOO_MANY);
    expect(await leftBy(ada)).toEqual(before);
    await generated(at, backend, bob);
    await generated(at, await newBackend(at), ada);
    vi.setSystemTime(Date.now() + 60_000);
    await generated(at, backend, ada);
  });

  test("T202 that a replayed token asks for use up none of them", async () => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const token = await tokenOf(backend, "codes.generate");
    expect((await codes(at, backend, "generate", ada, { token })).status).toBe(200);
    for (let i = 0; i < 2 * STARTS_ABOUT; i++) {
      expect((await codes(at, backend, "generate", ada, { token })).status).toBe(401);
    }
    await generated(at, backend, ada);
  });
});
