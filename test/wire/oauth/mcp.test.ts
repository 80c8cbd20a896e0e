import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { auth, UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { decodeJwt } from "jose";
import * as client from "openid-client";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, type Server, startServer } from "../server.ts";
import { makeApi } from "../support/api.ts";
import { freshEmail } from "../support/app.ts";
import { type Example, Kept, signIn, startExample } from "./mcp-support.ts";

const BACK = "http://127.0.0.1:43210/callback";

let server: Server;
let example: Example;
let resource: string;

beforeAll(async () => {
  const port = await freePort();
  resource = `http://localhost:${port}/mcp`;
  const vars = { OPEN_CLIENT_HOSTS: "localhost,127.0.0.1", OPEN_CLIENT_RESOURCES: resource };
  server = await startServer({ vars });
  example = await startExample({ port, issuer: server.origin, resource });
});

afterAll(async () => {
  await example?.stop();
  await server?.stop();
  server?.remove();
});

const connect = async (kept: Kept) => {
  const transport = new StreamableHTTPClientTransport(new URL(resource), { authProvider: kept });
  const client = new Client({ name: "desk", version: "1.0.0" });
  return { client, transport, connected: client.connect(transport) };
};

async function whoami(kept: Kept) {
  const { client, connected } = await connect(kept);
  await connected;
  const { content } = await client.callTool({ name: "whoami", arguments: {} });
  await client.close();
  const [said] = content as readonly { readonly text: string }[];
  return JSON.parse(said?.text ?? "") as { user: string; app: string; scope: string; acr: string };
}

test("the MCP SDK finds the way in by itself: it registers, a person signs in and approves, and the tool knows them", async () => {
  const kept = new Kept(BACK);
  const first = await connect(kept);
  await expect(first.connected).rejects.toBeInstanceOf(UnauthorizedError);
  expect(kept.client?.client_id).toMatch(/^dcr:/);
  expect(kept.client).not.toHaveProperty("client_secret");
  const asked = kept.led?.searchParams;
  expect(asked?.get("resource")).toBe(resource);
  expect(asked?.get("code_challenge_method")).toBe("S256");

  const { consent, led } = await signIn(server.origin, freshEmail(), kept.led as URL);
  expect(consent).toContain("Nobody here has checked this app");
  expect(consent).toContain("127.0.0.1:43210");
  expect(consent).toContain(resource);
  expect(led.href.startsWith(`${BACK}?`)).toBe(true);
  expect(led.searchParams.get("state")).toBe("af0ifjs");
  expect(led.searchParams.get("iss")).toBe(server.origin);

  await first.transport.finishAuth(led.searchParams.get("code") ?? "");
  const claims = decodeJwt(kept.kept?.access_token ?? "");
  expect(claims).toMatchObject({ aud: resource, client_id: kept.client?.client_id, iss: server.origin });
  const told = await whoami(kept);
  expect(told).toEqual({
    user: claims.sub,
    app: kept.client?.client_id,
    scope: "openid offline_access",
    acr: "urn:signin:acr:identifier",
  });

  const before = kept.kept?.access_token;
  expect(await auth(kept, { serverUrl: resource })).toBe("AUTHORIZED");
  expect(kept.kept?.access_token).not.toBe(before);
  expect((await whoami(kept)).user).toBe(told.user);
});

test("openid-client registers itself too (RFC 7591), and signs somebody in as a public client", async () => {
  const metadata = {
    client_name: "Desk",
    redirect_uris: [BACK],
    token_endpoint_auth_method: "none",
    grant_types: ["authorization_code", "refresh_token"],
  };
  const insecure = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };
  const at = new URL(server.origin);
  const config = await client.dynamicClientRegistration(at, metadata, client.None(), insecure);
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: BACK,
    scope: "openid offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const { led } = await signIn(server.origin, freshEmail(), url);
  const tokens = await client.authorizationCodeGrant(config, led, { pkceCodeVerifier });
  expect(tokens.claims()?.aud).toBe(config.clientMetadata().client_id);
  const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
  expect(next.claims()?.sub).toBe(tokens.claims()?.sub);
});

