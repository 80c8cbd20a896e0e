import type { Context } from "hono";
import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Client } from "../../../core/client/client.ts";
import { mayWaitBare } from "../../../core/client/settings.ts";
import { isShownTo } from "../../../core/device/answers-for.ts";
import type { Device } from "../../../core/device/device.ts";
import type { Guesser } from "../../../core/inbox/state.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { NonceUse } from "../../../core/ports/clients.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { SECOND } from "../../../core/time.ts";
import { readIdentifier } from "../../../core/user/identifier.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { bringsToken, isForeignPage, namedClient, namespaceOf, serviceCall, tooMany } from "../client.ts";
import { IN_PROGRESS, MISSING_PARAMETER, NO_SUCH_CODE, refuse, TIMED_OUT, wrong } from "../errors.ts";
import type { WaitBody } from "../schema.ts";
import { namesOther } from "../service-token.ts";
import { codeOf, resultClaims, spokenName, usedCredential, uuidOf } from "../translate.ts";
import { findPerson, spent } from "../user/people.ts";
import { type Awaited, awaitCode, awaitNobody } from "./await.ts";
import type { CodeKind } from "./user-code.ts";

/** The vendor's two minutes (LoginID §4.6). */
const WAIT_SECONDS = 120;

/** Who waits: anybody for a public client, a backend with its token for a private one. */
export type Waiter = {
  readonly client: Client;
  readonly nonce?: NonceUse;
  isFor(record: UserRecord): boolean;
};

/** For whom this waiter's wrong codes are counted: the client whose token it brought, or strangers of its network. */
export async function guesserOf(c: Context<AppEnv>, { client, nonce }: Waiter): Promise<Guesser> {
  if (nonce) return { kind: "waiter", clientId: client.id };
  const { network } = await callerFrom(services(c), "nothing", originOf(c).ip);
  return { kind: "stranger", ...(network === undefined ? {} : { network }) };
}

/** `POST /authenticate/code/wait`: holds until the code is decided, and answers the signed-in result once (LoginID §4.3, §4.6). */
export async function wait(c: Context<AppEnv>, asked: WaitBody): Promise<Response> {
  if (!asked.username && !asked.user_id) return wrong(c, MISSING_PARAMETER);
  const named = await namedClient(c, asked.client_id);
  if (!named.ok) return refuse(c, named.error);
  const client = named.value;
  if (isForeignPage(c, client)) return refuse(c, { code: "not_allowed", detail: "foreign origin" });
  const { type } = asked.authentication_code;
  const isBare = mayWaitBare(client) && !(client.kind === "confidential" && bringsToken(c, "auth.temporary"));
  const waiter = isBare ? await anybody(c, client, isGuessable(type)) : await backend(c, asked);
  if (waiter instanceof Response) return waiter;
  const code = codeOf(type, asked.authentication_code.code);
  const { ip } = originOf(c);
  const guesser = await guesserOf(c, waiter);
  const nonce = waiter.nonce === undefined ? {} : { nonce: waiter.nonce };
  const presented = { kind: type, code, guesser, ...nonce };
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
  if (!waiter.isFor(person)) {
    const refusal = { code: "not_allowed", detail: "the token is for another person" } as const;
    return refuse(c, waiter.nonce ? await spent(c, waiter.nonce, refusal) : refusal);
  }
  const timeout = asked.no_wait ? 0 : (client.settings.wait_seconds ?? WAIT_SECONDS) * SECOND;
  const waited = await awaitCode(services(c), {
    client,
    user: person,
    ...presented,
    timeout,
    sessionName: asked.credential_name ?? asked.options?.credential_name,
    gone: c.req.raw.signal,
    ip,
  });
  if (!waited.ok) return await said(c, waiter, waited.error);
  if ("still" in waited.value) return wrong(c, waited.value.still === "timed_out" ? TIMED_OUT : IN_PROGRESS);
  return c.json(await result(c, client, person, waited.value, asked));
}

