import { noteRefusal } from "../audit/note-refusal.ts";
import type { Caller } from "../caller.ts";
import { askerOf, type Client } from "../client/client.ts";
import { startsPerMinute } from "../client/settings.ts";
import { type ChallengeId, type DeviceId, type UserId, userSubject } from "../ids.ts";
import type { Listed, PromptRequest } from "../inbox/prompts.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Instant, Millis } from "../time.ts";
import { announce } from "./push.ts";
import {
  type ChallengeSpec,
  CONTEXT_LIMIT,
  type Door,
  type JsonObject,
  type Origin,
  type Purpose,
} from "./state.ts";
import { countStart, noteLimited, type TakenStart } from "./take-start.ts";

export type StartRequest = {
  readonly door: Door;
  readonly client: Client;
  readonly caller: Caller;
  /** The user asked, when known; a locked user is asked nothing (T11). */
  readonly user?: { readonly id: UserId; readonly locked: boolean };
  readonly purpose: Purpose;
  readonly scope: string;
  readonly bindingMessage?: string;
  readonly requiresClaim: boolean;
  /** Whether the approver has to name the number on the waiting screen; `page`: only whoever approves on our own page. */
  readonly matchCode: boolean | "page";
  /** Whether the device's own unlock is part of what answering takes. */
  readonly unlock?: boolean;
  /** Nothing is put before the user: the client itself will say what became of it. */
  readonly asksNobody?: boolean;
  /** The one device that may answer. */
  readonly onlyDevice?: DeviceId;
  readonly context: JsonObject;
  /** What tokens of a grant will say about the user. */
  readonly subject?: JsonObject;
  readonly grantLifetime?: Millis;
  readonly origin: Origin;
  readonly lifetime: Millis;
  /** How long it may be claimed, where that is shorter. */
  readonly claimWithin?: Millis;
  readonly redeemWindow: Millis;
  readonly replayWindow: Millis;
  /** What a start about nobody known is counted for, such as the address that is to be proven. */
  readonly about?: string;
  /** The caller has counted this start (`takeStart`), before it wrote what belongs to it. */
  readonly counted?: boolean;
  /**
   * The caller has counted this start by the name that was given (`tryStart`), beside its look for the user: it is still counted about the
   * user, whatever their names, and given back when that is one too many.
   */
  readonly taken?: TakenStart;
  /** Draws the id: a number that a wire demands names its object, and may have to be drawn again. */
  readonly draw: () => Promise<ChallengeId>;
};

export type Started = {
  readonly snapshot: Snapshot;
  readonly prompt?: Listed;
  /** The six digits to show on the waiting side; told once, kept only hashed. */
  readonly matchCode?: string;
};

type Powers = Pick<
  Services,
  "challenges" | "inboxes" | "handles" | "pushes" | "chance" | "clock" | "events" | "background" | "log"
>;

const DRAWS = 4;
const RESPOND_NUMBERS = 2 ** 31 - 1;

/**
 * Starts a challenge and puts it before the user. A start that the prompt policy keeps from the user is answered like any
 * other (settled question 18). Refuses with `too_many` past the client's own limit, or past the one about this user; and a door's
 * context over CONTEXT_LIMIT.
 */
export async function startChallenge(
  powers: Powers,
  request: StartRequest,
): Promise<Result<Started, Refusal>> {
  if (JSON.stringify(request.context).length > CONTEXT_LIMIT)
    return no({ code: "malformed", detail: "context" });
  const refused =
    request.counted || request.taken
      ? undefined
      : await countStart(powers, request.client, request.caller, about(request));
  if (refused) return no(refused);
  const matchCode = request.matchCode !== false ? powers.chance.digits(6) : undefined;
  const begun = await begin(powers, request, matchCode);
  if (!begun.ok) return begun;
  const { snapshot, listed } = begun.value;
  if (listed?.outcome === "suppressed") noteSuppressed(powers, request, listed);
  if (listed?.outcome === "listed") tellOf(powers, request, snapshot, listed);
  return ok({
    snapshot,
    ...(listed ? { prompt: withoutPush(listed) } : {}),
    ...(matchCode === undefined ? {} : { matchCode }),
  });
}

/** Where devices are woken is nobody's beside them: a start's caller does not get it. */
const withoutPush = ({ push: _, ...listed }: Listed): Listed => listed;

function tellOf(powers: Powers, { client, user }: StartRequest, { spec }: Snapshot, listed: Listed): void {
  const { id: challengeId, expiresAt } = spec;
  if (user) announce(powers, { userId: user.id, client, challengeId, expiresAt }, listed);
}

const about = ({ about, user }: StartRequest): string | undefined => about ?? user?.id;

type Begun = { readonly snapshot: Snapshot; readonly listed: Listed | undefined };

/**
 * Opens the challenge and puts it before the user, both at once: neither waits for the other. Where one of the two does not come about the
 * other is taken back, so that nobody is asked about a challenge that nobody waits for (docs/decisions/0074).
 */
