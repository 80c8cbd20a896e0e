import type { Context } from "hono";
import type * as z from "zod";
import { callerFrom } from "../../../core/client/caller-from.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { viewOf } from "../../../core/user/name-view.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { localeOf } from "../../../pages/verify/words.ts";
import { collect } from "../action/collect.ts";
import { bearerOf } from "../client.ts";
import { tellEnrolled } from "../enrolment/enrol-verified.ts";
import { refuse } from "../errors.ts";
import { windows } from "../lifetimes.ts";
import type { codeBody, codeStartBody } from "../schema.ts";
import { type ActionToken, ADD } from "../tokens.ts";
import { authenticatorsWire, challengeContext } from "../translate.ts";
import { readAddress } from "./addresses.ts";
import { beginCode } from "./begin.ts";
import type { CodeAsker, CodeSending, VerifiedActionCode } from "./challenge.ts";
import { finalizeLink } from "./confirm-link.ts";
import { enrolByCode } from "./enrol.ts";
import type { AddressMethod } from "./method.ts";
import { verifyActionCode } from "./verify.ts";

type Asking = { readonly asker: CodeAsker; readonly token: ActionToken };

/** Who asks for a code or gives one back: the token's action and user. */
async function askingOf(c: Context<AppEnv>): Promise<Result<Asking, Refusal>> {
  const powers = services(c);
  const sender = await bearerOf(c);
  if (!sender.ok) return sender;
  const { client, token } = sender.value;
  const [found, user] = await Promise.all([
    powers.actions.find(token),
    powers.users.byId(token.userId, client.realm),
  ]);
  if (!found || !user) return no({ code: "bad_token", detail: "action" });
  if (user.user.status === "locked") return no({ code: "user_locked" });
  const action = { ...found, context: { ...found.context, name: token.name } };
  const origin = originOf(c);
  const caller = await callerFrom(powers, "secret", origin.ip);
  return ok({ token, asker: { client, action, user, origin, caller } });
}

/** How it is sent. The language is the action's, else the user's, else the browser's. */
async function sendingOf(
  c: Context<AppEnv>,
  method: AddressMethod,
  { asker, token }: Asking,
): Promise<CodeSending> {
  const powers = services(c);
  const { client, action, user } = asker;
  const locale =
    action.context.locale ??
    (await powers.authenticators.profile(user.user.id, viewOf(client))).locale ??
    localeOf(c.req.header("Accept-Language"));
  const { code, idempotencyKey, challengeId } = action;
  const context = challengeContext(method, { code, idempotencyKey, challengeId, name: token.name });
  return {
    method,
    locale,
    context,
    ...windows(client, powers.clock.now(), token.expiresAt),
    ...(method === "link" ? { linkOf: linkOf(powers.config.issuer) } : {}),
  };
}

const linkOf = (issuer: string) => (id: string, secret: string) => `${issuer}/v1/link/${id}?t=${secret}`;

/** §9.2 `challenge`: a code to the enrolled address; called again, another code for the same challenge. */
export async function startCode(
  c: Context<AppEnv>,
  method: AddressMethod,
  { userAuthenticatorId: authenticator }: z.output<typeof codeStartBody>,
): Promise<Response> {
  const asking = await askingOf(c);
  if (!asking.ok) return refuse(c, asking.error);
  const sending = await sendingOf(c, method, asking.value);
  const begun = await beginCode(services(c), { ...asking.value.asker, ...sending, authenticator });
  return begun.ok ? c.json({ challengeId: begun.value.spec.id }) : refuse(c, begun.error);
}

