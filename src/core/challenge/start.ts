import { noteRefusal } from "../audit/note-refusal.ts";
import type { Caller } from "../caller.ts";
import { askerOf, type Client } from "../client/client.ts";
import { startsPerMinute } from "../client/settings.ts";
import {
  type ChallengeId,
  clientSubject,
  type DeviceId,
  type SubjectKey,
  startsSubject,
  type UserId,
  userSubject,
} from "../ids.ts";
import type { StartAbout } from "../inbox/counters.ts";
import type { Listed, PromptRequest } from "../inbox/prompts.ts";
import type { Snapshot } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal, RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import type { Instant, Millis } from "../time.ts";
import {
  type ChallengeSpec,
  CONTEXT_LIMIT,
  type Door,
  type JsonObject,
  type Origin,
  type Purpose,
} from "./state.ts";

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
  readonly matchCode: boolean;
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
  "challenges" | "inboxes" | "handles" | "chance" | "clock" | "events" | "background" | "log"
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
  const about = request.about ?? request.user?.id;
  const refused = request.counted
    ? undefined
    : await countStart(powers, request.client, request.caller, about);
  if (refused) return no(refused);
  const matchCode = request.matchCode ? powers.chance.digits(6) : undefined;
  const snapshot = await openWithFreshId(powers, request, matchCode);
  const prompt = await promptFor(powers, request, snapshot);
  return ok({ snapshot, ...(prompt ? { prompt } : {}), ...(matchCode === undefined ? {} : { matchCode }) });
}

type CountPowers = Pick<Services, "inboxes" | "clock" | "handles" | "events" | "background" | "log">;

/** Counts one start against the client's own limit; the refusal when it is reached, which is also put on record. */
export async function countStart(
  powers: CountPowers,
  client: Client,
  caller: Caller,
  about?: string,
): Promise<RefusalOf<"too_many"> | undefined> {
  const taken = await takeStart(powers, client, caller, about);
  return taken.ok ? undefined : taken.error;
}

/** One start that has been counted, and the way to give it back when nothing was begun. */
export type TakenStart = { giveBack(): Promise<void> };

/**
 * Counts one start as `countStart` does, for what has to write before it begins: a refusal must come before the writing. Strangers,
 * known browsers and the client's backend have the client's limit each; what a device of its users has signed is not counted.
 */
export async function takeStart(
  powers: CountPowers,
  client: Client,
  caller: Caller,
  about?: string,
): Promise<Result<TakenStart, RefusalOf<"too_many">>> {
  const limit = startsPerMinute(client.settings);
  const who = counterOf(client, caller);
  if (limit === 0 || who === undefined) return ok({ giveBack: async () => undefined });
  const whom = aboutOf(caller, about);
  const counted = await powers.inboxes.countStart(who, limit, whom);
  const { retryAt } = counted;
  if (counted.allowed) return ok({ giveBack: () => powers.inboxes.returnStart(who, retryAt, whom) });
  const refused =
    counted.scope === "client"
      ? { type: "client_starts_limited", subject: client.id }
      : { type: "starts_about_limited", subject: about ?? "" };
  noteRefusal(powers, { ...refused, clientId: client.id });
  return no({ code: "too_many", scope: counted.scope, retryAt });
}

/**
 * What a backend's own call about somebody is counted for. Apart from calls with an action's token: whoever holds one must not use up
 * what the backend may.
 */
export const aboutForBackend = (key: string): string => `backend ${key}`;

function counterOf({ id }: Client, { brought }: Caller): SubjectKey | undefined {
  switch (brought) {
    case "nothing":
      return startsSubject(id, "strangers");
    case "browser":
      return startsSubject(id, "browsers");
    case "secret":
      return clientSubject(id);
    case "device":
      return undefined;
  }
}

/** One network may use half; a known browser's is its own, and a backend itself is of no network. */
function aboutOf({ brought, network }: Caller, key: string | undefined): StartAbout | undefined {
  if (key === undefined) return undefined;
  return brought === "browser" || network === undefined ? { key } : { key, network };
}

async function openWithFreshId(powers: Powers, request: StartRequest, matchCode?: string): Promise<Snapshot> {
  for (let draw = 0; draw < DRAWS; draw++) {
    const spec = await specOf(powers, request, await request.draw(), matchCode);
    const opened = await powers.challenges.open(spec);
    if (opened.ok) return opened.value;
  }
  throw new Error("every id that was drawn is occupied");
}

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

async function promptFor(
  powers: Powers,
  request: StartRequest,
  snapshot: Snapshot,
): Promise<Listed | undefined> {
  const { user, client } = request;
  if (!user || user.locked || request.requiresClaim || request.asksNobody) return undefined;
  const listed = await powers.inboxes.list(userSubject(user.id), promptOf(powers, request, snapshot.spec));
  if (listed.outcome === "suppressed") {
    noteRefusal(powers, {
      type: "prompt_suppressed",
      clientId: client.id,
      subject: user.id,
      userId: user.id,
      ...(listed.reason ? { reason: listed.reason } : {}),
    });
  }
  return listed;
}

const promptOf = (powers: Powers, request: StartRequest, spec: ChallengeSpec): PromptRequest => ({
  challengeId: spec.id,
  door: spec.door,
  clientId: spec.clientId,
  clientName: request.client.name,
  purpose: spec.purpose,
  ...(spec.bindingMessage === undefined ? {} : { bindingMessage: spec.bindingMessage }),
  demands: {
    matchCode: request.matchCode,
    claim: spec.requiresClaim,
    unlock: false,
    ...(request.onlyDevice === undefined ? {} : { device: request.onlyDevice }),
  },
  ...(spec.approvers === undefined ? {} : { approvers: spec.approvers }),
  ...(spec.realm === undefined ? {} : { realm: spec.realm }),
  caller: request.caller,
  origin: spec.origin,
  context: spec.context,
  respondNumber: powers.chance.number(RESPOND_NUMBERS),
  startedAt: spec.createdAt,
  expiresAt: spec.expiresAt,
});
