import type { Context } from "hono";
import type * as z from "zod";
import type { Client } from "../../../core/client/client.ts";
import { tellDeviceEnrolled } from "../../../core/device/notify.ts";
import { PASSKEY_PARAMETERS, userHandle } from "../../../core/device/passkey.ts";
import { parseUserId } from "../../../core/ids.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { readIdentifier } from "../../../core/user/identifier.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { isForeignPage, namedClient, serviceCall } from "../client.ts";
import { awaitNobody } from "../code/await.ts";
import type { CodeKind } from "../code/user-code.ts";
import { anybody, guesserOf, isGuessable, result, said, type Waiter } from "../code/wait.ts";
import { BAD_REQUEST, MISSING_PARAMETER, refuse, wrong } from "../errors.ts";
import {
  CODE_TYPES,
  type ForceBody,
  type passkeyBody,
  type reserveBody,
  type selfBody,
  type selfDoneBody,
} from "../schema.ts";
import { namesOther } from "../service-token.ts";
import { codeOf, iso, purposeOf, usernameOf, uuidOf } from "../translate.ts";
import { findPerson, type Named, personOf, spent } from "../user/people.ts";
import { addPasskey, reserveCode } from "./add.ts";
import { type BegunCeremony, beginCeremony, chooseRpId } from "./ceremony.ts";
import { forcePasskey } from "./force.ts";
import { selfIssueCode, signsHere, ticketOf } from "./self-issue-code.ts";

const NO_PAGE = "the client lists no https page";

type Caller = { readonly waiter: Waiter; readonly rpId: string };

/** The client that asks for a ceremony, and the rp id of its page; or the answer that says no. */
async function caller(
  c: Context<AppEnv>,
  asked: { readonly client_id: string } & Named,
  scope: string,
  guesses: boolean,
): Promise<Caller | Response> {
  if (!asked.user_id && !asked.username) return wrong(c, MISSING_PARAMETER);
  const client = await listed(c, asked.client_id);
  if (client instanceof Response) return client;
  const waiter =
    client.kind === "public" ? await anybody(c, client, guesses) : await backend(c, asked.client_id, scope);
  if (waiter instanceof Response) return waiter;
  const rpId = chooseRpId(client, services(c).config, c.req.header("Origin"));
  if (rpId !== undefined) return { waiter, rpId };
  const refusal = { code: "not_allowed", detail: NO_PAGE } as const;
  return refuse(c, waiter.nonce ? await spent(c, waiter.nonce, refusal) : refusal);
}

async function listed(c: Context<AppEnv>, name: string): Promise<Client | Response> {
  const named = await namedClient(c, name);
  if (!named.ok) return refuse(c, named.error);
  const client = named.value;
  return isForeignPage(c, client) ? refuse(c, { code: "not_allowed", detail: "foreign origin" }) : client;
}

async function backend(c: Context<AppEnv>, clientId: string, scope: string): Promise<Waiter | Response> {
  const call = await serviceCall(c, scope, clientId);
  if (!call.ok) return refuse(c, call.error);
  const { client, nonce } = call.value;
  return { client, nonce, isFor: (record) => !namesOther(call.value, record) };
}

const forAnother = async (c: Context<AppEnv>, { nonce }: Waiter): Promise<Response> => {
  const refusal: Refusal = { code: "not_allowed", detail: "the token is for another person" };
  return refuse(c, nonce ? await spent(c, nonce, refusal) : refusal);
};

