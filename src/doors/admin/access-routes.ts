import { Hono } from "hono";
import { listDevices } from "../../core/device/manage.ts";
import { revokeDevice } from "../../core/device/revoke.ts";
import { listGrants, revokeGrant, revokeGrants } from "../../core/grant/manage.ts";
import { parseChallengeId, parseDeviceId, parseUserId } from "../../core/ids.ts";
import { ANY_REALM } from "../../core/ports/users.ts";
import { verifiedCodes } from "../../core/user/authenticator.ts";
import { removeAddress } from "../../core/user/remove-address.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { problem } from "../../http/problem.ts";
import { query } from "../../http/query.ts";
import { refuse } from "./errors.ts";
import { requesterOf } from "./requester.ts";
import { deviceListSchema, grantListSchema } from "./schema.ts";
import { authenticatorWire, deviceWire, grantWire, pageWire } from "./translate.ts";

/** `/admin/users/{user_id}/devices`, `/authenticators` and `/grants`: what a user signs in with, and where they are signed in. */
export function accessRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();

  routes.get("/:user_id/devices", query(deviceListSchema, refuse), async (c) => {
    const userId = parseUserId(c.req.param("user_id"));
    if (userId === undefined) return refuse(c, { code: "unknown_user" });
    const withRevoked = c.req.valid("query").revoked === "true";
    const listed = await listDevices(services(c), userId, { withRevoked });
    return listed.ok ? c.json({ devices: listed.value.map(deviceWire) }) : refuse(c, listed.error);
  });

  routes.delete("/:user_id/devices/:device_id", async (c) => {
    const userId = parseUserId(c.req.param("user_id"));
    const deviceId = parseDeviceId(c.req.param("device_id"));
    if (userId === undefined || deviceId === undefined) return refuse(c, { code: "unknown_device" });
    const asked = { userId, deviceId, reason: "admin_revoked", ...requesterOf(c) };
    const revoked = await revokeDevice(services(c), asked);
    return revoked.ok ? c.body(null, 204) : refuse(c, revoked.error);
  });

  routes.get("/:user_id/authenticators", async (c) => {
    const userId = parseUserId(c.req.param("user_id"));
    if (userId === undefined || !(await services(c).users.byId(userId, ANY_REALM))) {
      return refuse(c, { code: "unknown_user" });
    }
    const rows = await services(c).authenticators.ofUser(userId);
    return c.json({ authenticators: verifiedCodes(rows).map(authenticatorWire) });
  });

  routes.delete("/:user_id/authenticators/:id", async (c) => {
    const userId = parseUserId(c.req.param("user_id"));
    const asked = userId && { userId, id: c.req.param("id"), by: requesterOf(c) };
    const removed = asked !== undefined && (await removeAddress(services(c), asked));
    return removed
      ? c.body(null, 204)
      : problem(c, 404, { detail: "There is no such authenticator of this user." });
  });

  routes.get("/:user_id/grants", query(grantListSchema, refuse), async (c) => {
    const userId = parseUserId(c.req.param("user_id"));
    if (userId === undefined) return refuse(c, { code: "unknown_user" });
    const listed = await listGrants(services(c), userId, c.req.valid("query").after);
    return listed.ok ? c.json(pageWire("grants", listed.value, grantWire)) : refuse(c, listed.error);
  });

  routes.delete("/:user_id/grants/:grant_id", async (c) => {
    const userId = parseUserId(c.req.param("user_id"));
    const grantId = parseChallengeId(c.req.param("grant_id"));
    if (userId === undefined || grantId === undefined) return refuse(c, { code: "unknown_grant" });
    const revoked = await revokeGrant(services(c), userId, grantId, requesterOf(c));
    return revoked.ok ? c.body(null, 204) : refuse(c, revoked.error);
  });

  routes.delete("/:user_id/grants", async (c) => {
    const userId = parseUserId(c.req.param("user_id"));
    if (userId === undefined) return refuse(c, { code: "unknown_user" });
    const revoked = await revokeGrants(services(c), userId, requesterOf(c));
    if (!revoked.ok) return refuse(c, revoked.error);
    return c.body(null, revoked.value.more ? 202 : 204);
  });

  return routes;
}
