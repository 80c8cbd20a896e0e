import { createHash, randomBytes } from "node:crypto";
import { type Api, makeApi, numberOf, objectOf, textOf } from "./api.ts";
import { makeBrowser } from "./browser.ts";
import type { Device } from "./device.ts";
import { expect } from "./expect.ts";
import { newestCode } from "./outbox.ts";

/** An app on a phone that holds the device's key: a client of the Cotter door. */
export type App = { readonly clientId: string; readonly api: Api };

export type Person = { readonly userId: string; readonly identifier: string };

/** Somebody who has just proven their address, and what lets them enrol a first device for ten minutes. */
export type Newcomer = Person & { readonly enrolCookie: string };

/** Where the hosted page sends the phone's app back to. */
const CALLBACK = "com.example.demo:/proven";

const adminOf = (origin: string, adminToken: string): Api =>
  makeApi(origin, { Authorization: `Bearer ${adminToken}` });

/** A public client with a fresh id, made by the admin API. */
export async function registerApp(
  origin: string,
  adminToken: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<App> {
  const body = await adminOf(origin, adminToken).read("/admin/clients", 201, {
    method: "POST",
    body: {
      name: "Countersign demo",
      kind: "public",
      redirect_uris: [CALLBACK],
      settings,
    },
  });
  const clientId = textOf(body, "client_id");
  return { clientId, api: makeApi(origin, { API_KEY_ID: clientId }) };
}

export const freshAddress = (): string => `demo-${crypto.randomUUID().slice(0, 8)}@example.com`;

/** Signs up under an address that nobody proves. */
export async function signUp({ api }: App): Promise<Person> {
  const identifier = freshAddress();
  const user = await api.read("/api/v0/user/create", 200, { method: "POST", body: { identifier } });
  return { userId: textOf(user, "ID"), identifier };
}

/** Proves an address on the hosted page with the code that is sent to it, as an app does in an in-app browser. */
export async function proveAddress(origin: string, app: App): Promise<Newcomer> {
  const identifier = freshAddress();
  const verifier = randomBytes(32).toString("base64url");
  const browser = makeBrowser(origin);
  const query = new URLSearchParams({
    api_key: app.clientId,
    redirect_url: CALLBACK,
    type: "EMAIL",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    state: "demo",
  });
  await browser.open(`/app?${query}`);
  await browser.submit({ identifier });
  await browser.submit({ code: await newestCode(origin, identifier) });
  const given = browser.url.searchParams;
  const answer = await app.api.call("/api/v0/verify/get_identity", {
    method: "POST",
    body: {
      authorization_code: given.get("code"),
      code_verifier: verifier,
      challenge_id: Number(given.get("challenge_id")),
      redirect_url: CALLBACK,
    },
  });
  expect(answer.status === 200, "status 200 of get_identity", answer.status);
  const user = objectOf(answer.body as Readonly<Record<string, unknown>>, "user");
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(";")[0] ?? "");
  return { userId: textOf(user, "ID"), identifier, enrolCookie: cookies.join("; ") };
}

export async function enrol(
  { api }: App,
  person: Person & { readonly enrolCookie?: string },
  device: Device,
): Promise<void> {
  const { userId, enrolCookie } = person;
  await api.read(`/api/v0/user/methods?cotter_user_id=${userId}`, 200, {
    method: "PUT",
    ...(enrolCookie === undefined ? {} : { headers: { Cookie: enrolCookie } }),
    body: {
      method: "TRUSTED_DEVICE",
      enrolled: true,
      code: device.publicKey,
      algorithm: "ED25519",
      device_type: "MOBILE",
      device_name: "Demo phone",
    },
  });
}

export type Prompt = Readonly<Record<string, unknown>>;

export const newestPrompt = ({ api }: App, person: Person): Promise<Prompt> =>
  api.read(`/api/v0/event/new?cotter_user_id=${person.userId}`, 200);

/** What the phone signs: the parts in a row, without separators (Cotter's `TRUSTED_DEVICE` signature). */
export const signingInput = (app: App, person: Person, prompt: Prompt, approved: boolean): string =>
  [
    person.userId,
    app.clientId,
    textOf(prompt, "event"),
    textOf(prompt, "timestamp"),
    "TRUSTED_DEVICE",
    String(approved),
  ].join("");

export async function answer(
  app: App,
  person: Person,
  device: Device,
  prompt: Prompt,
  approved: boolean,
): Promise<Readonly<Record<string, unknown>>> {
  return await app.api.read(`/api/v0/event/respond/${numberOf(prompt, "ID")}`, 200, {
    method: "POST",
    body: {
      ...prompt,
      client_user_id: person.userId,
      issuer: app.clientId,
      approved,
      public_key: device.publicKey,
      algorithm: "ED25519",
      code: await device.sign(signingInput(app, person, prompt, approved)),
    },
  });
}
