import { type Api, makeApi, numberOf, textOf } from "./api.ts";
import type { Device } from "./device.ts";
import { openWaiter, type Waiter } from "./waiter.ts";

/** An app as this demo's laptop and phone run it: one client of the server. */
export type App = { readonly clientId: string; readonly api: Api };

export type Person = { readonly userId: string; readonly identifier: string };

/** A public client with a fresh id, made by the admin API. */
export async function registerApp(
  origin: string,
  adminToken: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<App> {
  const admin = makeApi(origin, { Authorization: `Bearer ${adminToken}` });
  const body = await admin.read("/admin/clients", 201, {
    method: "POST",
    // So that the phone can print where a sign-in comes from.
    body: { name: "Countersign demo", kind: "public", settings: { prompt_place: true, ...settings } },
  });
  const clientId = textOf(body, "client_id");
  return { clientId, api: makeApi(origin, { API_KEY_ID: clientId }) };
}

export async function signUp({ api }: App): Promise<Person> {
  const identifier = `demo-${crypto.randomUUID().slice(0, 8)}@example.com`;
  const user = await api.read("/api/v0/user/create", 200, { method: "POST", body: { identifier } });
  return { userId: textOf(user, "ID"), identifier };
}

export async function enrol({ api }: App, person: Person, device: Device): Promise<void> {
  await api.read(`/api/v0/user/methods?cotter_user_id=${person.userId}`, 200, {
    method: "PUT",
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

/** A sign-in that a laptop has started: its secret number, and the socket it waits on. */
export type SignIn = { readonly number: string; readonly issuer: string; readonly waiter: Waiter };

export async function startSignIn(app: App, person: Person): Promise<SignIn> {
  const event = await app.api.read("/api/v0/event/create_pending", 200, {
    method: "POST",
    body: {
      client_user_id: person.userId,
      issuer: app.clientId,
      event: "LOGIN",
      timestamp: String(Math.round(Date.now() / 1000)),
      method: "TRUSTED_DEVICE",
      ip: "unknown",
      location: "unknown",
    },
  });
  const number = String(numberOf(event, "ID"));
  const socketUri = textOf(event, "socket_uri");
  return {
    number,
    issuer: new URL(textOf(event, "wait_uri")).origin,
    waiter: openWaiter(socketUri, number),
  };
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
