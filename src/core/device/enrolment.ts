import type { Door, JsonObject, Origin } from "../challenge/state.ts";
import type { Client } from "../client/client.ts";
import type { Offered } from "../inbox/enrolment.ts";
import type { SignUp } from "../inbox/state.ts";
import type { Lane } from "../keys/key.ts";
import type { Redeemed } from "../ports/challenges.ts";
import type { UserRecord } from "../ports/users.ts";
import type { Device, DeviceKey } from "./device.ts";

export type FirstEnrolment = {
  readonly door: Door;
  readonly client: Client;
  readonly user: UserRecord;
  readonly key: DeviceKey;
  readonly name: string;
  readonly kind: string;
  /** The sign-up that this finishes; without one it is a user who is there already. */
  readonly signUp?: SignUp;
  /** What the caller shows for the window of a user who is there: the key that a proof's answer held, how its call looks. */
  readonly offered: Omit<Extract<Offered, { kind: "proof" }>, "kind" | "endedAt">;
  readonly origin: Origin;
  /** How the call looks: kept of a sign-up, until its window ends. */
  readonly looks?: string;
  readonly lane: Extract<Lane, "standard" | "cotter">;
  /** Given when the enrolment also signs the user in. */
  readonly subject?: JsonObject;
  readonly scope: string;
};

export type Enrolled = { readonly device: Device; readonly redeemed?: Redeemed };
