import { auditEvent } from "../../../src/core/audit/record.ts";
import type { KeyAlgorithm } from "../../../src/core/device/device.ts";
import {
  type ClientId,
  type DeviceId,
  MAIN,
  newDeviceId,
  type UserId,
  userSubject,
} from "../../../src/core/ids.ts";
import { newKey, type Tenant } from "./authsignal.ts";
import { type Deployment, newPhone } from "./cotter.ts";

type Through = { readonly id: ClientId };
type About = { readonly userId: string; readonly through: Through };

/** A device of this user that was enrolled through this client, straight in the store: no door lets one client enrol for another. */
async function put(
  at: Deployment,
  { userId, through }: About,
  key: { readonly text: string; readonly algorithm: KeyAlgorithm },
  as: { readonly door: "cotter" | "authsignal"; readonly kind: string },
): Promise<DeviceId> {
  const read = await at.services.proofs.readKey(key.text, key.algorithm);
  if (!read.ok) throw new Error(read.error.detail);
  const id = newDeviceId(crypto.randomUUID());
  const device = {
    id,
    userId: userId as UserId,
    key: read.value,
    name: "Phone",
    ...as,
    clientId: through.id,
    realm: MAIN,
    enrolledAt: Date.now(),
  };
  const event = auditEvent(at.services, { type: "device.enrolled", actor: "system", deviceId: id });
  if (!(await at.services.devices.insert(device, event))) throw new Error("the key is another device's");
  await at.services.inboxes.noteDevice(userSubject(device.userId));
  return id;
}

/** A phone of the Cotter door. */
export async function cotterPhone(at: Deployment, about: About) {
  const phone = await newPhone();
  const id = await put(
    at,
    about,
    { text: phone.publicKey, algorithm: "Ed25519" },
    { door: "cotter", kind: "MOBILE" },
  );
  return { ...phone, id };
}

/** A phone of the Authsignal door. */
export async function authsignalPhone(
  at: Deployment,
  { userId, through }: About & { readonly through: Tenant },
  namespace = "push",
) {
  const key = await newKey();
  const as = { door: "authsignal", kind: namespace } as const;
  const id = await put(at, { userId, through }, { text: key.text, algorithm: "EC" }, as);
  return { key, namespace, tenant: through, id };
}
