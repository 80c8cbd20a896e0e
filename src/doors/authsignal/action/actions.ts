import type { Context } from "hono";
import type * as z from "zod";
import type { JsonObject } from "../../../core/challenge/state.ts";
import type { Client } from "../../../core/client/client.ts";
import type { Services } from "../../../core/ports/services.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { nameOfPath } from "../bodies.ts";
import { requester } from "../client.ts";
import { plainNumber } from "../code/addresses.ts";
import { enrolledFor } from "../enrolment/enrolled.ts";
import { refuse } from "../errors.ts";
import { ACTION_CODE, type stateBody, type trackBody, type validateBody } from "../schema.ts";
import { type ActionToken, clientToken, readToken, scopesOf } from "../tokens.ts";
import { ALLOWED_METHODS, actionWire, iso, methodsOf, stateWord } from "../translate.ts";
import { findNamedUser } from "../user/find.ts";
import { ACTION_STATES, type Action, type ActionKey } from "./action.ts";
import { untrackedAction } from "./collect.ts";
import { overruleAction } from "./overrule.ts";
import { currentAction, METHOD_WORDS } from "./settle.ts";
import { trackAction } from "./track.ts";

const NO_NAME = { code: "malformed", detail: "user id" } as const;

/** §9.1.1 `track`: puts an action on record and hands out the token that its challenges are asked for with. */
export async function track(c: Context<AppEnv>, body: z.output<typeof trackBody>): Promise<Response> {
  const powers = services(c);
  const { client } = c.var;
  const name = nameOfPath(c);
  const code = c.req.param("action") ?? "";
  if (name === undefined) return refuse(c, NO_NAME);
  if (!ACTION_CODE.test(code)) return refuse(c, { code: "malformed", detail: "action code" });
  const { idempotencyKey, scope, custom } = body;
  const tracking = trackAction(powers, {
    client,
    name,
    code,
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    context: {
      ...(body.ipAddress === undefined ? {} : { ip: body.ipAddress }),
      ...(body.userAgent === undefined ? {} : { userAgent: body.userAgent }),
      ...(body.deviceId === undefined ? {} : { deviceId: body.deviceId }),
      ...(body.locale === undefined ? {} : { locale: body.locale }),
      ...(custom === undefined ? {} : { custom: custom as JsonObject }),
    },
    names: {
      ...(body.email ? { email: { value: body.email } } : {}),
      ...(body.phoneNumber ? { phone: { value: plainNumber(c, body.phoneNumber) } } : {}),
      ...(body.username ? { username: { value: body.username } } : {}),
    },
    by: requester(c),
  });
  // A new isolate reads its signing keys meanwhile: one SDK gives up after 2 s.
  const [tracked] = await Promise.all([tracking, powers.keyring.ready("standard")]);
  if (!tracked.ok) return refuse(c, tracked.error);
  const { action, user, enrolled } = tracked.value;
  const methods = methodsOf(enrolledFor(client, user, enrolled));
  return c.json({
    state: stateWord(action),
    idempotencyKey: action.idempotencyKey,
    url: `${powers.config.issuer}/v1/ui?action=${encodeURIComponent(code)}`,
    token: await clientToken(
      powers,
      client,
      { ...action, context: { ...action.context, name } },
      scopesOf(scope),
    ),
    isEnrolled: methods.length > 0,
    enrolledVerificationMethods: methods,
    allowedVerificationMethods: ALLOWED_METHODS,
    ...(methods[0] === undefined ? {} : { defaultVerificationMethod: methods[0] }),
    ruleIds: [],
  });
}

/** §9.1.2 `validateChallenge`. What does not fit is never an error, and names no state: reading the state alone fails closed too. */
export async function validate(c: Context<AppEnv>, body: z.output<typeof validateBody>): Promise<Response> {
  const powers = services(c);
  const { client } = c.var;
  const invalid = (error: string) => c.json({ isValid: false, error });
  const read = await readToken(powers, body.token);
  if (!read.ok) return invalid(read.error.code === "token_expired" ? "expired_token" : "unauthorized");
  const token = read.value;
  if (token.clientId !== client.id) return invalid("unauthorized");
  if (body.action !== undefined && body.action !== token.code) return invalid("invalid_request");
  const other = body.userId === token.name ? undefined : body.userId;
  const [tracked, user, named] = await Promise.all([
    powers.actions.find(token),
    powers.users.byId(token.userId, client.realm),
    other === undefined ? undefined : findNamedUser(powers, client, other),
  ]);
  if (other !== undefined && named?.user.id !== token.userId) return invalid("invalid_request");
  const found = tracked ?? (await untrackedAction(powers, client, token));
  if (!found || !user || user.user.status === "locked") return invalid("invalid_request");
  const action = await currentAction(powers, client, found);
  const isValid = action.state === "challenge_succeeded";
  if (isValid && !(await mayValidate(powers, client, token))) return invalid("already_validated");
  return c.json({
    isValid,
    state: stateWord(action),
    stateUpdatedAt: iso(action.stateAt),
    userId: token.name,
    actionCode: action.code,
    action: action.code,
    idempotencyKey: action.idempotencyKey,
    ...(action.method ? { verificationMethod: METHOD_WORDS[action.method] } : {}),
  });
}

