import type { Context } from "hono";
import type { Client } from "../core/client/client.ts";
import type { Snapshot } from "../core/ports/challenges.ts";
import { type AppEnv, originOf, services } from "../http/context.ts";
import { readForm } from "../http/form.ts";
import { isFromHere } from "../http/from-here.ts";
import { Confirm } from "../pages/verify/confirm.tsx";
import { Answered } from "../pages/verify/ending.tsx";
import { verifyPage } from "../pages/verify/respond.ts";
import { isSecret } from "./browser.ts";
import { policyFor, settingFor, trouble } from "./setting.ts";
import { cancelVerification } from "./verification/cancel.ts";
import { finishVerification, isOfVerification } from "./verification/finish.ts";
import { type Verification, verificationOf } from "./verification/verification.ts";

type Linked = { readonly snapshot: Snapshot; readonly verification: Verification; readonly client: Client };

/** The verification whose link was opened, in whichever browser; or the page that says that it is not good. */
async function linkedOf(c: Context<AppEnv>): Promise<Linked | Response> {
  const { challenges, clients } = services(c);
  const id = challenges.parse(c.req.param("id") ?? "");
  const snapshot = id && (await challenges.read(id));
  const verification = snapshot && verificationOf(snapshot.spec);
  if (!snapshot || verification?.method !== "link") return trouble(c, "link");
  const client = await clients.find(snapshot.spec.clientId);
  if (!client || client.disabledAt !== undefined) return trouble(c, "link");
  c.set("client", client);
  return { snapshot, verification, client };
}

/**
 * What became of a link that does nothing any more, for whoever brings its secret: it was confirmed, or stopped, and by no other hand. To
 * everybody else it is not good.
 */
async function afterwards(c: Context<AppEnv>, linked: Linked, secret: string): Promise<Response> {
  const { snapshot, verification, client } = linked;
  const { state, approval } = snapshot.view;
  const isTheirs = await isOfVerification(services(c), snapshot, verification, secret);
  const isDenied = state === "cancelled" && snapshot.timeline.at(-1)?.by?.startsWith("identifier:");
  if (!isTheirs || (approval === undefined && !isDenied)) return trouble(c, "link", { client });
  const setting = settingFor(c, client);
  const body = Answered({ setting, approved: approval !== undefined, again: true });
  return verifyPage(c, body, policyFor(c, setting));
}

/** The facts and the choice. */
function ask(c: Context<AppEnv>, linked: Linked, secret: string, unchosen: boolean): Promise<Response> {
  const { snapshot, verification, client } = linked;
  const { ip, country, userAgent } = snapshot.spec.origin;
  const setting = settingFor(c, client);
  const body = Confirm({
    setting,
    action: `/app/link/${snapshot.spec.id}`,
    secret,
    address: verification.identifier.value,
    place: [country, ip].filter((part) => part !== undefined).join(", ") || undefined,
    device: userAgent,
    startedAt: snapshot.spec.createdAt,
    effect: { kind: "sign_in" },
    unchosen,
  });
  return verifyPage(c, body, policyFor(c, setting), unchosen ? 422 : 200);
}

/** `GET /app/link/{id}`: who asks, and a choice. Looking consumes nothing: mail scanners look too (T68). */
export async function showLink(c: Context<AppEnv>): Promise<Response> {
  const secret = c.req.query("t") ?? "";
  if (!isSecret(secret)) return trouble(c, "link");
  const linked = await linkedOf(c);
  if (linked instanceof Response) return linked;
  return linked.snapshot.view.state === "pending"
    ? ask(c, linked, secret, false)
    : afterwards(c, linked, secret);
}

/** `POST /app/link/{id}`: the reader's yes or no, with the secret of the link. The button alone says nothing (T221). */
export async function takeLink(c: Context<AppEnv>): Promise<Response> {
  const form = await readForm(c);
  const secret = form?.secret ?? "";
  if (!isSecret(secret) || !isFromHere(c)) return trouble(c, "link");
  const linked = await linkedOf(c);
  if (linked instanceof Response) return linked;
  const { snapshot, client } = linked;
  if (snapshot.view.state !== "pending") return afterwards(c, linked, secret);
  const approved = form?.decision === "approve";
  if (!approved && form?.decision !== "deny") return ask(c, linked, secret, true);
  const asked = { snapshot, client, code: secret, origin: originOf(c) };
  const answered = approved
    ? await finishVerification(services(c), asked)
    : await cancelVerification(services(c), asked);
  if (!answered.ok) {
    const { code } = answered.error;
    const within = code !== "wrong_code" || (await services(c).limits.miss(originOf(c).ip));
    return trouble(c, within ? (code === "user_locked" ? "locked" : "link") : "busy", { client });
  }
  const setting = settingFor(c, client);
  return verifyPage(c, Answered({ setting, approved }), policyFor(c, setting));
}
