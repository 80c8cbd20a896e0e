import { env } from "cloudflare:workers";
import { describe, expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import {
  answer,
  enrol,
  newTenant,
  poll,
  server,
  startPush,
  track,
  validate,
} from "../../support/authsignal.ts";
import { deployment, fresh, newClient, newPerson, prompt, respond } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";
import { slowD1 } from "../../support/slow.ts";

/** A place with a slow database. One SDK gives up after 2 s (Authsignal §3.1): four calls in a row may take 500 ms each. */
async function slowPlace(settings: ClientSettings = {}) {
  const slow = slowD1((env as unknown as { DB: D1Database }).DB);
  const here = deployment({ DB: slow.db });
  const tenant = await newTenant(here, { starts_per_minute: 0, approve_through: "realm", ...settings });
  const inARow = async (
    work: () => Promise<{ readonly status: number; readonly body: Record<string, unknown> }>,
    expected: object = {},
  ): Promise<number> => {
    slow.take();
    const { status, body } = await work();
    expect([status, body]).toEqual([200, expect.objectContaining(expected)]);
    return slow.take();
  };
  return { here, tenant, inARow };
}

const mail = () => `${fresh("m")}@example.test`;

/** A place whose first call reads the client and the signing keys too. */
function newIsolate() {
  const slow = slowD1((env as unknown as { DB: D1Database }).DB);
  return { slow, here: deployment({ DB: slow.db }) };
}

describe("with a slow D1, track waits for it a few times in a row at most", () => {
  test("for somebody new, whatever is said of them", async () => {
    const { here, tenant, inARow } = await slowPlace();
    await track(here, tenant, fresh("warm"), "signIn");
    const names = { email: mail(), username: fresh("n"), custom: { amount: 1 } };
    const user = fresh("new");
    expect(
      await inARow(() => track(here, tenant, user, "signIn", names), { state: "ALLOW" }),
    ).toBeLessThanOrEqual(3);
    const known = (await server(here, tenant, "GET", `/users/${user}`)).body;
    expect(known).toMatchObject({ email: names.email, username: names.username });
    // An address that is another user's is left out, which takes one more.
    const other = fresh("new");
    expect(await inARow(() => track(here, tenant, other, "signIn", names))).toBeLessThanOrEqual(4);
    expect((await server(here, tenant, "GET", `/users/${other}`)).body).toEqual({
      isEnrolled: false,
      emailVerified: false,
      phoneNumberVerified: false,
      enrolledVerificationMethods: [],
      allowedVerificationMethods: expect.any(Array),
    });
  });

  test("for somebody known, also when a name changes", async () => {
    const { here, tenant, inARow } = await slowPlace();
    const user = fresh("u");
    await enrol(here, tenant, user);
    const asked = { state: "CHALLENGE_REQUIRED" };
    expect(await inARow(() => track(here, tenant, user, "signIn"), asked)).toBeLessThanOrEqual(3);
    const email = mail();
    expect(await inARow(() => track(here, tenant, user, "signIn", { email }), asked)).toBeLessThanOrEqual(3);
    expect((await server(here, tenant, "GET", `/users/${user}`)).body.email).toBe(email);
  });

  test("in an isolate that knows nothing yet", async () => {
    const { tenant } = await slowPlace();
    const { slow, here } = newIsolate();
    expect((await track(here, tenant, fresh("new"), "signIn", { email: mail() })).status).toBe(200);
    expect(slow.take()).toBeLessThanOrEqual(4);
  });
});

describe("with a slow D1, validate waits for it a few times in a row at most", () => {
  test("before, and after the user has answered; by the backend's name alone", async () => {
    const { here, tenant, inARow } = await slowPlace();
    const user = fresh("u");
    const phone = await enrol(here, tenant, user);
    const { id, token } = await startPush(here, tenant, user);
    const valid = (userId: string, isValid: boolean) =>
      inARow(() => validate(here, tenant, { token, userId }), { isValid });
    expect(await valid(user, false)).toBeLessThanOrEqual(1);
    await answer(here, phone, id, true);
    expect((await poll(here, token, id)).body.isVerified).toBe(true);
    expect(await valid(user, true)).toBeLessThanOrEqual(1);
    const record = await called(here, user);
    const byId = await validate(here, tenant, { token, userId: String(record?.user.id) });
    expect(byId.body).toEqual({ isValid: false, error: "invalid_request" });
    const wrong = await validate(here, tenant, { token, userId: fresh("other") });
    expect(wrong.body).toEqual({ isValid: false, error: "invalid_request" });
  });

  test("when it is the first to see that the user answered at another door", async () => {
    const { here, tenant, inARow } = await slowPlace({ user_ids: "subject" });
    const client = await newClient(here);
    const person = await newPerson(here, client);
    const { token } = await startPush(here, tenant, person.id, "pay");
    const shown = await prompt(here, client, person);
    expect((await respond(here, client, person, shown ?? {}, true)).status).toBe(200);
    expect(await inARow(() => validate(here, tenant, { token }), { isValid: true })).toBeLessThanOrEqual(3);
  });

  test("in an isolate that knows nothing yet", async () => {
    const { here: warm, tenant } = await slowPlace();
    const { body } = await track(warm, tenant, fresh("new"), "signIn");
    const { slow, here } = newIsolate();
    expect((await validate(here, tenant, { token: body.token })).body.state).toBe("ALLOW");
    expect(slow.take()).toBeLessThanOrEqual(3);
  });
});
