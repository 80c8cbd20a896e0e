import type { Caller } from "../../../core/caller.ts";
import { OUT_OF_ATTEMPTS, withdrawChallenge } from "../../../core/challenge/cancel.ts";
import { startChallenge } from "../../../core/challenge/start.ts";
import type { JsonObject, Origin } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import type { ChallengeId } from "../../../core/ids.ts";
import { effectOfAction } from "../../../core/message/code-effect.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import type { Millis } from "../../../core/time.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import type { Action } from "../action/action.ts";
import type { EnrolledAddress } from "../enrolment/address.ts";
import { purposeOf } from "../push/begin.ts";
import { type AddressMethod, addressFor, channelOf } from "./method.ts";
import { sendActionCode } from "./send.ts";

/** What a code is sent for: to meet an action, or to enrol the address. One does not fit the other (T70). */
export type CodeUse = "authsignal_action" | "authsignal_enrol";

/** Who asks for a code, or gives one back: the user of an action token, on the page that holds it. */
export type CodeAsker = {
  readonly client: Client;
  /** The token's action; its context's name is the token's. */
  readonly action: Action;
  readonly user: UserRecord;
  readonly origin: Origin;
  readonly caller: Caller;
};

/** How a code is sent: what the door keeps of its challenge, and for how long. */
export type CodeSending = {
  readonly method: AddressMethod;
  /** How it goes out where that is not the method's own way: a number may be enrolled over WhatsApp. */
  readonly channel?: "whatsapp";
  /** BCP 47 tag of the reader's language. */
  readonly locale: string;
  readonly context: JsonObject;
  readonly lifetime: Millis;
  readonly redeemWindow: Millis;
  readonly replayWindow: Millis;
  /** The page that a link leads to; `link` alone has one. */
  readonly linkOf?: (id: ChallengeId, secret: string) => string;
};

export type SendingPowers = Pick<Services, "challenges" | "pushes"> & Parameters<typeof sendActionCode>[0];

export const CLOSED = no({ code: "not_allowed", detail: "the action takes no challenge" } as const);

/** Opens a challenge that no device is shown and sends its code. Whatever is refused leaves nothing pending. */
export async function openCode(
  powers: SendingPowers,
  asked: CodeAsker & CodeSending,
  to: { readonly identifier: ReadIdentifier; readonly use: CodeUse },
): Promise<Result<Snapshot, Refusal>> {
  const { client, action, user, origin, lifetime, redeemWindow, replayWindow } = asked;
  const started = await startChallenge(powers, {
    door: "authsignal",
    client,
    caller: asked.caller,
    user: { id: user.user.id, locked: false },
    purpose: purposeOf(action.code),
    scope: "action",
    requiresClaim: false,
    matchCode: false,
    asksNobody: true,
    context: { ...asked.context, code_use: to.use, to: to.identifier.value },
    origin,
    lifetime,
    redeemWindow,
    replayWindow,
    draw: async () => powers.challenges.fresh(),
  });
  if (!started.ok) return started;
  const { snapshot } = started.value;
  const sent = await send(powers, asked, snapshot, to);
  if (sent.ok) return ok(snapshot);
  await withdrawChallenge(powers, snapshot, "start_refused");
  return sent;
}

/**
 * Sends another code for a challenge that waits. Refused by a limit, it waits on with the code it has; when the new one could not be
 * handed over, the old one is gone too, and the challenge with it; so it is when its guesses are used up.
 */
export async function sendAgain(
  powers: SendingPowers,
  asked: CodeAsker & CodeSending,
  awaited: AwaitedCode,
): Promise<Result<Snapshot, Refusal>> {
  const { snapshot } = awaited;
  const sent = await send(powers, asked, snapshot, awaited);
  if (sent.ok) return ok(snapshot);
  const { code } = sent.error;
  if (code !== "too_many") {
    await withdrawChallenge(powers, snapshot, code === "out_of_guesses" ? OUT_OF_ATTEMPTS : "start_refused");
  }
  return sent;
}

