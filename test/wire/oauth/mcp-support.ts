import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { OAuthClientProvider } from "@modelcontextprotocol/sdk/client/auth.js";
import { makeApi } from "../support/api.ts";
import { newestTo, sentTo } from "../support/outbox.ts";

type OAuthClientMetadata = OAuthClientProvider["clientMetadata"];
type OAuthClientInformation = NonNullable<Awaited<ReturnType<OAuthClientProvider["clientInformation"]>>>;
type OAuthTokens = Parameters<OAuthClientProvider["saveTokens"]>[0];

const root = resolve(import.meta.dirname, "../../..");
const READY_WITHIN_MS = 90_000;

export type Example = {
  log(): string;
  stop(): Promise<void>;
};

/** Serves `examples/mcp-server` in workerd, as `npm start` there does. */
export async function startExample(options: {
  readonly port: number;
  readonly issuer: string;
  readonly resource: string;
}): Promise<Example> {
  const { port, issuer, resource } = options;
  const dir = mkdtempSync(join(tmpdir(), "countersign-mcp-"));
  const out = openSync(join(dir, "log"), "a");
  const log = () => readFileSync(join(dir, "log"), "utf8");
  const child = spawn(
    process.execPath,
    [
      resolve(root, "node_modules/wrangler/bin/wrangler.js"),
      ...["dev", "--config", "wrangler.toml", "--ip", "127.0.0.1", "--port", String(port)],
      ...[
        "--inspector-port",
        "0",
        "--persist-to",
        join(dir, "state"),
        "--show-interactive-dev-session=false",
      ],
      ...["--var", `ISSUER:${issuer}`, "--var", `RESOURCE:${resource}`],
    ],
    {
      cwd: resolve(root, "examples/mcp-server"),
      detached: true,
      stdio: ["ignore", out, out],
      env: {
        ...process.env,
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_HIDE_BANNER: "true",
        WRANGLER_REGISTRY_PATH: join(dir, "registry"),
        WRANGLER_CACHE_DIR: join(dir, "cache"),
        XDG_CONFIG_HOME: join(dir, "config"),
      },
    },
  );
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const stop = async () => {
    endGroup(child);
    await ended;
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  const deadline = Date.now() + READY_WITHIN_MS;
  while (!(await isThere(`http://127.0.0.1:${port}/`))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      const said = log().slice(-4_000);
      await stop();
      throw new Error(`the example did not start\n${said}`);
    }
    await new Promise((wake) => setTimeout(wake, 200));
  }
  return { log, stop };
}

/** Wrangler and the runtime that it has started. */
function endGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

async function isThere(url: string): Promise<boolean> {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) });
    await answer.arrayBuffer();
    return answer.status === 404;
  } catch {
    return false;
  }
}

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