test("openid-client is refused a registration with an address that the operator does not let in", async () => {
  const metadata = { redirect_uris: ["https://evil.example/cb"], token_endpoint_auth_method: "none" };
  const insecure = { execute: [client.allowInsecureRequests] };
  const refused = client.dynamicClientRegistration(new URL(server.origin), metadata, client.None(), insecure);
  await expect(refused).rejects.toMatchObject({ error: "invalid_redirect_uri", status: 400 });
});

test("the example takes no token of another audience, no ID token, none that was changed, and none at all", async () => {
  const kept = new Kept(BACK);
  await expect((await connect(kept)).connected).rejects.toBeInstanceOf(UnauthorizedError);
  const { led } = await signIn(server.origin, freshEmail(), kept.led as URL);
  await auth(kept, { serverUrl: resource, authorizationCode: led.searchParams.get("code") ?? "" });
  const { access_token: good = "", id_token: id = "" } = kept.kept ?? {};

  // The same app without a resource: its token is for itself.
  const plain = new URL(kept.led as URL);
  plain.searchParams.delete("resource");
  const own = await signIn(server.origin, freshEmail(), plain);
  const exchanged = await makeApi(server.origin)("POST", "/oauth/token", {
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    raw: new URLSearchParams({
      grant_type: "authorization_code",
      code: own.led.searchParams.get("code") ?? "",
      redirect_uri: BACK,
      client_id: kept.client?.client_id ?? "",
      code_verifier: kept.codeVerifier(),
    }).toString(),
  });
  expect(exchanged.status, exchanged.text).toBe(200);

  const ask = async (token?: string) =>
    await fetch(resource, {
      method: "POST",
      headers: {
        "Content-Type": "application/json",
        Accept: "application/json, text/event-stream",
        ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method: "tools/list" }),
    });
  expect((await ask(good)).status).toBe(200);
  for (const token of [String(exchanged.body.access_token), id, `${good.slice(0, -3)}AAA`, "x", undefined]) {
    const answer = await ask(token);
    expect(answer.status).toBe(401);
    const said = answer.headers.get("WWW-Authenticate") ?? "";
    expect(said).toContain(
      `resource_metadata="${new URL(resource).origin}/.well-known/oauth-protected-resource/mcp"`,
    );
    expect(said.includes('error="invalid_token"')).toBe(token !== undefined);
  }
});

test("T97 a client's document is fetched by the real runtime, and a redirect to another place is not followed", async () => {
  const site = createServer((request, response) => {
    const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
    if (request.url === "/moved.json")
      return void response.writeHead(302, { Location: "/client.json" }).end();
    response.writeHead(200, { "Content-Type": "application/json" });
    response.end(
      JSON.stringify({
        client_id: `${origin}${request.url}`,
        client_name: "Desk",
        redirect_uris: [BACK],
        token_endpoint_auth_method: "none",
        ...(request.url === "/long.json" ? { pad: "x".repeat(20_000) } : {}),
      }),
    );
  });
  await new Promise<void>((listening) => site.listen(0, "127.0.0.1", listening));
  const origin = `http://127.0.0.1:${(site.address() as AddressInfo).port}`;
  try {
    const visit = async (path: string) => {
      const query = {
        response_type: "code",
        client_id: `${origin}${path}`,
        redirect_uri: BACK,
        code_challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        code_challenge_method: "S256",
      };
      return (await makeApi(server.origin)("GET", "/oauth/authorize", { query })).status;
    };
    expect(await visit("/client.json")).toBe(200);
    expect(await visit("/moved.json")).toBe(400);
    expect(await visit("/long.json")).toBe(400);
  } finally {
    site.closeAllConnections();
    await new Promise((closed) => site.close(closed));
  }
});