/** `POST /credentials/fido2/init/code`: an approved code lets a browser make a passkey (LoginID §4.7). */
export async function reserve(c: Context<AppEnv>, asked: z.output<typeof reserveBody>): Promise<Response> {
  const kind = asked.authentication_code.type;
  const called = await caller(c, asked, "credentials.add", isGuessable(kind));
  if (called instanceof Response) return called;
  const { waiter, rpId } = called;
  const { client } = waiter;
  const code = codeOf(kind, asked.authentication_code.code);
  const guesser = await guesserOf(c, waiter);
  const nonce = waiter.nonce === undefined ? {} : { nonce: waiter.nonce };
  const presented = { kind, code, guesser, ...nonce };
  const person = await findPerson(services(c), client, asked, waiter.nonce !== undefined);
  if (!person) {
    const identifier = readIdentifier(asked.username ?? asked.user_id ?? "");
    if (!identifier) return await said(c, waiter, { code: "unknown_challenge" }, true);
    return await said(
      c,
      waiter,
      await awaitNobody(services(c), { ...presented, realm: client.realm, identifier }),
    );
  }
  if (!waiter.isFor(person)) return await forAnother(c, waiter);
  const found = await reserveCode(services(c), { ...presented, client, user: person, ip: originOf(c).ip });
  if (!found.ok) return await said(c, waiter, found.error);
  const { row } = found.value;
  const userId = person.user.id;
  const begun = await beginCeremony(
    services(c),
    { client, userId },
    { kind: "add", ticket: row.challengeId, rpId, until: row.expiresAt },
  );
  return c.json(await creation(c, person, client, rpId, asked, begun));
}

/** What a browser passes to `navigator.credentials.create` (LoginID §4.7). */
async function creation(
  c: Context<AppEnv>,
  person: UserRecord,
  client: Client,
  rpId: string,
  asked: Pick<ForceBody, "username" | "options">,
  begun: BegunCeremony,
) {
  const username = usernameOf(client, person, asked.username);
  const owned = await services(c).devices.ofUser(person.user.id);
  const { display_name, roaming_authenticator } = asked.options ?? {};
  return {
    attestation_payload: {
      credential_uuid: begun.credentialUuid,
      challenge: begun.challenge,
      rp: { id: rpId, name: client.name },
      user: { id: userHandle(person.user.id), name: username, displayName: display_name ?? username },
      pubKeyCredParams: PASSKEY_PARAMETERS,
      timeout: begun.timeout,
      attestation: "none",
      excludeCredentials: owned.flatMap(({ credentialId }) =>
        credentialId ? [descriptor(credentialId)] : [],
      ),
      authenticatorSelection: {
        ...(roaming_authenticator ? {} : { authenticatorAttachment: "platform" }),
        userVerification: "required",
      },
    },
  };
}

/** `POST /credentials/fido2/init/force`: a backend that may lets a browser make a passkey without a code (LoginID §4). */
export async function force(c: Context<AppEnv>, asked: ForceBody): Promise<Response> {
  if (!asked.user_id && !asked.username) return wrong(c, MISSING_PARAMETER);
  const call = await serviceCall(c, "credentials.force_add", asked.client_id);
  if (!call.ok) return refuse(c, call.error);
  const { client, nonce } = call.value;
  const person = await personOf(c, call.value, asked, { active: true });
  if (!person.ok) return refuse(c, person.error);
  const forbidden = (detail: string) => spent(c, nonce, { code: "not_allowed", detail });
  if (client.settings.preauthorize !== true) return refuse(c, await forbidden("preauthorize is off"));
  const rpId = chooseRpId(client, services(c).config, c.req.header("Origin"));
  if (rpId === undefined) return refuse(c, await forbidden(NO_PAGE));
  const asking = { client, user: person.value.user, nonce, rpId, ip: originOf(c).ip };
  const begun = await forcePasskey(services(c), asking);
  if (begun.ok) return c.json(await creation(c, person.value, client, rpId, asked, begun.value));
  const { error } = begun;
  return refuse(c, error.code === "too_many" ? await spent(c, nonce, error) : error);
}

const descriptor = (id: string) => ({ type: "public-key", id });

