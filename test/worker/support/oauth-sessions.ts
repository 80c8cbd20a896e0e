import { decodeJwt } from "jose";
import { auditEvent } from "../../../src/core/audit/record.ts";
import { type ChallengeId, type GrantId, MAIN, newDeviceId, type UserId } from "../../../src/core/ids.ts";
import { consumeEvents } from "../../../src/core/message/consume.ts";
import type { QueueMessage } from "../../../src/core/message/queue.ts";
import { fresh, newPhone } from "./cotter.ts";
import { authorizePath, callAs, exchangeCode, handedBack, type Rp, signInByCode } from "./oauth.ts";
import { type Browser, browser, type PageDeployment } from "./page.ts";

export const COOKIE = "countersign_session";

export const mailbox = (): string => `${fresh("ana")}@example.com`;

/** The session cookie that a browser holds now; empty when it holds none. */
export const sessionCookie = (person: Browser, name = COOKIE): string =>
  person
    .cookie()
    .split("; ")
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1) ?? "";

/** The session that a cookie names. */
export const sessionIdOf = (cookie: string): GrantId => cookie.split(".")[0] as GrantId;

export type SignedIn = {
  readonly person: Browser;
  readonly address: string;
  readonly userId: UserId;
  readonly sessionId: GrantId;
  /** What the client has got, and the grant behind it. */
  readonly tokens: Readonly<Record<string, string>>;
  readonly grantId: GrantId;
};

const SCOPE = "openid offline_access";

/** A person signs in by a code to their address, and the client gets its tokens. */
export async function signedIn(
  at: PageDeployment,
  rp: Rp,
  given: { readonly person?: Browser; readonly address?: string; readonly scope?: string } = {},
): Promise<SignedIn> {
  const { person = browser(at), address = mailbox(), scope = SCOPE } = given;
  const led = await signInByCode(at, await authorizePath(rp, { scope }), address, person);
  return await signedInBy(at, rp, person, address, handedBack(led).code ?? "");
}

/** A browser that is signed in already is led to one more client. */
export async function alsoAt(
  at: PageDeployment,
  rp: Rp,
  { person, address }: SignedIn,
  scope = SCOPE,
): Promise<SignedIn> {
  return await signedInBy(at, rp, person, address, await codeFor(rp, person, scope));
}

/** The code that a signed-in browser gets for a client. */
export async function codeFor(rp: Rp, person: Browser, scope = SCOPE): Promise<string> {
  const led = await person.get(await authorizePath(rp, { scope, prompt: "none" }));
  const { code, error } = handedBack(led.location);
  if (code === undefined) throw new Error(`no code: ${error}`);
  return code;
}

async function signedInBy(at: PageDeployment, rp: Rp, person: Browser, address: string, code: string) {
  const { status, body } = await exchangeCode(at, rp, code);
  if (status !== 200) throw new Error(`no tokens: ${JSON.stringify(body)}`);
  const { sub, sid } = decodeJwt(body.access_token);
  return {
    person,
    address,
    tokens: body,
    userId: sub as UserId,
    grantId: sid as GrantId,
    sessionId: sessionIdOf(sessionCookie(person)),
  };
}

/** Whether a client's refresh token still works; it is used by this. */
export const refreshes = async (at: PageDeployment, rp: Rp, { tokens }: SignedIn): Promise<boolean> => {
  const form = { grant_type: "refresh_token", refresh_token: tokens.refresh_token ?? "" };
  return (await callAs(at, rp, "/oauth/token", form)).status === 200;
};

export const isAlive = async (at: PageDeployment, id: GrantId): Promise<boolean> => {
  const grant = (await at.services.challenges.read(id))?.grant;
  return grant !== undefined && grant.ended === undefined;
};

/** Whether the cookie of this browser still signs somebody in. */
export async function isSignedIn(rp: Rp, person: Browser): Promise<boolean> {
  const led = await person.get(await authorizePath(rp, { prompt: "none" }));
  return "code" in handedBack(led.location);
}

/** A device of this user, straight in the store, and how it approves a sign-in that waits for it. */
export async function newDevice(at: PageDeployment, rp: Rp, userId: UserId) {
  const { proofs, devices, users, challenges } = at.services;
  const phone = await newPhone();
  const read = await proofs.readKey(phone.publicKey, "Ed25519");
  if (!read.ok) throw new Error(read.error.detail);
  const id = newDeviceId(crypto.randomUUID());
  const device = {
    id,
    userId,
    key: read.value,
    name: "Phone",
    door: "approver",
    kind: "MOBILE",
    clientId: rp.id,
    realm: MAIN,
    enrolledAt: Date.now(),
  } as const;
  const event = auditEvent(at.services, { type: "device.enrolled", actor: "system", deviceId: id });
  const stored = await devices.insert(device, event);
  if (!stored.ok) throw new Error(stored.error.code);
  const approve = async (challengeId: ChallengeId): Promise<void> => {
    const user = await users.byId(userId, MAIN);
    if (!user) throw new Error("nobody");
    const signature = await phone.sign(challengeId);
    const proof = await proofs.device(user.user, device, challengeId, signature, "approve");
    if (!proof.ok) throw new Error(proof.error.code);
    const applied = await challenges.apply(challengeId, { name: "approve", proof: proof.value });
    if (!applied.ok) throw new Error(applied.error.code);
  };
  return { id, approve };
}

/** Takes what was queued, and hands it to the consumer until nothing is left; answers what became of each message. */
export async function drain(at: PageDeployment, attempts = 1): Promise<readonly (string | number)[]> {
  const fates: (string | number)[] = [];
  while (at.queued.length > 0) {
    const bodies = at.queued.splice(0) as QueueMessage[];
    await consumeEvents(
      at.services,
      bodies.map((body) => ({
        body: JSON.parse(JSON.stringify(body)),
        attempts,
        ack: () => void fates.push("done"),
        retry: ({ delaySeconds }) => void fates.push(delaySeconds),
      })),
    );
  }
  return fates;
}