/** §9.2 `enroll`: a code to a new address, which is enrolled when the code comes back. */
export async function enrolCode(
  c: Context<AppEnv>,
  method: AddressMethod,
  text: string,
  channel?: CodeSending["channel"],
): Promise<Response> {
  const asking = await askingOf(c);
  if (!asking.ok) return refuse(c, asking.error);
  const { asker, token } = asking.value;
  const identifier = readAddress(c, method, text);
  if (!identifier) {
    return refuse(c, { code: "malformed", detail: method === "sms" ? "phoneNumber" : "email" });
  }
  const enrolled = await enrolByCode(services(c), {
    ...asker,
    ...(await sendingOf(c, method, asking.value)),
    ...(channel === undefined ? {} : { channel }),
    identifier,
    mayAdd: token.scopes.includes(ADD),
  });
  if (!enrolled.ok) {
    // Whoever tries addresses finds out whose are taken: that is counted like guessing.
    if (enrolled.error.code === "user_exists") await services(c).limits.miss(asker.origin.ip);
    return refuse(c, enrolled.error);
  }
  return c.json({ userAuthenticatorId: enrolled.value, userId: token.name });
}

const WRONG = { isVerified: false, failureReason: "CODE_INVALID_OR_EXPIRED" } as const;
/** The fifth wrong code, and every code after it. */
const EXHAUSTED = { isVerified: false, failureReason: "MAX_ATTEMPTS_EXCEEDED" } as const;

/** A code that does not fit, for whatever reason, is an answer and no error. */
const MISSES: ReadonlySet<Refusal["code"]> = new Set([
  "wrong_code",
  "expired",
  "unknown_challenge",
  "cancelled",
  "already_decided",
  "denied",
]);

/** §9.2 `verify`: the code that was typed back. */
export async function verifyCode(
  c: Context<AppEnv>,
  methods: readonly [AddressMethod, ...AddressMethod[]],
  body: z.output<typeof codeBody>,
): Promise<Response> {
  const powers = services(c);
  const asking = await askingOf(c);
  if (!asking.ok) return refuse(c, asking.error);
  const { asker, token } = asking.value;
  const verified = await verifyActionCode(powers, {
    ...asker,
    methods,
    code: body.verificationCode,
    mayAdd: token.scopes.includes(ADD),
    tokenId: token.jti,
  });
  if (!verified.ok) {
    const { code } = verified.error;
    if (code === "wrong_code") await powers.limits.miss(asker.origin.ip);
    if (code === "out_of_guesses") return c.json(EXHAUSTED);
    return MISSES.has(code) ? c.json(WRONG) : refuse(c, verified.error);
  }
  return await answerVerified(c, asking.value, verified.value);
}

/** §9.2 `finalize`: what became of the link; the SDK asks every second until it was confirmed. */
export async function finalize(c: Context<AppEnv>): Promise<Response> {
  const asking = await askingOf(c);
  if (!asking.ok) return refuse(c, asking.error);
  const { asker, token } = asking.value;
  const mayAdd = token.scopes.includes(ADD);
  const verified = await finalizeLink(services(c), {
    ...asker,
    methods: ["link"],
    mayAdd,
    tokenId: token.jti,
  });
  if (verified.ok) return await answerVerified(c, asking.value, verified.value);
  const waits = verified.error.code === "not_approved" || MISSES.has(verified.error.code);
  return waits ? c.json({ isVerified: false }) : refuse(c, verified.error);
}

async function answerVerified(
  c: Context<AppEnv>,
  { asker, token }: Asking,
  { snapshot, enrolled, meets }: VerifiedActionCode,
): Promise<Response> {
  if (enrolled) await tellEnrolled(c, token.name, enrolled);
  const result = meets ? await collect(c, asker.client, snapshot) : undefined;
  const [wire] = enrolled
    ? authenticatorsWire(token.name, enrolled.user, { devices: [], rows: [enrolled.authenticator] })
    : [];
  return c.json({
    isVerified: enrolled !== undefined || result?.isVerified === true,
    ...(result?.accessToken === undefined ? {} : { accessToken: result.accessToken }),
    ...(wire === undefined ? {} : { userAuthenticator: wire }),
  });
}