/** `POST /credentials/fido2/complete`: the passkey becomes a device, the code is used. */
export async function complete(c: Context<AppEnv>, asked: z.output<typeof passkeyBody>): Promise<Response> {
  if (!asked.user_id && !asked.username) return wrong(c, MISSING_PARAMETER);
  const client = await listed(c, asked.client_id);
  if (client instanceof Response) return client;
  const passer = await anybody(c, client, false);
  if (passer instanceof Response) return passer;
  const person = await findPerson(services(c), client, asked);
  if (!person) return refuse(c, { code: "bad_key", detail: "nobody's challenge" });
  const { attestation_payload: given, options } = asked;
  const added = await addPasskey(services(c), {
    client,
    user: person,
    challenge: given.challenge,
    credentialUuid: given.credential_uuid.toLowerCase(),
    credentialId: given.credential_id,
    clientData: given.client_data,
    attestationData: given.attestation_data,
    name: options?.credential_name ?? "Passkey",
    ip: originOf(c).ip,
  });
  if (!added.ok) return refuse(c, added.error);
  const { device, redeemed } = added.value;
  tellDeviceEnrolled(services(c), { client, user: person, device, origin: originOf(c) });
  return c.json(await result(c, client, person, redeemed, asked, { device, action: "credentials.add" }));
}

const kindOf = (c: Context): CodeKind | undefined => CODE_TYPES.find((type) => type === c.req.param("type"));

/** `POST /codes/{type}/generate/fido2/init`: what a passkey has to sign for a code. Whether somebody has one is not told. */
export async function beginSelf(c: Context<AppEnv>, asked: z.output<typeof selfBody>): Promise<Response> {
  const kind = kindOf(c);
  if (!kind) return wrong(c, BAD_REQUEST);
  const called = await caller(c, asked, "auth.login", false);
  if (called instanceof Response) return called;
  const { waiter, rpId } = called;
  const person = await findPerson(services(c), waiter.client, asked, waiter.nonce !== undefined);
  if (person && !waiter.isFor(person)) return await forAnother(c, waiter);
  if (waiter.nonce && !(await services(c).nonces.spend(waiter.nonce))) return refuse(c, { code: "replayed" });
  const name = asked.user_id ?? readIdentifier(asked.username ?? "")?.normal ?? "";
  const decoy = await services(c).handles.pepper(["passkey_decoy", rpId], name);
  const userId = person?.user.id ?? parseUserId(uuidOf(decoy));
  if (!userId) return wrong(c, BAD_REQUEST);
  const owned = await services(c).devices.ofUser(userId);
  const ids = owned.flatMap((device) =>
    signsHere(waiter.client, device) ? (device.credentialId ?? []) : [],
  );
  const begun = await beginCeremony(
    services(c),
    { client: waiter.client, userId },
    { kind: "generate", ticket: ticketOf(kind, purposeOf(asked.purpose)), rpId },
  );
  return c.json({
    assertion_payload: {
      challenge: begun.challenge,
      rpId,
      timeout: begun.timeout,
      allowCredentials: (ids.length > 0 ? ids : [decoy]).map(descriptor),
      userVerification: "required",
    },
  });
}

/** `POST /codes/{type}/generate/fido2/complete`: the signed-in result, and the code. */
export async function finishSelf(
  c: Context<AppEnv>,
  asked: z.output<typeof selfDoneBody>,
): Promise<Response> {
  const kind = kindOf(c);
  if (!kind) return wrong(c, BAD_REQUEST);
  if (!asked.user_id && !asked.username) return wrong(c, MISSING_PARAMETER);
  const client = await listed(c, asked.client_id);
  if (client instanceof Response) return client;
  const passer = await anybody(c, client, false);
  if (passer instanceof Response) return passer;
  const person = await findPerson(services(c), client, asked);
  if (!person) return refuse(c, { code: "not_allowed", detail: "nobody's challenge" });
  const { assertion_payload: given } = asked;
  const made = await selfIssueCode(services(c), {
    client,
    user: person,
    kind,
    challenge: given.challenge,
    credentialId: given.credential_id,
    clientData: given.client_data,
    authenticatorData: given.authenticator_data,
    signature: given.signature,
    ip: originOf(c).ip,
  });
  if (!made.ok) return refuse(c, made.error);
  const { redeemed, issued } = made.value;
  const until = iso(issued.expiresAt);
  return c.json({
    ...(await result(c, client, person, redeemed, asked, { action: "auth.login" })),
    code_data: { code: issued.code, expire_at: until, expires_at: until, is_authorized: true },
  });
}
