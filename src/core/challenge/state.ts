import type { Brought } from "../caller.ts";
import type { ChallengeId, ClientId, DeviceId, GrantId, Realm, UserId } from "../ids.ts";
import type { Instant, Millis } from "../time.ts";
import type { Approvers } from "./approvers.ts";
import type { Sealed } from "./signed.ts";

/** What the challenge asks: the client's own word is allowed beside the service's three. */
export type Purpose = "sign_in" | "enrol_device" | "verify_identifier" | (string & {});

/** What a request looked like to the edge; every part may be unknown. */
export type Origin = {
  readonly ip?: string;
  readonly country?: string;
  readonly city?: string;
  /** Where the network of the address is, in degrees, to a tenth (11 km): for comparing, and shown to nobody. */
  readonly latitude?: number;
  readonly longitude?: number;
  readonly userAgent?: string;
};

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
export type JsonObject = { readonly [key: string]: Json };

/** Everything that is fixed at birth. Times are instants; windows are milliseconds. */
export type ChallengeSpec = {
  readonly id: ChallengeId;
  readonly door: Door;
  readonly clientId: ClientId;
  /** Whose users may be asked; absent in the main realm. */
  readonly realm?: Realm;
  readonly purpose: Purpose;
  readonly userId?: UserId;
  readonly scope: string;
  readonly bindingMessage?: string;
  /** Keyed hash of the number that the approver must type, never the number itself. */
  readonly matchCodeHash?: string;
  readonly requiresClaim: boolean;
  /** Until when it may be claimed, if that is before its end; an unclaimed one is over then. */
  readonly claimBy?: Instant;
  /** The one device that may claim and decide, when the client chose it. */
  readonly onlyDevice?: DeviceId;
  /** Whose devices may claim and decide, as the client's settings said at the start; its own alone when it is missing. */
  readonly approvers?: Approvers;
  readonly nonce: string;
  /** Digest of the signed request that opened, approved and redeemed it at once, where that may be repeated. */
  readonly request?: string;
  /** Opaque to the machine; belongs to the door. At most CONTEXT_LIMIT bytes of JSON. */
  readonly context: JsonObject;
  /** What tokens of a grant will say about the user, where the door knew it at the start; kept with the grant then. */
  readonly subject?: JsonObject;
  /** How long its grant lives without being refreshed; as the client's settings say when it is missing. */
  readonly grantLifetime?: Millis;
  readonly origin: Origin;
  /** What whoever began it has brought; absent in challenges of a version that did not look. */
  readonly brought?: Brought;
  readonly createdAt: Instant;
  readonly expiresAt: Instant;
  /** How long an approval may wait for its redemption. */
  readonly redeemWindow: Millis;
  /** How long the same waiter proof gets the same facts again. */
  readonly replayWindow: Millis;
};

export const CONTEXT_LIMIT = 4_096;

export type Door = "oauth" | "cotter" | "loginid" | "authsignal" | "approver" | "page";

export type DecisionKind = "approve" | "deny";

/** Who stood behind a decision (settled question 15). */
export type Approver =
  | { readonly kind: "device"; readonly deviceId: DeviceId }
  | { readonly kind: "code"; readonly identifierId: string }
  | { readonly kind: "client"; readonly clientId: ClientId }
  | { readonly kind: "firstEnrolment"; readonly deviceId: DeviceId }
  /** A browser in which the user had signed in; `deviceId` is the device that had approved that sign-in, if one had. */
  | { readonly kind: "session"; readonly sessionId: GrantId; readonly deviceId?: DeviceId };

/** What claimed a challenge for its user: a device that scanned it, or a browser in which they had signed in. */
export type Claimer = { readonly deviceId: DeviceId } | { readonly sessionId: GrantId };

/** What the winning redemption fixes; tokens are signed from it, never stored. */
export type Facts = {
  readonly jti: string;
  readonly idJti: string;
  /** Unix seconds. */
  readonly iat: number;
  /** Unix seconds at which the access token ends. */
  readonly exp: number;
  /** Unix seconds at which the ID token ends. */
  readonly idExp: number;
  /** Unix seconds of the approval, or of the earlier proof that it stands on. */
  readonly authTime: number;
  readonly kid: string;
  readonly amr: readonly string[];
};

export type Phase =
  | { readonly name: "pending" }
  | ({
      readonly name: "claimed";
      readonly userId: UserId;
      readonly evidence?: string;
      readonly at: Instant;
    } & Claimer)
  | {
      readonly name: "approved";
      readonly approver: Approver;
      readonly userId: UserId;
      readonly proofDigest: string;
      readonly amr: readonly string[];
      /** When the user gave the proof, if that was before the approval. */
      readonly provenAt?: Instant;
      readonly at: Instant;
      readonly redeemBy: Instant;
    }
  | { readonly name: "denied"; readonly approver: Approver; readonly at: Instant }
  | {
      readonly name: "redeemed";
      readonly approver: Approver;
      readonly userId: UserId;
      readonly facts: Facts;
      readonly withGrant: boolean;
      /** Digest of what the winner proved: handle, verifier, key and client. */
      readonly waiterProof: string;
      readonly at: Instant;
    }
  | { readonly name: "cancelled"; readonly by: string; readonly at: Instant }
  | { readonly name: "expired"; readonly at: Instant };

export type PhaseName = Phase["name"];

/** One step of the life of a challenge, as the audit trail shows it. */
export type Step = {
  readonly at: Instant;
  readonly what:
    | "started"
    | "prompted"
    | "claimed"
    | "approved"
    | "denied"
    | "redeemed"
    | "cancelled"
    | "expired";
  readonly by?: string;
  readonly ip?: string;
  /** At the redemption: what the waiter calls the session. */
  readonly sessionName?: string;
  /** Digest of the bytes that said it, where the door keeps it: the same bytes may come again. */
  readonly evidence?: string;
  /** At a decision: the build of the page that asked, as the answer that was signed there names it. */
  readonly page?: string;
};

/** Who decided, and by what: fixed by the decision, whatever becomes of the challenge then. */
export type Decided = {
  readonly kind: DecisionKind;
  readonly approver: Approver;
  readonly userId: UserId;
  readonly amr: readonly string[];
  readonly at: Instant;
  /** Of a device that was asked: what it has signed. */
  readonly signed?: Sealed;
};

export type Challenge = {
  readonly spec: ChallengeSpec;
  /** Grows on every change and only then. */
  readonly version: number;
  readonly phase: Phase;
  readonly timeline: readonly Step[];
  /** Missing until there is a decision, and in challenges that an older version decided. */
  readonly decided?: Decided;
};

/** Phases that no command leaves. */
export const TERMINAL: ReadonlySet<PhaseName> = new Set(["denied", "redeemed", "cancelled", "expired"]);
