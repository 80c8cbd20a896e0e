import { runInDurableObject } from "cloudflare:test";
import type { GrantDraft, RedeemDraft } from "../../../src/core/challenge/command.ts";
import type { ProofClaims, VerifiedProof } from "../../../src/core/challenge/proof.ts";
import type { ChallengeSpec, DecisionKind } from "../../../src/core/challenge/state.ts";
import type { ChallengeId, ClientId, DeviceId, UserId } from "../../../src/core/ids.ts";
import type { QueueMessage } from "../../../src/core/message/queue.ts";
import type { ChallengeObject } from "../../../src/objects/challenge-object.ts";
import { makeChallenges } from "../../../src/objects/challenges.ts";
import { namespaces } from "./namespaces.ts";

export const challenges = makeChallenges(namespaces.CHALLENGES);

export const CLIENT = "shop" as ClientId;
export const USER = "aaaaaaaa-0000-4000-8000-aaaaaaaaaaaa" as UserId;
export const DEVICE = "11111111-0000-4000-8000-111111111111" as DeviceId;

/** A challenge that was born now and lives 200 s, unless the test says otherwise. */
export const spec = (over: Partial<ChallengeSpec> = {}): ChallengeSpec => ({
  id: challenges.fresh(),
  door: "oauth",
  clientId: CLIENT,
  purpose: "sign_in",
  userId: USER,
  scope: "openid",
  requiresClaim: false,
  nonce: crypto.randomUUID(),
  context: {},
  origin: { ip: "192.0.2.1", country: "AT", userAgent: "laptop" },
  createdAt: Date.now(),
  expiresAt: Date.now() + 200_000,
  redeemWindow: 60_000,
  replayWindow: 30_000,
  ...over,
});

/** Stands for the proof module: the claims count as checked. */
export const proof = (
  decision: DecisionKind = "approve",
  deviceId = DEVICE,
  clientId = CLIENT,
): VerifiedProof => {
  const claims: ProofClaims = {
    kind: "device",
    deviceId,
    userId: USER,
    clientId,
    decision,
    enrolledAt: 0,
    digest: crypto.randomUUID(),
    amr: ["hwk"],
  };
  return claims as VerifiedProof;
};

export const approve = { name: "approve", proof: proof() } as const;
export const deny = { name: "deny", proof: proof("deny") } as const;

/** A denial by a device of this client. */
export const denyOf = (clientId: ClientId) =>
  ({ name: "deny", proof: proof("deny", DEVICE, clientId) }) as const;

const grantDraft: GrantDraft = { salt: "salt", keyVersion: 1, lifetime: 86_400_000, subject: { sub: USER } };

/** A redemption that opens a grant of a day. */
export const draft = (): RedeemDraft => ({ ...bareDraft(), grant: grantDraft });

/** A redemption that opens no grant. */
export const bareDraft = (): RedeemDraft => ({
  jti: crypto.randomUUID(),
  idJti: crypto.randomUUID(),
  kid: "kid-1",
  accessSeconds: 3_600,
  idSeconds: 3_600,
});

export const redeem = (waiterProof = "waiter", what = draft()) =>
  ({ name: "redeem", waiterProof, draft: what }) as const;

/** Opens a challenge; the answer is its id. */
export async function opened(over: Partial<ChallengeSpec> = {}): Promise<ChallengeId> {
  const begun = spec(over);
  const answer = await challenges.open(begun);
  if (!answer.ok) throw new Error(answer.error.code);
  return begun.id;
}

/** Opens, approves and redeems; the answer is the id, which is the grant's too. */
export async function redeemed(over: Partial<ChallengeSpec> = {}, what = draft()): Promise<ChallengeId> {
  const id = await opened(over);
  await challenges.apply(id, { name: "approve", proof: proof("approve", DEVICE, over.clientId) });
  const answer = await challenges.apply(id, redeem("waiter", what));
  if (!answer.ok) throw new Error(answer.error.code);
  return id;
}

/** The object's own stub, for the tools that look inside an object. */
export const stubOf = (id: ChallengeId): DurableObjectStub =>
  namespaces.CHALLENGES.get(namespaces.CHALLENGES.idFromString(id));

/** Runs inside the object, with its storage. */
export const inside = <T>(
  id: ChallengeId,
  work: (object: ChallengeObject, state: DurableObjectState) => T | Promise<T>,
): Promise<T> => runInDurableObject<ChallengeObject, T>(stubOf(id), work);

/** Everything the object has on disk. */
export const storedIn = (id: ChallengeId) =>
  inside(id, async (_, { storage }) => ({
    values: [...storage.kv.list()].map(([, value]) => value),
    alarm: await storage.getAlarm(),
  }));

/** Catches what the object sends to the queue from now on, for as long as it stays in memory. */
export async function catchEvents(
  id: ChallengeId,
  send?: (message: QueueMessage) => Promise<void>,
): Promise<QueueMessage[]> {
  const sent: QueueMessage[] = [];
  await inside(id, (object) => {
    const push = async (message: QueueMessage) => {
      await send?.(message);
      sent.push(message);
    };
    Object.defineProperty(object, "env", { value: { EVENTS: { send: push } }, configurable: true });
  });
  return sent;
}
