import type { AttestationWire, SessionWire } from "../../../protocol/src/approver.ts";
import { CountersignError, isCountersignError } from "../errors.ts";
import type { CreationWire, Passkeys } from "./passkeys.ts";
import type { Seat } from "./seat.ts";
import { type Signer, thumbprint } from "./signer.ts";

/** Who this phone is. */
export type Me = {
  readonly account: string;
  readonly device: { readonly id: string; readonly kind: "key" | "passkey" };
};

export type EnrolOptions = {
  /** The name of this phone, 60 characters at most. */
  readonly name?: string;
  /** Lifts `stronger` and `waits`; it is used up. */
  readonly recoveryCode?: string;
  /** `passkey` needs `passkeys` of `createPhone`. Default: `key`. */
  readonly kind?: "key" | "passkey";
  /** Shows whose phone this becomes, and answers whether to go on: a link may bring somebody else's ticket. */
  readonly confirm: (account: string) => boolean | Promise<boolean>;
};

/** An enrolment that has begun: nothing is added before `finish`. */
export type Enrolment = {
  /** Whose phone this becomes. Show it and ask before `finish`. */
  readonly account: string;
  /** Whether this phone may be added with a passkey. */
  readonly canUsePasskey: boolean;
  /** Adds this phone. It may be called again after a failure: key and passkey stay the same, so that one device comes of it. */
  finish(options?: Pick<EnrolOptions, "name" | "kind">): Promise<Me>;
};

type Begun = { readonly enrolment: string; readonly account: string; readonly public_key?: CreationWire };

export type Enrolling = { readonly seat: Seat; readonly passkeys: Passkeys | undefined };

export async function beginEnrolment(
  { seat, passkeys }: Enrolling,
  ticket: string,
  { recoveryCode }: Pick<EnrolOptions, "recoveryCode"> = {},
): Promise<Enrolment> {
  const body = { ticket, ...(recoveryCode === undefined ? {} : { recovery_code: recoveryCode }) };
  const begun = await seat.open<Begun>({ method: "POST", path: "/approver/enrolments/begin", body });
  const { enrolment, account, public_key: asked } = begun;
  // The same key and passkey for each try: an answer that was lost is given again to them, and to no others.
  const made: { signer?: Signer; passkey?: AttestationWire } = {};
  const passkeyOf = async (): Promise<AttestationWire> => {
    if (!asked || !passkeys)
      throw new CountersignError("invalid_argument", "There are no passkeys here.", { error: "no_passkeys" });
    made.passkey ??= await passkeys.create(asked);
    return made.passkey;
  };
  return {
    account,
    canUsePasskey: asked !== undefined && passkeys !== undefined,
    async finish({ name, kind = "key" } = {}) {
      const passkey = kind === "passkey" ? await passkeyOf() : undefined;
      made.signer ??= await seat.keys.create();
      const { signer } = made;
      const body = { enrolment, ...(name === undefined ? {} : { name }), ...(passkey ? { passkey } : {}) };
      const call = { method: "POST", path: "/approver/enrolments", body };
      const session = await repeated(() => seat.open<SessionWire>(call, signer));
      await seat.keep(signer, session, passkey?.credential_id);
      return meOf(session, passkey?.credential_id);
    },
  };
}

/** The same call again by the same key is answered alike, so a lost answer costs nothing. */
async function repeated<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isCountersignError(error) || error.code !== "network") throw error;
    return await work();
  }
}

const meOf = ({ account, device: { id } }: SessionWire, credentialId: string | undefined): Me => ({
  account,
  device: { id, kind: credentialId === undefined ? "key" : "passkey" },
});

export async function enrol(enrolling: Enrolling, ticket: string, options: EnrolOptions): Promise<Me> {
  const { confirm, name, kind } = options;
  const begun = await beginEnrolment(enrolling, ticket, options);
  if (!(await confirm(begun.account)))
    throw new CountersignError("not_signed", "The person did not go on.", { reason: "cancelled" });
  return await begun.finish({
    ...(name === undefined ? {} : { name }),
    ...(kind === undefined ? {} : { kind }),
  });
}

type BegunSession = { readonly challenge: string; readonly rp_id: string; readonly timeout: number };

/** A session by the key of this phone, or by any passkey of the service where this phone has none yet. */
export async function openSession({ seat, passkeys }: Enrolling): Promise<Me> {
  const kept = await seat.load();
  if (kept?.device?.kind === "key") {
    await seat.renew(kept);
    const { account = "", device } = await seat.signedIn();
    return { account, device: { id: device.id, kind: "key" } };
  }
  if (!passkeys)
    throw new CountersignError("session_over", "This phone is not enrolled.", { error: "session_over" });
  const signer = kept?.signer ?? (await seat.keys.create());
  const jkt = await thumbprint(seat.line.crypto, signer);
  const begin = { method: "POST", path: "/approver/sessions/begin", body: { jkt } };
  const { challenge, rp_id: rpId, timeout } = await seat.open<BegunSession>(begin);
  const passkey = { challenge, ...(await passkeys.get({ challenge, rpId, timeout })) };
  const session = await seat.open<SessionWire>(
    { method: "POST", path: "/approver/sessions", body: { passkey } },
    signer,
  );
  await seat.keep(signer, session, passkey.credential_id);
  return meOf(session, passkey.credential_id);
}
