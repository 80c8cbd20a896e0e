import { DurableObject } from "cloudflare:workers";
import type { ChallengeId, ClientId, DeviceId, SubjectKey } from "../core/ids.ts";
import * as codes from "../core/inbox/codes.ts";
import * as counters from "../core/inbox/counters.ts";
import { type Claim, claimDelivery, endDelivery } from "../core/inbox/deliveries.ts";
import { silence } from "../core/inbox/denials.ts";
import { endAll, removeDevice } from "../core/inbox/ending.ts";
import * as enrolment from "../core/inbox/enrolment.ts";
import * as guesses from "../core/inbox/guesses.ts";
import * as prompts from "../core/inbox/prompts.ts";
import * as recovery from "../core/inbox/recovery.ts";
import * as browsers from "../core/inbox/remembered.ts";
import { isFull, spend, unspend, usedFor } from "../core/inbox/spent.ts";
import type * as kept from "../core/inbox/state.ts";
import type { Asker } from "../core/inbox/state.ts";
import { subscribe, unsubscribe } from "../core/inbox/subscriptions.ts";
import { own } from "../core/own.ts";
import type { CountedStart, Guess, Inboxes, InboxView } from "../core/ports/inboxes.ts";
import type { Instant } from "../core/time.ts";
import { idleAt } from "./inbox-life.ts";
import { openInbox } from "./kept-inbox.ts";
import { answerClose } from "./sockets.ts";

type Taken = Omit<ReturnType<typeof enrolment.takeEnrolment>, "next">;
type ListedOrFull = Awaited<ReturnType<Inboxes["listCounted"]>>;
type Settled = Awaited<ReturnType<Inboxes["settle"]>>;

/**
 * The inbox of one subject. Every RPC method is synchronous, takes the subject first as the port does, and commits once, only
 * when the state changed. The counters of identifiers and clients are forgotten when nothing in them counts any more.
 */
export class InboxObject extends DurableObject {
  readonly #inbox = openInbox(this.ctx);
  /** Starts handed out of the lease since this object woke. */
  #used: number | undefined;
  readonly #tally = counters.makeTally();

