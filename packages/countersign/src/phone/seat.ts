import type { SessionWire } from "../../../protocol/src/approver.ts";
import { CountersignError, isCountersignError } from "../errors.ts";
import type { KeyStore, StoredPhone } from "./keys.ts";
import { type Call, type Caller, type Line, send } from "./line.ts";
import type { Signer } from "./signer.ts";

/**
 * Why this phone can no longer be used as it is.
 * `over`: its session ended, and its passkey opens another. `removed`: it was removed, and its key is forgotten. `locked`: its user is locked.
 */
export type Ended = "over" | "removed" | "locked";

/** A phone that may make calls. */
export type SignedIn = StoredPhone & Required<Pick<StoredPhone, "token" | "device">>;

/** This phone at the service: what it has kept, and its calls. */
export type Seat = {
  readonly line: Line;
  readonly keys: KeyStore;
  load(): Promise<StoredPhone | undefined>;
  /** Whether what is kept is enough to call. */
  isEnrolled(): Promise<boolean>;
  /** What is kept, where that is enough to call. Throws `session_over` otherwise. */
  signedIn(): Promise<SignedIn>;
  keep(signer: Signer, session: SessionWire, credentialId: string | undefined): Promise<void>;
  forget(why?: Ended): Promise<void>;
  /** A call without a session. Repeated once where the clock was wrong: then nothing was done. */
  open<T>(call: Call, signer?: Signer): Promise<T>;
  /** A call of this device. Where its session is over a key opens another, and the call comes again once: it was refused, so nothing was done. */
  call<T>(call: Call): Promise<T>;
  /** Opens a session by the phone's own key. */
  renew(phone: StoredPhone): Promise<void>;
};

export type SeatOptions = {
  readonly line: Line;
  readonly keys: KeyStore;
  readonly ended: (why: Ended) => void;
};

const over = (): CountersignError =>
  new CountersignError("session_over", "This phone is not enrolled, or its session is over.", {
    error: "session_over",
  });

export const isError = (error: unknown, ...codes: readonly string[]): error is CountersignError =>
  isCountersignError(error) && error.error !== undefined && codes.includes(error.error);

/** Of a proof that did not fit the clock was wrong, and is known now. */
async function twice<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isError(error, "bad_proof")) throw error;
    return await work();
  }
}

/** What is kept is read once, and again when somebody else has changed it. */
function shelf(keys: KeyStore) {
  let loading: Promise<StoredPhone | undefined> | undefined;
  const drop = () => {
    loading = undefined;
  };
  keys.onChange?.(drop);
  return {
    drop,
    load(): Promise<StoredPhone | undefined> {
      loading ??= keys.load().catch((cause) => {
        drop();
        throw cause;
      });
      return loading;
    },
    async save(phone: StoredPhone): Promise<void> {
      await keys.save(phone);
      loading = Promise.resolve(phone);
    },
    async remove(): Promise<void> {
      await keys.remove();
      loading = Promise.resolve(undefined);
    },
  };
}

export function makeSeat({ line, keys, ended }: SeatOptions): Seat {
  const kept = shelf(keys);
  let renewing: Promise<void> | undefined;

  const isEnrolled = async (): Promise<boolean> => {
    const { token, device } = (await kept.load()) ?? {};
    return token !== undefined && device !== undefined;
  };
  const signedIn = async (): Promise<SignedIn> => {
    const phone = await kept.load();
    const { token, device } = phone ?? {};
    if (!phone || token === undefined || device === undefined) throw over();
    return { ...phone, token, device };
  };
  const open = <T>(call: Call, signer?: Signer): Promise<T> => {
    const caller: Caller = signer && { signer };
    return twice(() => send<T>(line, call, caller));
  };
  const keep: Seat["keep"] = async (signer, { token, device, account }, credentialId) => {
    const own =
      credentialId === undefined ? { kind: "key" as const } : { kind: "passkey" as const, credentialId };
    await kept.save({ signer, token, account, device: { id: device.id, ...own } });
  };
  const forget = async (why?: Ended): Promise<void> => {
    await kept.remove();
    if (why) ended(why);
  };
  const renew = async ({ signer, device }: StoredPhone): Promise<void> => {
    try {
      const body = { device_id: device?.id };
      const session = await open<SessionWire>({ method: "POST", path: "/approver/sessions", body }, signer);
      // Who has signed out or enrolled anew meanwhile, here or in another tab, is not undone by an answer that comes late.
      const now = await keys.load();
      if (now === undefined || now.device?.id !== device?.id) throw over();
      await keep(signer, session, undefined);
    } catch (error) {
      if (isError(error, "not_a_device")) await forget("removed");
      // The key stays: the account may be unlocked again.
      if (isError(error, "user_locked")) ended("locked");
      throw error;
    }
  };
  /** Calls that find out at once open one session. A passkey asks its person, so that one waits for them. */
  const again = async (before: SignedIn): Promise<void> => {
    if ((await signedIn()).token !== before.token) return;
    if (before.device.kind === "passkey") {
      await kept.save({ signer: before.signer });
      ended("over");
      throw over();
    }
    renewing ??= renew(before).finally(() => {
      renewing = undefined;
    });
    await renewing;
  };
  const call = async <T>(call: Call): Promise<T> => {
    const phone = await signedIn();
    try {
      return await send<T>(line, call, phone);
    } catch (error) {
      if (isError(error, "session_over")) await again(phone);
      else if (!isError(error, "bad_proof")) throw error;
    }
    return await send<T>(line, call, await signedIn());
  };
  return { line, keys, load: kept.load, isEnrolled, signedIn, keep, forget, open, call, renew };
}
