import { type Context, Hono } from "hono";
import type * as z from "zod";
import { endCodes } from "../../../core/code/user-code.ts";
import { parseUserId, type UserId } from "../../../core/ids.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { body } from "../body.ts";
import { pagesMayAsk, serviceCall } from "../client.ts";
import { BAD_REQUEST, MISSING_PARAMETER, refuse, wrong } from "../errors.ts";
import { beginSelf, finishSelf } from "../passkey/passkeys.ts";
import { authorizeBody, CODE_TYPES, codesBody, generateBody, selfBody, selfDoneBody } from "../schema.ts";
import type { ServiceCall } from "../service-token.ts";
import { codeOf, iso, purposeOf } from "../translate.ts";
import { personOf, spent } from "../user/people.ts";
import { authorizeCode } from "./authorize.ts";
import { countCode, issueCode } from "./issue.ts";
import type { CodeKind } from "./user-code.ts";

type CodesBody = z.output<typeof codesBody>;
type Known = { readonly kind: CodeKind; readonly call: ServiceCall; readonly person: UserRecord };

/** `/codes/{type}/…`: a backend asks for a code, approves the one that its user carried over, or ends them all (LoginID §4.2-4.5). */
export function codeRoutes(): Hono<AppEnv> {
  const routes = new Hono<AppEnv>();
  routes.post("/:type/generate", body(generateBody), (c) => generate(c, c.req.valid("json")));
  routes.post("/:type/authorize", body(authorizeBody), (c) => authorize(c, c.req.valid("json")));
  routes.post("/:type/invalidate-all", body(codesBody), (c) => invalidate(c, c.req.valid("json")));
  // Alone among these calls, a browser makes these two.
  routes.use("/:type/generate/fido2/*", pagesMayAsk);
  routes.post("/:type/generate/fido2/init", body(selfBody), (c) => beginSelf(c, c.req.valid("json")));
  routes.post("/:type/generate/fido2/complete", body(selfDoneBody), (c) =>
    finishSelf(c, c.req.valid("json")),
  );
  return routes;
}

/** Which codes, and the call of which client: or the answer that says no. */
async function calling(
  c: Context<AppEnv>,
  asked: CodesBody,
  scope: string,
): Promise<Omit<Known, "person"> | Response> {
  const kind = CODE_TYPES.find((type) => type === c.req.param("type"));
  if (!kind) return wrong(c, BAD_REQUEST);
  if (!asked.user_id && !asked.username) return wrong(c, MISSING_PARAMETER);
  const call = await serviceCall(c, scope, asked.client_id);
  return call.ok ? { kind, call: call.value } : refuse(c, call.error);
}

/** The same with the user, who may be locked. */
async function known(c: Context<AppEnv>, asked: CodesBody, scope: string): Promise<Known | Response> {
  const called = await calling(c, asked, scope);
  if (called instanceof Response) return called;
  const person = await personOf(c, called.call, asked);
  return person.ok ? { ...called, person: person.value } : refuse(c, person.error);
}

async function generate(c: Context<AppEnv>, asked: z.output<typeof generateBody>): Promise<Response> {
  const called = await calling(c, asked, "codes.generate");
  if (called instanceof Response) return called;
  const { kind, call } = called;
  const { client, nonce } = call;
  const approved = asked.authorize === true;
  const isOff = approved && client.settings.preauthorize !== true;
  // Where the call says an id, the start is counted while its user is looked up; a name has to be looked up first.
  const id = isOff ? undefined : parseUserId(asked.user_id ?? "");
  const count = (userId: UserId) => countCode(services(c), client, userId);
  const [person, early] = await Promise.all([
    personOf(c, call, asked, { active: true }),
    id === undefined ? undefined : count(id),
  ]);
  if (!person.ok) {
    if (early?.ok) services(c).background(() => early.value.giveBack());
    return refuse(c, person.error);
  }
  if (isOff) return refuse(c, await spent(c, nonce, { code: "not_allowed", detail: "preauthorize is off" }));
  const user = person.value;
  const request = { client, user, kind, purpose: purposeOf(asked.purpose), nonce, approved };
  const counted = early ?? (await count(user.user.id));
  const issued = await issueCode(services(c), { ...request, ip: originOf(c).ip }, counted);
  if (!issued.ok) {
    const { error } = issued;
    // Refused before the batch: the token is spent all the same.
    return refuse(c, error.code === "too_many" ? await spent(c, nonce, error) : error);
  }
  const { code, expiresAt, matchCode } = issued.value;
  return c.json({
    code,
    expires_at: iso(expiresAt),
    is_authorized: approved,
    ...(matchCode === undefined ? {} : { match_code: matchCode }),
  });
}

async function authorize(c: Context<AppEnv>, asked: z.output<typeof authorizeBody>): Promise<Response> {
  const found = await known(c, asked, "codes.authorize");
  if (found instanceof Response) return found;
  const { kind, person } = found;
  const { client, nonce } = found.call;
  const authorized = await authorizeCode(services(c), {
    user: person,
    kind,
    purpose: purposeOf(asked.purpose),
    code: codeOf(kind, asked.code),
    client,
    nonce,
    ip: originOf(c).ip,
  });
  if (authorized.ok) {
    const { expiresAt, completedAt } = authorized.value;
    return c.json({ expires_at: iso(expiresAt), is_authorized: true, completed_at: iso(completedAt) });
  }
  const { error } = authorized;
  // Locked out before the batch: the token is spent all the same.
  return refuse(c, error.code === "code_locked" ? await spent(c, nonce, error) : error);
}

async function invalidate(c: Context<AppEnv>, asked: CodesBody): Promise<Response> {
  const found = await known(c, asked, "codes.invalidate");
  if (found instanceof Response) return found;
  const { kind, person, call } = found;
  const ended = await endCodes(services(c), {
    userId: person.user.id,
    kind,
    purpose: purposeOf(asked.purpose),
    clientId: call.client.id,
    by: `client:${call.client.id}`,
    nonce: call.nonce,
    ip: originOf(c).ip,
  });
  return ended.ok ? c.json({ deleted_at: iso(services(c).clock.now()) }) : refuse(c, ended.error);
}
