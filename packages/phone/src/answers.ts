import { isCountersignError } from "../../countersign/src/errors.ts";

/** A refusal, by the stable `code` of its problem details; what else it says stands beside it. */
export type Refused = {
  readonly ok: false;
  readonly status: number;
  readonly code: string;
  readonly more: Readonly<Record<string, unknown>>;
};
export type Answer<T> = { readonly ok: true; readonly value: T } | Refused;

/** Nothing came back: there is no network, or none to the service. */
const OFFLINE = "offline";
/** The person did not go on with their passkey, or their device did not. */
const UNSIGNED = "unsigned";
/** The library has refused it before anything was sent. */
const NOT_SENT = 400;

/** What the library was asked for, or its refusal as a value. What is no refusal goes on as a fault: a key that does not sign is one. */
export async function tried<T>(work: Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await work };
  } catch (error) {
    if (!isCountersignError(error) || (error.code === "not_signed" && error.reason === "key")) throw error;
    const { code, status, error: name = code, data: more, reason } = error;
    if (code === "not_signed") return { ok: false, status: 0, code: UNSIGNED, more: { reason } };
    if (code !== "network") return { ok: false, status: status ?? NOT_SENT, code: name, more };
    return { ok: false, status: status ?? 0, code: status === undefined ? OFFLINE : "unreadable", more };
  }
}

export const isOffline = ({ code }: Refused): boolean => code === OFFLINE;
export const isUnsigned = ({ code }: Refused): boolean => code === UNSIGNED;
