import type { Context } from "hono";
import { allowsOrigin, type Client } from "../core/client/client.ts";
import { isAllowedOrigin } from "../core/client/origin.ts";
import { CODE_CHALLENGE } from "../core/client/pkce.ts";
import { isRegisteredRedirect } from "../core/client/redirect-match.ts";
import { parseClientId, parseUserId } from "../core/ids.ts";
import { no, ok, type Result } from "../core/result.ts";
import { spellingsOf } from "../core/user/identifier.ts";
import { type AppEnv, services } from "../http/context.ts";
import type { TroubleKind } from "../pages/verify/ending.tsx";

/** What an app asks of the page (Cotter §8.1). Everything here has been checked. */
export type Ask = {
  readonly client: Client;
  readonly type: "EMAIL" | "PHONE";
  readonly method: "otp" | "link";
  readonly codeChallenge: string;
  readonly state: string;
  readonly userId?: string;
  /** The address that the app knows already. */
  readonly input?: string;
  /** Whether to send to it without asking. */
  readonly direct: boolean;
  /** Ways to reach a phone, the preferred one first. */
  readonly channels: readonly ("sms" | "whatsapp")[];
};

export type AppAsk = Ask & { readonly redirectUrl: string };

export type FrameAsk = Ask & {
  /** Origin of the page around the frame. */
  readonly domain: string;
  /** Names the form to it. */
  readonly form: string;
  /** Addresses that the exchange may name (Cotter §8.2). */
  readonly accepted: readonly string[];
};

/** `back` leads to the app, at an address that is registered for it. */
export type BadAsk = { readonly kind: TroubleKind; readonly client?: Client; readonly back?: string };

const STATE_LIMIT = 512;
const REDIRECT_LIMIT = 1_024;
const CHANNEL_LIST = "phone_channels[]";

type Values = Readonly<Partial<Record<string, string>>>;

/** The query with each parameter once; the list of channels alone may come several times. */
function valuesOf(c: Context<AppEnv>): Values | undefined {
  const all = Object.entries(c.req.queries());
  if (all.some(([name, values]) => name !== CHANNEL_LIST && values.length > 1)) return undefined;
  return Object.fromEntries(all.map(([name, [value]]) => [name, value]));
}

async function clientOf(c: Context<AppEnv>, values: Values): Promise<Client | undefined> {
  const id = parseClientId(values.api_key ?? "");
  const client = id === undefined ? undefined : await services(c).clients.find(id);
  return client?.disabledAt === undefined ? client : undefined;
}

/** As it is kept: a control character takes six. */
const isState = (state: string): boolean =>
  JSON.stringify(state).length <= STATE_LIMIT + 2 && state.isWellFormed();

/** Written so that no value adds a parameter, and a blank is `%20`: apps decode percent signs alone. */
export function joined(url: string, parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${url}${url.includes("?") ? "&" : "?"}${pairs.join("&")}`;
}

/** The way back to the app without a sign-in (RFC 6749 §4.1.2.1). */
export const errorBack = (
  { redirectUrl, state = "" }: { readonly redirectUrl: string; readonly state?: string },
  error: string,
): string => joined(redirectUrl, { error, state });

/** Reads what `/app` is asked. The client and its redirect address come first: nothing else is said to anybody unregistered. */
export async function readAppAsk(c: Context<AppEnv>): Promise<Result<AppAsk, BadAsk>> {
  const values = valuesOf(c);
  const client = values && (await clientOf(c, values));
  if (!values) return no({ kind: "request" });
  if (!client) return no({ kind: "client" });
  c.set("client", client);
  const redirectUrl = values.redirect_url ?? "";
  if (redirectUrl.length > REDIRECT_LIMIT || !isRegisteredRedirect(client.redirectUris, redirectUrl)) {
    return no({ kind: "redirect", client });
  }
  const shared = readShared(c, values, client, values.code_challenge);
  if (shared) return ok({ ...shared, redirectUrl });
  const state = isState(values.state ?? "") ? (values.state ?? "") : "";
  return no({ kind: "request", client, back: errorBack({ redirectUrl, state }, "invalid_request") });
}

/** Reads what `/signup` and `/login` are asked. The origin around the frame must be one that the client allows. */
export async function readFrameAsk(c: Context<AppEnv>): Promise<Result<FrameAsk, BadAsk>> {
  const values = valuesOf(c);
  const client = values && (await clientOf(c, values));
  if (!values) return no({ kind: "request" });
  if (!client) return no({ kind: "client" });
  const { domain = "", id: form = "", redirect_url: given = "" } = values;
  const isPage = /^https?:/.test(domain) && isAllowedOrigin(domain);
  if (!isPage || !allowsOrigin(client, domain)) return no({ kind: "redirect", client });
  const shared = readShared(c, values, client, values.challenge ?? values.code_challenge);
  if (!shared || form.length > 128) return no({ kind: "request", client });
  const isGood = given.length <= REDIRECT_LIMIT && isRegisteredRedirect(client.redirectUris, given);
  return ok({ ...shared, domain, form, accepted: isGood ? [domain, given] : [domain] });
}

function readShared(c: Context<AppEnv>, values: Values, client: Client, codeChallenge = ""): Ask | undefined {
  const { type, state = "", auth_method, cotter_user_id, input, direct_login } = values;
  const { code_challenge_method: codeMethod = "S256" } = values;
  if (type !== "EMAIL" && type !== "PHONE") return undefined;
  // RFC 7636 §4.3, S256 alone: a plain challenge would be its own verifier (T80).
  if (!CODE_CHALLENGE.test(codeChallenge) || codeMethod !== "S256") return undefined;
  if (!isState(state)) return undefined;
  const named = cotter_user_id !== undefined && cotter_user_id !== "" && cotter_user_id !== "null";
  const userId = named ? parseUserId(cotter_user_id) : undefined;
  if (named && userId === undefined) return undefined;
  return {
    client,
    type,
    method: auth_method === "MAGIC_LINK" ? "link" : "otp",
    codeChallenge,
    state,
    ...(userId === undefined ? {} : { userId }),
    ...(input ? { input: spellingsOf(input)[0] ?? input } : {}),
    direct: direct_login === "true" && Boolean(input),
    channels: channelsOf(values.use_channel, c.req.queries(CHANNEL_LIST) ?? []),
  };
}

const isChannel = (text: string): text is "sms" | "whatsapp" => text === "sms" || text === "whatsapp";

/** The one that the app chose, else those that it lists, else text messages. */
function channelsOf(chosen: string | undefined, listed: readonly string[]): readonly ("sms" | "whatsapp")[] {
  const one = (chosen ?? "").toLowerCase();
  if (isChannel(one)) return [one];
  const known = [...new Set(listed.map((name) => name.toLowerCase()))].filter(isChannel);
  return known.length > 0 ? known : ["sms"];
}
