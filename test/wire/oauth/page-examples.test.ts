import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { decodeJwt } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import {
  type App,
  answer,
  enrol,
  type Newcomer,
  newestPrompt,
  proveAddress,
  registerApp,
} from "../../../scripts/demo/cast.ts";
import { type Device, makeDevice } from "../../../scripts/demo/device.ts";
import { freePort } from "../server.ts";
import { place } from "../support/place.ts";
import { admin, issuer, signInAt, somebody, typeCode } from "./support.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");
const page = read("docs/oauth.md");
const run = promisify(execFile);

/** Where the examples find the packages that they import. */
let folder = "";
const secrets = new Map<string, string>();
const running: ChildProcess[] = [];

const here = (text: string): string =>
  text.replaceAll("http://127.0.0.1:8787", place().origin).replaceAll("dev-admin-token", place().adminToken);

/** An example by the file name in its first line. */
function example(name: string): string {
  const found = new RegExp(`\`\`\`js\\n(// ${name.replace(".", "\\.")}:[\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`the page has no ${name}`);
  return found;
}

function write(name: string, text: string): string {
  const file = join(folder, name.replace(/\.js$/, ".mjs"));
  writeFileSync(file, here(text));
  return file;
}

/** Runs an example as the page says; `clientId` is the client whose secret it is given. */
function start(
  name: string,
  { args = [], clientId = "", text = example(name) }: { args?: string[]; clientId?: string; text?: string },
) {
  const env = { ...process.env, CLIENT_SECRET: secrets.get(clientId) ?? "" };
  const child = spawn(process.execPath, [write(name, text), ...args], { cwd: folder, env });
  running.push(child);
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (more) => {
      said += more;
    });
  }
  const sees = (pattern: RegExp): Promise<string> =>
    vi.waitFor(
      () => {
        const found = pattern.exec(said);
        if (!found) throw new Error(`${name} has not said ${pattern}: ${said}`);
        return found[1] ?? "";
      },
      { timeout: 50_000, interval: 50 },
    );
  return { sees };
}

beforeAll(async () => {
  mkdirSync(resolve(root, "node_modules/.cache"), { recursive: true });
  folder = mkdtempSync(resolve(root, "node_modules/.cache/examples-"));
  const shells = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, shell = ""]) => shell);
  // What makes clients; a page may also say how a server is started.
  const script = here(shells.filter((shell) => shell.includes("/admin/clients")).join("\n")).replaceAll(
    "curl -s",
    "echo; curl -sf",
  );
  const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], { cwd: folder });
  for (const line of stdout.split("\n").filter((text) => text.startsWith("{"))) {
    const { client_id, client_secret } = JSON.parse(line);
    if (client_secret !== undefined) secrets.set(client_id, client_secret);
  }
});
afterAll(() => {
  for (const child of running) child.kill();
  rmSync(folder, { recursive: true, force: true });
});

type Holder = { readonly app: App; readonly person: Newcomer; readonly device: Device };

/** Somebody with a phone, whose app is another client of the realm. */
async function holder(): Promise<Holder> {
  const { origin, adminToken } = place();
  const app = await registerApp(origin, adminToken);
  const [person, device] = [await proveAddress(origin, app), await makeDevice()];
  await enrol(app, person, device);
  return { app, person, device };
}

const approve = async ({ app, person, device }: Holder): Promise<unknown> =>
  answer(app, person, device, await newestPrompt(app, person), true);

/** Somebody types a device's code, signs in and approves. */
async function connect(code: string): Promise<void> {
  const who = somebody();
  await who.browser.go(new URL("/oauth/device", issuer()));
  await who.browser.submit({ user_code: code });
  await typeCode(who);
  expect((await who.browser.submit({ decision: "approve" })).status).toBe(200);
}

const UUID = "([0-9a-f-]{36})";

describe.concurrent("the examples of docs/oauth.md run as they stand", () => {
  test("web.mjs signs somebody in, and greets them by their address", async () => {
    const port = await freePort();
    const home = `http://127.0.0.1:${port}`;
    const text = example("web.mjs")
      .replaceAll("http://127.0.0.1:3000", home)
      .replace("listen(3000,", `listen(${port},`);
    start("web.mjs", { clientId: "web", text });
    const first = await vi.waitFor(() => fetch(home, { redirect: "manual" }), { timeout: 50_000 });
    const headers = { Cookie: first.headers.get("set-cookie")?.split(";")[0] ?? "" };
    const who = somebody();
    const landed = await signInAt(who, new URL(first.headers.get("location") ?? ""));
    expect(await (await fetch(landed, { headers })).text()).toBe(`Hello ${who.address}`);
    const again = await fetch(landed, { headers });
    expect([again.status, await again.text()]).toEqual([400, "invalid_grant"]);
  });

  test("cli.mjs signs in who types its code", async () => {
    const cli = start("cli.mjs", {});
    await connect(await cli.sees(/type ([A-Z]{4}-[A-Z]{4})/));
    expect(await cli.sees(new RegExp(`Signed in as ${UUID}`))).not.toBe("");
  });

  test("dpop.mjs does it with a bound token", async () => {
    const cli = start("dpop.mjs", {});
    await connect(await cli.sees(/type ([A-Z]{4}-[A-Z]{4})/));
    expect(await cli.sees(/with a (\w+) token/)).toBe("dpop");
  });

  test.each(["shop.mjs", "wait.mjs"])("%s asks somebody, and hears that they have approved", async (name) => {
    const who = await holder();
    const shop = start(name, { clientId: "shop", args: [who.person.identifier] });
    await vi.waitFor(
      async () => expect(await newestPrompt(who.app, who.person)).toMatchObject({ new: true }),
      {
        timeout: 50_000,
        interval: 200,
      },
    );
    await approve(who);
    expect(await shop.sees(new RegExp(`Approved by ${UUID}`))).toBe(who.person.userId);
  });

  test("key.mjs asks by the client's own key", async () => {
    const { person } = await holder();
    const shop = start("key.mjs", { args: [person.identifier] });
    expect(await shop.sees(/The user has (\d+) s to approve/)).toBe("180");
  });

  test("verify.mjs takes an access token of the web app, and neither its ID token nor another client's", async () => {
    const { userOf } = await import(pathToFileURL(write("verify.mjs", example("verify.mjs"))).href);
    const auth = client.ClientSecretPost(secrets.get("web"));
    const { tokens } = await signedIn("web", auth, "http://127.0.0.1:1/callback");
    expect(await userOf(tokens.access_token)).toBe(decodeJwt(tokens.access_token).sub);
    await expect(userOf(tokens.id_token)).rejects.toThrow("typ");
    const other = await signedIn("spa", client.None(), "http://127.0.0.1:1/");
    await expect(userOf(other.tokens.access_token)).rejects.toThrow("aud");
  });

  test("logout.mjs reads what the server posts when somebody signs out by the link of the page", async () => {
    const { signedOut } = await import(pathToFileURL(write("logout.mjs", example("logout.mjs"))).href);
    const posted = Promise.withResolvers<string>();
    const ours = createServer(async (request, response) => {
      posted.resolve(await text(request));
      response.end();
    });
    await new Promise<void>((listening) => ours.listen(0, "127.0.0.1", listening));
    const home = "http://127.0.0.1:1";
    const { port } = ours.address() as AddressInfo;
    await admin()("PATCH", "/admin/clients/web", {
      json: {
        settings: {
          backchannel_logout_uri: `http://127.0.0.1:${port}/`,
          post_logout_redirect_uris: [`${home}/bye`],
        },
      },
    });
    const who = somebody();
    const auth = client.ClientSecretPost(secrets.get("web"));
    const { config, tokens } = await signedIn("web", auth, `${home}/callback`, who);
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? "",
      post_logout_redirect_uri: `${home}/bye`,
    });
    expect((await who.browser.go(url)).url.href).toBe(`${home}/bye`);
    const token = new URLSearchParams(await posted.promise).get("logout_token");
    ours.close();
    const { sub, sid } = decodeJwt(tokens.id_token ?? "");
    expect(await signedOut(token)).toMatchObject({ sub, sid });
    await expect(signedOut(tokens.id_token)).rejects.toThrow("typ");
  });
});

