import { resolve } from "node:path";
import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
import { makeApi } from "../support/api.ts";
import { newestTo, sentTo } from "../support/outbox.ts";
import { type ServedWorker, serveWorker } from "../support/served-worker.ts";

type OAuthClientMetadata = OAuthClientProvider["clientMetadata"];
type OAuthClientInformation = NonNullable<Awaited<ReturnType<OAuthClientProvider["clientInformation"]>>>;
type OAuthTokens = Parameters<OAuthClientProvider["saveTokens"]>[0];

const root = resolve(import.meta.dirname, "../../..");

export type Example = ServedWorker;

/** Serves `examples/mcp-server` in workerd, as `npm start` there does. */
export const startExample = async (options: {
  readonly port: number;
  readonly issuer: string;
  readonly resource: string;
}): Promise<Example> =>
  await serveWorker({
    folder: resolve(root, "examples/mcp-server"),
    port: options.port,
    vars: { ISSUER: options.issuer, RESOURCE: options.resource },
  });

/** What an app keeps for the SDK, in memory: nothing of the SDK is changed. */
export class Kept implements OAuthClientProvider {
  readonly redirectUrl: string;
  readonly clientMetadata: OAuthClientMetadata;
  client: OAuthClientInformation | undefined;
  kept: OAuthTokens | undefined;
  /** Where the user's browser was to be led. */
  led: URL | undefined;
  private verifier = "";

  constructor(redirectUrl: string) {
    this.redirectUrl = redirectUrl;
    this.clientMetadata = {
      client_name: "Desk",
      redirect_uris: [redirectUrl],
      grant_types: ["authorization_code", "refresh_token"],
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    };
  }

  state = () => "af0ifjs";
  clientInformation = () => this.client;
  saveClientInformation(client: OAuthClientInformation) {
    this.client = client;
  }
  tokens = () => this.kept;
  saveTokens(tokens: OAuthTokens) {
    this.kept = tokens;
  }
  redirectToAuthorization(url: URL) {
    this.led = url;
  }
  saveCodeVerifier(verifier: string) {
    this.verifier = verifier;
  }
  codeVerifier = () => this.verifier;
}

const ENTITIES: Readonly<Record<string, string>> = { "&amp;": "&", "&quot;": '"', "&#39;": "'" };
const hidden = (html: string, name: string): string =>
  (new RegExp(`name="${name}" value="([^"]*)"`).exec(html)?.[1] ?? "").replaceAll(
    /&(?:amp|quot|#39);/g,
    (entity) => ENTITIES[entity] ?? entity,
  );

/** A browser: signs somebody in by a code to their address and answers the consent page. Shows that page, and where it is led. */
export async function signIn(
  origin: string,
  address: string,
  to: URL,
): Promise<{ readonly consent: string; readonly led: URL }> {
  const api = makeApi(origin);
  const jar = new Map<string, string>();
  let html = "";
  async function visit(method: "GET" | "POST", path: string, fields: Readonly<Record<string, string>> = {}) {
    const sent = { csrf: hidden(html, "csrf"), to: hidden(html, "to"), ...fields };
    const answer = await api(method, path, {
      headers: {
        Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join("; "),
        ...(method === "GET"
          ? {}
          : {
              Origin: origin,
              "Sec-Fetch-Site": "same-origin",
              "Content-Type": "application/x-www-form-urlencoded",
            }),
      },
      ...(method === "GET" ? {} : { raw: new URLSearchParams(sent).toString() }),
    });
    for (const set of answer.headers.getSetCookie()) {
      const [pair = ""] = set.split(";");
      jar.set(pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1));
    }
    const location = answer.headers.get("Location");
    if (location === null) html = answer.text;
    return { ...answer, location: location ?? "" };
  }
  await visit("GET", to.pathname + to.search);
  const [last] = await sentTo(api, address);
  const begun = await visit("POST", "/oauth/sign-in", { identifier: address, way: "code" });
  await visit("GET", begun.location);
  const done = await visit("POST", begun.location.split("?")[0] ?? "", {
    code: (await newestTo(api, address, last)).code,
  });
  const consent = (await visit("GET", done.location)).text;
  const approved = await visit("POST", "/oauth/consent", { decision: "approve" });
  return { consent, led: new URL(approved.location) };
}
