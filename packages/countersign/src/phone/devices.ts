import type { DeviceWire, EventWire } from "../../../protocol/src/approver.ts";

/** A device of the user, whichever app enrolled it. */
export type PhoneDevice = {
  readonly id: string;
  readonly name: string;
  /** `passkey`, `key`, or what another app calls it. */
  readonly kind: string;
  readonly enrolledAt: Date;
  readonly isThis: boolean;
  /** Added less than 24 hours ago. */
  readonly isNew: boolean;
  /** Whether this phone may remove it. */
  readonly isRemovable: boolean;
};

export const deviceOf = ({
  id,
  name,
  kind,
  enrolled_at: at,
  this: isThis,
  new: isNew,
  removable: isRemovable,
}: DeviceWire): PhoneDevice => ({ id, name, kind, enrolledAt: new Date(at), isThis, isNew, isRemovable });

/** Something that happened to the account. */
export type ActivityEvent = Omit<EventWire, "at"> & { readonly at: Date };
