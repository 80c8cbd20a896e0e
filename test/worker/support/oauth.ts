import type { Client } from "../../../src/core/client/client.ts";
import { type ClientId, MAIN, parseClientId, type Realm } from "../../../src/core/ids.ts";
import { fresh } from "./cotter.ts";
import { type Browser, browser, type PageDeployment, s256 } from "./page.ts";

export const CALLBACK = "https://shop.example/cb";
export const CHALLENGED = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/** A client of the standard door; its secret where it is confidential. */
export type Rp = { readonly id: ClientId; readonly secret: string; readonly kind: Client["kind"] };

export async function newRp(
  at: PageDeployment,
  over: Partial<Pick<Client, "kind" | "redirectUris" | "grantTypes" | "settings" | "publicKeys">> & {
    readonly realm?: Realm;
  } = {},
): Promise<Rp> {
  const id = parseClientId(fresh("rp"));
  if (id === undefined) throw new Error("not a client id");
  const kind = over.kind ?? "public";
  const made = kind === "confidential" ? await at.services.secrets.make() : undefined;
  await at.services.clients.insert(
    {
      id,
      name: "Shop",
      kind,
      redirectUris: [CALLBACK],
      allowedOrigins: ["https://shop.example"],
      grantTypes: ["authorization_code", "refresh_token"],
      publicKeys: [],
      settings: {},
      realm: MAIN,
      ...over,
    },
    made?.kept,
    Date.now(),
  );
  return { id, secret: made?.secret ?? "", kind };
}

/** `/oauth/authorize` with what a client sends; undefined takes a parameter away. */
export async function authorizePath(
  { id }: Pick<Rp, "id">,
  over: Readonly<Record<string, string | undefined>> = {},
): Promise<string> {
  const all: Record<string, string | undefined> = {
    response_type: "code",
    client_id: id,
    redirect_uri: CALLBACK,
    scope: "openid",
    state: "af0ifjs",
    nonce: "n-0S6",
    code_challenge: await s256(CHALLENGED),
    code_challenge_method: "S256",
    ...over,
  };
  const given = Object.entries(all).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return `/oauth/authorize?${new URLSearchParams(given)}`;
}

/** What the client is handed by a redirect. */
export const handedBack = (location: string): Readonly<Record<string, string>> =>
  Object.fromEntries(new URL(location).searchParams);

/** The hidden fields of a page's forms. */
export const hiddenIn = (html: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    [...html.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name = "", value = ""]) => [name, value.replaceAll("&amp;", "&")],
    ),
  );

/** A person signs in at this path by a code to their address; the answer is where the browser is led. */
export async function signInByCode(
  at: PageDeployment,
  path: string,
  identifier: string,
  person: Browser = browser(at),
): Promise<string> {
  await person.get(path);
  const begun = await person.post("/oauth/sign-in", { to: toOf(path), identifier, way: "code" });
  await person.get(begun.location);
  const page = begun.location.split("?")[0] ?? "";
  const done = await person.post(page, { to: toOf(path), code: at.last().code ?? "" });
  if (done.status !== 303) throw new Error(`expected 303, came ${done.status} ${done.text}`);
  return (await person.get(done.location)).location;
}

/** What a page's form holds for its place: the same parameters. */
export const toOf = (path: string): string => path;

// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
export type Told = { readonly status: number; readonly body: any; readonly headers: Headers };

/** A form to an endpoint of this door, by the client's own method. */
export async function callAs(
  at: PageDeployment,
  rp: Rp,
  path: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const own: Record<string, string> =
    rp.kind === "confidential" ? { Authorization: `Basic ${btoa(`${rp.id}:${rp.secret}`)}` } : {};
  const body = rp.kind === "confidential" ? form : { client_id: rp.id, ...form };
  const answer = await at.ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded", ...own, ...headers },
    body: new URLSearchParams(body).toString(),
  });
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : JSON.parse(text), headers: answer.headers };
}

/** The exchange of a code. */
export const exchangeCode = (
  at: PageDeployment,
  rp: Rp,
  code: string,
  over: Readonly<Record<string, string>> = {},
): Promise<Told> =>
  callAs(at, rp, "/oauth/token", {
    grant_type: "authorization_code",
    code,
    redirect_uri: CALLBACK,
    code_verifier: CHALLENGED,
    ...over,
  });
