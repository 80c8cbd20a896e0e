import { waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { makeApp } from "../../../src/app.ts";
import { auditEvent } from "../../../src/core/audit/record.ts";
import type { GrantDraft } from "../../../src/core/challenge/command.ts";
import { finishedEvent, grantListing } from "../../../src/core/challenge/record.ts";
import type { Device } from "../../../src/core/device/device.ts";
import {
  type ClientId,
  type GrantId,
  MAIN,
  newDeviceId,
  parseClientId,
  type UserId,
} from "../../../src/core/ids.ts";
import type { GrantListing } from "../../../src/core/message/queue.ts";
import type { Services } from "../../../src/core/ports/services.ts";
import { ok } from "../../../src/core/result.ts";
import { readEnv } from "../../../src/env.ts";
import { wiring } from "../../../src/wiring.ts";
import worker from "../../../src/worker.ts";
import { newContext } from "./contexts.ts";

export const TOKEN = "dev-admin-token";
export const IP = "203.0.113.7";
const BASE = "http://localhost:8787";

const read = readEnv(env);
if (!read.ok) throw new Error(read.error.join());
/** The services that the Worker itself uses in this isolate. */
export const powers: Services = wiring(read.value, newContext());

/** What comes back; `body` is the parsed JSON, or null when there is none. */
export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
  readonly body: any;
};

type Call = {
  /** Another body than JSON. */
  readonly raw?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
  /** Services in the place of the Worker's own. */
  readonly services?: Partial<Services>;
  /** Variables in the place of the test's. */
  readonly vars?: object;
};

/** Calls the admin API through the whole Worker, with the token unless `headers` say otherwise. */
export async function admin(method: string, path: string, body?: unknown, call: Call = {}): Promise<Answer> {
  const headers = new Headers({ Authorization: `Bearer ${TOKEN}`, "CF-Connecting-IP": IP });
  if (body !== undefined) headers.set("Content-Type", "application/json");
  for (const [name, value] of Object.entries(call.headers ?? {})) headers.set(name, value);
  const content = call.raw ?? (body === undefined ? null : JSON.stringify(body));
  const request = new Request<unknown, IncomingRequestCfProperties>(`${BASE}/admin${path}`, {
    method,
    headers,
    body: content,
  });
  const context = newContext();
  const response = call.services
    ? await makeApp().fetch(request, ok({ ...powers, ...call.services }), context)
    : await worker.fetch(request, call.vars ?? env, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  const isJson = /json/.test(response.headers.get("Content-Type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson ? JSON.parse(text) : null,
  };
}

let count = 0;
/** A text that no other call got. */
export const unlike = (prefix: string): string => `${prefix}-${++count}-${crypto.randomUUID().slice(0, 8)}`;

/** A new user's id. */
export async function newUser(): Promise<UserId> {
  const made = await admin("POST", "/users", { username: unlike("user") });
  if (made.status !== 201) throw new Error(made.text);
  return made.body.user_id;
}

/** A new client's answer, secret included. */
export async function newClient(over: object = {}): Promise<Answer["body"]> {
  const made = await admin("POST", "/clients", { name: "Shop", kind: "confidential", ...over });
  if (made.status !== 201) throw new Error(made.text);
  return made.body;
}

const shop = parseClientId("shop") as ClientId;

/** Enrols a device of the user without a door; its key is only a fingerprint. */
export async function newDevice(
  userId: UserId,
  as: Partial<Pick<Device, "door" | "clientId">> = {},
): Promise<Device> {
  const device: Device = {
    realm: MAIN,
    id: newDeviceId(crypto.randomUUID()),
    userId,
    key: { algorithm: "Ed25519", bytes: "A".repeat(43), fingerprint: `${crypto.randomUUID()}-fingerprint` },
    name: "Phone",
    kind: "phone",
    door: "cotter",
    clientId: shop,
    enrolledAt: Date.now(),
    ...as,
  };
  const event = auditEvent(powers, { type: "device.enrolled", actor: "system", userId, deviceId: device.id });
  if (!(await powers.devices.insert(device, event))) throw new Error("a device of this key is live");
  return device;
}

const family = (userId: UserId): GrantDraft => ({
  salt: "salt",
  keyVersion: 1,
  lifetime: 86_400_000,
  subject: { sub: userId },
});

/** Signs the user in by this device, a new one of theirs if none is given; the answer is the listing of the grant that was opened. */
export async function signIn(userId: UserId, given?: Device["id"]): Promise<GrantListing> {
  const deviceId = given ?? (await newDevice(userId)).id;
  const at = Date.now();
  const proof = powers.proofs.vouch(
    { id: userId, status: "active" },
    {
      kind: "firstEnrolment",
      deviceId,
      decision: "approve",
      digest: crypto.randomUUID(),
      amr: ["pop"],
    },
  );
  if (!proof.ok) throw new Error("no proof");
  const spec = {
    id: powers.challenges.fresh(),
    door: "cotter",
    clientId: shop,
    purpose: "sign_in",
    userId,
    scope: "openid",
    requiresClaim: false,
    nonce: crypto.randomUUID(),
    context: {},
    origin: {},
    createdAt: at,
    expiresAt: at + 200_000,
    redeemWindow: 60_000,
    replayWindow: 30_000,
  } as const;
  const draft = {
    jti: crypto.randomUUID(),
    idJti: crypto.randomUUID(),
    kid: "kid",
    accessSeconds: 3_600,
    idSeconds: 3_600,
    grant: family(userId),
  };
  const settled = await powers.challenges.openSettled(spec, proof.value, { waiterProof: "waiter", draft });
  if (!settled.ok || settled.value.grant === undefined) throw new Error("no grant was opened");
  const listing = grantListing(settled.value.grant);
  await powers.records.finish(finishedEvent(settled.value), listing);
  return listing;
}

/** Whether the grant still rotates. Asking rotates it. */
export async function refreshes(id: GrantId): Promise<boolean> {
  const snapshot = await powers.challenges.read(id);
  const generation = snapshot?.grant?.generation ?? 1;
  const answer = await powers.challenges.refresh(id, { generation, clientId: shop, keyVersion: 1 });
  return answer.ok;
}

/** The audit rows of a user, newest first. */
export const auditOf = async (query: string): Promise<Answer["body"][]> =>
  (await admin("GET", `/audit?${query}`)).body.events;
