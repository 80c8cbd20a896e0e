import type { Context } from "hono";
import type * as z from "zod";
import type { JsonObject } from "../../../core/challenge/state.ts";
import { own } from "../../../core/own.ts";
import type { RefusalOf } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { toSeconds } from "../../../core/time.ts";
import type { ReadIdentifier } from "../../../core/user/identifier.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { METHOD_WORDS } from "../action/settle.ts";
import { requester } from "../client.ts";
import { readAddress } from "../code/addresses.ts";
import { tellEnrolled } from "../enrolment/enrol-verified.ts";
import { refuse } from "../errors.ts";
import { windows, withTokenLengths } from "../lifetimes.ts";
import type {
  backendClaimBody,
  challengeBody,
  challengesBody,
  challengesQuery,
  verifyBody,
} from "../schema.ts";
import { ADD, accessToken, clientToken, scopesOf } from "../tokens.ts";
import { nameOf } from "../user/find.ts";
import type { BackendCode } from "./backend-code.ts";
import { beginBackendCode } from "./begin.ts";
import { claimBackendCode } from "./claim.ts";
import { findBackendCode } from "./find.ts";
import type { BackendChallenge } from "./read.ts";
import { resendBackendCode } from "./resend.ts";
import { verifyBackendCode } from "./verify.ts";

const METHODS = { EMAIL_OTP: "email", SMS: "sms", WHATSAPP: "whatsapp" } as const;

type ChallengeBody = z.output<typeof challengeBody>;

const challengeWire = ({ snapshot: { spec } }: BackendChallenge) => ({
  challengeId: spec.id,
  idempotencyKey: String(spec.context.idem),
  expiresAt: toSeconds(spec.expiresAt),
});

/** §9.1 `challenge`: a code to an address, for a user or for nobody yet; with a `challengeId` another code for that challenge. */
export async function startBackendCode(c: Context<AppEnv>, body: ChallengeBody): Promise<Response> {
  const begun = await (body.challengeId === undefined ? begin(c, body) : resend(c, body, body.challengeId));
  return begun.ok ? c.json(challengeWire(begun.value)) : refuse(c, begun.error);
}

function begin(c: Context<AppEnv>, body: ChallengeBody): ReturnType<typeof beginBackendCode> {
  const powers = services(c);
  const { client } = c.var;
  const { verificationMethod: word, action, custom } = body;
  if (word === undefined) return refused("verificationMethod");
  if (action === undefined) return refused("action");
  const address = addressOf(c, body, METHODS[word]);
  if (!address.ok) return Promise.resolve(address);
  const { ipAddress: ip, userAgent, deviceId, locale } = body;
  const context = {
    ...(ip === undefined ? {} : { ip }),
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(deviceId === undefined ? {} : { deviceId }),
    ...(locale === undefined ? {} : { locale }),
    ...(custom === undefined ? {} : { custom: custom as JsonObject }),
  };
  return beginBackendCode(powers, {
    client,
    action,
    idempotencyKey: body.idempotencyKey,
    name: body.userId,
    identifier: address.value,
    method: METHODS[word],
    channel: channelOf(body) ?? METHODS[word],
    mayAdd: scopesOf(body.scope).split(" ").includes(ADD),
    context,
    by: requester(c),
    ...windows(client, powers.clock.now()),
  });
}

const refused = async (detail: string) => no({ code: "malformed", detail } as const);

/** The address of a body: of the kind that the method writes to, or none. */
function addressOf(
  c: Context<AppEnv>,
  { email, phoneNumber }: Pick<ChallengeBody, "email" | "phoneNumber">,
  method: BackendCode["method"],
): Result<ReadIdentifier | undefined, RefusalOf<"malformed">> {
  const member = method === "email" ? "email" : "phoneNumber";
  const text = method === "email" ? email : phoneNumber;
  if (text === undefined) return ok(undefined);
  const identifier = readAddress(c, method, text);
  return identifier ? ok(identifier) : no({ code: "malformed", detail: member });
}

const channelOf = ({ smsChannel, verificationMethod }: ChallengeBody): BackendCode["channel"] | undefined => {
  if (verificationMethod === "WHATSAPP" || smsChannel === "WHATSAPP") return "whatsapp";
  return smsChannel === "DEFAULT" ? "sms" : undefined;
};

