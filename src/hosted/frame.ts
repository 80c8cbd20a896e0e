import type { Context } from "hono";
import * as z from "zod";
import type { Client } from "../core/client/client.ts";
import type { SentCode } from "../core/code/send.ts";
import { codeSubject } from "../core/code/subject.ts";
import type { Snapshot } from "../core/ports/challenges.ts";
import type { Refusal } from "../core/refusal.ts";
import { plainCode } from "../core/typed-text.ts";
import { type AppEnv, originOf, services } from "../http/context.ts";
import { isFromHere } from "../http/from-here.ts";
import { Framed } from "../pages/verify/framed.tsx";
import { refusedFrame } from "../pages/verify/refused.tsx";
import { verifyPage } from "../pages/verify/respond.ts";
import { localeOf, verifyWords } from "../pages/verify/words.ts";
import { readFrameAsk } from "./ask.ts";
import { begin, readAddress, send } from "./begin.ts";
import { browserDigest, framedSecret, isSecret } from "./browser.ts";
import { sayWhen, sentenceOf, type Told, toldOf } from "./errors.ts";
import { AGAIN_AFTER } from "./letters.ts";
import { policyFor, settingFor } from "./setting.ts";
import { finishVerification } from "./verification/finish.ts";
import { AUTHORIZATION_CODE } from "./verification/redeem-authorization-code.ts";
import { type Verification, verificationOf } from "./verification/verification.ts";

const secret = z.string().refine(isSecret);
const id = z.string().max(64);

export const startBody = z.object({
  secret,
  identifier: z.string().max(254),
  method: z.enum(["otp", "link"]),
  channel: z.enum(["email", "sms", "whatsapp"]),
});
export const codeBody = z.object({ secret, id, code: z.string().max(64) });
export const ownBody = z.object({ secret, id });
export const sentBody = ownBody.extend({ message: z.string().regex(/^[A-Za-z0-9_-]{1,100}$/) });

/** `GET /signup` and `GET /login`: the form inside another page. That page must be of an origin that the client allows. */
export async function showFrame(c: Context<AppEnv>): Promise<Response> {
  const ask = await readFrameAsk(c);
  if (!ask.ok) return refusedFrame(c, ask.error.kind === "redirect" ? "framed" : ask.error.kind, 400);
  const { client, type, method, domain, form, state } = ask.value;
  const setting = { ...settingFor(c, client), framed: true };
  const url = new URL(c.req.url);
  const wiring = {
    "data-parent": domain,
    "data-form": form,
    "data-type": type,
    "data-method": method,
    "data-state": state,
    "data-secret": framedSecret(c),
    "data-start": `${url.pathname}/start${url.search}`,
    "data-check": `${url.pathname}/check`,
    "data-again": `${url.pathname}/again`,
    "data-sent": `${url.pathname}/sent`,
    "data-finish": `${url.pathname}/finish`,
    "data-wait": String(AGAIN_AFTER),
  };
  return verifyPage(
    c,
    Framed({ setting, type, method, wiring }),
    policyFor(c, setting, { ancestor: domain }),
  );
}

const wordsOf = (c: Context<AppEnv>) => verifyWords(localeOf(c.req.header("Accept-Language")));

/** What ends a verification: the frame asks for the address again. */
const ENDS: ReadonlySet<Told["code"]> = new Set(["over", "locked"]);

/** A refusal as the frame shows it: one sentence, whose `{time}` is the instant `at`; `over` when nothing is to be typed any more. */
function refuse(c: Context<AppEnv>, told: Told, isOver = ENDS.has(told.code)): Response {
  const status = told.code === "many" || told.code === "over" ? 429 : 422;
  const { text, at } = sentenceOf(told, localeOf(c.req.header("Accept-Language")));
  return c.json(
    { error: text, ...(at === undefined ? {} : { at }), ...(isOver ? { over: true } : {}) },
    status,
  );
}

function refuseRefusal(c: Context<AppEnv>, refusal: Refusal): Response {
  sayWhen(c, refusal);
  return refuse(c, toldOf(refusal));
}

/** How long what was sent is good, in milliseconds. */
const leftOf = (c: Context<AppEnv>, { expiresAt }: SentCode): number =>
  Math.max(0, expiresAt - services(c).clock.now());

