import { describe, expect, test } from "vitest";
import type { ClientId } from "../../../../src/core/ids.ts";
import { basic, bearer, server } from "../../support/authsignal.ts";
import { claimsOf, deployment, fresh, type Json, newPerson, refresh } from "../../support/cotter.ts";
import { codes, newAda, newBackend, tokenOf, waitOn } from "../../support/loginid.ts";

const at = deployment();
/** As the vendor's dashboard gives them out: base64url of 64 bytes, with its padding. */
const padded = () => `${fresh("Zm9v")}${"A".repeat(60)}`.slice(0, 86).concat("==");
const made = async (over: Json) => {
  const json = { name: "Shop", client_id: padded(), ...over };
  const { status, body } = await at.call("POST", "/admin/clients", json, bearer("dev-admin-token"));
  expect(status).toBe(201);
  expect(body.client_id).toBe(json.client_id);
  return body as { client_id: ClientId; client_secret: string };
};

describe("L1 a client's id is what was registered, byte for byte", () => {
  test("L1 LoginID: in the answer, in the token, and by whichever door of the wire it is named", async () => {
    const backend = await newBackend(at, { id: padded() });
    const settings = { wait_seconds: 1, names_from: [backend.id] };
    const web = await newBackend(at, { id: padded(), kind: "public", settings });
    const ada = await newAda(at);
    const { code } = (await codes(at, backend, "generate", ada)).body;
    const approved = await codes(at, backend, "authorize", ada, { body: { code } });
    expect(approved.status).toBe(200);
    const { status, body } = await waitOn(at, web, ada, code);
    expect([status, (body.client as Json).id, claimsOf(body.jwt).aud]).toEqual([200, web.id, web.id]);
    const profile = await at.call(
      "POST",
      "/manage/users/retrieve",
      { username: ada.username },
      { ...bearer(await tokenOf(backend, "users.retrieve")), "X-Client-ID": backend.id },
    );
    expect(profile.body.client_id).toBe(backend.id);
  });

  test("L1 with and without padding are two clients", async () => {
    const plain = await newBackend(at, { kind: "public", settings: { wait_seconds: 1 } });
    const unknown = await waitOn(at, { id: `${plain.id}==` }, { username: fresh("x") }, "000000");
    expect(unknown.body.code).toBe("client_not_found");
    const twin = await newBackend(at, { id: `${plain.id}==` });
    const ada = await newAda(at);
    const token = await tokenOf(twin, "codes.generate");
    const other = await codes(at, { ...plain, signing: twin.signing }, "generate", ada, { token });
    expect(other.body.code).toBe("operation_not_allowed");
  });

  test("L1 Cotter: in headers, in a path however it is escaped, in tokens", async () => {
    const { client_id: client } = await made({ kind: "public" });
    const { tokens } = await newPerson(at, client);
    expect(claimsOf(tokens.access_token).aud).toBe(client);
    expect(claimsOf(tokens.id_token).aud).toBe(client);
    const once = await refresh(at, client, tokens.refresh_token);
    expect(claimsOf(once.body.access_token).aud).toBe(client);
    let refreshToken = once.body.refresh_token;
    for (const name of [client, encodeURIComponent(client)]) {
      const body = { grant_type: "refresh_token", refresh_token: refreshToken };
      const again = await at.call("POST", `/api/v0/token/${name}`, body, { API_KEY_ID: client });
      expect(again.status).toBe(200);
      refreshToken = again.body.refresh_token;
    }
  });

  test("L1 Authsignal: in the tenant's header and in tokens", async () => {
    const tenant = await made({ kind: "confidential", settings: { actions: { pay: "challenge" } } });
    const user = fresh("u");
    const seen = { id: tenant.client_id, secret: tenant.client_secret };
    const tracked = await server(at, seen, "POST", `/users/${user}/actions/pay`, {});
    expect((claimsOf(tracked.body.token).other as Json).tenantId).toBe(tenant.client_id);
    const asked = await at.call("POST", "/v1/client/challenge/qr-code", {}, basic(tenant.client_id));
    expect(asked.status).not.toBe(401);
  });

  test("L1 the admin API reads, changes and disables it by its path", async () => {
    const { client_id } = await made({ kind: "public" });
    for (const name of [client_id, encodeURIComponent(client_id)]) {
      const path = `/admin/clients/${name}`;
      const read = await at.call("GET", path, undefined, bearer("dev-admin-token"));
      expect([read.status, read.body.client_id]).toEqual([200, client_id]);
    }
    const gone = await at.call("DELETE", `/admin/clients/${client_id}`, undefined, bearer("dev-admin-token"));
    expect(gone.status).toBe(204);
  });

  test.each(["=", "==", "a===", "a=b", "=a", "a= ", "a".repeat(127).concat("==")])(
    "L1 no id: %j",
    async (client_id) => {
      const json = { name: "Shop", kind: "public", client_id };
      const refused = await at.call("POST", "/admin/clients", json, bearer("dev-admin-token"));
      expect(refused.status).toBe(400);
    },
  );
});
