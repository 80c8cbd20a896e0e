import { type ClientId, MAIN, type Realm } from "../ids.ts";

/** Whose devices may answer for a client: those that it enrolled itself, also those of the listed clients, or every one of its realm. */
export type Approvers = "own" | "realm" | readonly ClientId[];

/** A client and its realm, which is the main one where it is missing. */
type Placed = { readonly clientId: ClientId; readonly realm?: Realm };

/** What asks: its own devices always may answer. */
export type Asker = Placed & { readonly approvers?: Approvers };

/**
 * Who enrolled a device. With `reach` our own pages did, and nobody but its person let it in: they name every client of the realm and what it
 * asks, so each may be answered there (docs/decisions/0087).
 */
export type Enroller = Placed & { readonly reach?: "realm" };

/** The part of a device, or of its proof, that says who enrolled it. */
export const enrollerOf = ({ clientId, realm, reach }: Enroller): Enroller => ({
  clientId,
  ...(realm === undefined ? {} : { realm }),
  ...(reach === undefined ? {} : { reach }),
});

/** Whether a device that was enrolled so may answer for the asker. Where nothing is said only its own may, and of another realm none. */
export function admits(asker: Asker, through: Enroller): boolean {
  if (through.clientId === asker.clientId) return true;
  const { approvers = "own", realm = MAIN } = asker;
  if (realm !== (through.realm ?? MAIN)) return false;
  if (through.reach === "realm") return true;
  if (approvers === "own") return false;
  return approvers === "realm" || approvers.includes(through.clientId);
}
