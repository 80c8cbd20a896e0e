import type { Payload, PromptWire, StandingWire, WhyNot } from "../../../protocol/src/approver.ts";
import { CountersignError } from "../errors.ts";
import type { Seat } from "./seat.ts";
import { type Answer, deepFrozen, refuseUnfit, type Signing, signText, textToSign } from "./signing.ts";

export type ApproveOptions = {
  /** The six digits of the other screen, where `match` is `number`. Spaces and hyphens are left out. */
  readonly matchCode?: string;
  /** What `scan` answered. A request that came from `scan` brings its own. */
  readonly scan?: string;
  /** Called before the key signs, for an app's own fingerprint, face or PIN. `false` signs nothing. A passkey asks by itself. */
  readonly unlock?: () => boolean | Promise<boolean>;
};

export type DeclineOptions = {
  /** Somebody else began it: whoever asked is silenced for ten minutes. */
  readonly notMe?: boolean;
  readonly unlock?: ApproveOptions["unlock"];
};

/** How a request stands. `live`: nobody has answered. */
export type PromptState = StandingWire["state"];

/** A request. Show `payload` whole and as plain text: it is what is signed, and it is frozen. */
export type Prompt = {
  readonly id: string;
  readonly expiresAt: Date;
  readonly listedAt: Date;
  /** `number`: approving takes the six digits of the other screen, or its QR code. */
  readonly match: "number" | "none";
  /** Only a passkey may approve. */
  readonly unlock: boolean;
  readonly answers: readonly ("deny" | "approve")[];
  /** Why it cannot be approved here. */
  readonly whyNot?: WhyNot;
  /** To be shown above the question. */
  readonly warnings: readonly ("far" | "same_device")[];
  readonly payload: Payload;
  /** Shows that this phone saw the waiting screen. */
  readonly scan?: string;
  /**
   * Signs yes over `payload` and sends it once. On `network` it is not known whether it was taken: ask `state`, or approve again. An answer
   * that was taken before is `already_decided` with its `winner`.
   */
  approve(options?: ApproveOptions): Promise<"approved">;
  /** Signs no over `payload` and sends it once. */
  decline(options?: DeclineOptions): Promise<"denied">;
  /** How it stands now. Refused as `unknown_prompt` for a request that a typed code has brought. */
  state(): Promise<PromptState>;
};

export type Asking = {
  readonly seat: Seat;
  readonly signing: Signing;
  readonly showsAll: boolean;
  /** The build of the app, which goes on record with the answer. */
  readonly build: string | undefined;
};

const unfit = (error: string, message: string, data: Readonly<Record<string, unknown>> = {}) =>
  new CountersignError("invalid_argument", message, { error, data });

/** A request as an app gets it. */
export function promptOf(asking: Asking, wire: PromptWire, scan?: string): Prompt {
  const { id, match, unlock, answers, warnings, why_not: whyNot } = wire;
  const payload = deepFrozen(wire.payload);
  const path = `/approver/prompts/${encodeURIComponent(id)}`;
  let isAnswering = false;
  /** One answer at a time: of two that are pressed the first is sent. */
  const alone = async (answer: Answer, mayUnlock: ApproveOptions["unlock"]): Promise<void> => {
    if (isAnswering) throw unfit("answering", "Another answer to this request is under way.");
    isAnswering = true;
    try {
      await send(asking, { id, payload, path }, answer, mayUnlock);
    } finally {
      isAnswering = false;
    }
  };
  return Object.freeze({
    id,
    match,
    unlock,
    answers,
    warnings,
    payload,
    expiresAt: new Date(wire.expires_at),
    listedAt: new Date(wire.listed_at),
    ...(whyNot === undefined ? {} : { whyNot }),
    ...(scan === undefined ? {} : { scan }),
    async approve(options: ApproveOptions = {}) {
      if (!answers.includes("approve"))
        throw unfit("not_allowed", "This request can only be declined here.", { why: whyNot });
      await alone(
        { decision: "approve", ...seenBy(wire, options, scan), ...builtBy(asking) },
        options.unlock,
      );
      return "approved" as const;
    },
    async decline({ notMe = false, unlock: mayUnlock }: DeclineOptions = {}) {
      const said = { ...(notMe ? { not_me: true as const } : {}), ...(scan === undefined ? {} : { scan }) };
      await alone({ decision: "deny", ...said, ...builtBy(asking) }, mayUnlock);
      return "denied" as const;
    },
    async state() {
      return (await asking.seat.call<StandingWire>({ method: "GET", path })).state;
    },
  });
}

const builtBy = ({ build }: Asking): { page?: string } => (build === undefined ? {} : { page: build });

/** The number or the scan that an approval brings. */
function seenBy(
  { match }: PromptWire,
  { matchCode, scan: given }: ApproveOptions,
  scan = given,
): Pick<Answer, "match_code" | "scan"> {
  const seen = scan === undefined ? {} : { scan };
  if (matchCode === undefined) {
    if (match === "number" && scan === undefined)
      throw unfit("number_needed", "This request takes the number of the other screen.");
    return seen;
  }
  const digits = matchCode.replaceAll(/[\s-]/g, "");
  if (!/^\d{6}$/.test(digits)) throw unfit("number_needed", "The number of the other screen has six digits.");
  return { match_code: digits, ...seen };
}

async function unlocked(mayUnlock: ApproveOptions["unlock"]): Promise<void> {
  const locked = (cause?: unknown) =>
    new CountersignError("not_signed", "The person did not unlock.", { reason: "locked", cause });
  try {
    if (!mayUnlock || (await mayUnlock())) return;
  } catch (cause) {
    throw locked(cause);
  }
  throw locked();
}

async function send(
  { seat, signing, showsAll }: Asking,
  { id, payload, path }: Pick<Prompt, "id" | "payload"> & { readonly path: string },
  answer: Answer,
  mayUnlock: ApproveOptions["unlock"],
): Promise<void> {
  const { issuer, clock } = seat.line;
  refuseUnfit(payload, { id, issuer, now: clock.now(), decision: answer.decision, showsAll });
  const phone = await seat.signedIn();
  await unlocked(mayUnlock);
  const signed = await signText(signing, phone, textToSign(payload, answer));
  await seat.call({ method: "POST", path: `${path}/decision`, body: { ...answer, ...signed } });
}
