import { type Context, Hono } from "hono";
import { isShownTo } from "../../../core/device/answers-for.ts";
import { isEnrolledBy } from "../../../core/device/device.ts";
import { renameDevice } from "../../../core/device/manage.ts";
import { revokeDevice } from "../../../core/device/revoke.ts";
import { type DeviceId, parseDeviceId } from "../../../core/ids.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { body } from "../body.ts";
import { serviceCall } from "../client.ts";
import { DEPRECATED, MISSING_PARAMETER, refuse, wrong } from "../errors.ts";
import { complete, force, reserve } from "../passkey/passkeys.ts";
import {
  type CredentialBody,
  credentialBody,
  forceBody,
  passkeyBody,
  personBody,
  reserveBody,
} from "../schema.ts";
import { credential } from "../translate.ts";
import { type Named, personOf } from "./people.ts";

/** `/credentials…`: a user's devices, listed, renamed and removed by a backend (LoginID §4, P1). */
export function credentialRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.get("/", (c) => list(c, { user_id: c.req.query("user_id"), username: c.req.query("username") }));
  routes.post("/list", body(personBody), (c) => {
    const asked = c.req.valid("json");
    return list(c, asked, asked.client_id);
  });
  routes.post("/rename", body(credentialBody), (c) => change(c, c.req.valid("json"), "credentials.rename"));
  routes.post("/revoke", body(credentialBody), (c) => change(c, c.req.valid("json"), "credentials.revoke"));
  routes.post("/fido2/init/code", body(reserveBody), (c) => reserve(c, c.req.valid("json")));
  routes.post("/fido2/init/force", body(forceBody), (c) => force(c, c.req.valid("json")));
  routes.post("/fido2/complete", body(passkeyBody), (c) => complete(c, c.req.valid("json")));
  routes.all("/*", (c) => wrong(c, DEPRECATED));
  return routes;
}

async function list(c: Context<AppEnv>, named: Named, clientId?: string): Promise<Response> {
  if (!named.user_id && !named.username) return wrong(c, MISSING_PARAMETER);
  const call = await serviceCall(c, "credentials.list", clientId);
  if (!call.ok) return refuse(c, call.error);
  const person = await personOf(c, call.value, named);
  if (!person.ok) return refuse(c, person.error);
  if (!(await services(c).nonces.spend(call.value.nonce))) return refuse(c, { code: "replayed" });
  const { id } = person.value.user;
  const { client } = call.value;
  const devices = (await services(c).devices.ofUser(id)).filter((device) => isShownTo(client, device));
  return c.json({ user_id: id, credentials: devices.map(credential) });
}

async function change(
  c: Context<AppEnv>,
  asked: CredentialBody,
  scope: "credentials.rename" | "credentials.revoke",
): Promise<Response> {
  const { uuid, name } = asked.credential;
  if (!asked.user_id && !asked.username) return wrong(c, MISSING_PARAMETER);
  if (scope === "credentials.rename" && !name) return wrong(c, MISSING_PARAMETER);
  const call = await serviceCall(c, scope, asked.client_id);
  if (!call.ok) return refuse(c, call.error);
  const person = await personOf(c, call.value, asked);
  if (!person.ok) return refuse(c, person.error);
  if (!(await services(c).nonces.spend(call.value.nonce))) return refuse(c, { code: "replayed" });
  const deviceId = parseDeviceId(uuid);
  const device = deviceId && (await services(c).devices.byId(deviceId));
  if (!deviceId || device?.userId !== person.value.user.id) return refuse(c, { code: "unknown_device" });
  if (!isEnrolledBy(device, "loginid", call.value.client.id)) {
    return refuse(c, { code: "not_allowed", detail: "another door or client enrolled the credential" });
  }
  const by = { actor: `client:${call.value.client.id}`, ip: originOf(c).ip };
  return scope === "credentials.rename"
    ? await rename(c, person.value, deviceId, name ?? "", by)
    : await revoke(c, person.value, deviceId, by);
}

type By = { readonly actor: string; readonly ip: string | undefined };

async function rename(
  c: Context<AppEnv>,
  { user }: UserRecord,
  deviceId: DeviceId,
  name: string,
  by: By,
): Promise<Response> {
  const renamed = await renameDevice(services(c), { userId: user.id, deviceId, name, ...by });
  return renamed.ok
    ? c.json({ user_id: user.id, credential: credential(renamed.value) })
    : refuse(c, renamed.error);
}

async function revoke(
  c: Context<AppEnv>,
  { user }: UserRecord,
  deviceId: DeviceId,
  by: By,
): Promise<Response> {
  const asked = { userId: user.id, deviceId, reason: "removed_by_client", ...by };
  const revoked = await revokeDevice(services(c), asked);
  if (!revoked.ok) return refuse(c, revoked.error);
  const { device } = revoked.value;
  const revokedAt = device.revokedAt ?? services(c).clock.now();
  return c.json({ user_id: user.id, credential: credential({ ...device, revokedAt }) });
}
