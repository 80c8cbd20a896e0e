import type { JsonValue } from "./canonical.ts";

/** What `/approver` says to a device that answers (docs/approver.md). Times are ISO 8601, `at` and `exp` Unix seconds. */
export type ConfigWire = {
  readonly issuer: string;
  readonly name: string;
  readonly rp_id?: string;
  readonly push?: { readonly public_key: string };
};

export type DeviceWire = {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly enrolled_at: string;
  readonly this: boolean;
  readonly new: boolean;
  readonly removable: boolean;
};

export type SessionWire = {
  readonly token: string;
  readonly expires_in: number;
  readonly device: DeviceWire;
  readonly account: string;
};

export type Shown = {
  readonly at: number;
  readonly place?: string;
  readonly device?: string;
  readonly action?: string;
  readonly message?: string;
  readonly scope?: string;
  readonly code?: string;
  readonly details?: readonly JsonValue[];
};

/** What is shown of a request, and signed with its answer. */
export type Payload = {
  readonly [name: string]: JsonValue | undefined;
  readonly iss: string;
  readonly id: string;
  readonly exp: number;
  readonly client: { readonly id: string; readonly name: string };
  readonly purpose: string;
  readonly shown: Shown;
};

export type WhyNot = "tap" | "unlock" | "new_device" | "more" | "far" | "same_device";

export type PromptWire = {
  readonly id: string;
  readonly expires_at: string;
  readonly listed_at: string;
  readonly match: "number" | "none";
  readonly unlock: boolean;
  readonly answers: readonly ("deny" | "approve")[];
  readonly why_not?: WhyNot;
  readonly warnings: readonly ("far" | "same_device")[];
  readonly payload: Payload;
};

export type ListedWire = {
  readonly prompts: readonly PromptWire[];
  readonly blocked: { readonly count: number; readonly last_at?: string };
  readonly silences: readonly { readonly client: string; readonly until: string }[];
  readonly new_devices: readonly DeviceWire[];
  readonly account: string;
  readonly device: DeviceWire;
};

export type ScannedWire = { readonly prompt: PromptWire; readonly scan: string };

/** How a request stands that the device was shown. */
export type StandingWire = {
  readonly state: "live" | "approved" | "denied" | "superseded" | "cancelled" | "expired";
};

export type EventWire = {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly client?: string;
  readonly place?: string;
  readonly device?: string;
};

/** What a passkey has signed, each member base64url (WebAuthn §5.2.2). */
export type AssertionWire = {
  readonly credential_id: string;
  readonly client_data: string;
  readonly authenticator_data: string;
  readonly signature: string;
};

/** A new passkey, each member base64url (WebAuthn §5.2.1). */
export type AttestationWire = {
  readonly credential_id: string;
  readonly client_data: string;
  readonly attestation_data: string;
};

/** How a device is woken: what `PushManager.subscribe` answered, or an app's registration token. */
export type PushTarget =
  | { readonly endpoint: string; readonly keys: { readonly p256dh: string; readonly auth: string } }
  | { readonly fcm: { readonly token: string } };