  list(who: SubjectKey, request: prompts.PromptRequest): prompts.Listed {
    const state = this.#inbox.state();
    // The LoginID door's prompts are codes that were given out.
    const renewed = request.door === "loginid" ? guesses.renewGuesses(state, request.clientId) : state;
    const { next, value } = prompts.list(renewed, request, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  listCounted(
    who: SubjectKey,
    start: counters.StartHere,
    request: prompts.PromptRequest | undefined,
  ): ListedOrFull {
    const { next, value } = prompts.listCounted(this.#inbox.state(), start, request, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  view(_who: SubjectKey): InboxView {
    const now = Date.now();
    const state = this.#inbox.state();
    const silences = (state.silences ?? []).filter(({ until }) => now < until);
    return { prompts: prompts.livePrompts(state, now), blocked: state.blocked, silences };
  }

  find(_who: SubjectKey, id: ChallengeId): kept.Prompt | undefined {
    return prompts.findPrompt(this.#inbox.state(), id);
  }

  settle(who: SubjectKey, answer: prompts.Answer): Settled {
    const { next, value } = prompts.settlePrompt(this.#inbox.state(), answer, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  silence(who: SubjectKey, asker: Asker): void {
    const now = Date.now();
    this.#inbox.keep(who, silence(prompts.sweep(this.#inbox.state(), now), asker, now));
  }

  withdraw(who: SubjectKey, id: ChallengeId, respondNumber?: number): void {
    this.#inbox.keep(who, prompts.withdraw(this.#inbox.state(), id, respondNumber));
  }

  spend(who: SubjectKey, digest: string, use: string, how: Parameters<Inboxes["spend"]>[3] = {}): boolean {
    const now = Date.now();
    const state = this.#inbox.state();
    const used = usedFor(state, digest, use, now);
    if (used !== "never" || isFull(state, now)) return used === "again";
    const next = spend(prompts.sweep(state, now), digest, use, now, how.second);
    this.#inbox.keep(who, how.byDevice ? recovery.endWaits(next, now) : next);
    return true;
  }

  unspend(who: SubjectKey, digest: string): void {
    if (own(this.#inbox.state().spent, digest)) this.#inbox.keep(who, unspend(this.#inbox.state(), digest));
  }

  openEnrolment(who: SubjectKey, opening: enrolment.Opening): void {
    this.#inbox.keep(who, enrolment.openEnrolment(this.#inbox.state(), opening, Date.now()));
  }

  beginSignUp(who: SubjectKey, signUp: kept.SignUp): void {
    this.#inbox.keep(who, enrolment.beginSignUp(this.#inbox.state(), signUp, Date.now()));
  }

  signUpOf(_who: SubjectKey): kept.SignUp | undefined {
    return enrolment.signUpOf(this.#inbox.state(), Date.now());
  }

  takeEnrolment(who: SubjectKey, offered: enrolment.Offered, attempt: string): Taken {
    const { next, ...taken } = enrolment.takeEnrolment(this.#inbox.state(), offered, Date.now(), attempt);
    this.#inbox.keep(who, next);
    return taken;
  }

  restoreEnrolment(who: SubjectKey, attempt: string, until: Instant): void {
    this.#inbox.keep(who, enrolment.restoreEnrolment(this.#inbox.state(), attempt, until));
  }

  noteDevice(who: SubjectKey, signedUp?: kept.SignedUp): void {
    const state = this.#inbox.state();
    if (state.hadDevice && !state.enrolment && !state.recoveries) return;
    this.#inbox.keep(who, enrolment.noteDevice(state, signedUp));
  }

  looksSignedUp(_who: SubjectKey, looks: string): boolean {
    return enrolment.looksSignedUp(this.#inbox.state(), looks, Date.now());
  }

  takeRecovery(who: SubjectKey, asked: Parameters<Inboxes["takeRecovery"]>[1]): recovery.TakenRecovery {
    const { next, value } = recovery.takeRecovery(this.#inbox.state(), asked, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  endWait(who: SubjectKey, client: ClientId, since: Instant): boolean {
    const { next, ended } = recovery.endWait(this.#inbox.state(), client, since, Date.now());
    this.#inbox.keep(who, next);
    return ended;
  }

  takeGuess(who: SubjectKey, guess: Guess): guesses.TakenGuess {
    const { next, taken } = guesses.takeGuess(this.#inbox.state(), guess, Date.now());
    this.#inbox.keep(who, next);
    return taken;
  }

  returnGuess(who: SubjectKey, guess: Guess): void {
    this.#inbox.keep(who, guesses.returnGuess(this.#inbox.state(), guess));
  }

  forgiveGuesses(who: SubjectKey, guesser: kept.Guesser): void {
    this.#inbox.keep(who, guesses.forgiveGuesses(this.#inbox.state(), guesser));
  }

  putCode(who: SubjectKey, request: codes.CodeRequest): codes.PutCode {
    const { next, value } = codes.putCode(this.#inbox.state(), request, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  tryCode(who: SubjectKey, guess: Pick<codes.CodeRequest, "challengeId" | "hash">): codes.TriedCode {
    const { next, value } = codes.tryCode(this.#inbox.state(), guess, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  holdsCode(_who: SubjectKey, code: Pick<codes.CodeRequest, "challengeId" | "hash">): boolean {
    return codes.holdsCode(this.#inbox.state(), code, Date.now());
  }

  countTogether(who: SubjectKey, counts: readonly counters.Count[]): counters.Counted {
    const { next, value } = counters.countTogether(this.#inbox.state(), counts, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  uncount(who: SubjectKey, kinds: readonly string[]): void {
    this.#inbox.keep(who, counters.uncount(this.#inbox.state(), kinds));
  }

  claimDelivery(who: SubjectKey, id: string, expiresAt: Instant): Claim {
    const { next, value } = claimDelivery(this.#inbox.state(), id, expiresAt, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  endDelivery(who: SubjectKey, id: string, status: "released" | "sent" | "failed"): void {
    this.#inbox.keep(who, endDelivery(this.#inbox.state(), id, status, Date.now()));
  }

  deliveryOf(_who: SubjectKey, id: string): kept.Delivery | undefined {
    return own(this.#inbox.state().deliveries, id);
  }

  countStart(who: SubjectKey, limit: number, about?: counters.StartAbout): CountedStart {
    const now = Date.now();
    const full = about && this.#tally.fullUntil(about, now);
    if (full !== undefined) return { allowed: false, scope: "person", retryAt: full };
    const state = this.#inbox.state();
    // What an earlier life may have handed out counts as used.
    const used = this.#used ?? state.lease?.taken ?? 0;
    const counted = counters.countStart(state, used, limit, now);
    this.#inbox.keep(who, counted.next);
    this.#used = counted.used;
    if (!counted.allowed) return { allowed: false, scope: "client", retryAt: counted.retryAt };
    if (about) this.#tally.add(about, now);
    return { allowed: true, retryAt: counted.retryAt };
  }

  returnStart(_who: SubjectKey, windowEnds: Instant, about?: counters.StartAbout): void {
    if (about) this.#tally.remove(about, Date.now());
    if (this.#used !== undefined)
      this.#used = counters.returnStart(this.#inbox.state(), this.#used, windowEnds);
  }

  remember(who: SubjectKey, entry: kept.Remembered): void {
    this.#inbox.keep(who, browsers.remember(this.#inbox.state(), entry, Date.now()));
  }

  rememberedOf(_who: SubjectKey, cookie: browsers.Cookie): browsers.Recalled {
    return browsers.rememberedOf(this.#inbox.state(), cookie, Date.now());
  }

  recall(who: SubjectKey, cookie: browsers.Cookie): browsers.Recalled {
    const { next, value } = browsers.recall(this.#inbox.state(), cookie, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  subscribe(who: SubjectKey, subscription: kept.Subscription): boolean {
    const { next, value } = subscribe(this.#inbox.state(), subscription, Date.now());
    this.#inbox.keep(who, next);
    return value;
  }

  unsubscribe(who: SubjectKey, deviceId: DeviceId, address?: string): void {
    this.#inbox.keep(who, unsubscribe(this.#inbox.state(), deviceId, address));
  }

  subscriptionsOf(_who: SubjectKey): readonly kept.Subscription[] {
    return this.#inbox.state().subscriptions ?? [];
  }

  disconnect(who: SubjectKey, deviceId: DeviceId): readonly ChallengeId[] {
    return this.#inbox.end(
      who,
      removeDevice(this.#inbox.state(), deviceId, Date.now()),
      "device removed",
      deviceId,
    );
  }

  endAll(who: SubjectKey): readonly ChallengeId[] {
    return this.#inbox.end(who, endAll(this.#inbox.state()), "user locked");
  }

  async wipe(_who: SubjectKey): Promise<void> {
    this.#used = undefined;
    await this.#inbox.wipe();
  }

  /** The upgrade of one device's own socket, and nothing else; the path names the device. */
  override fetch(request: Request): Response {
    return this.#inbox.admit(request);
  }

  /** Devices answer through the Worker, never here. */
  override webSocketMessage(): void {}

  override webSocketClose(socket: WebSocket, code: number): void {
    answerClose(socket, code);
  }

  /** Rings only for what passes: forgets counters once nothing in them counts, and a sign-up that nobody finished in its window. */
  override async alarm(): Promise<void> {
    const state = this.#inbox.state();
    if (state.hadDevice) return await this.#endSignUp(state);
    const at = idleAt(state);
    if (at > Date.now()) return this.ctx.storage.setAlarm(at);
    this.#used = undefined;
    return this.#inbox.forget();
  }

  /** Whether the device of this sign-up was stored is not known here: the inbox stays, and what was typed for it does not. */
  async #endSignUp({ signUp, enrolment: window }: kept.InboxState): Promise<void> {
    if (signUp === undefined) return;
    const until = window?.until ?? 0;
    if (until > Date.now()) return this.ctx.storage.setAlarm(until);
    this.#inbox.endSignUp();
  }
}
