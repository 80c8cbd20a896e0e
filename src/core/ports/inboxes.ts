import type { ChallengeId, ClientId, DeviceId, SubjectKey } from "../ids.ts";
import type { CodeRequest, PutCode, TriedCode } from "../inbox/codes.ts";
import type { Count, Counted, StartAbout, StartHere } from "../inbox/counters.ts";
import type { Claim } from "../inbox/deliveries.ts";
import type { Offered, Opening } from "../inbox/enrolment.ts";
import type { TakenGuess } from "../inbox/guesses.ts";
import type { Answer, Listed, PromptRequest, SettleRefusal } from "../inbox/prompts.ts";
import type { RecoveryTry, TakenRecovery } from "../inbox/recovery.ts";
import type { Cookie, Recalled } from "../inbox/remembered.ts";
import type {
  Asker,
  Delivery,
  Guesser,
  Prompt,
  Remembered,
  SignedUp,
  SignUp,
  Silence,
  Subscription,
} from "../inbox/state.ts";
import type { RefusalOf } from "../refusal.ts";
import type { Result } from "../result.ts";
import type { Instant } from "../time.ts";

/** What a user's devices are shown. */
export type InboxView = {
  readonly prompts: readonly Prompt[];
  readonly blocked: { readonly count: number; readonly last?: Instant };
  /** Who is kept from the user for having been denied too often. */
  readonly silences: readonly Silence[];
};

/** One guess at a user code. */
export type Guess = { readonly guesser: Guesser; readonly mark: string };

/** `scope` of a refusal: the client's own limit, or the one about a user or address. */
export type CountedStart =
  | { readonly allowed: true; readonly retryAt: Instant }
  | { readonly allowed: false; readonly scope: "client" | "person"; readonly retryAt: Instant };

/**
 * Inboxes: one object per user, and per identifier or client where something must be counted before there is a user. Every
 * method is one atomic step. Throws Outage when the object cannot be reached.
 */
