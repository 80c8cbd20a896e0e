import type { Context } from "hono";
import type { Device } from "../../core/device/device.ts";
import { isOwn } from "../../core/device/own-pages.ts";
import type { DpopProof } from "../../core/ports/keys.ts";
import type { Services } from "../../core/ports/services.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import { no, ok, type Result } from "../../core/result.ts";
import type { Instant } from "../../core/time.ts";
import { isOver } from "../../core/user/user.ts";
import { type AppEnv, services } from "../../http/context.ts";
import { problem } from "../../http/problem.ts";
import { type PhoneSession, readSession } from "./session-token.ts";

/** The device that calls, and whose it is: both live. */
export type PhoneCaller = {
  readonly device: Device;
  readonly user: UserRecord;
  /** When its session began: what comes of a call ends with the session. */
  readonly began: Instant;
};

type NotIn = { readonly code: "bad_proof" | "session_over" };

/** What a call shows: its token and its proof, by headers, or by sub-protocols where a browser's socket can send none. */
export type Shown = { readonly token: string; readonly proof: string };

/** The address of this call as its proof has to name it. */
export const addressOf = (c: Context<AppEnv>): string => `${services(c).config.issuer}${c.req.path}`;

/** The proof of this call, whichever key has signed it; with a token it has to name that one. */
export async function proofOf(
  c: Context<AppEnv>,
  proof: string,
  token?: string,
): Promise<DpopProof | undefined> {
  const { dpop, clock } = services(c);
  const checked = await dpop.check(proof, {
    method: c.req.method,
    url: addressOf(c),
    ...(token === undefined ? {} : { accessToken: token }),
    now: clock.now(),
  });
  return checked.ok ? checked.value : undefined;
}

function headersOf(c: Context<AppEnv>): Shown | undefined {
  const token = /^DPoP +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  const proof = c.req.header("DPoP");
  return token === undefined || proof === undefined ? undefined : { token, proof };
}

/** Who calls: the device of the token, while it is live and its user has not been signed out since (docs/approver.md). */
export async function callerOf(
  c: Context<AppEnv>,
  shown: Shown | undefined = headersOf(c),
): Promise<Result<PhoneCaller, NotIn>> {
  const over = no<NotIn>({ code: "session_over" });
  if (!shown) return over;
  const proof = await proofOf(c, shown.proof, shown.token);
  if (!proof) return no({ code: "bad_proof" });
  const session = await readSession(services(c), shown.token, proof.jkt);
  const found = session && (await standing(services(c), session));
  return found ? ok(found) : over;
}

/** Both are read from the primary at once: what was removed or ended a moment ago opens nothing (T25, T102). */
async function standing(
  { devices, users }: Pick<Services, "devices" | "users">,
  { deviceId, userId, realm, began }: PhoneSession,
): Promise<PhoneCaller | undefined> {
  const [device, user] = await Promise.all([devices.byId(deviceId), users.byId(userId, realm)]);
  if (!device || !user || device.userId !== userId || device.realm !== realm) return undefined;
  if (device.revokedAt !== undefined || !isOwn(device)) return undefined;
  // Sessions know whole seconds: one that began in the second of the end is over.
  return isOver(user.user, began) ? undefined : { device, user, began };
}

const NOT_IN = {
  bad_proof: "The proof does not fit this call.",
  session_over: "The session of this device is over, or there is none.",
} as const;

export const refuseCaller = (c: Context<AppEnv>, { code }: NotIn): Response =>
  problem(c, 401, {
    detail: NOT_IN[code],
    headers: { "WWW-Authenticate": 'DPoP realm="approver"' },
    extra: { code },
  });

/** A route that only a device of our page may call. */
export const asDevice =
  (answer: (c: Context<AppEnv>, caller: PhoneCaller) => Response | Promise<Response>) =>
  async (c: Context<AppEnv>): Promise<Response> => {
    const caller = await callerOf(c);
    return caller.ok ? await answer(c, caller.value) : refuseCaller(c, caller.error);
  };
