import { MAIN, NOBODY } from "../ids.ts";
import type { TokenClaims } from "../keys/token.ts";
import type { Decidable } from "../ports/challenges.ts";
import type { Services } from "../ports/services.ts";
import { type Instant, SECOND } from "../time.ts";
import { SEALED_FOR, type Sealed, type Signed } from "./signed.ts";
import type { Approver, ChallengeSpec, Decided, JsonObject } from "./state.ts";

/** A receipt is no token: what reads tokens asks for another type (RFC 8725 §3.11). */
export const RECEIPT_TYPE = "receipt+jwt";

const seconds = (at: Instant): number => Math.floor(at / SECOND);

export type Powers = Pick<Services, "keyring" | "sealing" | "proofs" | "clock" | "config">;

/**
 * Signs the record of a decision as a JWS of the standard key (docs/receipts.md): what was asked, who decided and when, and of a device the
 * signature itself with its key, so that nobody has to believe this deployment. It has no end. It names client and user by claims that no token
 * uses for them, because a check of tokens that looks at no type would take it for one. A waiter is told neither what was signed nor what was asked: the
 * client's backend may have said more than its page is to see.
 */
export async function signReceipt(
  powers: Powers,
  { spec }: Pick<Decidable, "spec">,
  decided: Decided,
  reader: "client" | "waiter",
): Promise<string> {
  const { keyring, clock, config } = powers;
  const { approver, userId, amr, at } = decided;
  const isClient = reader === "client";
  const signed = isClient ? await signedClaim(powers, decided.signed) : undefined;
  const claims: TokenClaims = {
    iss: config.issuer,
    client_id: spec.clientId,
    ...(userId === NOBODY ? {} : { user_id: userId }),
    iat: seconds(clock.now()),
    jti: spec.id,
    ...(spec.realm === undefined || spec.realm === MAIN ? {} : { realm: spec.realm }),
    decision: decided.kind,
    decided_at: seconds(at),
    approver: approverClaim(approver),
    amr,
    ...(isClient ? { asked: askedClaim(spec) } : {}),
    ...(signed === undefined ? {} : { signed }),
  };
  return await keyring.sign("standard", { typ: RECEIPT_TYPE }, claims);
}

/** Who stood behind it. A session's and an address's own names stay here: they are nobody else's business. */
function approverClaim(approver: Approver): JsonObject {
  switch (approver.kind) {
    case "device":
      return { kind: "device", device_id: approver.deviceId };
    case "firstEnrolment":
      return { kind: "first_enrolment", device_id: approver.deviceId };
    case "client":
      return { kind: "client", client_id: approver.clientId };
    case "session":
    case "code":
      return { kind: approver.kind };
  }
}

/** What the client asked for, in its own words. */
function askedClaim({ door, purpose, scope, bindingMessage, context, createdAt }: ChallengeSpec): JsonObject {
  const { details } = context;
  return {
    at: seconds(createdAt),
    door,
    purpose,
    ...(scope === "" ? {} : { scope }),
    ...(bindingMessage === undefined ? {} : { binding_message: bindingMessage }),
    ...(Array.isArray(details) && details.length > 0 ? { authorization_details: details } : {}),
  };
}

/** Missing where no device was asked, and where the key that closed it is gone: a record is not lost for that. */
async function signedClaim(
  { sealing, proofs }: Pick<Powers, "sealing" | "proofs">,
  kept: Sealed | undefined,
): Promise<JsonObject | undefined> {
  const text = kept && (await sealing.open(kept.sealed, SEALED_FOR, kept.id));
  if (text === undefined) return undefined;
  const signed = JSON.parse(text) as Signed;
  return { form: signed.form, key: await proofs.publicKey(signed.key), ...wordsOf(signed) };
}

function wordsOf(signed: Signed): JsonObject {
  switch (signed.form) {
    case "jws":
      return { jws: signed.jws };
    case "text":
      return { text: signed.text, signature: signed.signature };
    case "webauthn":
      return {
        ...(signed.text === undefined ? {} : { text: signed.text }),
        client_data: signed.clientData,
        authenticator_data: signed.authenticatorData,
        signature: signed.signature,
      };
  }
}
