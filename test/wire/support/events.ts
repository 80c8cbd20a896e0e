import type { Answer, Json } from "./api.ts";
import { type App, ok } from "./app.ts";
import type { DeviceKey } from "./keys.ts";
import type { Person } from "./people.ts";

/** Now, or so many seconds from it: a device signs one event of one second once only. */
export const seconds = (from = 0): string => String(Math.round(Date.now() / 1_000) + from);

/** What a device signs (Cotter §5): no separators. */
export const message = (
  user: string,
  issuer: string,
  event: string,
  timestamp: string,
  approved: boolean,
  newKey = "",
): string => `${user}${issuer}${event}${timestamp}TRUSTED_DEVICE${approved}${newKey}`;

export const pendingBody = (app: App, userId: string, key?: DeviceKey): Json => ({
  ...app.sdk.person(userId),
  issuer: app.clientId,
  event: app.sdk.event,
  ...app.sdk.place,
  timestamp: seconds(),
  method: "TRUSTED_DEVICE",
  ...(key ? app.sdk.pendingExtras(key) : {}),
});

/** A sign-in as its waiter holds it. */
export type Pending = {
  readonly number: number;
  readonly event: Json;
  readonly challengeId: string;
  readonly waitUri: string;
  readonly socketUri: string;
};

export async function startSignIn(app: App, userId: string, key?: DeviceKey): Promise<Pending> {
  const { body } = ok(
    await app.cotter("POST", "/event/create_pending", { json: pendingBody(app, userId, key) }),
  );
  const waitUri = String(body.wait_uri);
  return {
    number: Number(body.ID),
    event: body,
    challengeId: /\/challenges\/([0-9a-f]{64})\/wait$/.exec(waitUri)?.[1] ?? "",
    waitUri,
    socketUri: String(body.socket_uri),
  };
}

/** The open prompt, or null. */
export const newest = async (app: App, userId: string): Promise<Json | null> =>
  ok(await app.cotter("GET", `/event/new/${userId}`)).json as Json | null;

/** The open prompt; throws when there is none. */
export async function prompt(app: App, userId: string): Promise<Json> {
  const shown = await newest(app, userId);
  if (!shown) throw new Error("nothing awaits an answer");
  return shown;
}

/** The body by which a device answers a prompt; `changes` replace members after the signing. */
export function respondBody(
  app: App,
  person: Pick<Person, "userId" | "key">,
  shown: Json,
  approved: boolean,
  changes: Json = {},
): Json {
  const { event, timestamp, method, ip, location } = shown;
  const signed = message(person.userId, app.clientId, String(event), String(timestamp), approved);
  return {
    ...app.sdk.person(person.userId),
    issuer: app.clientId,
    event,
    timestamp,
    method,
    ip,
    location,
    approved,
    code: person.key.sign(signed),
    public_key: person.key.text,
    ...app.sdk.algorithm(person.key),
    ...changes,
  };
}

export const respond = (
  app: App,
  person: Pick<Person, "userId" | "key">,
  shown: Json,
  approved: boolean,
  changes: Json = {},
): Promise<Answer> =>
  app.cotter("POST", `/event/respond/${shown.ID}`, {
    json: respondBody(app, person, shown, approved, changes),
  });

/** Answers whatever is open; throws unless the answer was taken. */
export const answerNewest = async (app: App, person: Person, approved: boolean): Promise<Json> =>
  ok(await respond(app, person, await prompt(app, person.userId), approved)).body;

export const poll = (app: App, number: number): Promise<Answer> =>
  app.cotter("GET", `/event/get/${number}`, { query: { oauth_token: "true" } });

/** A trusted device signs itself in, or, given a new key's text, enrols another device; `changes` replace members after signing. */
export function createBody(
  app: App,
  person: Pick<Person, "userId" | "key">,
  options: { readonly newKey?: DeviceKey; readonly changes?: Json; readonly timestamp?: string } = {},
): Json {
  const { newKey } = options;
  const event = newKey ? "ENROLL_NEW_TRUSTED_DEVICE" : app.sdk.event;
  const timestamp = options.timestamp ?? seconds();
  const signed = message(person.userId, app.clientId, event, timestamp, true, newKey?.text);
  return {
    ...app.sdk.person(person.userId),
    issuer: app.clientId,
    event,
    ...app.sdk.place,
    timestamp,
    method: "TRUSTED_DEVICE",
    code: person.key.sign(signed),
    approved: true,
    public_key: person.key.text,
    ...app.sdk.algorithm(person.key),
    ...(newKey
      ? {
          register_new_device: true,
          new_device_public_key: newKey.text,
          new_device_algorithm: newKey.algorithm,
          ...app.sdk.device,
        }
      : {}),
    ...options.changes,
  };
}

/** A whole untrusted sign-in: the `oauth_token` bundle that the waiter gets. */
export async function signIn(app: App, person: Person): Promise<Json> {
  const pending = await startSignIn(app, person.userId);
  await answerNewest(app, person, true);
  return ok(await poll(app, pending.number)).body.oauth_token as Json;
}

export const refresh = (app: App, refreshToken: unknown): Promise<Answer> =>
  app.cotter("POST", "/token", { json: { grant_type: "refresh_token", refresh_token: refreshToken } });
