import type { Json, JsonObject } from "../../core/challenge/state.ts";
import type { Client } from "../../core/client/client.ts";
import { isPasskey } from "../../core/device/answers-for.ts";
import type { Device } from "../../core/device/device.ts";
import type { ChallengeId, ClientId } from "../../core/ids.ts";
import type { Prompt } from "../../core/inbox/state.ts";
import type { DoorEvent } from "../../core/message/queue.ts";
import type { Snapshot } from "../../core/ports/challenges.ts";
import type { Services } from "../../core/ports/services.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import { oneLine } from "../../core/shown-text.ts";
import { type Instant, toSeconds } from "../../core/time.ts";
import { type Authenticator, verifiedCodes } from "../../core/user/authenticator.ts";
import type { Action, ActionMethod } from "./action/action.ts";
import { beganBefore } from "./action/end-other-ways.ts";
import { METHOD_WORDS } from "./action/settle.ts";
import { type Enrolled, platformOf, servesIn } from "./enrolment/enrolled.ts";
import { ACTION_CODE } from "./schema.ts";

export const iso = (at: Instant): string => new Date(at).toISOString();

/** States are capitals on this wire (§5.1). */
export const stateWord = (action: Action): string => action.state.toUpperCase();

const given = <Value>(name: string, value: Value | undefined): Readonly<Record<string, Value>> =>
  value === undefined ? {} : { [name]: value };

/** §9.1, `getAction`. */
export const actionWire = (action: Action) => ({
  state: stateWord(action),
  stateUpdatedAt: iso(action.stateAt),
  createdAt: iso(action.createdAt),
  ...given("verificationMethod", action.method && METHOD_WORDS[action.method]),
  rules: [],
  ruleIds: [],
  output: {},
});

/** How a device meets a challenge: those that only scan or verify in their app are not pushed to (§1). */
function deviceMethod(device: Device): "PUSH" | "DEVICE" | "PASSKEY" {
  if (isPasskey(device)) return "PASSKEY";
  return servesIn(device, "push") ? "PUSH" : "DEVICE";
}

const CODE_METHODS = { email: "EMAIL_OTP", sms: "SMS", device: "DEVICE" } as const;
export const ALLOWED_METHODS = [
  "PUSH",
  "DEVICE",
  "EMAIL_OTP",
  "EMAIL_MAGIC_LINK",
  "SMS",
  "WHATSAPP",
] as const;

/** The ways that the user has enrolled and that this door asks for, each once. */
export function methodsOf(enrolled: Enrolled): readonly string[] {
  const devices = enrolled.devices.filter((device) => !isPasskey(device)).map(deviceMethod);
  const codes = verifiedCodes(enrolled.rows).map(({ kind }) => CODE_METHODS[kind]);
  return [...new Set<string>([...devices, ...codes])];
}

/** §9.1.3, devices first. */
export function authenticatorsWire(
  name: string,
  record: UserRecord,
  enrolled: Pick<Enrolled, "devices" | "rows">,
) {
  const devices = enrolled.devices.map((device) => ({
    userId: name,
    userAuthenticatorId: device.id,
    verificationMethod: deviceMethod(device),
    createdAt: iso(device.enrolledAt),
    verifiedAt: iso(device.enrolledAt),
    lastVerifiedAt: iso(lastVerifiedAt(device, enrolled)),
    ...given("displayName", device.name || undefined),
    ...given("devicePlatform", platformOf(device).toUpperCase() || undefined),
  }));
  const codes = verifiedCodes(enrolled.rows).map(
    ({ id, kind, identifier, createdAt, verifiedAt, lastVerifiedAt }) => ({
      userId: name,
      userAuthenticatorId: id,
      verificationMethod: CODE_METHODS[kind],
      createdAt: iso(createdAt),
      ...given("verifiedAt", verifiedAt && iso(verifiedAt)),
      ...given("lastVerifiedAt", lastVerifiedAt && iso(lastVerifiedAt)),
      ...given(kind === "email" ? "email" : "phoneNumber", spelled(record, identifier)),
    }),
  );
  return [...devices, ...codes];
}

const spelled = (record: UserRecord, normal: string | undefined): string | undefined =>
  record.identifiers.find((identifier) => identifier.normal === normal)?.value ?? normal;

const lastVerifiedAt = (device: Device, { rows }: Pick<Enrolled, "rows">): Instant =>
  rows.find(({ id }) => id === device.id)?.lastVerifiedAt ?? device.enrolledAt;

/** §6.6: what a phone is told of its credential. */
export const credentialWire = (name: string, device: Device, verified: Instant = device.enrolledAt) => ({
  userAuthenticatorId: device.id,
  userId: name,
  verifiedAt: iso(device.enrolledAt),
  lastVerifiedAt: iso(verified),
});

/** The longest custom data that goes into a challenge; longer ones are read from the action's row when they are shown. */
const PROMPT_CUSTOM = 2_048;

/** A Cotter device signs the event's name: this one would enrol a device there. */
const RESERVED_EVENT = "ENROLL_NEW_TRUSTED_DEVICE";

