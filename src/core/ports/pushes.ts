import type { ChallengeId, DeviceId } from "../ids.ts";
import type { PushTarget } from "../inbox/state.ts";
import type { Instant } from "../time.ts";

/** A request waits, and which. Nothing of what it says, and nothing secret. */
export type PromptNote = { readonly challengeId: ChallengeId; readonly expiresAt: Instant };
/** A device was added to the user's own (T33); nothing of which. */
export type DeviceNote = { readonly newDevice: DeviceId; readonly expiresAt: Instant };
/** What a device is told. */
export type PushNote = PromptNote | DeviceNote;

/**
 * `gone`: the browser or app has ended the subscription. `refused`: trying again would change nothing. A reason holds no address and
 * nothing that the push service said.
 */
export type PushOutcome =
  | { readonly kind: "sent" }
  | { readonly kind: "gone" }
  | { readonly kind: "refused" | "retry"; readonly reason: string };

/** `off`: this deployment sends nothing of the kind. `endpoint`: no push service that it knows. `keys`: they are none. */
export type TargetFault = "off" | "endpoint" | "keys";

/**
 * Wakes devices: browsers by Web Push (RFC 8030, 8291, 8292), native apps by FCM. One POST for each, bounded in time, to known push services
 * only, following no redirect (T97). Never throws for what a service did or failed to do; throws Outage when the own key cannot be used.
 */
export type Pushes = {
  /** base64url of the 65 bytes of the key that browsers subscribe with; undefined where Web Push is off. */
  publicKey(): Promise<string | undefined>;
  /** What keeps a target from being one; undefined where nothing does. */
  faultOf(target: PushTarget): Promise<TargetFault | undefined>;
  send(target: PushTarget, note: PushNote): Promise<PushOutcome>;
};