async function begin(
  powers: Powers,
  request: StartRequest,
  matchCode: string | undefined,
): Promise<Result<Begun, RefusalOf<"too_many">>> {
  for (let draw = 0; draw < DRAWS; draw++) {
    const spec = await specOf(powers, request, await request.draw(), matchCode);
    const prompt = promptOf(powers, request, spec);
    const [opening, listing] = await Promise.allSettled([
      powers.challenges.open(spec),
      putBefore(powers, request, prompt),
    ]);
    const isOthers = opening.status === "fulfilled" && !opening.value.ok;
    const takeBack = () => undo(powers, request, prompt, isOthers);
    if (opening.status === "rejected" || listing.status === "rejected") {
      powers.background(takeBack);
      throw opening.status === "rejected" ? opening.reason : (listing as PromiseRejectedResult).reason;
    }
    if (!listing.value.ok) {
      powers.background(takeBack);
      return refuseAbout(powers, request, listing.value.error);
    }
    if (opening.value.ok) return ok({ snapshot: opening.value.value, listed: listing.value.value });
    await takeBack();
  }
  throw new Error("every id that was drawn is occupied");
}

/** Counts the start about the user where that is still to be done, and lists its prompt where somebody is to be asked (T11: not who is locked). */
async function putBefore(
  { inboxes }: Powers,
  { user, client, caller, taken, requiresClaim, asksNobody }: StartRequest,
  prompt: PromptRequest,
): Promise<Result<Listed | undefined, RefusalOf<"too_many">>> {
  if (!user) return ok(undefined);
  const shown = user.locked || requiresClaim || asksNobody ? undefined : prompt;
  const who = userSubject(user.id);
  if (taken && startsPerMinute(client.settings) > 0) {
    const { network } = caller;
    const start = { clientId: client.id, ...(network === undefined ? {} : { network }) };
    return await inboxes.listCounted(who, start, shown);
  }
  return ok(shown && (await inboxes.list(who, shown)));
}

function refuseAbout(
  powers: Powers,
  { client, user, taken }: StartRequest,
  refused: RefusalOf<"too_many">,
): Result<never, RefusalOf<"too_many">> {
  noteLimited(powers, client, refused, user?.id);
  if (taken) powers.background(() => taken.giveBack());
  return no(refused);
}

/**
 * Takes back what a start has begun. `isOthers`: the number that was drawn is another challenge's, which goes on, and so does a prompt of
 * it that was there before. What cannot be reached ends with the challenge's time.
 */
async function undo(
  powers: Powers,
  { user }: StartRequest,
  { challengeId, respondNumber }: PromptRequest,
  isOthers: boolean,
): Promise<void> {
  const ends = await Promise.allSettled([
    isOthers ? undefined : powers.challenges.apply(challengeId, { name: "cancel", by: "start_refused" }),
    user && powers.inboxes.withdraw(userSubject(user.id), challengeId, respondNumber),
  ]);
  for (const end of ends) {
    if (end.status === "fulfilled") continue;
    powers.log("warn", "a start could not be taken back", { challengeId, cause: String(end.reason) });
  }
}

const noteSuppressed = (powers: Powers, { client, user }: StartRequest, { reason }: Listed): void =>
  noteRefusal(powers, {
    type: "prompt_suppressed",
    clientId: client.id,
    subject: user?.id ?? "",
    ...(user ? { userId: user.id } : {}),
    ...(reason ? { reason } : {}),
  });

async function specOf(
  powers: Powers,
  request: StartRequest,
  id: ChallengeId,
  matchCode: string | undefined,
): Promise<ChallengeSpec> {
  const now: Instant = powers.clock.now();
  return {
    id,
    door: request.door,
    ...askerOf(request.client),
    purpose: request.purpose,
    ...(request.user ? { userId: request.user.id } : {}),
    scope: request.scope,
    ...(request.bindingMessage === undefined ? {} : { bindingMessage: request.bindingMessage }),
    ...(matchCode === undefined
      ? {}
      : { matchCodeHash: await powers.handles.pepper(["match", id], matchCode) }),
    requiresClaim: request.requiresClaim,
    ...claimByOf(request, now),
    ...(request.onlyDevice === undefined ? {} : { onlyDevice: request.onlyDevice }),
    nonce: powers.chance.text(16),
    context: request.context,
    ...(request.subject === undefined ? {} : { subject: request.subject }),
    ...(request.grantLifetime === undefined ? {} : { grantLifetime: request.grantLifetime }),
    origin: request.origin,
    brought: request.caller.brought,
    createdAt: now,
    expiresAt: now + request.lifetime,
    redeemWindow: request.redeemWindow,
    replayWindow: request.replayWindow,
  };
}

const claimByOf = ({ claimWithin, lifetime }: StartRequest, now: Instant): { claimBy?: Instant } =>
  claimWithin === undefined || claimWithin >= lifetime ? {} : { claimBy: now + claimWithin };

const promptOf = (powers: Powers, request: StartRequest, spec: ChallengeSpec): PromptRequest => ({
  challengeId: spec.id,
  door: spec.door,
  clientId: spec.clientId,
  clientName: request.client.name,
  purpose: spec.purpose,
  ...(spec.bindingMessage === undefined ? {} : { bindingMessage: spec.bindingMessage }),
  demands: {
    matchCode: request.matchCode === true,
    ...(request.matchCode === "page" ? { matchOnPage: true } : {}),
    claim: spec.requiresClaim,
    unlock: request.unlock === true,
    ...(request.onlyDevice === undefined ? {} : { device: request.onlyDevice }),
  },
  ...(spec.approvers === undefined ? {} : { approvers: spec.approvers }),
  ...(spec.realm === undefined ? {} : { realm: spec.realm }),
  caller: request.caller,
  origin: spec.origin,
  context: spec.context,
  nonce: spec.nonce,
  respondNumber: powers.chance.number(RESPOND_NUMBERS),
  startedAt: spec.createdAt,
  expiresAt: spec.expiresAt,
});
