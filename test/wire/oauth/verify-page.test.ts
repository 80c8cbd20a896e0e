import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { freePort } from "../server.ts";
import { place } from "../support/place.ts";
import { serveWorker } from "../support/served-worker.ts";
import { CALLBACK, issuer, register, signInAt, somebody } from "./support.ts";

const root = resolve(import.meta.dirname, "../../..");
const sources = resolve(root, "packages/countersign/src/verify");
const page = readFileSync(resolve(root, "docs/verify.md"), "utf8");

let folder = "";
let clientId = "";
const running: ChildProcess[] = [];

/** An example of the page for this server, with the library's sources in the place of its package. */
function example(name: string, port = 3000): string {
  const found = new RegExp(`\`\`\`js\\n(// ${name.replace(".", "\\.")}:[\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`the page has no ${name}`);
  return found
    .replaceAll("3000", String(port))
    .replaceAll("http://127.0.0.1:8787", place().origin)
    .replaceAll('audience: "web"', `audience: ${JSON.stringify(clientId)}`)
    .replaceAll(/"countersign\/verify\/(\w+)"/g, (_, framework) =>
      JSON.stringify(`${sources}/for/${framework}.ts`),
    )
    .replaceAll('"countersign/verify"', JSON.stringify(`${sources}/verify.ts`));
}

function write(name: string, text = example(name)): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

const load = async (name: string) => await import(pathToFileURL(write(name)).href);

/** Runs an example that listens, on a port of its own. */
async function serve(name: string): Promise<Call> {
  const port = await freePort();
  running.push(
    spawn(process.execPath, [write(name, example(name, port))], { cwd: folder, stdio: "inherit" }),
  );
  const call: Call = (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
  await vi.waitFor(() => call("/"), { timeout: 50_000, interval: 50 });
  return call;
}

type Call = (path: string, init?: RequestInit) => Response | Promise<Response>;

/** Tokens of somebody who has just signed in at the served Worker. */
async function signIn(options: client.DPoPOptions = {}) {
  const config = await client.discovery(issuer(), clientId, undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  });
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: "openid",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const landed = await signInAt(somebody(), url);
  return await client.authorizationCodeGrant(config, landed, { pkceCodeVerifier }, undefined, options);
}

let tokens: Awaited<ReturnType<typeof signIn>>;
const bearer = (token = tokens.access_token) => ({ headers: { Authorization: `Bearer ${token}` } });

beforeAll(async () => {
  mkdirSync(resolve(root, "node_modules/.cache"), { recursive: true });
  folder = mkdtempSync(resolve(root, "node_modules/.cache/verify-page-"));
  clientId = (await register("public")).id;
  tokens = await signIn();
});
afterAll(() => {
  for (const child of running) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

/** The user of a good token is answered; without one, and with an ID token, the call is refused. */
async function guards(call: Call): Promise<void> {
  const good = await call("/orders/mine", bearer());
  expect([good.status, await good.json()]).toEqual([200, { user: tokens.claims()?.sub }]);
  expect((await call("/orders/mine")).status).toBe(401);
  const refused = await call("/orders/mine", bearer(tokens.id_token));
  expect([refused.status, await refused.json()]).toMatchObject([401, { error: "invalid_token" }]);
}

describe("the examples of docs/verify.md run as they stand", () => {
  test("hono.mjs", async () => {
    const { default: app } = await load("hono.mjs");
    await guards((path, init) => app.request(path, init));
  });

  test.each(["express.mjs", "fastify.mjs"])("%s", async (name) => {
    await guards(await serve(name));
  });

  test("route.mjs, as Next.js calls it", async () => {
    const { GET } = await load("route.mjs");
    await guards((path, init) => GET(new Request(new URL(path, "http://127.0.0.1:3000"), init), {}));
  });

  test("verify.mjs", async () => {
    const { userOf } = await load("verify.mjs");
    expect(await userOf(tokens.access_token)).toBe(tokens.claims()?.sub);
    expect(await userOf(tokens.id_token)).toBeUndefined();
  });

  test("scopes.mjs lets a code by mail read, and not write", async () => {
    const { default: app } = await load("scopes.mjs");
    expect((await app.request("/orders", bearer())).status).toBe(200);
    const refused = await app.request("/orders", { method: "POST", ...bearer() });
    expect(refused.headers.get("WWW-Authenticate")).toContain('acr_values="urn:signin:acr:device-match-uv"');
  });

  test("bound.mjs takes a bound token once for each proof, and others as before", async () => {
    const { default: app } = await load("bound.mjs");
    await guards((path, init) => app.request(path, init));
    const config = await client.discovery(issuer(), clientId, undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const { access_token } = await signIn({ DPoP });
    config[client.customFetch] = async (to, { headers }) => app.request(new URL(to).pathname, { headers });
    const ask = (options: client.DPoPOptions) =>
      client.fetchProtectedResource(
        config,
        access_token,
        new URL("http://127.0.0.1:3000/orders/mine"),
        "GET",
        null,
        undefined,
        options,
      );
    expect((await ask({ DPoP })).status).toBe(200);
    await expect(ask({})).rejects.toBeInstanceOf(client.WWWAuthenticateChallengeError);
  });
});

describe("worker.mjs, served by workerd", () => {
  let call: Call;
  let stop = async (): Promise<void> => undefined;
  beforeAll(async () => {
    const port = await freePort();
    write("worker.mjs");
    write(
      "wrangler.toml",
      'name = "verify-page"\nmain = "worker.mjs"\ncompatibility_date = "2026-10-01"\nsend_metrics = false\n',
    );
    ({ stop } = await serveWorker({ folder, port }));
    call = (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init);
  });
  afterAll(() => stop());

  test("takes fifty calls at once, before the keys are there", async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => call("/orders/mine", bearer())));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  });

  test("lets in who has a token", async () => {
    await guards(call);
  });
});