/** What a challenge of this door keeps for its later answers, and for the doors that show it. */
export function challengeContext(
  method: ActionMethod,
  about: {
    readonly code: string;
    readonly idempotencyKey: string;
    readonly name?: string;
    readonly deviceId?: string | undefined;
    readonly userAgent?: string | undefined;
    readonly ip?: string | undefined;
    readonly custom?: JsonObject | undefined;
    /** The code is a stranger's word, and none of the client's own: nobody is shown it. */
    readonly unlisted?: boolean;
    /** The challenge that the action asked by before. */
    readonly challengeId?: ChallengeId | undefined;
  },
): JsonObject {
  const { custom, code } = about;
  const fits = custom !== undefined && JSON.stringify(custom).length <= PROMPT_CUSTOM;
  return {
    method,
    action: code,
    idem: about.idempotencyKey,
    ...(code.includes(RESERVED_EVENT) ? {} : { event: code }),
    ...given("name", about.name),
    ...given("device_id", about.deviceId),
    ...given("user_agent", about.userAgent?.slice(0, 512)),
    ...given("ip", about.ip),
    ...(custom === undefined ? {} : fits ? { custom } : { custom_in_row: true }),
    ...(about.unlisted ? { unlisted: true } : {}),
    ...beganBefore(about),
  };
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

/** Browsers and networks name themselves, so their words are bounded and of one line. */
const SHOWN_LIMIT = 256;
const line = (value: string | undefined) => (value === undefined ? undefined : oneLine(value, SHOWN_LIMIT));

/** What the asking side looked like, as far as the approver may be shown it, and the details of what it asks. */
export const shownContext = (
  { context, origin }: Pick<Prompt, "context" | "origin">,
  custom: Json | undefined,
) => ({
  ...given("deviceId", line(text(context.device_id))),
  ...given("userAgent", line(text(context.user_agent) ?? origin.userAgent)),
  ...given("ipAddress", line(text(context.ip) ?? origin.ip)),
  ...given("custom", custom),
});

/** What a prompt of whichever door asks, as an action code; undefined where no code says it. */
export function actionCodeOf({ door, purpose, context }: Prompt): string | undefined {
  const code = door === "authsignal" ? context.action : door === "cotter" ? context.event : purpose;
  return typeof code === "string" && ACTION_CODE.test(code) ? code : undefined;
}

/** What only a good signature is shown (§6.4): the action's custom data and the user's. */
export type SignedView = { readonly custom?: Json | undefined; readonly userCustom?: JsonObject | undefined };

/** Who asks, where it is not the tenant that the phone calls for: the vendor's wire has no word for it. */
export const requestedBy = (
  caller: Pick<Client, "id">,
  asker: { readonly id: ClientId; readonly name: string },
) => given("requestedBy", asker.id === caller.id ? undefined : { tenantId: asker.id, name: asker.name });

/** §6.6: the pending challenge; without a good signature the identifiers alone (§6.4). */
export function promptWire(
  phone: { readonly client: Pick<Client, "id">; readonly name: string },
  prompt: Prompt,
  signed: SignedView | undefined,
) {
  const { context } = prompt;
  return {
    challengeId: prompt.challengeId,
    userId: phone.name,
    ...requestedBy(phone.client, { id: prompt.clientId, name: prompt.clientName }),
    actionCode: actionCodeOf(prompt),
    idempotencyKey: text(context.idem) ?? prompt.challengeId,
    expiresAt: toSeconds(prompt.expiresAt),
    ...(signed ? { ...shownContext(prompt, signed.custom), ...userOf(signed.userCustom) } : {}),
  };
}

export const userOf = (custom: JsonObject | undefined) => given("user", custom && { custom });

/** §7.3: told before a push challenge counts as begun. */
export const pushCreated = (
  powers: Pick<Services, "chance" | "clock">,
  action: Action,
  snapshot: Snapshot,
): DoorEvent => ({
  id: powers.chance.uuid(),
  type: "push.created",
  at: powers.clock.now(),
  data: {
    challengeId: snapshot.spec.id,
    userId: action.context.name,
    idempotencyKey: action.idempotencyKey,
    actionCode: action.code,
    ...given("userAgent", action.context.userAgent),
    ...given("ipAddress", action.context.ip),
  },
});

/** §7.3: an authenticator was added, changed or removed. */
export const authenticatorEvent = (
  powers: Pick<Services, "chance" | "clock">,
  what: "created" | "updated" | "deleted",
  name: string,
  device: Device,
): DoorEvent => ({
  id: powers.chance.uuid(),
  type: `authenticator.${what}`,
  at: powers.clock.now(),
  data: {
    userId: name,
    verificationMethod: deviceMethod(device),
    createdAt: iso(device.enrolledAt),
    userAuthenticatorId: device.id,
  },
});

/** The same for an address that codes are sent to. */
export const addressEvent = (
  powers: Pick<Services, "chance" | "clock">,
  what: "created" | "updated" | "deleted",
  name: string,
  record: UserRecord,
  { id, kind, identifier, createdAt }: Authenticator,
): DoorEvent => ({
  id: powers.chance.uuid(),
  type: `authenticator.${what}`,
  at: powers.clock.now(),
  data: {
    userId: name,
    verificationMethod: CODE_METHODS[kind],
    createdAt: iso(createdAt),
    userAuthenticatorId: id,
    ...given(kind === "email" ? "email" : "phoneNumber", spelled(record, identifier)),
  },
});
