import { expect, test } from "vitest";
import { adminDescription } from "../../../src/doors/admin/openapi/description.ts";
import { newDevice, signIn } from "../support/admin.ts";
import { site } from "../support/approver.ts";
import { newTenant, server } from "../support/authsignal.ts";
import { player } from "./play.ts";

const headers = { Authorization: "Bearer dev-admin-token" };

test("every documented call of the admin API is answered as its description says", async () => {
  const at = site();
  const { play, unsent } = player(at, adminDescription);
  const made = await play("POST /admin/clients", { headers, body: { client_id: "openapi-shop" } });
  const path = { client_id: made.body.client_id };
  await play("GET /admin/clients", { headers });
  await play("GET /admin/clients/:client_id", { headers, path });
  await play("PATCH /admin/clients/:client_id", { headers, path });
  await play("POST /admin/clients/:client_id/secret", { headers, path });
  await play("DELETE /admin/clients/:client_id", { headers, path });

  const user = await play("POST /admin/users", { headers });
  const id = user.body.user_id;
  const whose = { user_id: id };
  await play("GET /admin/users", { headers });
  await play("GET /admin/users/:user_id", { headers, path: whose });
  const device = await newDevice(id);
  await play("GET /admin/users/:user_id/devices", { headers, path: whose });
  const grant = await signIn(id, device.id);
  await play("GET /admin/users/:user_id/grants", { headers, path: whose });
  await play("DELETE /admin/users/:user_id/grants/:grant_id", {
    headers,
    path: { ...whose, grant_id: grant.id },
  });
  await play("DELETE /admin/users/:user_id/grants", { headers, path: whose });
  await play("DELETE /admin/users/:user_id/devices/:device_id", {
    headers,
    path: { ...whose, device_id: device.id },
  });

  const tenant = await newTenant(at);
  await server(at, tenant, "POST", "/users/openapi/authenticators", {
    verificationMethod: "EMAIL_OTP",
    email: "openapi@example.com",
  });
  const [other] = await at.services.users.named("main" as never, { externalId: "openapi" });
  const theirs = { user_id: String(other?.user.id) };
  const ways = await play("GET /admin/users/:user_id/authenticators", { headers, path: theirs });
  await play("DELETE /admin/users/:user_id/authenticators/:id", {
    headers,
    path: { ...theirs, id: ways.body.authenticators[0].authenticator_id },
  });

  await play("PATCH /admin/users/:user_id", { headers, path: whose });
  await play("GET /admin/users/:user_id/export", { headers, path: whose });
  await play("GET /admin/audit", { headers, query: { user_id: id } });
  await play("DELETE /admin/users/:user_id", { headers, path: theirs });
  await play("POST /admin/users/:user_id/erasure", { headers, path: whose });
  await play("GET /admin/keys", { headers });
  await play("POST /admin/keys/rotate", { headers });
  expect(unsent()).toEqual([]);
});
