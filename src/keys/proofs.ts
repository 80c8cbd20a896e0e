import { toBase64Url } from "../core/base64.ts";
import { enrollerOf } from "../core/challenge/approvers.ts";
import type { ProofClaims, VerifiedProof } from "../core/challenge/proof.ts";
import type { Signed } from "../core/challenge/signed.ts";
import type { Device, DeviceKey } from "../core/device/device.ts";
import type { OnPage, Proofs, Prover } from "../core/ports/secrets.ts";
import type { RefusalOf } from "../core/refusal.ts";
import { no, ok, type Result } from "../core/result.ts";
import { deviceJwk, readDeviceKey } from "./device-keys.ts";
import { goodSignature } from "./device-signature.ts";
import { rawFromDer } from "./ecdsa-signature.ts";
import { joinParts, sha256 } from "./parts.ts";
import { checkPasskey, readPasskey } from "./passkeys.ts";
import { fromWrappedBase64 } from "./spki.ts";
import { isStatement } from "./statement.ts";

type OfUser<Claims> = Claims extends unknown ? Omit<Claims, "userId"> : never;

/** The only place where a proof is branded as verified, so every approval passes here: a locked user has none. */
function brand(
  { id: userId, status }: Prover,
  claims: OfUser<ProofClaims>,
): Result<VerifiedProof, RefusalOf<"user_locked">> {
  if (claims.decision === "approve" && status === "locked") return no({ code: "user_locked" });
  return ok({ ...claims, userId } as VerifiedProof);
}

type Words = Signed extends infer Form ? (Form extends unknown ? Omit<Form, "key"> : never) : never;

const signedBy = ({ key: { algorithm, bytes } }: Device, words: Words): Signed => ({
  key: { algorithm, bytes },
  ...words,
});

/** Verifies proofs; the only maker of VerifiedProof. */
export function makeProofs(): Proofs {
  return {
    readKey: readDeviceKey,
    publicKey: deviceJwk,
    async device(prover, device, message, signature, decision) {
      if (device.userId !== prover.id) return no({ code: "device_of_another_user" });
      if (device.revokedAt !== undefined) return no({ code: "device_revoked" });
      const good = await goodText(device.key, message, signature);
      if (good === undefined) return no({ code: "bad_signature" });
      const { id: deviceId, clientId, realm, enrolledAt, key } = device;
      // By key and message, never by signature bytes: one message has many valid ECDSA signatures.
      const digest = await sha256(joinParts("proof", [key.fingerprint, message]));
      // RFC 8176 §2: possession of a key was proven; whether hardware holds it is not known.
      const amr = ["pop"];
      return brand(prover, {
        kind: "device",
        deviceId,
        clientId,
        realm,
        decision,
        enrolledAt,
        digest,
        amr,
        signed: signedBy(device, { form: "text", text: message, signature: good }),
      });
    },
    signatureMark(text) {
      const der = fromWrappedBase64(text);
      const raw = der === undefined ? undefined : rawFromDer(der);
      return raw === undefined ? text : toBase64Url(raw.slice(0, raw.length / 2));
    },
    readPasskey,
    async passkey(prover, device, answer, ceremony, onPage = approvalBy(device)) {
      if (device.userId !== prover.id) return no({ code: "device_of_another_user" });
      if (device.revokedAt !== undefined) return no({ code: "device_revoked" });
      const checked = await checkPasskey(device, answer, ceremony);
      if (!checked.ok) return checked;
      const { id: deviceId, enrolledAt } = device;
      // By the challenge alone: it is good for one use, whichever passkey signs.
      const digest = await sha256(joinParts("passkey", [ceremony.challenge]));
      // RFC 8176 §2: a key was proven, and its holder was present. By its own word it stays in its hardware, or may be copied.
      const { state, signature } = checked.value;
      const shown = [state.backupEligible ? "swk" : "hwk", "user"];
      const { clientData, authenticatorData } = answer;
      const words = { clientData, authenticatorData, signature: toBase64Url(signature) };
      const proof = brand(prover, {
        ...pageClaims(onPage, shown),
        kind: "device",
        deviceId,
        enrolledAt,
        digest,
        signed: signedBy(device, { form: "webauthn", ...textOf(onPage), ...words }),
      });
      return proof.ok ? ok({ proof: proof.value, state }) : proof;
    },
    async statement(prover, device, text, jws, onPage) {
      if (device.userId !== prover.id) return no({ code: "device_of_another_user" });
      if (device.revokedAt !== undefined) return no({ code: "device_revoked" });
      const { id: deviceId, enrolledAt, key } = device;
      if (!(await isStatement(key, jws, deviceId, text))) return no({ code: "bad_signature" });
      const digest = await sha256(joinParts("proof", [key.fingerprint, text]));
      return brand(prover, {
        ...pageClaims(onPage, ["pop"]),
        kind: "device",
        deviceId,
        enrolledAt,
        digest,
        signed: signedBy(device, { form: "jws", jws }),
      });
    },
    vouch: brand,
  };
}

/** Of a passkey that signs in on our page: it approves, for the client that enrolled it. */
const approvalBy = (device: Device): OnPage => ({ decision: "approve", through: enrollerOf(device) });

const pageClaims = ({ decision, through, amr }: OnPage, shown: readonly string[]) => ({
  ...through,
  decision,
  amr: amr ? amr(shown) : shown,
});

const textOf = ({ text }: OnPage): { readonly text?: string } => (text === undefined ? {} : { text });

/** The signature of this text as Web Crypto takes it, base64url; undefined where it is not this key's. */
async function goodText(key: DeviceKey, message: string, text: string): Promise<string | undefined> {
  const given = fromWrappedBase64(text);
  if (given === undefined) return undefined;
  const good = await goodSignature(key, given, new TextEncoder().encode(message));
  return good && toBase64Url(good);
}
