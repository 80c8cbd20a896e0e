import type { Context } from "hono";
import { type EndRecovery, endRecovery, isOfWait } from "../core/device/recover.ts";
import { parseClientId, parseUserId } from "../core/ids.ts";
import { type AppEnv, originOf, services } from "../http/context.ts";
import { readForm } from "../http/form.ts";
import { isFromHere } from "../http/from-here.ts";
import { RecoveryStopped, StopRecovery } from "../pages/verify/recovery.tsx";
import { verifyPage } from "../pages/verify/respond.ts";
import { isSecret } from "./browser.ts";
import { policyFor, settingFor, trouble } from "./setting.ts";

const INSTANT = /^[0-9a-z]{8,9}$/;

/** The wait that the address names, with this secret; undefined when it names none. */
async function waitOf(c: Context<AppEnv>, secret: string): Promise<EndRecovery | undefined> {
  const { c: named = "", s: since = "" } = c.req.query();
  const userId = parseUserId(c.req.param("id") ?? "");
  const clientId = parseClientId(named);
  if (!userId || !clientId || !INSTANT.test(since) || !isSecret(secret)) return undefined;
  const client = await services(c).clients.find(clientId);
  return client && { client, userId, since: Number.parseInt(since, 36), secret };
}

/** `GET /app/recovery/{user id}`: what is under way, and how to stop it. Looking stops nothing: mail scanners look too. */
export async function showRecovery(c: Context<AppEnv>): Promise<Response> {
  const secret = c.req.query("t") ?? "";
  const wait = await waitOf(c, secret);
  if (!wait || !(await isOfWait(services(c), wait))) return trouble(c, "link");
  const setting = settingFor(c, wait.client);
  const query = new URLSearchParams({ c: wait.client.id, s: wait.since.toString(36) });
  const action = `/app/recovery/${wait.userId}?${query}`;
  return verifyPage(c, StopRecovery({ setting, action, secret }), policyFor(c, setting));
}

/** `POST /app/recovery/{user id}`: ends the wait, by the word of who reads the address. */
export async function stopRecovery(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  const wait = await waitOf(c, form?.secret ?? "");
  if (!wait || !isFromHere(c) || form?.sure !== "yes") return trouble(c, "link");
  if (!(await endRecovery(services(c), { ...wait, origin: originOf(c) }))) return trouble(c, "link");
  const setting = settingFor(c, wait.client);
  return verifyPage(c, RecoveryStopped({ setting }), policyFor(c, setting));
}
