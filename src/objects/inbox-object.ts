import { DurableObject } from "cloudflare:workers";
import type { ChallengeId, ClientId, DeviceId, SubjectKey } from "../core/ids.ts";
import * as codes from "../core/inbox/codes.ts";
import * as counters from "../core/inbox/counters.ts";
import { type Claim, claimDelivery, endDelivery } from "../core/inbox/deliveries.ts";
import { silence } from "../core/inbox/denials.ts";
import { type Ended, endAll, removeDevice } from "../core/inbox/ending.ts";
import * as enrolment from "../core/inbox/enrolment.ts";
import * as guesses from "../core/inbox/guesses.ts";
import * as prompts from "../core/inbox/prompts.ts";
import * as recovery from "../core/inbox/recovery.ts";
import * as browsers from "../core/inbox/remembered.ts";
import { isFull, spend, unspend, usedFor } from "../core/inbox/spent.ts";
import type { Asker } from "../core/inbox/state.ts";
import * as kept from "../core/inbox/state.ts";
import { subscribe, unsubscribe } from "../core/inbox/subscriptions.ts";
import { own } from "../core/own.ts";
import type { CountedStart, Guess, Inboxes, InboxView } from "../core/ports/inboxes.ts";
import type { Instant } from "../core/time.ts";
import { openCell } from "./cell.ts";
import { NOT_WELCOME } from "./frames.ts";
import { idleAt, isPassing, promptsFrame, showsTheSame } from "./inbox-life.ts";
import { admit, hangUp, openSockets, tell } from "./sockets.ts";

type Taken = Omit<ReturnType<typeof enrolment.takeEnrolment>, "next">;
type ListedOrFull = Awaited<ReturnType<Inboxes["listCounted"]>>;
type Settled = Awaited<ReturnType<Inboxes["settle"]>>;

const SOCKETS_PER_DEVICE = 8;

/**
 * The inbox of one subject. Every RPC method is synchronous, takes the subject first as the port does, and commits once, only
 * when the state changed. The counters of identifiers and clients are forgotten when nothing in them counts any more.
 */
export class InboxObject extends DurableObject {
  readonly #cell = openCell<kept.InboxState>(this.ctx.storage, kept.EMPTY_INBOX);
  /** Starts handed out of the lease since this object woke. */
  #used: number | undefined;
  readonly #tally = counters.makeTally();

  list(who: SubjectKey, request: prompts.PromptRequest): prompts.Listed {
    const state = this.#state();
    // The LoginID door's prompts are codes that were given out.
    const renewed = request.door === "loginid" ? guesses.renewGuesses(state, request.clientId) : state;
    const { next, value } = prompts.list(renewed, request, Date.now());
    this.#keep(who, next);
    return value;
  }