export type Inboxes = {
  list(who: SubjectKey, request: PromptRequest): Promise<Listed>;
  /** Counts a start about this user at a client, and lists its prompt if there is one, in one step; refused, nothing is listed. */
  listCounted(
    who: SubjectKey,
    start: StartHere,
    request: PromptRequest | undefined,
  ): Promise<Result<Listed | undefined, RefusalOf<"too_many">>>;
  view(who: SubjectKey): Promise<InboxView>;
  find(who: SubjectKey, id: ChallengeId): Promise<Prompt | undefined>;
  /** Takes the user's answer to a prompt. Where a number names it, the same step compares what its device was told. */
  settle(who: SubjectKey, answer: Answer): Promise<Result<Prompt, SettleRefusal>>;
  /** Takes a challenge's prompt from the user; with `respondNumber`, only if that is the prompt's. */
  withdraw(who: SubjectKey, id: ChallengeId, respondNumber?: number): Promise<void>;
  /** Lists no prompt of this asker for a while: the user has reported a request of its. */
  silence(who: SubjectKey, asker: Asker): Promise<void>;
  /**
   * Spends a signing input for `use`; false when it was spent for anything else, or when the memory is full. With the `second` that its
   * device signed by its own clock, the same use passes again for `REPEATABLE`, and no prompt gets that second. What a device signed
   * (`byDevice`) ends every wait of a recovery: it is not lost.
   */
  spend(
    who: SubjectKey,
    digest: string,
    use: string,
    how?: { readonly second?: number | undefined; readonly byDevice?: boolean },
  ): Promise<boolean>;
  unspend(who: SubjectKey, digest: string): Promise<void>;
  /** `hint` places a new inbox near its user: a Cloudflare location hint. */
  openEnrolment(who: SubjectKey, opening: Opening, hint?: string): Promise<void>;
  /** Begins a sign-up: kept here alone, and forgotten with its window unless a device is noted. */
  beginSignUp(who: SubjectKey, signUp: SignUp, hint?: string): Promise<void>;
  /** The sign-up that waits under this id; undefined when there is none, or its window is over. */
  signUpOf(who: SubjectKey): Promise<SignUp | undefined>;
  /** Takes the first-device window for one `attempt`; the same attempt is answered alike until a device is noted. */
  takeEnrolment(
    who: SubjectKey,
    offered: Offered,
    attempt: string,
  ): Promise<{ readonly taken: boolean; readonly until: Instant }>;
  restoreEnrolment(who: SubjectKey, attempt: string, until: Instant): Promise<void>;
  noteDevice(who: SubjectKey, signedUp?: SignedUp): Promise<void>;
  /** Whether a call looks like the one that finished this user's sign-up, while its window would be open. */
  looksSignedUp(who: SubjectKey, looks: string): Promise<boolean>;
  /** Whether a proof's key is good for a user who has had a device; begins the wait for it (docs/decisions/0056). */
  takeRecovery(who: SubjectKey, asked: RecoveryTry): Promise<TakenRecovery>;
  /** Ends the wait that began then; false when it does not run any more. */
  endWait(who: SubjectKey, client: ClientId, since: Instant): Promise<boolean>;
  /** Takes one guess at a code that a user carries, before anything is looked up (settled question 24). */
  takeGuess(who: SubjectKey, guess: Guess): Promise<TakenGuess>;
  /** Gives a guess back: nothing was compared, or the code was the user's. */
  returnGuess(who: SubjectKey, guess: Guess): Promise<void>;
  /** A code was redeemed in this lane: its wrong guesses stay in the day's sum alone. */
  forgiveGuesses(who: SubjectKey, guesser: Guesser): Promise<void>;
  /** Keeps a one-time code and counts its sending, for an identifier's subject. */
  putCode(who: SubjectKey, request: CodeRequest): Promise<PutCode>;
  /** Compares a guess and counts a wrong one, in one step (T63). */
  tryCode(who: SubjectKey, guess: Pick<CodeRequest, "challengeId" | "hash">): Promise<TriedCode>;
  /** Whether a link's secret is its challenge's; writes and counts nothing, so that it is for 256 bits alone. */
  holdsCode(who: SubjectKey, code: Pick<CodeRequest, "challengeId" | "hash">): Promise<boolean>;
  /** Counts one of each kind, in windows that begin with their first count; none of them when one is full. */
  countTogether(who: SubjectKey, counts: readonly Count[]): Promise<Counted>;
  /** Takes one from each of these counts: nothing came of it. */
  uncount(who: SubjectKey, kinds: readonly string[]): Promise<void>;
  /** Takes a message for one attempt: of two that try, one is told `mine`. */
  claimDelivery(who: SubjectKey, id: string, expiresAt: Instant): Promise<Claim>;
  /** Writes down how the attempt ended; what was sent or has failed stays so. */
  endDelivery(who: SubjectKey, id: string, status: "released" | "sent" | "failed"): Promise<void>;
  /** What is remembered of a message; undefined when nothing is. */
  deliveryOf(who: SubjectKey, id: string): Promise<Delivery | undefined>;
  /** Counts one start against a limit per minute, and what it is about against its own. `retryAt` ends the window, and names it. */
  countStart(who: SubjectKey, limit: number, about?: StartAbout): Promise<CountedStart>;
  /** Gives back one start of the window that ends then, and what it was about: nothing was begun. */
  returnStart(who: SubjectKey, windowEnds: Instant, about?: StartAbout): Promise<void>;
  /** Remembers a browser of the user; the same one again changes nothing. */
  remember(who: SubjectKey, entry: Remembered): Promise<void>;
  /** The browser of a cookie, without using it. */
  rememberedOf(who: SubjectKey, cookie: Cookie): Promise<Recalled>;
  /** Uses a cookie, once; one that was used before ends what it stands for (30 s for a lost answer). */
  recall(who: SubjectKey, cookie: Cookie): Promise<Recalled>;
  /** Keeps where a device is woken; false where it was removed, or its user is gone. */
  subscribe(who: SubjectKey, subscription: Subscription): Promise<boolean>;
  /** Forgets it; with `address`, only if that is still its own. */
  unsubscribe(who: SubjectKey, deviceId: DeviceId, address?: string): Promise<void>;
  /** Where the user's devices are woken. */
  subscriptionsOf(who: SubjectKey): Promise<readonly Subscription[]>;
  /** The approving device's own socket on its inbox: 101, with the sub-protocol that is selected. */
  socket(who: SubjectKey, deviceId: DeviceId, protocol?: string): Promise<Response>;
  /**
   * Closes the sockets of a device that was removed, and takes no answer of it any more. Answers the challenges that it approved, or that it
   * alone may answer.
   */
  disconnect(who: SubjectKey, deviceId: DeviceId): Promise<readonly ChallengeId[]>;
  /** Withdraws every prompt and shuts the window for a first device. Answers the challenges that may still be under way. */
  endAll(who: SubjectKey): Promise<readonly ChallengeId[]>;
  /** Forgets everything: the user was deleted. */
  wipe(who: SubjectKey): Promise<void>;
};
