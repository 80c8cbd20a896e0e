import { describe, expect, test } from "vitest";
import { identifierSubject } from "../../../src/core/ids.ts";
import { admin, unlike } from "../support/admin.ts";
import { newTenant, server, track } from "../support/authsignal.ts";
import { deployment, fresh, type Json, newClient, newPerson, newPhone } from "../support/cotter.ts";
import { newAda, newBackend, tokenOf } from "../support/loginid.ts";

/** Words by which every plain object answers, whatever it was meant to hold. */
const INHERITED = Object.getOwnPropertyNames(Object.prototype);

const at = deployment();

describe("T133 a caller's word picks no member that every object inherits", () => {
  test.each(INHERITED)("Cotter: algorithm %s", async (name) => {
    const client = await newClient(at);
    const person = await newPerson(at, client);
    const headers = { API_KEY_ID: client };
    const phone = await newPhone();
    const enrolled = await at.call(
      "PUT",
      `/api/v0/user/${person.id}`,
      { method: "TRUSTED_DEVICE", enrolled: true, code: phone.publicKey, algorithm: name },
      headers,
    );
    expect(enrolled.status).toBe(400);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const event = "ENROLL_NEW_TRUSTED_DEVICE";
    const parts = [person.id, client, event, timestamp, "TRUSTED_DEVICE", "true", phone.publicKey];
    const created = await at.call(
      "POST",
      "/api/v0/event/create",
      {
        client_user_id: person.id,
        issuer: client,
        event,
        timestamp,
        method: "TRUSTED_DEVICE",
        approved: true,
        public_key: person.phone.publicKey,
        code: await person.phone.sign(parts.join("")),
        register_new_device: true,
        new_device_public_key: phone.publicKey,
        new_device_algorithm: name,
      },
      headers,
    );
    expect([created.status, typeof created.body.msg]).toEqual([400, "string"]);
  });

  test.each(INHERITED)("LoginID: type and purpose %s", async (name) => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const body = { client_id: backend.id, user_id: ada.id, purpose: "temporary_authentication" };
    const call = async (path: string, over: Json) =>
      at.call(
        "POST",
        `/api/native${path}`,
        { ...body, ...over },
        { Authorization: `Bearer ${await tokenOf(backend, "codes.generate")}` },
      );
    expect((await call(`/codes/${name}/generate`, {})).status).toBe(400);
    expect((await call("/codes/short/generate", { purpose: name })).status).toBe(400);
    const code = { code: "123456", type: name };
    expect((await call("/authenticate/code/wait", { authentication_code: code })).status).toBe(400);
  });

  test.each(INHERITED)("Authsignal: action, method and state %s", async (name) => {
    const tenant = await newTenant(at, { actions: { signIn: "block" } });
    const user = fresh("user");
    const tracked = await track(at, tenant, user, name);
    expect([tracked.status, tracked.body.state]).toEqual([200, "ALLOW"]);
    const key = tracked.body.idempotencyKey;
    const path = `/users/${user}/actions/${name}/${key}`;
    expect((await server(at, tenant, "PATCH", path, { state: name })).status).toBe(400);
    const asked = { verificationMethod: name, action: "signIn", email: "jo@example.com" };
    expect((await server(at, tenant, "POST", "/challenge", asked)).status).toBe(400);
    const found = await server(at, tenant, "GET", `/challenges?verificationMethod=${name}&userId=${user}`);
    expect([found.status, found.body]).toEqual([200, {}]);
    const listed = await server(at, tenant, "GET", `/users/${user}/actions?state=${name}`);
    expect(listed.status).toBe(400);
  });

  test.each(INHERITED)("inbox: no message, code or input of the name %s is known", async (name) => {
    const who = identifierSubject(fresh("nobody"));
    expect(await at.services.inboxes.deliveryOf(who, name)).toBeUndefined();
    await at.services.inboxes.unspend(who, name);
    expect(await at.services.inboxes.spend(who, name, "one")).toBe(true);
    expect(await at.services.inboxes.spend(who, name, "two")).toBe(false);
  });

  test("admin: a rule for the action __proto__ is refused, one for constructor is kept and obeyed", async () => {
    const made = await admin("POST", "/clients", { name: "Shop", kind: "confidential" });
    const { client_id: id, client_secret: secret } = made.body;
    const raw = (rules: string) => ({ raw: `{"settings":{"actions":${rules}}}` });
    const json = { headers: { "Content-Type": "application/json" } };
    const patch = (rules: string) => admin("PATCH", `/clients/${id}`, undefined, { ...raw(rules), ...json });
    for (const rules of ['{"__proto__":"block"}', '{"signIn":"block","__proto__":{"x":"allow"}}']) {
      expect((await patch(rules)).status, rules).toBe(400);
      const posted = `{"name":"Shop","kind":"confidential","settings":{"actions":${rules}}}`;
      expect((await admin("POST", "/clients", undefined, { raw: posted, ...json })).status, rules).toBe(400);
    }
    for (const settings of ['{"__proto__":{"actions":{}}}', '{"brand":{"__proto__":1}}']) {
      const patched = await admin("PATCH", `/clients/${id}`, undefined, {
        raw: `{"settings":${settings}}`,
        ...json,
      });
      expect(patched.status, settings).toBe(400);
    }
    const kept = await patch('{"constructor":"block"}');
    expect([kept.status, kept.body.settings.actions]).toEqual([200, { constructor: "block" }]);
    const tracked = await track(at, { id, secret }, unlike("user"), "constructor");
    expect([tracked.status, tracked.body.state]).toEqual([200, "BLOCK"]);
  });
});
