import { isOpen, keyOf } from "../action/action.ts";
import type { AddressMethod } from "../action/code-method.ts";
import type { Snapshot } from "../ports/rooms.ts";
import type { Services } from "../ports/services.ts";
import type { Refusal } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { approveByCode } from "./approve-by-code.ts";
import { type CarriedCode, type CodeAsker, carriedCode } from "./code-challenge.ts";
import { enrolmentOf } from "./enrol-by-code.ts";
import type { EnrolledAddress } from "./enrol-verified-address.ts";
import { finishCodeEnrolment } from "./finish-code-enrolment.ts";
import { noteRefusal } from "./note-refusal.ts";
import { proveCode } from "./prove-code.ts";
import { OUT_OF_ATTEMPTS } from "./settle-action.ts";
import { authenticatorIdOf, standingAddress } from "./standing-address.ts";
import { withdrawChallenge } from "./withdraw-challenge.ts";

/** Who gives a code back, or asks whether its link was confirmed. */
export type CodeBearer = CodeAsker & {
  /** Methods whose codes are given back here; the first is the one by which an address is enrolled here. */
  readonly methods: readonly [AddressMethod, ...AddressMethod[]];
  readonly mayAdd: boolean;
  /** Names the token: it adds one address by each method. */
  readonly tokenId: string;
};

export type TypedActionCode = CodeBearer & { readonly code: string };

export type VerifiedActionCode = {
  /** The challenge that the code has approved. */
  readonly snapshot: Snapshot;
  /** What it enrolled, when it was sent for that. */
  readonly enrolled?: EnrolledAddress;
  /** Whether the action is met by it, or was: the waiter may collect. */
  readonly meets: boolean;
};

type Powers = Pick<
  Services,
  | "rooms"
  | "inboxes"
  | "actions"
  | "authenticators"
  | "devices"
  | "users"
  | "userCodes"
  | "records"
  | "keyring"
  | "handles"
  | "proofs"
  | "chance"
  | "clock"
  | "events"
  | "background"
  | "log"
>;

/**
 * Takes the code that was typed back for what the action's page asked for last: to meet the action, or to enrol an address
 * (Authsignal §9.2). Guesses are counted before anything is compared; once they are used up the challenge is over and its action has
 * failed. The right code again is a success too, and changes nothing. Refused: `unknown_challenge` when no code is waited for,
 * `wrong_code`, `expired`, `out_of_guesses`, what an enrolment refuses.
 */
export async function verifyActionCode(
  powers: Powers,
  asked: TypedActionCode,
): Promise<Result<VerifiedActionCode, Refusal>> {
  const { carried, isExhausted } = await lastAsked(powers, asked);
  if (isExhausted) return no({ code: "out_of_guesses" });
  const of = carried && (await authenticatorFor(powers, asked, carried));
  if (!carried || of === undefined) return no({ code: "unknown_challenge" });
  const proof = await proveCode(powers, asked.user.user, {
    spec: carried.snapshot.spec,
    identifier: carried.identifier,
    purpose: carried.use,
    code: asked.code,
    authenticator: of,
  });
  if (!proof.ok) {
    await noteWrong(powers, asked, carried, proof.error.code);
    return proof;
  }
  const approve = () => approveByCode(powers, carried.snapshot, proof.value, asked.origin.ip);
  if (carried.use === "authsignal_enrol") {
    return await finishCodeEnrolment(powers, asked, carried, approve);
  }
  const approved = await approve();
  if (!approved.ok) return approved;
  powers.background(powers.authenticators.touch(asked.user.user.id, of, powers.clock.now()));
  return ok({ snapshot: approved.value, meets: true });
}

const LIVE: readonly string[] = ["pending", "approved", "redeemed"];

/**
 * Of what the page may be waiting for the one that it asked for last; what is over comes behind what still waits. Where nothing is left,
 * whether it is for wrong codes.
 */
export async function lastAsked(
  powers: Pick<Services, "rooms" | "userCodes" | "handles" | "clock">,
  { action, methods }: CodeBearer,
): Promise<{ readonly carried: CarriedCode | undefined; readonly isExhausted: boolean }> {
  const [challenge, enrolment] = await Promise.all([
    carriedCode(powers, action, action.challengeId, methods),
    enrolmentOf(powers, action, methods[0]),
  ]);
  const own = challenge?.use === "authsignal_action" ? challenge : undefined;
  const all = [enrolment, own]
    .filter((one) => one !== undefined)
    .toSorted((a, b) => lastStep(b) - lastStep(a));
  const found = all.filter(({ snapshot }) => LIVE.includes(snapshot.view.state));
  const carried = found.find(({ snapshot }) => snapshot.view.state === "pending") ?? found[0];
  return { carried, isExhausted: carried === undefined && all[0] !== undefined && isExhausted(all[0]) };
}

/** Whether it was ended by wrong codes. */
const isExhausted = ({ snapshot: { view, timeline } }: CarriedCode): boolean =>
  view.state === "cancelled" && timeline.at(-1)?.by === OUT_OF_ATTEMPTS;

/** When it was asked for, or decided: a lost answer is asked for again about what was decided last. */
const lastStep = ({ snapshot: { spec, timeline } }: CarriedCode): number =>
  timeline.at(-1)?.at ?? spec.createdAt;

/**
 * The id of the authenticator that a code is of. None: a closed action is met by nothing, and an address that was removed meanwhile meets
 * nothing.
 */
export async function authenticatorFor(
  powers: Pick<Services, "authenticators" | "handles">,
  { action, user, client }: CodeBearer,
  { use, snapshot, identifier }: CarriedCode,
): Promise<string | undefined> {
  if (use === "authsignal_enrol") {
    return action.state === "block"
      ? undefined
      : await authenticatorIdOf(powers, client, user.user.id, identifier);
  }
  const wasMet = action.state === "challenge_succeeded" && snapshot.view.state !== "pending";
  if (!isOpen(action.state) && !wasMet) return undefined;
  const row = await standingAddress(powers, user.user.id, identifier, client);
  return row?.verifiedAt === undefined ? undefined : row.id;
}

async function noteWrong(
  powers: Powers,
  { action, client, user, origin: { ip } }: CodeBearer,
  { snapshot, use }: CarriedCode,
  reason: string,
): Promise<void> {
  const { id } = snapshot.spec;
  const from = ip === undefined ? {} : { ip };
  const userId = user.user.id;
  noteRefusal(powers, { type: "code_refused", subject: id, userId, clientId: client.id, reason, ...from });
  if (reason !== "out_of_guesses" || snapshot.view.state !== "pending") return;
  await withdrawChallenge(powers, snapshot, OUT_OF_ATTEMPTS);
  if (use === "authsignal_action") await powers.actions.fail(keyOf(action), id, powers.clock.now());
}
