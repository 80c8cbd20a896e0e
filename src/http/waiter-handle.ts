import type { WaitProtocol } from "@countersign/protocol/waiting";
import type { Context } from "hono";
import type { ChallengeId, ClientId } from "../core/ids.ts";
import type { Services } from "../core/ports/services.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";

/** Kinds of handle that may wait: our own, the device grant's (RFC 8628 §3.2) and CIBA's. */
export const WAITER_KINDS = ["wait", "device_code", "auth_req_id"] as const;

/** The sub-protocol that the server selects. */
export const PROTOCOL: WaitProtocol = "countersign.v1";
/** A browser's socket cannot send headers: it offers its handle as a sub-protocol with this in front. */
export const HANDLE_PROTOCOL = "countersign.handle.";

const HANDLE = /^[0-9a-f]{64}\.[A-Za-z0-9_-]{43}$/;
const NUMBER = /^[1-9]\d{0,15}$/;

/** Whether an event number is of the few that Android's native client can hold: a stranger's tries at those must be stopped. */
export const isGuessable = (number: number): boolean => number < 2 ** 31;

/** Whether this handle is a number of Cotter's wire, which shows on screens and can be guessed at. */
export const isNumber = (handle: string): boolean => NUMBER.test(handle);

/** Whether somebody who has missed too often may still be asked for the number that this handle is. */
export const isGuessableHandle = (handle: string | undefined): boolean =>
  handle === undefined || !(HANDLE.test(handle) || (NUMBER.test(handle) && !isGuessable(Number(handle))));

const offered = (c: Context): readonly string[] =>
  (c.req.header("Sec-WebSocket-Protocol") ?? "").split(",").map((protocol) => protocol.trim());

export const offersOurProtocol = (c: Context): boolean => offered(c).includes(PROTOCOL);

/** The handle of an `Authorization: Bearer` or of a sub-protocol; what the URL carries is not looked at (T49). */
export function handleOf(c: Context): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(c.req.header("Authorization") ?? "")?.[1];
  if (bearer !== undefined) return bearer;
  return offered(c)
    .find((protocol) => protocol.startsWith(HANDLE_PROTOCOL))
    ?.slice(HANDLE_PROTOCOL.length);
}

type Refused = RefusalOf<"bad_handle" | "unknown_challenge"> & { readonly counts: boolean };

/** What is known of a challenge once a handle was found to be its own: nothing more of one that carries a MAC. */
export type Known = { readonly clientId?: ClientId };

/**
 * Whether the handle is this challenge's. A handle with a MAC is judged without waking the object, and so is a number (Cotter) where the
 * caller says whose it is: client and number name the object. Else the challenge is read to learn its client. A number can be guessed
 * at, so such a miss counts (settled question 3).
 */
export async function isGenuine(
  powers: Pick<Services, "handles" | "challenges">,
  handle: string,
  { id, clientId }: { readonly id: ChallengeId; readonly clientId: ClientId | undefined },
): Promise<Result<Known, Refused>> {
  const { handles, challenges } = powers;
  if (HANDLE.test(handle)) {
    const ids = await Promise.all(WAITER_KINDS.map((kind) => handles.read(handle, kind)));
    return ids.includes(id) ? ok({}) : no({ code: "bad_handle", counts: false });
  }
  if (!NUMBER.test(handle)) return no({ code: "bad_handle", counts: false });
  const asker = clientId === undefined ? await askerOf(challenges, id) : ok(clientId);
  if (!asker.ok) return asker;
  const names = await handles.numberNames("cotter", asker.value, handle);
  return names.some((name) => challenges.named(name) === id)
    ? ok({ clientId: asker.value })
    : no({ code: "bad_handle", counts: true });
}

async function askerOf(
  challenges: Services["challenges"],
  id: ChallengeId,
): Promise<Result<ClientId, Refused>> {
  const snapshot = await challenges.read(id);
  if (!snapshot) return no({ code: "unknown_challenge", counts: true });
  return snapshot.spec.door === "cotter"
    ? ok(snapshot.spec.clientId)
    : no({ code: "bad_handle", counts: true });
}