/** Whether codes of this kind are found by trying: six digits and four words are, 192 bits are not. */
export const isGuessable = (kind: CodeKind): boolean => kind !== "long";

/**
 * A public client's caller, within the limits of their address. Only tries at what can be guessed are stopped by what the address has
 * missed before.
 */
export async function anybody(
  c: Context<AppEnv>,
  client: Client,
  guesses: boolean,
): Promise<Waiter | Response> {
  const { limits } = services(c);
  const { ip } = originOf(c);
  if ((guesses && limits.blocked(ip)) || !(await limits.wait(ip))) return tooManyFromHere(c);
  return { client, isFor: () => true };
}

/** The nonce may come again with the identical request: the vendor's SDK repeats a wait with the token it has (LoginID §4.6). */
async function backend(c: Context<AppEnv>, asked: WaitBody): Promise<Waiter | Response> {
  const call = await serviceCall(c, "auth.temporary", asked.client_id);
  if (!call.ok) return refuse(c, call.error);
  const { client, nonce } = call.value;
  const { code, type } = asked.authentication_code;
  const whom = [asked.username ?? "", asked.user_id ?? ""];
  const use = await services(c).handles.digest([
    "loginid-wait",
    client.id,
    ...whom,
    type,
    codeOf(type, code),
  ]);
  return { client, nonce: { ...nonce, use }, isFor: (record) => !namesOther(call.value, record) };
}

/** A stranger is told of no lock and no user: all of it is the wrong code's answer, and a miss of that address. */
export async function said(
  c: Context<AppEnv>,
  waiter: Waiter,
  refusal: Refusal,
  unspent = refusal.code === "code_locked",
): Promise<Response> {
  // Locked out or unreadable, before the batch that spends it: the token is spent all the same.
  if (waiter.nonce) return refuse(c, unspent ? await spent(c, waiter.nonce, refusal) : refusal);
  if (refusal.code !== "unknown_challenge" && refusal.code !== "code_locked") return refuse(c, refusal);
  const within = await services(c).limits.miss(originOf(c).ip);
  return within ? wrong(c, NO_SUCH_CODE) : tooManyFromHere(c);
}

const tooManyFromHere = (c: Context<AppEnv>): Response => refuse(c, tooMany(c));

const sessionNameOf = ({ timeline }: Snapshot): string | undefined =>
  timeline.findLast(({ what }) => what === "redeemed")?.sessionName;

/** The authentication result of LoginID §4.3, with its token unless none is wanted. */
export async function result(
  c: Context<AppEnv>,
  client: Client,
  person: UserRecord,
  { facts, snapshot, owned: seen }: Awaited,
  asked: Pick<WaitBody, "username" | "no_jwt">,
  as: { readonly device?: Device; readonly action?: string } = {},
) {
  const { devices, keyring, handles } = services(c);
  const approver = snapshot.view.approval?.approver;
  const approving = approver?.kind === "device" ? approver.deviceId : undefined;
  const named = seen?.find(({ id }) => id === approving);
  const isComplete = seen !== undefined && (approving === undefined || named !== undefined);
  const owned = isComplete ? seen : await devices.ofUser(person.user.id);
  const device =
    as.device ??
    named ??
    owned.find(({ id }) => id === approving) ??
    owned.find((one) => isShownTo(client, one));
  const username = spokenName(client, person, asked.username);
  const nid = await namespaceOf(c);
  const claims = resultClaims(client, facts, {
    ...{ sub: person.user.id, udata: username, nid },
    action: as.action ?? "auth.temporary",
  });
  const jwt = asked.no_jwt
    ? {}
    : { jwt: await keyring.sign("standard", { typ: "JWT" }, claims, facts.kid, { plainBase64: true }) };
  const placeholder = uuidOf(await handles.digest(["loginid-credential", snapshot.spec.id]));
  return {
    client: { id: client.id, type: "directweb" },
    credential: usedCredential(device, placeholder, sessionNameOf(snapshot)),
    user: { id: person.user.id, username, namespace_id: nid, type: "user" },
    ...jwt,
    is_authenticated: true,
  };
}