  listCounted(
    who: SubjectKey,
    start: counters.StartHere,
    request: prompts.PromptRequest | undefined,
  ): ListedOrFull {
    const { next, value } = prompts.listCounted(this.#state(), start, request, Date.now());
    this.#keep(who, next);
    return value;
  }

  view(_who: SubjectKey): InboxView {
    const now = Date.now();
    const state = this.#state();
    const silences = (state.silences ?? []).filter(({ until }) => now < until);
    return { prompts: prompts.livePrompts(state, now), blocked: state.blocked, silences };
  }

  find(_who: SubjectKey, id: ChallengeId): kept.Prompt | undefined {
    return prompts.findPrompt(this.#state(), id);
  }

  settle(who: SubjectKey, answer: prompts.Answer): Settled {
    const { next, value } = prompts.settlePrompt(this.#state(), answer, Date.now());
    this.#keep(who, next);
    return value;
  }

  silence(who: SubjectKey, asker: Asker): void {
    const now = Date.now();
    this.#keep(who, silence(prompts.sweep(this.#state(), now), asker, now));
  }

  withdraw(who: SubjectKey, id: ChallengeId, respondNumber?: number): void {
    this.#keep(who, prompts.withdraw(this.#state(), id, respondNumber));
  }

  spend(who: SubjectKey, digest: string, use: string, how: Parameters<Inboxes["spend"]>[3] = {}): boolean {
    const now = Date.now();
    const state = this.#state();
    const used = usedFor(state, digest, use, now);
    if (used !== "never" || isFull(state, now)) return used === "again";
    const next = spend(prompts.sweep(state, now), digest, use, now, how.second);
    this.#keep(who, how.byDevice ? recovery.endWaits(next, now) : next);
    return true;
  }

  unspend(who: SubjectKey, digest: string): void {
    if (own(this.#state().spent, digest)) this.#keep(who, unspend(this.#state(), digest));
  }

  openEnrolment(who: SubjectKey, opening: enrolment.Opening): void {
    this.#keep(who, enrolment.openEnrolment(this.#state(), opening, Date.now()));
  }

  beginSignUp(who: SubjectKey, signUp: kept.SignUp): void {
    this.#keep(who, enrolment.beginSignUp(this.#state(), signUp, Date.now()));
  }

  signUpOf(_who: SubjectKey): kept.SignUp | undefined {
    return enrolment.signUpOf(this.#state(), Date.now());
  }

  takeEnrolment(who: SubjectKey, offered: enrolment.Offered, attempt: string): Taken {
    const { next, ...taken } = enrolment.takeEnrolment(this.#state(), offered, Date.now(), attempt);
    this.#keep(who, next);
    return taken;
  }

  restoreEnrolment(who: SubjectKey, attempt: string, until: Instant): void {
    this.#keep(who, enrolment.restoreEnrolment(this.#state(), attempt, until));
  }

  noteDevice(who: SubjectKey, signedUp?: kept.SignedUp): void {
    const state = this.#state();
    if (state.hadDevice && !state.enrolment && !state.recoveries) return;
    this.#keep(who, enrolment.noteDevice(state, signedUp));
  }

  looksSignedUp(_who: SubjectKey, looks: string): boolean {
    return enrolment.looksSignedUp(this.#state(), looks, Date.now());
  }

  takeRecovery(who: SubjectKey, asked: Parameters<Inboxes["takeRecovery"]>[1]): recovery.TakenRecovery {
    const { next, value } = recovery.takeRecovery(this.#state(), asked, Date.now());
    this.#keep(who, next);
    return value;
  }

  endWait(who: SubjectKey, client: ClientId, since: Instant): boolean {
    const { next, ended } = recovery.endWait(this.#state(), client, since, Date.now());
    this.#keep(who, next);
    return ended;
  }

  takeGuess(who: SubjectKey, guess: Guess): guesses.TakenGuess {
    const { next, taken } = guesses.takeGuess(this.#state(), guess, Date.now());
    this.#keep(who, next);
    return taken;
  }

  returnGuess(who: SubjectKey, guess: Guess): void {
    this.#keep(who, guesses.returnGuess(this.#state(), guess));
  }

  forgiveGuesses(who: SubjectKey, guesser: kept.Guesser): void {
    this.#keep(who, guesses.forgiveGuesses(this.#state(), guesser));
  }

  putCode(who: SubjectKey, request: codes.CodeRequest): codes.PutCode {
    const { next, value } = codes.putCode(this.#state(), request, Date.now());
    this.#keep(who, next);
    return value;
  }

  tryCode(who: SubjectKey, guess: Pick<codes.CodeRequest, "challengeId" | "hash">): codes.TriedCode {
    const { next, value } = codes.tryCode(this.#state(), guess, Date.now());
    this.#keep(who, next);
    return value;
  }

  holdsCode(_who: SubjectKey, code: Pick<codes.CodeRequest, "challengeId" | "hash">): boolean {
    return codes.holdsCode(this.#state(), code, Date.now());
  }

  countTogether(who: SubjectKey, counts: readonly counters.Count[]): counters.Counted {
    const { next, value } = counters.countTogether(this.#state(), counts, Date.now());
    this.#keep(who, next);
    return value;
  }

  uncount(who: SubjectKey, kinds: readonly string[]): void {
    this.#keep(who, counters.uncount(this.#state(), kinds));
  }

  claimDelivery(who: SubjectKey, id: string, expiresAt: Instant): Claim {
    const { next, value } = claimDelivery(this.#state(), id, expiresAt, Date.now());
    this.#keep(who, next);
    return value;
  }

  endDelivery(who: SubjectKey, id: string, status: "released" | "sent" | "failed"): void {
    this.#keep(who, endDelivery(this.#state(), id, status, Date.now()));
  }

  deliveryOf(_who: SubjectKey, id: string): kept.Delivery | undefined {
    return own(this.#state().deliveries, id);
  }

  countStart(who: SubjectKey, limit: number, about?: counters.StartAbout): CountedStart {
    const now = Date.now();
    const full = about && this.#tally.fullUntil(about, now);
    if (full !== undefined) return { allowed: false, scope: "person", retryAt: full };
    const state = this.#state();
    // What an earlier life may have handed out counts as used.
    const used = this.#used ?? state.lease?.taken ?? 0;
    const counted = counters.countStart(state, used, limit, now);
    this.#keep(who, counted.next);
    this.#used = counted.used;
    if (!counted.allowed) return { allowed: false, scope: "client", retryAt: counted.retryAt };
    if (about) this.#tally.add(about, now);
    return { allowed: true, retryAt: counted.retryAt };
  }

  returnStart(_who: SubjectKey, windowEnds: Instant, about?: counters.StartAbout): void {
    if (about) this.#tally.remove(about, Date.now());
    if (this.#used !== undefined) this.#used = counters.returnStart(this.#state(), this.#used, windowEnds);
  }

  remember(who: SubjectKey, entry: kept.Remembered): void {
    this.#keep(who, browsers.remember(this.#state(), entry, Date.now()));
  }

  rememberedOf(_who: SubjectKey, cookie: browsers.Cookie): browsers.Recalled {
    return browsers.rememberedOf(this.#state(), cookie, Date.now());
  }

  recall(who: SubjectKey, cookie: browsers.Cookie): browsers.Recalled {
    const { next, value } = browsers.recall(this.#state(), cookie, Date.now());
    this.#keep(who, next);
    return value;
  }

  subscribe(who: SubjectKey, subscription: kept.Subscription): boolean {
    const { next, value } = subscribe(this.#state(), subscription, Date.now());
    this.#keep(who, next);
    return value;
  }

  unsubscribe(who: SubjectKey, deviceId: DeviceId, address?: string): void {
    this.#keep(who, unsubscribe(this.#state(), deviceId, address));
  }

  subscriptionsOf(_who: SubjectKey): readonly kept.Subscription[] {
    return this.#state().subscriptions ?? [];
  }

  disconnect(who: SubjectKey, deviceId: DeviceId): readonly ChallengeId[] {
    return this.#end(who, removeDevice(this.#state(), deviceId, Date.now()), "device removed", deviceId);
  }

  endAll(who: SubjectKey): readonly ChallengeId[] {
    return this.#end(who, endAll(this.#state()), "user locked");
  }

  async wipe(_who: SubjectKey): Promise<void> {
    for (const socket of openSockets(this.ctx)) hangUp(socket, NOT_WELCOME, "user removed");
    this.#used = undefined;
    await this.#cell.forget();
  }

  /** The upgrade of one device's own socket, and nothing else; the path names the device. */
  override fetch(request: Request): Response {
    const tag = new URL(request.url).pathname.slice(1);
    const { answer, socket } = admit(this.ctx, request, { tag, cap: SOCKETS_PER_DEVICE });
    tell(socket, [promptsFrame(this.#state(), Date.now())]);
    return answer;
  }

  /** Devices answer through the Worker, never here. */
  override webSocketMessage(): void {}

  /** Rings only for what passes: forgets counters once nothing in them counts, and a sign-up that nobody finished in its window. */
  override async alarm(): Promise<void> {
    if (this.#state().hadDevice) return;
    const at = idleAt(this.#state());
    if (at > Date.now()) return this.ctx.storage.setAlarm(at);
    this.#used = undefined;
    return this.#cell.forget();
  }

  /** New members of the state have their beginnings in kept.EMPTY_INBOX; unknown ones are carried along. */
  #state(): kept.InboxState {
    return this.#cell.read() ?? kept.EMPTY_INBOX;
  }

  #end(who: SubjectKey, { next, value }: Ended, reason: string, tag?: DeviceId): readonly ChallengeId[] {
    this.#keep(who, next);
    for (const socket of openSockets(this.ctx, tag)) hangUp(socket, NOT_WELCOME, reason);
    return value;
  }

  #keep(who: SubjectKey, next: kept.InboxState): void {
    const state = this.#state();
    if (next === state) return;
    const isNew = this.#cell.read() === undefined;
    const now = Date.now();
    this.#cell.write(next, () => {
      if (isNew && (isPassing(who) || next.signUp)) void this.ctx.storage.setAlarm(idleAt(next));
      return undefined;
    });
    if (showsTheSame(state, next, now)) return;
    for (const socket of openSockets(this.ctx)) tell(socket, [promptsFrame(next, now)]);
  }
}
