import type { Context } from "hono";
import { callerFrom } from "../core/client/caller-from.ts";
import type { Refusal } from "../core/refusal.ts";
import type { ReadIdentifier } from "../core/user/identifier.ts";
import { type AppEnv, originOf, services } from "../http/context.ts";
import { readForm } from "../http/form.ts";
import { Entry } from "../pages/verify/entry.tsx";
import { verifyPage } from "../pages/verify/respond.ts";
import type { Said } from "../pages/verify/time.tsx";
import { localeOf, verifyWords } from "../pages/verify/words.ts";
import { type AppAsk, type BadAsk, errorBack, readAppAsk } from "./ask.ts";
import { begin, readAddress } from "./begin.ts";
import { browserDigest, csrfToken, isOwnForm, ownSecret } from "./browser.ts";
import { goBack } from "./check.ts";
import { sayWhen, sentenceOf, toldOf } from "./errors.ts";
import { sentQuery } from "./letters.ts";
import { dropCookie, handCookie, remembered } from "./remembered.ts";
import { policyFor, settingFor, trouble } from "./setting.ts";
import { type Known, knownBrowser, recallBrowser } from "./verification/recall-browser.ts";
import { startVerification } from "./verification/start.ts";
import { verificationOf } from "./verification/verification.ts";

/** `GET /app`: asks for the address, or sends at once to the one that the app knows. What another site has led to waits for a press. */
export async function showEntry(c: Context<AppEnv>): Promise<Response> {
  const ask = await readAppAsk(c);
  if (!ask.ok) return refuseAsk(c, ask.error);
  const { direct, input } = ask.value;
  const known = await knownHere(c, ask.value);
  if (known) return entry(c, ask.value, { ...(input === undefined ? {} : { value: input }), known });
  if (direct && input !== undefined && isLookedAt(c)) {
    return submit(c, ask.value, { identifier: input });
  }
  return entry(c, ask.value, { ...(input === undefined ? {} : { value: input }) });
}

/** `POST /app`: takes the address. */
export async function takeEntry(c: Context<AppEnv>): Promise<Response> {
  const ask = await readAppAsk(c);
  if (!ask.ok) return refuseAsk(c, ask.error);
  const form = await readForm(c);
  if (!form) return trouble(c, "request", { client: ask.value.client });
  if (!(await isOwnForm(c, form.csrf))) return trouble(c, "browser", { client: ask.value.client });
  return form.remembered === undefined ? submit(c, ask.value, form) : goOn(c, ask.value);
}

/** Whom this browser may go on as here: by an address of the kind that is asked for, and by that very one where the app names one. */
async function knownHere(c: Context<AppEnv>, ask: AppAsk): Promise<Known | undefined> {
  const { client, type, input, userId } = ask;
  const brought = await remembered(c, client);
  const known = brought && (await knownBrowser(services(c), { client, brought, origin: originOf(c) }));
  if (!known || known.identifier.kind !== (type === "PHONE" ? "phone" : "email")) return undefined;
  if (userId !== undefined && userId !== known.user.user.id) return undefined;
  const named = input === undefined ? undefined : readAddress(c, type, input);
  return input === undefined || named?.normal === known.identifier.normal ? known : undefined;
}

/** One press of a remembered browser: a verification begins, and is approved by the proof of before. What does not hold is asked for anew. */
async function goOn(c: Context<AppEnv>, ask: AppAsk): Promise<Response> {
  const { client, redirectUrl } = ask;
  const [brought, known] = [await remembered(c, client), await knownHere(c, ask)];
  const asksAnew = async (): Promise<Response> => {
    await dropCookie(c, client);
    return entry(c, ask, {});
  };
  if (!brought || !known) return asksAnew();
  const { identifier, user } = known;
  const powers = services(c);
  const origin = originOf(c);
  const browser = await browserDigest(c, ownSecret(c));
  const started = await startVerification(powers, {
    ...asksOf(c, ask, identifier, browser),
    caller: await callerFrom(powers, "browser", origin.ip),
    origin,
  });
  if (!started.ok) return refuse(c, ask, "", started.error);
  const recalled = await recallBrowser(powers, { client, brought, snapshot: started.value, origin });
  if (!recalled.ok) return asksAnew();
  await handCookie(c, client, user.user.id, recalled.value.entry);
  const { snapshot } = recalled.value;
  const verification = verificationOf(snapshot.spec);
  if (!verification) throw new Error("a verification was begun");
  return goBack(c, { snapshot, client, verification: { ...verification, redirectUrl } });
}

