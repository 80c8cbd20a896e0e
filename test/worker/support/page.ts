import { waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { makeApp } from "../../../src/app.ts";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { type ClientId, MAIN, parseClientId, type Realm } from "../../../src/core/ids.ts";
import type { Deliveries, Message } from "../../../src/core/ports/deliveries.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import { ok } from "../../../src/core/result.ts";
import { parseEnv } from "../../../src/env.ts";
import { wiring } from "../../../src/wiring.ts";
import { newContext } from "./contexts.ts";
import { fresh, newPhone } from "./cotter.ts";

export const ORIGIN = "http://localhost:8787";
export const REDIRECT = "myapp://auth_callback";

const app = makeApp();

/** The whole Worker over the real bindings, with a postbox where messages would leave it. */
export function pageDeployment(
  over: Record<string, unknown> = {},
  change: (services: Services, whole: Services) => Partial<Services> = () => ({}),
) {
  const parsed = parseEnv({ ...env, ...over });
  if (!parsed.ok) throw new Error(`bad test environment: ${parsed.error.join(", ")}`);
  const messages: Message[] = [];
  const deliveries: Deliveries = {
    send: async (message) => {
      messages.push(message);
      return ok("sent");
    },
    attempt: async () => ({ kind: "sent" }),
    stateOf: async () => "sent",
  };
  const queued: unknown[] = [];
  const wire = () => {
    const context = newContext();
    const whole = wiring(parsed.value, context);
    const events = { send: async (message: unknown) => void queued.push(message) };
    const services = { ...whole, deliveries, events, ...change({ ...whole, deliveries, events }, whole) };
    return { context, services };
  };
  return {
    messages,
    queued,
    services: wire().services,
    last: () => {
      const message = messages.at(-1);
      if (!message) throw new Error("nothing was sent");
      return message;
    },
    async ask(path: string, init: RequestInit = {}): Promise<Response> {
      const { context, services } = wire();
      const request = new Request(`${ORIGIN}${path}`, { redirect: "manual", ...init });
      const answer = await app.fetch(request, ok(services), context);
      await waitOnExecutionContext(context);
      return answer;
    },
  };
}

export type PageDeployment = ReturnType<typeof pageDeployment>;

/** A public client with a registered redirect address. */
export async function newPageClient(
  at: PageDeployment,
  settings: ClientSettings = {},
  redirectUris: readonly string[] = [REDIRECT],
  realm: Realm = MAIN,
): Promise<ClientId> {
  const id = parseClientId(fresh("client"));
  if (id === undefined) throw new Error("not a client id");
  await at.services.clients.insert(
    {
      id,
      name: "Shop",
      kind: "public",
      redirectUris,
      allowedOrigins: ["https://shop.example"],
      grantTypes: ["authorization_code", "refresh_token"],
      publicKeys: [],
      settings,
      realm,
    },
    undefined,
    Date.now(),
  );
  return id;
}

/** The code challenge of a verifier, worked out here. */
export async function s256(verifier: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  return btoa(String.fromCharCode(...hash))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

export const VERIFIER = "AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM=";

/** `/app` with what an app sends; undefined takes a parameter away. */
export async function appPath(
  client: ClientId,
  over: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const all: Record<string, string | undefined> = {
    api_key: client,
    redirect_url: REDIRECT,
    type: "EMAIL",
    code_challenge: await s256(VERIFIER),
    state: "abcXYZ456",
    ...over,
  };
  const given = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `/app?${new URLSearchParams(given)}`;
}

export type Seen = {
  readonly status: number;
  readonly text: string;
  readonly headers: Headers;
  readonly location: string;
};

/** A browser: it keeps its cookies, and posts the forms that it was shown. */
export function browser(at: PageDeployment, headers: Readonly<Record<string, string>> = {}) {
  const jar = new Map<string, string>();
  let csrf = "";
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const see = async (answer: Response): Promise<Seen> => {
    for (const set of answer.headers.getSetCookie()) {
      const [pair = ""] = set.split(";");
      jar.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const text = await answer.text();
    csrf = /name="csrf" value="([^"]*)"/.exec(text)?.[1] ?? csrf;
    return {
      status: answer.status,
      text,
      headers: answer.headers,
      location: answer.headers.get("Location") ?? "",
    };
  };
  const own = () => ({
    "Sec-Fetch-Site": "same-origin",
    ...(jar.size === 0 ? {} : { Cookie: cookie() }),
    ...headers,
  });
  const post = async (
    path: string,
    fields: Readonly<Record<string, string>>,
    over: object = {},
  ): Promise<Seen> =>
    see(
      await at.ask(path, {
        method: "POST",
        headers: { "Content-Type": "application/x-www-form-urlencoded", ...own(), ...over },
        body: new URLSearchParams({ csrf, ...fields }).toString(),
      }),
    );
  const get = async (path: string, over: object = {}): Promise<Seen> =>
    see(await at.ask(path, { headers: { ...own(), ...over } }));
  /** A cookie that it was not given here. */
  const keep = (name: string, value: string) => void jar.set(name, value);
  return { get, post, cookie, csrf: () => csrf, keep };
}

export type Browser = ReturnType<typeof browser>;

/** What a reader would see of a page. */
export const readable = (html: string): string =>
  html
    .replace(/<head>[\s\S]*<\/head>|<script[\s\S]*<\/script>/g, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ");

/** Opens the page, gives the address; the answer is the path of the code page. */
export async function enter(
  person: Browser,
  client: ClientId,
  identifier: string,
  over: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const path = await appPath(client, over);
  await person.get(path);
  const answer = await person.post(path, { identifier });
  if (answer.status !== 303) throw new Error(`expected 303, came ${answer.status} ${readable(answer.text)}`);
  const check = answer.location.split("?")[0] ?? "";
  await person.get(answer.location);
  return check;
}

export type Handed = { readonly code: string; readonly state: string; readonly challenge_id: string };

/** What the app is handed by the redirect. */
export function handed(location: string): Handed {
  const {
    code = "",
    state = "",
    challenge_id = "",
  } = Object.fromEntries(new URLSearchParams(location.slice(location.indexOf("?") + 1)));
  return { code, state, challenge_id };
}

/** `key` opens the first-device window, when one was handed over. */
// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
export type Exchanged = { readonly status: number; readonly body: any; readonly key?: string };

/** The app's exchange of its code. */
export async function exchange(
  at: PageDeployment,
  client: ClientId,
  given: Handed,
  over: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Exchanged> {
  const answer = await at.ask("/api/v0/verify/get_identity?oauth_token=true", {
    method: "POST",
    headers: { "Content-Type": "application/json", API_KEY_ID: client, ...headers },
    body: JSON.stringify({
      code_verifier: VERIFIER,
      authorization_code: given.code,
      challenge_id: Number(given.challenge_id),
      redirect_url: REDIRECT,
      ...over,
    }),
  });
  const key = /(?:^|[ ,])enrol=([^;]+)/.exec(answer.headers.get("Set-Cookie") ?? "")?.[1];
  return { status: answer.status, body: await answer.json(), ...(key ? { key } : {}) };
}

/** A whole verification by code, up to the redirect. */
export async function verified(
  at: PageDeployment,
  client: ClientId,
  identifier: string,
  over: Readonly<Record<string, string | undefined>> = {},
): Promise<Handed> {
  const person = browser(at);
  const check = await enter(person, client, identifier, over);
  const done = await person.post(check, { code: at.last().code ?? "" });
  if (done.status !== 303) throw new Error(`expected 303, came ${done.status} ${readable(done.text)}`);
  return handed(done.location);
}

/** Somebody signs up through an anonymous call with these names, and enrols a device: then they are somebody. */
export async function signedUp(
  at: PageDeployment,
  client: ClientId,
  names: Readonly<Record<string, unknown>>,
): Promise<{ readonly id: string; readonly refreshToken: string }> {
  const headers = { "Content-Type": "application/json", API_KEY_ID: client };
  const made = await at.ask("/api/v0/user/create", { method: "POST", headers, body: JSON.stringify(names) });
  const { ID: id } = (await made.json()) as { ID: string };
  const { publicKey: code } = await newPhone();
  const device = { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" };
  const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
  const enrolled = await at.ask(path, { method: "PUT", headers, body: JSON.stringify(device) });
  const { oauth_token } = (await enrolled.json()) as { oauth_token: { refresh_token: string } };
  return { id, refreshToken: oauth_token.refresh_token };
}
