import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { Client } from "../../../core/client/client.ts";
import { brandOf } from "../../../core/client/settings.ts";
import { effectOfAction } from "../../../core/message/code-effect.ts";
import { type AppEnv, originOf, services, zoneOf } from "../../../http/context.ts";
import { readForm } from "../../../http/form.ts";
import { isFromHere } from "../../../http/from-here.ts";
import { Confirm } from "../../../pages/verify/confirm.tsx";
import { Answered, VerifyTrouble } from "../../../pages/verify/ending.tsx";
import type { Setting } from "../../../pages/verify/frame.tsx";
import { type Policy, verifyPage } from "../../../pages/verify/respond.ts";
import { localeOf } from "../../../pages/verify/words.ts";
import { type AwaitedCode, awaitedByLink } from "./challenge.ts";
import { confirmLink, isOfLink } from "./confirm-link.ts";

/** 256 bits of base64url. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const NONCE_BYTES = 16;
/** What the reader may choose; a form that was sent without a choice says nothing. */
const DECISIONS = ["approve", "deny"] as const;

type Linked = { readonly awaited: AwaitedCode; readonly client: Client };

function settingFor(c: Context<AppEnv>, client?: Client): Setting {
  return {
    locale: localeOf(c.req.header("Accept-Language")),
    ...zoneOf(c),
    brand: client ? brandOf(client) : { name: "" },
    nonce: services(c).chance.text(NONCE_BYTES),
  };
}

const policyFor = (c: Context<AppEnv>, { nonce, brand }: Setting): Policy => ({
  nonce,
  issuer: services(c).config.issuer,
  ...(brand.logo === undefined ? {} : { logo: brand.logo }),
});

function trouble(
  c: Context<AppEnv>,
  kind: "link" | "busy" | "locked",
  status: ContentfulStatusCode,
  client?: Client,
): Promise<Response> {
  if (kind === "busy") c.header("Retry-After", "60");
  const setting = settingFor(c, client);
  return verifyPage(c, VerifyTrouble({ setting, kind }), policyFor(c, setting), status);
}

/** Nothing says whether a link was used, is too old or never was (T106). */
const notGood = (c: Context<AppEnv>, client?: Client) => trouble(c, "link", 410, client);

/** The challenge whose link was opened, in whichever browser. */
async function linkedOf(c: Context<AppEnv>): Promise<Linked | undefined> {
  const { challenges, clients } = services(c);
  const id = challenges.parse(c.req.param("id") ?? "");
  const awaited = id && (await awaitedByLink(services(c), id));
  if (!awaited) return undefined;
  const client = await clients.find(awaited.snapshot.spec.clientId);
  return client && client.disabledAt === undefined ? { awaited, client } : undefined;
}

const SAID = { approved: true, redeemed: true, denied: false } as const;

/** What became of a link that does nothing any more, for whoever brings its secret; to everybody else it is not good. */
async function afterwards(
  c: Context<AppEnv>,
  { awaited, client }: Linked,
  secret: string,
): Promise<Response> {
  const { state } = awaited.snapshot.view;
  const approved = state in SAID ? SAID[state as keyof typeof SAID] : undefined;
  if (approved === undefined || !(await isOfLink(services(c), awaited, secret))) return await notGood(c);
  const setting = settingFor(c, client);
  return await verifyPage(c, Answered({ setting, approved, again: true }), policyFor(c, setting));
}

/** The facts and the choice. */
async function ask(
  c: Context<AppEnv>,
  { awaited, client }: Linked,
  secret: string,
  unchosen: boolean,
): Promise<Response> {
  if (!(await isOfLink(services(c), awaited, secret))) return await notGood(c);
  const { id, origin, createdAt, context } = awaited.snapshot.spec;
  const setting = settingFor(c, client);
  const body = Confirm({
    setting,
    action: `/v1/link/${id}`,
    secret,
    address: awaited.identifier.value,
    place: [origin.country, origin.ip].filter((part) => part !== undefined).join(", ") || undefined,
    device: origin.userAgent,
    startedAt: createdAt,
    effect:
      awaited.use === "authsignal_enrol" ? { kind: "add_address" } : effectOfAction(String(context.action)),
    unchosen,
  });
  return await verifyPage(c, body, policyFor(c, setting), unchosen ? 422 : 200);
}

/** What a link opens: who asks, and a choice. Looking consumes nothing: mail scanners look too (T68). */
export async function showLink(c: Context<AppEnv>): Promise<Response> {
  const secret = c.req.query("t") ?? "";
  const linked = SECRET.test(secret) ? await linkedOf(c) : undefined;
  if (!linked) return await notGood(c);
  return linked.awaited.snapshot.view.state === "pending"
    ? await ask(c, linked, secret, false)
    : await afterwards(c, linked, secret);
}

/** The reader's yes or no, from the page itself. The button alone says nothing (T221). */
export async function takeLink(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const origin = originOf(c);
  const form = await readForm(c);
  const secret = form?.secret ?? "";
  const linked = SECRET.test(secret) && isFromHere(c) ? await linkedOf(c) : undefined;
  if (!linked) return await notGood(c);
  const { awaited, client } = linked;
  const decision = DECISIONS.find((word) => word === form?.decision);
  if (!decision) {
    const waits = awaited.snapshot.view.state === "pending";
    return waits ? await ask(c, linked, secret, true) : await afterwards(c, linked, secret);
  }
  const answered = await confirmLink(powers, { awaited, client, secret, decision, origin });
  if (!answered.ok) {
    const { code } = answered.error;
    if (code === "user_locked") return await trouble(c, "locked", 403, client);
    const within = code !== "wrong_code" || (await powers.limits.miss(origin.ip));
    return within ? await notGood(c, client) : await trouble(c, "busy", 429);
  }
  const setting = settingFor(c, client);
  return await verifyPage(c, Answered({ setting, approved: decision === "approve" }), policyFor(c, setting));
}