const asksOf = (c: Context<AppEnv>, ask: AppAsk, identifier: ReadIdentifier, browser: string) => ({
  client: ask.client,
  identifier,
  channel: ask.type === "EMAIL" ? ("email" as const) : ("sms" as const),
  method: ask.method,
  codeChallenge: ask.codeChallenge,
  accepted: [],
  redirectUrl: ask.redirectUrl,
  state: ask.state,
  browser,
  ...(ask.userId === undefined ? {} : { userId: ask.userId }),
  locale: localeOf(c.req.header("Accept-Language")),
});

const refuseAsk = (c: Context<AppEnv>, { kind, ...known }: BadAsk): Promise<Response> =>
  trouble(c, kind, known);

/** What an app, the user or our own page opens; a browser that does not tell who led to a page is as good as an app. */
const OPENED_BY: ReadonlySet<string> = new Set(["none", "same-origin"]);

/** A look ahead, a preview, a picture or another site's page sends nothing: only a user opening the page does. */
function isLookedAt(c: Context<AppEnv>): boolean {
  if (c.req.method !== "GET" || !OPENED_BY.has(c.req.header("Sec-Fetch-Site") ?? "none")) return false;
  const purpose = c.req.header("Sec-Purpose") ?? c.req.header("Purpose") ?? "";
  const destination = c.req.header("Sec-Fetch-Dest") ?? "document";
  return !purpose.includes("prefetch") && destination === "document";
}

async function submit(
  c: Context<AppEnv>,
  ask: AppAsk,
  form: Readonly<Partial<Record<string, string>>>,
): Promise<Response> {
  const value = (form.identifier ?? "").trim();
  const identifier = readAddress(c, ask.type, value);
  const { errors } = verifyWords(settingFor(c, ask.client).locale);
  if (!identifier) {
    const text = ask.type === "PHONE" ? errors.phone : errors.email;
    return entry(c, ask, { value, error: { text }, status: 422 });
  }
  const channel =
    ask.type === "EMAIL"
      ? "email"
      : (ask.channels.find((name) => name === form.channel) ?? ask.channels[0] ?? "sms");
  const { redirectUrl, method } = ask;
  const secret = ownSecret(c);
  const accepted: readonly string[] = [];
  const begun = await begin(c, { ask, identifier, channel, method, secret, accepted, redirectUrl });
  if (!begun.ok) return refuse(c, ask, value, begun.error);
  const { snapshot, sent } = begun.value;
  return c.redirect(`/app/check/${snapshot.spec.id}?${sentQuery(c, sent.messageId, false)}`, 303);
}

function refuse(c: Context<AppEnv>, ask: AppAsk, value: string, refusal: Refusal): Promise<Response> {
  const isLimit = refusal.code === "too_many";
  if (isLimit && refusal.scope === "ip") return trouble(c, "busy", { client: ask.client });
  if (refusal.code === "delivery_failed" && refusal.uncarried) {
    return trouble(c, "uncarried", { client: ask.client, back: errorBack(ask, "temporarily_unavailable") });
  }
  sayWhen(c, refusal);
  const { locale } = settingFor(c, ask.client);
  const error = sentenceOf(toldOf(refusal), locale);
  return entry(c, ask, { value, error, status: isLimit ? 429 : 422 });
}

async function entry(
  c: Context<AppEnv>,
  ask: AppAsk,
  {
    status = 200,
    ...parts
  }: {
    readonly value?: string;
    readonly error?: Said;
    readonly status?: 429 | 422 | 200;
    readonly known?: Known;
  },
): Promise<Response> {
  const { client, type, method, channels } = ask;
  const setting = settingFor(c, client);
  const csrf = await csrfToken(c, ownSecret(c));
  const action = `/app${new URL(c.req.url).search}`;
  const { known, ...shown } = parts;
  const address = known && { known: known.identifier.value };
  const body = Entry({ setting, type, method, channels, action, csrf, ...shown, ...address });
  return verifyPage(c, body, policyFor(c, setting), status);
}