function resend(c: Context<AppEnv>, body: ChallengeBody, id: string): ReturnType<typeof resendBackendCode> {
  const powers = services(c);
  const { verificationMethod: word, action, idempotencyKey, userId } = body;
  const fits = ({ snapshot: { spec }, code }: BackendChallenge): boolean => {
    const address = addressOf(c, body, code.method);
    return (
      (word === undefined || METHODS[word] === code.method) &&
      (action === undefined || action === spec.context.action) &&
      (idempotencyKey === undefined || idempotencyKey === spec.context.idem) &&
      (userId === undefined || userId === spec.context.name) &&
      address.ok &&
      (address.value === undefined || address.value.normal === code.identifier.normal)
    );
  };
  return resendBackendCode(powers, {
    client: c.get("client"),
    challengeId: powers.challenges.parse(id),
    fits: (awaited) => fits(awaited) && (awaited.code.method !== "email" || channelOf(body) === undefined),
    channel: channelOf(body),
  });
}

const addressWire = ({ method, identifier }: BackendCode) => ({
  [method === "email" ? "email" : "phoneNumber"]: identifier.value,
});

const FAILURES = {
  wrong: { failureReason: "CODE_INVALID_OR_EXPIRED" },
  exhausted: { failureReason: "MAX_ATTEMPTS_EXCEEDED" },
  vetoed: {},
} as const;

/** §9.1 `verify`: a wrong code is an answer, not an error. */
export async function verifyBackend(
  c: Context<AppEnv>,
  body: z.output<typeof verifyBody>,
): Promise<Response> {
  const powers = services(c);
  const verdict = await verifyBackendCode(powers, {
    client: c.get("client"),
    challengeId: powers.challenges.parse(body.challengeId),
    code: body.verificationCode,
    by: requester(c),
  });
  if (!verdict.ok) return refuse(c, verdict.error);
  const { enrolled } = verdict.value;
  if (enrolled) await tellEnrolled(c, nameOf(c.get("client"), enrolled.user), enrolled);
  if (verdict.value.outcome !== "right") {
    return c.json({ isVerified: false, ...FAILURES[verdict.value.outcome] });
  }
  const { code } = verdict.value;
  return c.json({
    isVerified: true,
    ...addressWire(code),
    verificationMethod: METHOD_WORDS[code.method],
  });
}

/** §9.1 `claimChallenge`: an accessToken of the named user's action; of one that was not verified, a token that says so. */
export async function claimBackend(
  c: Context<AppEnv>,
  body: z.output<typeof backendClaimBody>,
): Promise<Response> {
  const powers = services(c);
  const { client } = c.var;
  const claimed = await claimBackendCode(powers, {
    client,
    lengths: withTokenLengths(client),
    challengeId: powers.challenges.parse(body.challengeId),
    name: body.userId,
    unverified: body.skipVerificationCheck === true,
    by: requester(c),
  });
  if (!claimed.ok) return refuse(c, claimed.error);
  const { action, code, facts, challengeId } = claimed.value;
  const named = { ...action, context: { ...action.context, name: body.userId } };
  const token = facts
    ? await accessToken(powers, client, named, facts, challengeId)
    : await clientToken(powers, client, named, scopesOf(undefined));
  return c.json({ token, verificationMethod: METHOD_WORDS[code.method] });
}

/** §9.1 `getChallenge`; `{}` when there is none. The method is named once the code has come back, and says that it has. */
export async function getBackendCode(
  c: Context<AppEnv>,
  asked: z.output<typeof challengesQuery> | z.output<typeof challengesBody>,
): Promise<Response> {
  const powers = services(c);
  const word = asked.verificationMethod;
  const method = word === undefined ? undefined : own<BackendCode["method"]>(METHODS, word);
  if (word !== undefined && method === undefined) return c.json({});
  const id = asked.challengeId === undefined ? undefined : powers.challenges.parse(asked.challengeId);
  if (asked.challengeId !== undefined && id === undefined) return c.json({});
  const found = await findBackendCode(powers, {
    client: c.get("client"),
    challengeId: id,
    name: asked.userId,
    action: asked.action,
    method,
  });
  if (!found) return c.json({});
  const { snapshot, code } = found;
  return c.json({
    challengeId: snapshot.spec.id,
    expiresAt: toSeconds(snapshot.spec.expiresAt),
    action: String(snapshot.spec.context.action),
    ...addressWire(code),
    ...(code.method === "email" ? {} : { smsChannel: code.channel === "whatsapp" ? "WHATSAPP" : "DEFAULT" }),
    ...(snapshot.view.approval ? { verificationMethod: METHOD_WORDS[code.method] } : {}),
  });
}
