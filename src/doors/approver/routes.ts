import { type Context, Hono } from "hono";
import { createMiddleware } from "hono/factory";
import { ownRpId } from "../../core/device/ceremony.ts";
import { changeHeaders } from "../../http/answer-headers.ts";
import { type AppEnv, services } from "../../http/context.ts";
import type { Door } from "../../http/door.ts";
import { jsonBody } from "../../http/json-body.ts";
import type { RefuseMalformed } from "../../http/malformed.ts";
import { noStore } from "../../http/no-store.ts";
import { limitReads, type RefuseBusy } from "../../http/read-limits.ts";
import { listActivity } from "./activity.ts";
import { asDevice, callerOf, type PhoneCaller, refuseCaller } from "./caller.ts";
import { countRecoveryCodes, letIn, listDevices, newRecoveryCodes, remove, rename } from "./devices.ts";
import { beginEnrolment } from "./enrolment/begin.ts";
import { enrol } from "./enrolment/enrol.ts";
import { refuse, renderFault } from "./errors.ts";
import { decide } from "./prompt/decide.ts";
import { listPrompts } from "./prompt/list.ts";
import { scan } from "./prompt/scan.ts";
import { showStanding } from "./prompt/standing.ts";
import { showPush, subscribePush, unsubscribePush } from "./push.ts";
import {
  actBody,
  beginBody,
  decisionBody,
  enrolBeginBody,
  enrolBody,
  pushBody,
  renameBody,
  scanBody,
  sessionBody,
} from "./schema.ts";
import { beginSession, openSession } from "./sessions.ts";
import { openSocket } from "./socket.ts";
import { undoDoor } from "./undo.ts";

const malformed: RefuseMalformed = (c, refusal) => refuse(c, refusal);
const busy: RefuseBusy = (c, retryAt) => refuse(c, { code: "too_many", scope: "ip", retryAt });

/** A device's call with a body: the device first, so that nobody else learns what a body must look like. */
const withBody =
  <Body>(answer: (c: Context<AppEnv>, caller: PhoneCaller, body: Body) => Promise<Response>) =>
  async (c: Context<AppEnv>, body: Body): Promise<Response> => {
    const caller = await callerOf(c);
    return caller.ok ? await answer(c, caller.value, body) : refuseCaller(c, caller.error);
  };

/** `GET /approver/config`: what a page or an app has to know of this deployment. */
async function showConfig(c: Context<AppEnv>): Promise<Response> {
  const { config, pushes } = services(c);
  const pushKey = await pushes.publicKey();
  const rpId = ownRpId(services(c));
  return c.json({
    issuer: config.issuer,
    name: config.name,
    ...(rpId === undefined ? {} : { rp_id: rpId }),
    ...(pushKey === undefined ? {} : { push: { public_key: pushKey } }),
  });
}

/** Proofs and acts have to be of this minute: phones whose clocks are wrong go by ours (RFC 9110 §6.6.1). Cloudflare sends it too, other hosts may not. */
const dated = createMiddleware<AppEnv>(async function dated(c, next) {
  await next();
  if (c.res.status === 101) return;
  const date = new Date(services(c).clock.now()).toUTCString();
  changeHeaders(c, (headers) => headers.set("Date", date));
});

/** `/approver` (docs/approver.md): by the device that answers, whose proof each call carries. */
function approverRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  const open = limitReads(busy);
  routes.use(noStore, dated);
  routes.get("/config", open, showConfig);
  routes.post("/sessions/begin", open, jsonBody(beginBody, malformed), (c) =>
    beginSession(c, c.req.valid("json")),
  );
  routes.post("/sessions", open, jsonBody(sessionBody, malformed), (c) =>
    openSession(c, c.req.valid("json")),
  );
  routes.post("/enrolments/begin", open, jsonBody(enrolBeginBody, malformed), (c) =>
    beginEnrolment(c, c.req.valid("json")),
  );
  routes.post("/enrolments", open, jsonBody(enrolBody, malformed), (c) => enrol(c, c.req.valid("json")));

  routes.get("/prompts", asDevice(listPrompts));
  routes.get("/prompts/:id", asDevice(showStanding));
  routes.get("/socket", openSocket);
  const decided = withBody(decide);
  routes.post("/prompts/:id/decision", jsonBody(decisionBody, malformed), (c) =>
    decided(c, c.req.valid("json")),
  );
  const scanned = withBody(scan);
  routes.post("/scans", jsonBody(scanBody, malformed), (c) => scanned(c, c.req.valid("json")));

  routes.get("/devices", asDevice(listDevices));
  routes.patch("/devices/:id", jsonBody(renameBody, malformed), async (c) => {
    const { name } = c.req.valid("json");
    return await asDevice((own, caller) => rename(own, caller, name))(c);
  });
  const removed = withBody(remove);
  routes.post("/devices/:id/removal", jsonBody(actBody, malformed), (c) => removed(c, c.req.valid("json")));
  const ticketed = withBody(letIn);
  routes.post("/tickets", jsonBody(actBody, malformed), (c) => ticketed(c, c.req.valid("json")));
  routes.get("/recovery-codes", asDevice(countRecoveryCodes));
  const coded = withBody(newRecoveryCodes);
  routes.post("/recovery-codes", jsonBody(actBody, malformed), (c) => coded(c, c.req.valid("json")));
  const subscribed = withBody(subscribePush);
  routes.put("/push-subscription", jsonBody(pushBody, malformed), (c) => subscribed(c, c.req.valid("json")));
  routes.get("/push-subscription", asDevice(showPush));
  routes.delete("/push-subscription", asDevice(unsubscribePush));
  routes.get("/activity", asDevice(listActivity));
  return routes;
}

/** The door of the devices that answer, as the app mounts it. */
export const approverDoors = (): readonly Door[] => [
  { prefix: "/approver", routes: approverRoutes(), renderFault },
  undoDoor(),
];
