import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { userSubject } from "../../src/core/ids.ts";
import { deployment } from "./support/cotter.ts";
import { type Ada, codes, newAda, newBackend, tokenOf, waitOn } from "./support/loginid.ts";
import { assertionOf, PAGE, passkeysAt } from "./support/passkeys.ts";

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

  test("a passkey's own code past the limit: its signature stays good until the next minute", async () => {
    const { web, ada, authenticator } = await withPasskey();
    await at.services.clients.update(
      web.id,
      { settings: { starts_per_minute: 1, wait_seconds: 1 } },
      Date.now(),
    );
    const [device] = await at.services.devices.ofUser(ada.id);
    const first = assertionOf(await beginSelf(web, ada.username));
    const good = await sendSigned(await signed(web, ada.username, first, authenticator, { count: 3 }));
    expect(good.status).toBe(200);
    // The same signature again is refused, and uses up no start of the next minute either.
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 60_000 });
    expect(
      (await sendSigned(await signed(web, ada.username, first, authenticator, { count: 4 }))).status,
    ).toBe(403);
    const second = assertionOf(await beginSelf(web, ada.username));
    expect(
      (await sendSigned(await signed(web, ada.username, second, authenticator, { count: 5 }))).status,
    ).toBe(200);
    const third = assertionOf(await beginSelf(web, ada.username));
    const body = await signed(web, ada.username, third, authenticator, { count: 6 });
    const before = await leftBy(ada);
    expect(await sendSigned(body)).toMatchObject(TOO_MANY);
    expect(await leftBy(ada)).toEqual(before);
    expect((await at.services.devices.byId(device!.id))?.signCount).toBe(5);
    vi.setSystemTime(Date.now() + 60_000);
    const late = await sendSigned(body);
    expect(late.status).toBe(200);
    const { code } = late.body.code_data as { code: string };
    expect((await waitOn(at, web, ada, code)).body.is_authenticated).toBe(true);
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
