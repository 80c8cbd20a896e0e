import { expect, test } from "vitest";
import { type DeviceId, MAIN, newDeviceId, type UserId } from "../../../../src/core/ids.ts";
import { bearer, newKey, newTenant, server, type Tenant, track } from "../../support/authsignal.ts";
import { deployment, fresh } from "../../support/cotter.ts";
import { called } from "../../support/people.ts";

const at = deployment();

const addKey = (token: unknown, publicKey: string) =>
  at.call("POST", "/v1/client/user-authenticators/push", { publicKey, deviceName: "x" }, bearer(token));

/** A user whose one device is a passkey, which they made at the LoginID door. */
async function withPasskey(tenant: Tenant, user: string): Promise<{ id: DeviceId; key: string }> {
  await track(at, tenant, user, "signIn");
  const record = await called(at, user);
  const { text } = await newKey();
  const key = await at.services.proofs.readKey(text, "EC");
  if (!record || !key.ok) throw new Error("no person, or no key");
  const now = Date.now();
  const device = {
    id: newDeviceId(crypto.randomUUID()),
    userId: record.user.id as UserId,
    realm: MAIN,
    key: key.value,
    name: "Passkey",
    kind: "passkey",
    door: "loginid" as const,
    clientId: tenant.id,
    enrolledAt: now,
    credentialId: fresh("credential"),
    signCount: 0,
  };
  const event = { id: fresh("event"), at: now, type: "device.enrolled", actor: "test" };
  expect(await at.services.devices.insert(device, event)).toMatchObject({ ok: true });
  return { id: device.id, key: text };
}

test("who has a passkey alone is asked nothing here, because a passkey could not answer", async () => {
  const tenant = await newTenant(at, { starts_per_minute: 0 });
  const user = fresh("u");
  const { id } = await withPasskey(tenant, user);
  const tracked = (await track(at, tenant, user, "pay")).body;
  expect(tracked).toMatchObject({ state: "ALLOW", isEnrolled: false, enrolledVerificationMethods: [] });
  const push = await at.call("POST", "/v1/client/challenge/push", {}, bearer(tracked.token));
  expect(push.status).toBe(400);
  const listed = await server(at, tenant, "GET", `/users/${user}/authenticators`);
  expect(listed.body).toMatchObject([{ userAuthenticatorId: id, verificationMethod: "PASSKEY" }]);
});

test("T25 a passkey is something that is had: more is added by a token's scope alone, and its key never", async () => {
  const tenant = await newTenant(at, { starts_per_minute: 0 });
  const user = fresh("u");
  const { key } = await withPasskey(tenant, user);
  const plain = (await track(at, tenant, user, "pay")).body.token;
  expect((await addKey(plain, (await newKey()).text)).status).toBe(401);
  const scoped = (await track(at, tenant, user, "pay", { scope: "add:authenticators" })).body.token;
  expect((await addKey(scoped, key)).status).toBe(400);
  expect((await addKey(scoped, (await newKey()).text)).status).toBe(200);
  expect((await track(at, tenant, user, "pay")).body.state).toBe("CHALLENGE_REQUIRED");
});
