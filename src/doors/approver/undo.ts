import { type Context, Hono } from "hono";
import type { Device } from "../../core/device/device.ts";
import { tellDeviceRemoved } from "../../core/device/notify.ts";
import { UNDO } from "../../core/device/own-enrolment.ts";
import { undoEnrolment, undoOf } from "../../core/device/undo-enrolment.ts";
import { ANY_REALM } from "../../core/ports/users.ts";
import { limitOpenings } from "../../hosted/limits.ts";
import { policyFor, settingFor, trouble } from "../../hosted/setting.ts";
import { type AppEnv, originOf, services } from "../../http/context.ts";
import type { Door } from "../../http/door.ts";
import { readForm } from "../../http/form.ts";
import { isFromHere } from "../../http/from-here.ts";
import { noStore } from "../../http/no-store.ts";
import { refuseFrames } from "../../pages/verify/refused.tsx";
import { verifyPage } from "../../pages/verify/respond.ts";
import { UndoEnding, UndoEnrolment } from "../../pages/verify/undo.tsx";

const PATH = "/phone/undo";

/** The page of the client through which the device came, as the letter was. */
const settingOf = async (c: Context<AppEnv>, device: Device | undefined) =>
  settingFor(c, device && (await services(c).clients.find(device.clientId)));

async function ask(c: Context<AppEnv>, token: string, device: Device, unsure: boolean): Promise<Response> {
  const setting = await settingOf(c, device);
  const until = device.enrolledAt + UNDO;
  const body = UndoEnrolment({ setting, action: PATH, token, device, until, unsure });
  return verifyPage(c, body, policyFor(c, setting), unsure ? 422 : 200);
}

async function ending(
  c: Context<AppEnv>,
  kind: "undone" | "gone" | "over",
  device: Device | undefined,
): Promise<Response> {
  const setting = await settingOf(c, device);
  return verifyPage(c, UndoEnding({ setting, kind }), policyFor(c, setting), kind === "undone" ? 200 : 410);
}

/** A link that no letter had: 404. */
const unknown = (c: Context<AppEnv>): Promise<Response> => trouble(c, "link", { status: 404 });

/** `GET /phone/undo?t=`: which device it is, what will happen, and one button. It changes nothing. */
export async function showUndo(c: Context<AppEnv>): Promise<Response> {
  const token = c.req.query("t") ?? "";
  const undo = await undoOf(services(c), token);
  if (undo.kind === "unknown") return unknown(c);
  return undo.kind === "open" ? ask(c, token, undo.device, false) : ending(c, undo.kind, undo.device);
}

/** `POST /phone/undo`: takes the device back, with the link's token; the button alone says nothing (T221). Every proven address hears of it. */
export async function takeUndo(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const form = await readForm(c);
  const token = form?.t ?? "";
  if (!isFromHere(c)) return unknown(c);
  const undo =
    form?.sure === "yes"
      ? await undoEnrolment(powers, { token, ip: originOf(c).ip })
      : await undoOf(powers, token);
  if (undo.kind === "unknown") return unknown(c);
  if (undo.kind === "open") return ask(c, token, undo.device, true);
  if (undo.kind === "undone") await tell(c, undo.device);
  return ending(c, undo.kind, undo.device);
}

async function tell(c: Context<AppEnv>, device: Device): Promise<void> {
  const powers = services(c);
  const [client, user] = await Promise.all([
    powers.clients.find(device.clientId),
    powers.users.byId(device.userId, ANY_REALM),
  ]);
  if (client && user) tellDeviceRemoved(powers, { client, user, device, origin: originOf(c) });
}

function undoRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.use(noStore, refuseFrames, limitOpenings);
  routes.get("/", showUndo);
  routes.post("/", takeUndo);
  return routes;
}

/** `/phone/undo` as the app mounts it; what fails behind it is a page too. */
export const undoDoor = (): Door => ({
  prefix: PATH,
  routes: undoRoutes(),
  async renderFault(c, status, retryAfter) {
    if (retryAfter !== undefined) c.header("Retry-After", String(retryAfter));
    return await trouble(c, status < 500 ? "request" : "fault", { status });
  },
});
