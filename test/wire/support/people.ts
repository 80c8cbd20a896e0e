import type { Json } from "./api.ts";
import { type App, freshEmail, ok } from "./app.ts";
import type { DeviceKey } from "./keys.ts";

/** A user as an app knows them, with one trusted device. */
export type Person = {
  readonly userId: string;
  readonly identifier: string;
  readonly key: DeviceKey;
  /** The `oauth_token` of the enrolment, when it was asked for. */
  readonly tokens: Json;
};

export async function createUser(app: App, identifier = freshEmail()): Promise<string> {
  const made = ok(await app.cotter("POST", "/user/create", { json: { identifier } }));
  return String(made.body.ID);
}

export const methodBody = (app: App, key: DeviceKey): Json => ({
  method: "TRUSTED_DEVICE",
  enrolled: true,
  code: key.text,
  algorithm: key.algorithm,
  ...app.sdk.device,
});

/** Signs a user up and enrols their first device; with tokens, as React Native and Flutter ask for. */
export async function makePerson(app: App): Promise<Person> {
  const identifier = freshEmail();
  const userId = await createUser(app, identifier);
  const key = app.sdk.makeKey();
  const enrolled = await app.cotter("PUT", "/user/methods", {
    query: { cotter_user_id: userId, oauth_token: "true" },
    json: methodBody(app, key),
  });
  return { userId, identifier, key, tokens: ok(enrolled).body.oauth_token as Json };
}
