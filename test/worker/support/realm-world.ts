import type { Client } from "../../../src/core/client/client.ts";
import { type ClientId, parseClientId, parseRealm, type Realm } from "../../../src/core/ids.ts";
import {
  type Phone as ActionPhone,
  bearer,
  enrol,
  newKey,
  startPush,
  type Tenant,
  track,
} from "./authsignal.ts";
import { type Deployment, fresh, type Json, newPerson, type Person, start } from "./cotter.ts";
import { type Backend, newSigning, tokenOf } from "./loginid.ts";

/** What one realm's users and apps have going on at every door. */
export type World = {
  readonly realm: Realm;
  readonly client: ClientId;
  readonly tenant: Tenant;
  readonly backend: Backend;
  readonly person: Person & { readonly tokens: Json };
  readonly event: Json;
  readonly actionUser: string;
  readonly actionPhone: ActionPhone;
  readonly push: Awaited<ReturnType<typeof startPush>>;
  readonly carried: { readonly user: string; readonly username: string; readonly code: string };
  /** Every text by which anything of this realm can be named, by what a route may call it. */
  readonly names: Readonly<Record<Kind, readonly string[]>>;
  /** Texts that no answer to another realm may hold unless that very call brought them. */
  readonly marks: readonly string[];
};

export type Kind = "person" | "challenge" | "event" | "device" | "key" | "token" | "code" | "action";

/** One client that may use every door: its id, its secret and its signing key. */
async function newClient(
  at: Deployment,
  realm: Realm,
): Promise<{ readonly tenant: Tenant; readonly backend: Backend }> {
  const id = parseClientId(fresh("all")) as ClientId;
  const { secret, kept } = await at.services.secrets.make();
  const signing = await newSigning();
  const client: Omit<Client, "createdAt" | "updatedAt"> = {
    id,
    realm,
    name: `Shop of ${realm}`,
    kind: "confidential",
    redirectUris: ["myapp://auth_callback"],
    allowedOrigins: ["https://shop.example"],
    grantTypes: ["authorization_code", "refresh_token"],
    publicKeys: [signing.pem],
    settings: { starts_per_minute: 0, code_sends_per_hour: 0 },
  };
  await at.services.clients.insert(client, kept, Date.now());
  return { tenant: { id, secret }, backend: { id, signing } };
}

const textsIn = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : typeof value === "number"
      ? [String(value)]
      : typeof value === "object" && value !== null
        ? Object.values(value).flatMap(textsIn)
        : [];

/** A realm of its own, with a pending challenge at every door; `shared` are names that every world uses. */
export async function newWorld(at: Deployment, shared: { readonly actionUser: string }): Promise<World> {
  const realm = parseRealm(fresh("realm")) as Realm;
  const { tenant, backend } = await newClient(at, realm);
  const client = tenant.id;

  const person = await newPerson(at, client);
  const event = (await start(at, client, person)).body;
  const prompt = (await at.call("GET", `/api/v0/event/new/${person.id}`, undefined, { API_KEY_ID: client }))
    .body;
  const waiting = await at.call(
    "POST",
    "/api/v0/user/create",
    { identifier: `${fresh("new")}@example.com` },
    { API_KEY_ID: client },
  );

  const { actionUser } = shared;
  const actionMail = `${fresh("act")}@example.com`;
  const actionPhone = await enrol(at, tenant, actionUser);
  const push = await startPush(at, tenant, actionUser, "signIn", {
    email: actionMail,
    deviceId: fresh("backend-device"),
  });
  if (push.answer.status !== 200) throw new Error(`a push answered ${JSON.stringify(push.answer.body)}`);
  const qr = await at.call(
    "POST",
    "/v1/client/challenge/qr-code",
    { action: "signIn" },
    bearer((await track(at, tenant, actionUser, "signIn")).body.token),
  );
  const listed = await at.call("GET", `/v1/users/${actionUser}`, undefined, {
    Authorization: `Basic ${btoa(`${tenant.secret}:`)}`,
  });
  const actionId = (await at.services.users.byExternalId(viewFor(realm, client), actionUser))?.user.id;
  if (listed.status !== 200 || !actionId) throw new Error("the tracked user is not there");

  const username = `${fresh("carry")}@example.com`;
  const made = await at.call(
    "POST",
    "/manage/users",
    { username },
    { Authorization: `Bearer ${await tokenOf(backend, "users.create")}` },
  );
  const carriedId = String((made.body as { user?: { id?: string } }).user?.id ?? made.body.id);
  const generated = await at.call(
    "POST",
    "/codes/short/generate",
    { client_id: client, username, purpose: "temporary_authentication" },
    { Authorization: `Bearer ${await tokenOf(backend, "codes.generate")}` },
  );
  if (generated.status !== 200) throw new Error(`a code answered ${JSON.stringify(generated.body)}`);
  const code = String(generated.body.code);

  // Not the refresh token: whoever has it is a thief, and its grant ends (RFC 9700 §4.14).
  const { refresh_token: _, ...shown } = person.tokens;
  const tokens = textsIn(shown).filter((text) => text.length > 40);
  const names = {
    person: [
      person.id,
      person.identifier,
      actionUser,
      actionId,
      username,
      carriedId,
      String(waiting.body.ID),
    ],
    challenge: [push.id, ...textsIn(qr.body).filter((text) => text.length > 20)],
    event: [String(event.ID), String((prompt as Json)?.ID ?? event.ID)],
    device: [actionPhone.id],
    key: [person.phone.publicKey, actionPhone.key.text],
    token: [...tokens, push.token],
    code: [code],
    action: [push.key],
  };
  const marks = [
    person.id,
    person.identifier,
    actionId,
    actionMail,
    username,
    carriedId,
    actionPhone.id,
    push.id,
    ...tokens,
  ];
  return {
    realm,
    client,
    tenant,
    backend,
    person,
    event,
    actionUser,
    actionPhone,
    push,
    carried: { user: carriedId, username, code },
    names,
    marks,
  };
}

export const viewFor = (realm: Realm, client: ClientId) => ({ realm, client, from: [] });

/** A key of the caller's own, for signatures that verify. */
export const newSigner = () => newKey();