/** Starts with the address that was typed, and says on which socket to wait for a link. */
export async function startFramed(c: Context<AppEnv>, body: z.output<typeof startBody>): Promise<Response> {
  const ask = await readFrameAsk(c);
  if (!ask.ok || !isFromHere(c)) return c.json({ error: wordsOf(c).trouble.request.text }, 403);
  const { type, accepted } = ask.value;
  const identifier = readAddress(c, type, body.identifier);
  const { errors } = wordsOf(c);
  if (!identifier) return c.json({ error: type === "PHONE" ? errors.phone : errors.email }, 422);
  const channel = type === "EMAIL" ? "email" : body.channel === "whatsapp" ? "whatsapp" : "sms";
  const { method } = body;
  const begun = await begin(c, {
    ask: ask.value,
    identifier,
    channel,
    method,
    secret: body.secret,
    accepted,
  });
  if (!begun.ok) return refuseRefusal(c, begun.error);
  const { config, handles } = services(c);
  const { id } = begun.value.snapshot.spec;
  return c.json({
    id,
    message: begun.value.sent.messageId,
    left: leftOf(c, begun.value.sent),
    handle: await handles.mint(id, "wait"),
    wait_uri: `${config.issuer}/challenges/${id}/wait`,
    socket_uri: `${config.issuer.replace(/^http/, "ws")}/challenges/${id}/socket`,
  });
}

type Own = { readonly snapshot: Snapshot; readonly verification: Verification; readonly client: Client };

/** The verification that this very frame started. */
async function ownOf(c: Context<AppEnv>, body: z.output<typeof ownBody>): Promise<Own | undefined> {
  const { challenges, clients } = services(c);
  const id = isFromHere(c) ? challenges.parse(body.id) : undefined;
  const snapshot = id && (await challenges.read(id));
  const verification = snapshot && verificationOf(snapshot.spec);
  if (!snapshot || verification?.redirectUrl !== undefined) return undefined;
  if (verification?.browser !== (await browserDigest(c, body.secret))) return undefined;
  const client = await clients.find(snapshot.spec.clientId);
  return client && client.disabledAt === undefined ? { snapshot, verification, client } : undefined;
}

/** Takes the code that was typed. */
export async function checkFramed(c: Context<AppEnv>, body: z.output<typeof codeBody>): Promise<Response> {
  const own = await ownOf(c, body);
  if (own?.verification.method !== "otp") return refuse(c, { code: "expired" }, true);
  const code = plainCode(body.code);
  if (code === "") return refuse(c, { code: "empty" });
  const origin = originOf(c);
  const finished = await finishVerification(services(c), {
    snapshot: own.snapshot,
    client: own.client,
    code,
    origin,
  });
  if (finished.ok) return release(c, finished.value, own.verification);
  if (finished.error.code === "wrong_code") await services(c).limits.miss(origin.ip);
  return finished.error.code === "not_allowed"
    ? refuse(c, { code: "theirs" })
    : refuseRefusal(c, finished.error);
}

/** Sends another code or link. */
export async function sendFramedAgain(c: Context<AppEnv>, body: z.output<typeof ownBody>): Promise<Response> {
  const own = await ownOf(c, body);
  if (own?.snapshot.view.state !== "pending") return refuse(c, { code: "expired" }, true);
  const sent = await send(c, own.client, own.snapshot, own.verification);
  if (!sent.ok) return refuseRefusal(c, sent.error);
  const words = wordsOf(c)[own.verification.method === "link" ? "wait" : "code"];
  return c.json({ message: sent.value.messageId, left: leftOf(c, sent.value), said: words.sentAgain });
}

/** Whether a message failed on its way: `unsent` says so. */
export async function tellFramed(c: Context<AppEnv>, body: z.output<typeof sentBody>): Promise<Response> {
  const own = await ownOf(c, body);
  if (!own) return c.json({});
  const subject = await codeSubject(services(c), own.client.realm, own.verification.identifier);
  const state = await services(c).deliveries.stateOf(subject, body.message);
  return c.json(state === "failed" ? { unsent: wordsOf(c).errors.notSent } : {});
}

/** The authorization code, once the link was confirmed wherever it was opened. */
export async function finishFramed(c: Context<AppEnv>, body: z.output<typeof ownBody>): Promise<Response> {
  const own = await ownOf(c, body);
  if (!own) return refuse(c, { code: "expired" });
  if (own.snapshot.view.state === "cancelled") return c.json({ error: wordsOf(c).trouble.stopped.text }, 410);
  if (own.snapshot.view.state !== "approved") return c.json({ error: wordsOf(c).trouble.expired.text }, 410);
  return release(c, own.snapshot, own.verification);
}

async function release(c: Context<AppEnv>, { spec }: Snapshot, { number }: Verification): Promise<Response> {
  const code = await services(c).handles.mint(spec.id, AUTHORIZATION_CODE);
  return c.json({ authorization_code: code, challenge_id: number });
}