/** Somebody signs in at one of the page's clients, whose request is pushed first. */
async function signedIn(id: string, auth: client.ClientAuth, redirect_uri: string, who = somebody()) {
  const config = await client.discovery(issuer(), id, undefined, auth, {
    execute: [client.allowInsecureRequests],
  });
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const url = await client.buildAuthorizationUrlWithPAR(config, {
    redirect_uri,
    scope: "openid",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const landed = await signInAt(who, url);
  return { config, tokens: await client.authorizationCodeGrant(config, landed, { pkceCodeVerifier }) };
}

/** What a page finds in its browser, as far as the example uses it. */
function pageGlobals(home: string) {
  const kept = new Map<string, string>();
  vi.stubGlobal("location", { href: home });
  vi.stubGlobal("history", { replaceState: () => undefined });
  vi.stubGlobal("sessionStorage", {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => kept.set(name, value),
    removeItem: (name: string) => kept.delete(name),
  });
}

test("spa.js sends somebody to sign in, and has their tokens when they are back", async () => {
  const home = "http://127.0.0.1:3000/";
  pageGlobals(home);
  try {
    const spa = await import(pathToFileURL(write("spa.js", example("spa.js"))).href);
    expect(await spa.signedIn()).toBeUndefined();
    await spa.signIn();
    const landed = await signInAt(somebody(), new URL(location.href));
    location.href = landed.href;
    expect((await spa.signedIn()).claims().sub).toMatch(/^[0-9a-f-]{36}$/);
    expect(await spa.signedIn()).toBeUndefined();
  } finally {
    vi.unstubAllGlobals();
  }
});