function send(
  powers: SendingPowers,
  asked: CodeAsker & CodeSending,
  { spec }: Snapshot,
  to: { readonly identifier: ReadIdentifier; readonly use: CodeUse },
): Promise<Result<unknown, Refusal>> {
  const { client, action, user, method, origin, caller, locale, linkOf } = asked;
  const { context, code, idempotencyKey } = action;
  return sendActionCode(powers, {
    challengeId: spec.id,
    client,
    identifier: to.identifier,
    channel: asked.channel ?? channelOf(method),
    purpose: to.use,
    effect: to.use === "authsignal_enrol" ? { kind: "add_address" } : effectOfAction(code),
    as: linkOf
      ? { template: "magic_link", linkOf: (secret) => linkOf(spec.id, secret) }
      : { template: "one_time_code" },
    origin,
    caller,
    ...(to.use === "authsignal_enrol" ? { unproven: true } : {}),
    locale,
    expiresAt: spec.expiresAt,
    userId: user.user.id,
    about: {
      name: context.name,
      actionCode: code,
      idempotencyKey,
      userAgent: context.userAgent,
      ip: context.ip,
    },
  });
}

/** A challenge of an action whose answer is a code. */
export type AwaitedCode = {
  readonly snapshot: Snapshot;
  readonly method: AddressMethod;
  readonly use: CodeUse;
  readonly identifier: ReadIdentifier;
};

/** The challenge of this id, if it is one of the action's that a code of one of these methods answers. */
export async function awaitedCode(
  powers: Pick<Services, "challenges">,
  action: Action,
  id: ChallengeId | undefined,
  methods: readonly AddressMethod[],
): Promise<AwaitedCode | undefined> {
  const snapshot = id === undefined ? undefined : await powers.challenges.read(id);
  if (!snapshot) return undefined;
  const { clientId, userId, context } = snapshot.spec;
  const isOwn =
    clientId === action.clientId &&
    userId === action.userId &&
    context.action === action.code &&
    context.idem === action.idempotencyKey;
  return isOwn ? awaitedBy(snapshot, methods) : undefined;
}

/**
 * The challenge of this id, if a link answers it: whoever opens one brings no token. One that is not what its action asked for last is
 * over: nobody would hear the answer.
 */
export async function awaitedByLink(
  powers: Pick<Services, "challenges" | "actions">,
  id: ChallengeId,
): Promise<AwaitedCode | undefined> {
  const snapshot = await powers.challenges.read(id);
  const awaited = snapshot && awaitedBy(snapshot, ["link"]);
  if (awaited?.use !== "authsignal_action") return awaited;
  const { clientId, userId, context } = awaited.snapshot.spec;
  if (userId === undefined) return undefined;
  const key = { clientId, userId, code: String(context.action), idempotencyKey: String(context.idem) };
  return (await powers.actions.find(key))?.challengeId === id ? awaited : undefined;
}

function awaitedBy(snapshot: Snapshot, methods: readonly AddressMethod[]): AwaitedCode | undefined {
  const { door, context } = snapshot.spec;
  const method = methods.find((known) => known === context.method);
  const { code_use: use, to } = context;
  if (door !== "authsignal" || !method || typeof to !== "string" || !isUse(use)) return undefined;
  const identifier = addressFor(method, to);
  return identifier && { snapshot, method, use, identifier };
}

const isUse = (value: unknown): value is CodeUse =>
  value === "authsignal_action" || value === "authsignal_enrol";

/** Who gives a code back, or asks whether its link was confirmed. */
export type CodeBearer = CodeAsker & {
  /** Methods whose codes are given back here; the first is the one by which an address is enrolled here. */
  readonly methods: readonly [AddressMethod, ...AddressMethod[]];
  readonly mayAdd: boolean;
  /** Names the token: it adds one address by each method. */
  readonly tokenId: string;
};

export type VerifiedActionCode = {
  /** The challenge that the code has approved. */
  readonly snapshot: Snapshot;
  /** What it enrolled, when it was sent for that. */
  readonly enrolled?: EnrolledAddress;
  /** Whether the action is met by it, or was: the waiter may collect. */
  readonly meets: boolean;
};
