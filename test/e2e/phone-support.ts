import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { BrowserContextOptions, CDPSession, Page } from "playwright-core";
import { freePort, type Server, startServer } from "../wire/server.ts";
import { type Api, makeApi } from "../wire/support/api.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { lastSent, makeClient, newest, type Place, type Site, startSite } from "./verify-support.ts";

/** A deployment under a name, as passkeys need one, with an app that people sign in to. */
export type World = Place & {
  readonly server: Server;
  readonly site: Site;
  /** The app with pages, by the code flow. */
  readonly web: string;
  /** The app with a backend, by CIBA and the device grant. */
  readonly backend: { readonly id: string; readonly secret: string };
  close(): Promise<void>;
};

export const CIBA = "urn:openid:params:grant-type:ciba";
export const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

export async function newBackend(place: Place, settings: object = {}): Promise<World["backend"]> {
  const made = await operator(place)("POST", "/admin/clients", {
    json: { name: "Shop", kind: "confidential", grant_types: [CIBA, DEVICE], settings },
  });
  return { id: String(made.body.client_id), secret: String(made.body.client_secret) };
}

export const operator = ({ origin, adminToken }: Place): Api =>
  makeApi(origin, { Authorization: `Bearer ${adminToken}` });

export async function openWorld(vars: Readonly<Record<string, string>> = {}): Promise<World> {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const server = await startServer({ port, vars: { ISSUER: origin, ...vars } });
  const place = { origin, adminToken: "dev-admin-token" };
  const site = await startSite((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>Back in the app</title><p>Back in the app");
  });
  const web = await makeClient(place, { redirect_uris: [`${site.origin}/cb`] });
  return {
    ...place,
    server,
    site,
    web,
    backend: await newBackend(place),
    async close() {
      await site.close();
      await server.stop();
      server.remove();
    },
  };
}

export const freshAddress = (): string => `ana-${randomUUID().slice(0, 8)}@example.com`;

/** A phone: a browser with a profile of its own, and a passkey authenticator where it has one. */
export type Phone = OpenPage & { readonly devtools?: CDPSession };

export async function openPhone(
  kind: "passkey" | "key",
  options: BrowserContextOptions = {},
): Promise<Phone> {
  const open = await openPage({ viewport: { width: 360, height: 740 }, ...options });
  if (kind === "key") {
    await open.page.addInitScript(() => Reflect.deleteProperty(globalThis, "PublicKeyCredential"));
    return open;
  }
  const devtools = await open.page.context().newCDPSession(open.page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { ...open, devtools };
}

export const CALM = "Nothing to approve";

/** Somebody signs in by a code that is sent to their address, on the service's own page. */
export async function signInByCode(world: World, page: Page, address: string): Promise<void> {
  const last = await lastSent(world, address);
  await page.getByLabel("E-mail address").fill(address);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.waitForURL(/\/oauth\/sign-in\/[0-9a-f]/);
  await page.getByLabel("Code").fill((await newest(world, address, last)).code);
}

export const addButton = (kind: "passkey" | "key"): string =>
  kind === "passkey" ? "Add with fingerprint, face or PIN" : "Add without a passkey";

/** From nothing to a phone that waits. */
export async function setUp(
  world: World,
  { page }: Phone,
  kind: "passkey" | "key",
  address: string,
): Promise<void> {
  await page.goto(`${world.origin}/phone`);
  await page.getByRole("link", { name: "Set up this phone" }).click();
  await signInByCode(world, page, address);
  await page.getByRole("heading", { name: "Add this phone?" }).waitFor();
  await page.getByRole("button", { name: addButton(kind) }).click();
  await page.getByRole("button", { name: "Back to the requests" }).click();
  await page.getByRole("heading", { name: CALM }).waitFor();
}

export const newPhone = async (world: World, kind: "passkey" | "key", address: string): Promise<Phone> => {
  const phone = await openPhone(kind);
  await setUp(world, phone, kind, address);
  return phone;
};

type Started = { readonly status: number; readonly body: Readonly<Record<string, string>> };

const formOf = async (
  world: World,
  path: string,
  client: World["backend"],
  fields: Record<string, string>,
): Promise<Started> => {
  const answer = await fetch(`${world.origin}${path}`, {
    method: "POST",
    headers: { Authorization: `Basic ${btoa(`${client.id}:${client.secret}`)}` },
    body: new URLSearchParams(fields),
  });
  return { status: answer.status, body: (await answer.json()) as Started["body"] };
};

/** The backend asks. */
export const ask = (
  world: World,
  address: string,
  fields: Record<string, string> = {},
  client = world.backend,
): Promise<Started> =>
  formOf(world, "/oauth/bc-authorize", client, { scope: "openid", login_hint: address, ...fields });

export const collect = (world: World, started: Started, client = world.backend): Promise<Started> =>
  formOf(world, "/oauth/token", client, { grant_type: CIBA, auth_req_id: started.body.auth_req_id ?? "" });

/** A device without a browser asks for a code. */
export const askDevice = (world: World): Promise<Started> =>
  formOf(world, "/oauth/device_authorization", world.backend, { scope: "openid" });

export const collectDevice = (world: World, started: Started): Promise<Started> =>
  formOf(world, "/oauth/token", world.backend, {
    grant_type: DEVICE,
    device_code: started.body.device_code ?? "",
  });

export const QUESTION = /Is it you/;

/** Waits for the question, and types the number where there is one. */
export async function typeNumber({ page }: Phone, number: string): Promise<void> {
  await page.getByRole("heading", { name: QUESTION }).waitFor();
  await page.getByLabel("Number on the other screen").fill(number);
}

export const press = ({ page }: Phone, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();

export const sees = ({ page }: Phone, heading: string | RegExp): Promise<void> =>
  page.getByRole("heading", { name: heading }).waitFor();

const verifier = randomBytes(32).toString("base64url");
export const authorizeUrl = (world: World): string =>
  `${world.origin}/oauth/authorize?${new URLSearchParams({
    response_type: "code",
    client_id: world.web,
    redirect_uri: `${world.site.origin}/cb`,
    scope: "openid",
    state: "s",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  })}`;
