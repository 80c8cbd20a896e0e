import { describe, expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import type { ClientId } from "../../../../src/core/ids.ts";
import { enrol, newTenant, server, track } from "../../support/authsignal.ts";
import { deployment, newClient, newPerson } from "../../support/cotter.ts";
import { codes, generated, newBackend, newWeb, waitOn } from "../../support/loginid.ts";
import { PAGE, passkeysAt } from "../../support/passkeys.ts";

const at = deployment();
/** Rules of a client for another one's devices, and whether they let them answer. */
const RULES: readonly (readonly [string, (home: ClientId) => ClientSettings, boolean])[] = [
  ["that says nothing", () => ({}), false],
  ["that lists their client", (home) => ({ approve_through: [home] }), true],
  ["that takes the realm's", () => ({ approve_through: "realm" }), true],
];

describe("T178 what is enrolled counts where it can answer", () => {
  test.each(RULES)("T178 Cotter: at a client %s", async (_, rule, may) => {
    const home = await newClient(at);
    const person = await newPerson(at, home);
    const there = await newClient(at, rule(home));
    const key = encodeURIComponent(person.phone.publicKey);
    const { id } = person;
    const ask = async (client: ClientId, path: string) =>
      (await at.call("GET", `/api/v0${path}`, undefined, { API_KEY_ID: client })).body;
    const byKey = `/user/methods?cotter_user_id=${id}&method=TRUSTED_DEVICE&public_key=${key}`;
    const byPath = `/user/enrolled/${id}/TRUSTED_DEVICE/${key}`;
    for (const [client, isCounted] of [
      [home, true],
      [there, may],
    ] as const) {
      for (const path of [`/user/enrolled/any/${id}/TRUSTED_DEVICE`, byKey, byPath]) {
        expect(await ask(client, path), path).toEqual({ enrolled: isCounted, method: "TRUSTED_DEVICE" });
      }
      const methods = isCounted ? ["TRUSTED_DEVICE"] : [];
      expect(await ask(client, `/user/${id}`)).toMatchObject({
        enrolled: methods,
        default_method: methods[0] ?? null,
      });
    }
  });

  test("T178 Cotter: a passkey of the client answers nothing there", async () => {
    const { web, ada } = await passkeysAt(at).withPasskey();
    const headers = { API_KEY_ID: web.id };
    const { body } = await at.call("GET", `/api/v0/user/${ada.id}`, undefined, headers);
    expect(body).toMatchObject({ ID: ada.id, enrolled: [], default_method: null });
  });

  test.each(RULES)("T178 Authsignal: at a client %s", async (_, rule, may) => {
    const home = await newTenant(at, { user_ids: "subject" });
    const person = await newPerson(at, await newClient(at));
    const user = person.id;
    const there = await newTenant(at, { user_ids: "subject", ...rule(home.id) });
    const phone = await enrol(at, home, user);
    const isEnrolled = may;
    const tracked = await track(at, there, user, "pay");
    // Who has something anywhere is asked all the same.
    expect(tracked.body).toMatchObject({ state: "CHALLENGE_REQUIRED", isEnrolled });
    expect((await server(at, there, "GET", `/users/${user}`)).body).toMatchObject({ isEnrolled });
    const list = (await server(at, there, "GET", `/users/${user}/authenticators`)).body;
    expect(JSON.stringify(list).includes(phone.id)).toBe(may);
    expect((await server(at, home, "GET", `/users/${user}`)).body).toMatchObject({ isEnrolled: true });
  });

  test("T178 Authsignal: an address that another client enrolled is neither counted nor told", async () => {
    const [home, there] = [
      await newTenant(at, { user_ids: "subject" }),
      await newTenant(at, { user_ids: "subject" }),
    ];
    const { id: user } = await newPerson(at, await newClient(at));
    const email = `x${user.slice(0, 8)}@example.com`;
    const added = await server(at, home, "POST", `/users/${user}/authenticators`, {
      verificationMethod: "EMAIL_OTP",
      email,
    });
    expect(added.status).toBe(200);
    expect((await server(at, home, "GET", `/users/${user}`)).body.enrolledVerificationMethods).toEqual([
      "EMAIL_OTP",
    ]);
    expect((await server(at, there, "GET", `/users/${user}`)).body).toMatchObject({
      isEnrolled: false,
      enrolledVerificationMethods: [],
    });
    const list = (await server(at, there, "GET", `/users/${user}/authenticators`)).body;
    expect(JSON.stringify(list)).not.toContain(email);
  });

  test("T178 LoginID: the result names no device of another client that did not approve", async () => {
    const { ada, added } = await passkeysAt(at).withPasskey();
    const backend = await newBackend(at);
    const web = await newWeb(at, backend, { allowedOrigins: [PAGE] });
    const code = await generated(at, backend, ada);
    expect((await codes(at, backend, "authorize", ada, { body: { code } })).status).toBe(200);
    const waited = await waitOn(at, web, ada, code);
    expect(waited.status).toBe(200);
    const passkey = (added.body.credential as { uuid: string }).uuid;
    expect((waited.body.credential as { uuid: string }).uuid).not.toBe(passkey);
  });
});
