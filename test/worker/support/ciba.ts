import { auditEvent } from "../../../src/core/audit/record.ts";
import type { Client } from "../../../src/core/client/client.ts";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { type ClientId, type GrantId, MAIN, parseClientId, type UserId } from "../../../src/core/ids.ts";
import { claimUserCode, decideByUser, findByUserCode } from "../../../src/doors/oauth/device/verification.ts";
import * as cotter from "./cotter.ts";
import { type Answer, type Deployment, fresh, type Json } from "./cotter.ts";

/** A client of the standard door. */
export type Party = { readonly id: ClientId; readonly secret: string };

export const CIBA = "urn:openid:params:grant-type:ciba";
export const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

/** Registers a client straight in the store: confidential, for every grant, its requests approved by every device of the realm. */
export async function newParty(
  at: Deployment,
  settings: ClientSettings = {},
  over: Partial<Client> = {},
): Promise<Party> {
  const id = parseClientId(fresh("party")) as ClientId;
  const { secret, kept } = await at.services.secrets.make();
  await at.services.clients.insert(
    {
      id,
      name: "Shop",
      kind: "confidential",
      redirectUris: [],
      allowedOrigins: [],
      grantTypes: ["refresh_token", CIBA, DEVICE],
      publicKeys: [],
      settings: { approve_through: "realm", ...settings },
      ...over,
    },
    over.kind === "public" ? undefined : kept,
    Date.now(),
  );
  return { id, secret: over.kind === "public" ? "" : secret };
}

type Fields = Readonly<Record<string, string | undefined>>;

/** A form of the standard door, by HTTP Basic; by the client's name alone where it has no secret. */
export function post(at: Deployment, party: Party, path: string, fields: Fields): Promise<Answer> {
  const named = party.secret === "" ? { client_id: party.id, ...fields } : fields;
  const given = Object.entries(named).filter((pair): pair is [string, string] => pair[1] !== undefined);
  return send(at, path, new URLSearchParams(given), party.secret === "" ? {} : basic(party));
}

export const basic = ({ id, secret }: Party) => ({ Authorization: `Basic ${btoa(`${id}:${secret}`)}` });

type Sender = {
  send?(request: Request): Promise<Answer>;
  ask?(path: string, init: RequestInit): Promise<Response>;
};

/** Any body at an endpoint of the door. */
export async function send(
  at: Deployment,
  path: string,
  body: URLSearchParams | string,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { send: sendTo, ask } = at as Sender;
  const init = { method: "POST", body, headers };
  if (sendTo) return await sendTo(new Request(`http://localhost:8787/oauth${path}`, init));
  if (!ask) throw new Error("this deployment sends no requests");
  const answer = await ask(`/oauth${path}`, init);
  const text = await answer.text();
  return { status: answer.status, body: text === "" ? {} : JSON.parse(text), headers: answer.headers };
}

/** A CIBA start about this user; `over` replaces or takes away parameters. */
export const start = (at: Deployment, party: Party, hint: string, over: Fields = {}): Promise<Answer> =>
  post(at, party, "/bc-authorize", { scope: "openid", login_hint: hint, ...over });

/** A poll of a CIBA request. */
export const poll = (at: Deployment, party: Party, started: Answer, over: Fields = {}): Promise<Answer> =>
  post(at, party, "/token", { grant_type: CIBA, auth_req_id: String(started.body.auth_req_id), ...over });

/** A user whose phone was enrolled over the Cotter door, at a client of that door. */
export async function newHolder(at: Deployment) {
  const through = await cotter.newClient(at);
  const person = await cotter.newPerson(at, through);
  return { ...person, through };
}
export type Holder = Awaited<ReturnType<typeof newHolder>>;

/** What the phone is shown: a Cotter event or null. */
export const shown = (at: Deployment, holder: Holder): Promise<Json | null> =>
  cotter.prompt(at, holder.through, holder);

/** The phone's answer to what it is shown. */
export async function decide(at: Deployment, holder: Holder, approved = true): Promise<Answer> {
  const event = await shown(at, holder);
  if (!event) throw new Error("the phone is shown nothing");
  return await cotter.respond(at, holder.through, holder, event, approved);
}

/** A device asks for codes. */
export const askDevice = (
  at: Deployment,
  party: Party,
  fields: Fields = { scope: "openid" },
): Promise<Answer> => post(at, party, "/device_authorization", fields);

/** A poll of the device grant. */
export const pollDevice = (at: Deployment, party: Party, asked: Answer, over: Fields = {}): Promise<Answer> =>
  post(at, party, "/token", { grant_type: DEVICE, device_code: String(asked.body.device_code), ...over });

/** A browser in which a user signed in a minute ago, and which D1 does not list. */
export const bareSession = () => ({
  sessionId: crypto.randomUUID().replaceAll("-", "").padEnd(64, "0") as GrantId,
  provenAt: Date.now() - 60_000,
  amr: ["user", "hwk"],
});

/** The same, listed as every session is: what it approves gets a grant. */
export async function newSession(at: Deployment, user: { readonly id: string }, client: ClientId) {
  const { services } = at;
  // An id that has an object: whoever ends all of a user's grants asks it.
  const session = { ...bareSession(), sessionId: services.challenges.fresh() as string as GrantId };
  const userId = user.id as UserId;
  const event = auditEvent(services, { type: "sign_in.redeemed", actor: `client:${client}`, userId });
  await services.records.finish(event, {
    id: session.sessionId,
    userId,
    clientId: client,
    scope: "browser",
    amr: session.amr,
    createdAt: session.provenAt,
  });
  return session;
}

/** Somebody who is signed in types the code. */
export const typeCode = (at: Deployment, user: { readonly id: string }, asked: Answer) =>
  findByUserCode(at.services, {
    user: { id: user.id as UserId, realm: MAIN },
    typed: String(asked.body.user_code),
  });

/** Somebody who is signed in types the code, and presses. */
export async function press(
  at: Deployment,
  user: { readonly id: string },
  asked: Answer,
  decision: "approve" | "deny" = "approve",
) {
  const who = { id: user.id as UserId, realm: MAIN };
  const found = await typeCode(at, user, asked);
  if (!found.ok) return found;
  const record = await at.services.users.byId(who.id, MAIN);
  if (!record) return { ok: false, error: { code: "unknown_user" } } as const;
  const { snapshot, client } = found.value;
  const session = await newSession(at, who, client.id);
  const claimed = await claimUserCode(at.services, {
    snapshot,
    user: record.user,
    sessionId: session.sessionId,
  });
  if (!claimed.ok) return claimed;
  return await decideByUser(at.services, { snapshot: claimed.value, user: who, session, decision });
}
