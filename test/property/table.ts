import type { CommandName } from "../../src/core/challenge/command.ts";
import type { PhaseName } from "../../src/core/challenge/state.ts";

/**
 * What one cell of the machine does: the phase it leads to, `same` (success without a change), or the refusal.
 * `?` stands where the cell looks at who acts; the notes are in docs/challenge.md.
 */
export type Cell =
  | "→claimed"
  | "→approved"
  | "→denied"
  | "→cancelled"
  | "→redeemed"
  | "→expired"
  | "same"
  | "same? claimed_by_other"
  | "→approved? claimed_by_other"
  | "→denied? claimed_by_other"
  | "→approved? not_claimed"
  | "→denied? not_claimed"
  | "same? redeemed"
  | "✗ not_approved"
  | "✗ already_decided"
  | "✗ denied"
  | "✗ redeemed"
  | "✗ cancelled"
  | "✗ expired";

/** The machine as a table: rows are phases, columns are commands; a missing cell does not compile. */
export const TABLE: Readonly<Record<PhaseName, Readonly<Record<CommandName, Cell>>>> = {
  pending: {
    claim: "→claimed",
    approve: "→approved? not_claimed",
    deny: "→denied? not_claimed",
    cancel: "→cancelled",
    redeem: "✗ not_approved",
    expire: "→expired",
  },
  claimed: {
    claim: "same? claimed_by_other",
    approve: "→approved? claimed_by_other",
    deny: "→denied? claimed_by_other",
    cancel: "→cancelled",
    redeem: "✗ not_approved",
    expire: "→expired",
  },
  approved: {
    claim: "✗ already_decided",
    approve: "✗ already_decided",
    deny: "✗ already_decided",
    cancel: "→cancelled",
    redeem: "→redeemed",
    expire: "→expired",
  },
  denied: {
    claim: "✗ denied",
    approve: "✗ already_decided",
    deny: "✗ already_decided",
    cancel: "same",
    redeem: "✗ denied",
    expire: "same",
  },
  redeemed: {
    claim: "✗ redeemed",
    approve: "✗ redeemed",
    deny: "✗ redeemed",
    cancel: "✗ redeemed",
    redeem: "same? redeemed",
    expire: "same",
  },
  cancelled: {
    claim: "✗ cancelled",
    approve: "✗ cancelled",
    deny: "✗ cancelled",
    cancel: "same",
    redeem: "✗ cancelled",
    expire: "same",
  },
  expired: {
    claim: "✗ expired",
    approve: "✗ expired",
    deny: "✗ expired",
    cancel: "same",
    redeem: "✗ expired",
    expire: "same",
  },
};
