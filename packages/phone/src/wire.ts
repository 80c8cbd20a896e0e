import type { JsonValue } from "@countersign/protocol/canonical";

/** What the server says (docs/approver.md). */
export type Config = {
  readonly issuer: string;
  readonly name: string;
  readonly rp_id?: string;
  readonly push?: { readonly public_key: string };
};

export type Device = {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly enrolled_at: string;
  readonly this: boolean;
  readonly new: boolean;
  readonly removable: boolean;
};

export type Session = {
  readonly token: string;
  readonly expires_in: number;
  readonly device: Device;
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

export type Payload = {
  readonly [name: string]: JsonValue | undefined;
  readonly id: string;
  readonly exp: number;
  readonly client: { readonly id: string; readonly name: string };
  readonly purpose: string;
  readonly shown: Shown;
};

export type WhyNot = "tap" | "unlock" | "new_device" | "more" | "far" | "same_device";

export type Prompt = {
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

export type Listed = {
  readonly prompts: readonly Prompt[];
  readonly blocked: { readonly count: number; readonly last_at?: string };
  readonly silences: readonly { readonly client: string; readonly until: string }[];
  readonly new_devices: readonly Device[];
  readonly account: string;
  readonly device: Device;
};

export type Scanned = { readonly prompt: Prompt; readonly scan: string };

/** How a request stands that is not live any more. */
export type Standing = {
  readonly state: "live" | "approved" | "denied" | "superseded" | "cancelled" | "expired";
};

export type Event = {
  readonly id: string;
  readonly at: string;
  readonly type: string;
  readonly client?: string;
  readonly place?: string;
  readonly device?: string;
};