/** Whether this client's tokens are valid as often as they are shown, or this one has not been yet (§11.9). */
async function mayValidate(
  powers: Pick<Services, "nonces" | "handles">,
  { id: clientId, settings }: Client,
  { jti, expiresAt }: ActionToken,
): Promise<boolean> {
  if (!settings.validate_once) return true;
  const hash = await powers.handles.digest(["validated", jti]);
  return await powers.nonces.spend({ clientId, hash, expiresAt });
}

async function keyOfPath(c: Context<AppEnv>): Promise<ActionKey | undefined> {
  const name = nameOfPath(c);
  const record = name === undefined ? undefined : await findNamedUser(services(c), c.get("client"), name);
  if (!record) return undefined;
  return {
    clientId: c.get("client").id,
    userId: record.user.id,
    code: c.req.param("action") ?? "",
    idempotencyKey: c.req.param("key") ?? "",
  };
}

/** §9.1 `getAction`; another client's action does not exist. */
export async function getAction(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const key = await keyOfPath(c);
  const found = key && (await powers.actions.find(key));
  if (!found) return refuse(c, { code: "unknown_action" });
  return c.json(actionWire(await currentAction(powers, c.get("client"), found)));
}

/** §9.1 `updateAction`: the backend's own word on the state. */
export async function updateAction(c: Context<AppEnv>, body: z.output<typeof stateBody>): Promise<Response> {
  const powers = services(c);
  const key = await keyOfPath(c);
  const state = ACTION_STATES.find((known) => known.toUpperCase() === body.state);
  if (!key || !state) return refuse(c, { code: "unknown_action" });
  const changed = await overruleAction(powers, key, state);
  return changed ? c.json({ state: stateWord(changed) }) : refuse(c, { code: "unknown_action" });
}

const PAGE = 100;

/** §9.1 `queryUserActions`: a bare array, newest first. */
export async function listActions(c: Context<AppEnv>): Promise<Response> {
  const powers = services(c);
  const name = nameOfPath(c);
  const record = name === undefined ? undefined : await findNamedUser(powers, c.get("client"), name);
  if (!record) return c.json([]);
  const { fromDate, state, ...parameters } = c.req.query();
  const codes = codesOf(parameters);
  const from = fromDate === undefined ? undefined : Date.parse(fromDate);
  if (Number.isNaN(from)) return refuse(c, { code: "malformed", detail: "fromDate" });
  const wanted = ACTION_STATES.find((known) => known.toUpperCase() === state);
  if (state && wanted === undefined) return refuse(c, { code: "malformed", detail: "state" });
  const found = await powers.actions.ofUser({
    clientId: c.get("client").id,
    userId: record.user.id,
    size: PAGE,
    ...(from === undefined ? {} : { from }),
    ...(codes.length > 0 ? { codes: codes.slice(0, 50) } : {}),
    ...(wanted === undefined ? {} : { state: wanted }),
  });
  return c.json(found.map(listed));
}

/** `codes=a,b`, or each under a name of its own (`codes[0]=a`), as PHP writes a list. */
const codesOf = (parameters: Readonly<Record<string, string>>): readonly string[] =>
  Object.entries(parameters)
    .filter(([name]) => /^codes(?:\[\d{0,3}\])?$/.test(name))
    .flatMap(([, value]) => value.split(","))
    .filter((value) => value !== "");

const listed = (action: Action) => ({
  actionCode: action.code,
  idempotencyKey: action.idempotencyKey,
  createdAt: iso(action.createdAt),
  updatedAt: iso(action.stateAt),
  state: stateWord(action),
  stateUpdatedAt: iso(action.stateAt),
  ...(action.method ? { verificationMethod: METHOD_WORDS[action.method] } : {}),
  ...(action.verifiedBy ? { verifiedByAuthenticatorId: action.verifiedBy } : {}),
});
