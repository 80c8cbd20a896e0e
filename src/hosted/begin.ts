import type { Context } from "hono";
import { callerFrom } from "../core/client/caller-from.ts";
import type { Client } from "../core/client/client.ts";
import { type SentCode, sendCode } from "../core/code/send.ts";
import type { Snapshot } from "../core/ports/challenges.ts";
import type { Refusal } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { type ReadIdentifier, readIdentifier } from "../core/user/identifier.ts";
import { type AppEnv, originOf, services } from "../http/context.ts";
import { localeOf } from "../pages/verify/words.ts";
import type { Ask } from "./ask.ts";
import { browserDigest } from "./browser.ts";
import { isKnownBrowser } from "./known-browser.ts";
import { startVerification } from "./verification/start.ts";
import { VERIFY_IDENTIFIER, type Verification } from "./verification/verification.ts";

const DOTTED_DOMAIN = /@[^@]+\.[^@.]+\.?$/;

/** The address that was typed, as the kind that was asked for; a phone number without `+` is read where the reader is. */
export function readAddress(c: Context<AppEnv>, type: Ask["type"], text: string): ReadIdentifier | undefined {
  if (type === "PHONE") {
    const number = services(c).phones.read(text.normalize("NFKC"), originOf(c).country);
    const phone = number && readIdentifier(number.e164);
    return phone?.kind === "phone" ? phone : undefined;
  }
  const email = readIdentifier(text);
  return email?.kind === "email" && DOTTED_DOMAIN.test(email.normal) ? email : undefined;
}

export type Begin = {
  readonly ask: Ask;
  readonly identifier: ReadIdentifier;
  readonly channel: Verification["channel"];
  readonly method: Verification["method"];
  /** The secret of the browser that asks. */
  readonly secret: string;
  readonly accepted: readonly string[];
  readonly redirectUrl?: string;
};

export type Begun = { readonly snapshot: Snapshot; readonly sent: SentCode };

/** Starts a verification and sends its code or link. */
export async function begin(c: Context<AppEnv>, begin: Begin): Promise<Result<Begun, Refusal>> {
  const { ask, identifier, channel, method, secret, accepted, redirectUrl } = begin;
  const origin = originOf(c);
  const brought = (await isKnownBrowser(c, ask.client.realm, identifier)) ? "browser" : "nothing";
  const started = await startVerification(services(c), {
    client: ask.client,
    caller: await callerFrom(services(c), brought, origin.ip),
    origin,
    identifier,
    channel,
    method,
    codeChallenge: ask.codeChallenge,
    accepted,
    ...(redirectUrl === undefined ? {} : { redirectUrl }),
    state: ask.state,
    browser: await browserDigest(c, secret),
    ...(ask.userId === undefined ? {} : { userId: ask.userId }),
    locale: localeOf(c.req.header("Accept-Language")),
  });
  if (!started.ok) return started;
  const sent = await send(c, ask.client, started.value, begin);
  return sent.ok ? ok({ snapshot: started.value, sent: sent.value }) : sent;
}

/** Sends the code or link of a verification, at first or again. */
export async function send(
  c: Context<AppEnv>,
  client: Client,
  { spec, view }: Snapshot,
  verification: Pick<Verification, "identifier" | "channel" | "method">,
): Promise<Result<SentCode, Refusal>> {
  if (view.state !== "pending") return no({ code: "expired" });
  const { identifier, channel, method } = verification;
  const { issuer } = services(c).config;
  const origin = originOf(c);
  const linkOf = (secret: string) => `${issuer}/app/link/${spec.id}?t=${secret}`;
  return sendCode(services(c), {
    challengeId: spec.id,
    client,
    identifier,
    channel,
    purpose: VERIFY_IDENTIFIER,
    // Tokens come of it, whatever the app calls it.
    effect: { kind: "sign_in" },
    as: method === "link" ? { template: "magic_link", linkOf } : { template: "one_time_code" },
    origin,
    // What it was begun with: another code of it is in the same lane.
    caller: await callerFrom(services(c), spec.brought ?? "nothing", origin.ip),
    locale: localeOf(c.req.header("Accept-Language")),
    expiresAt: spec.expiresAt,
  });
}
