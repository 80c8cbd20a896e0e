import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import type { Command, CommandName } from "../../../../src/core/challenge/command.ts";
import type { Challenge, DecisionKind, PhaseName } from "../../../../src/core/challenge/state.ts";
import { transition } from "../../../../src/core/challenge/transition.ts";
import { BIRTH, CLIENTS } from "../../../property/arbitraries.ts";
import { TABLE } from "../../../property/table.ts";
import { answered, type Promised, promised } from "../../../property/table-oracle.ts";
import {
  BANK_PHONE,
  challengeIn,
  claimBy,
  decideBy,
  decideWith,
  firstEnrolment,
  openSpec,
  PHONE,
  redeemBy,
  STRANGER,
  signed,
  specOf,
  TABLET,
  vouched,
} from "../../support/challenges.ts";

const NOW = BIRTH + 40_000;

/** One branch of a cell: who acts, on what (a challenge 40 s old unless said otherwise), and what comes of it. */
type Branch = {
  readonly when: string;
  readonly command: Command;
  readonly comes: Promised;
  readonly on?: Challenge;
};
type Row = Readonly<Record<CommandName, readonly Branch[]>>;

const any = (command: Command, comes: Promised): readonly Branch[] => [{ when: "always", command, comes }];
const cancel: Command = { name: "cancel", by: "client:shop" };
const expire: Command = { name: "expire" };
const byCode = { kind: "code", identifierId: "identifier-1" } as const;
const byClient = { kind: "client", clientId: CLIENTS[0] } as const;
const opposite = { approve: "deny", deny: "approve" } as const;

/** Decisions on what nobody has claimed. */
const deciding = (name: DecisionKind, comes: Promised): readonly Branch[] => [
  { when: "by a device", command: decideBy(name, PHONE), comes },
  { when: "by a code typed back", command: decideWith(name, vouched(byCode, name)), comes },
  { when: "by a service token", command: decideWith(name, vouched(byClient, name)), comes },
  {
    when: "by a device enrolled in the millisecond of the start",
    command: decideBy(name, { ...PHONE, enrolledAt: BIRTH }),
    comes,
  },
  {
    when: "by anybody, for nobody in particular",
    command: decideBy(name, STRANGER),
    on: challengeIn("pending", BIRTH, openSpec()),
    comes,
  },
  {
    when: "unclaimed where a claim is required",
    command: decideBy(name, PHONE),
    on: challengeIn("pending", BIRTH, specOf({ requiresClaim: true })),
    comes: "✗ not_claimed",
  },
  {
    when: "T20 by a device of another user",
    command: decideBy(name, STRANGER),
    comes: "✗ device_of_another_user",
  },
  {
    when: "S6 by a device of another client",
    command: decideBy(name, BANK_PHONE),
    comes: "✗ device_of_another_client",
  },
  {
    when: "S6 by a device of a client that the spec lists",
    command: decideBy(name, BANK_PHONE),
    on: challengeIn("pending", BIRTH, specOf({ approvers: [CLIENTS[1]] })),
    comes,
  },
  {
    when: "S6 by a device of whichever client of the realm",
    command: decideBy(name, BANK_PHONE),
    on: challengeIn("pending", BIRTH, specOf({ approvers: "realm" })),
    comes,
  },
  {
    when: "S6 by a device of a client that is not on the list",
    command: decideBy(name, BANK_PHONE),
    on: challengeIn("pending", BIRTH, specOf({ approvers: [CLIENTS[2]] })),
    comes: "✗ device_of_another_client",
  },
  {
    when: "T25 by a device enrolled after the start",
    command: decideBy(name, { ...PHONE, enrolledAt: BIRTH + 1 }),
    comes: "✗ device_too_young",
  },
  {
    when: "T24 with a proof of the other decision",
    command: decideWith(name, signed(PHONE, opposite[name])),
    comes: "✗ bad_signature",
  },
];

/** Decisions on what the phone has claimed. */
const decidingClaimed = (name: DecisionKind, comes: Promised): readonly Branch[] => [
  { when: "by the claimer", command: decideBy(name, PHONE), comes },
  {
    when: "by the claimer, where a claim is required",
    command: decideBy(name, PHONE),
    on: challengeIn("claimed", BIRTH, specOf({ requiresClaim: true })),
    comes,
  },
  { when: "by the user's other device", command: decideBy(name, TABLET), comes: "✗ claimed_by_other" },
  {
    when: "T20 by a device of another user",
    command: decideBy(name, STRANGER),
    comes: "✗ claimed_by_other",
  },
  {
    when: "T20 by the claimer's device in another's name",
    command: decideBy(name, { ...PHONE, userId: STRANGER.userId }),
    comes: "✗ claimed_by_other",
  },
  {
    when: "by a code typed back",
    command: decideWith(name, vouched(byCode, name)),
    comes: "✗ claimed_by_other",
  },
  {
    when: "by a service token",
    command: decideWith(name, vouched(byClient, name)),
    comes: "✗ claimed_by_other",
  },
  {
    when: "S6 by a claimer of another client",
    command: decideBy(name, BANK_PHONE),
    comes: "✗ device_of_another_client",
  },
  {
    when: "T25 by a claimer enrolled after the start",
    command: decideBy(name, { ...PHONE, enrolledAt: BIRTH + 1 }),
    comes: "✗ device_too_young",
  },
  {
    when: "T24 with the claimer's proof of the other decision",
    command: decideWith(name, signed(PHONE, opposite[name])),
    comes: "✗ bad_signature",
  },
];

const ended = (claim: Promised, decided: Promised, redeem: Promised): Row => ({
  claim: any(claimBy(PHONE), claim),
  approve: any(decideBy("approve", PHONE), decided),
  deny: any(decideBy("deny", PHONE), decided),
  cancel: any(cancel, "same"),
  redeem: any(redeemBy("waiter-1"), redeem),
  expire: any(expire, "same"),
});

const BRANCHES: Readonly<Record<PhaseName, Row>> = {
  pending: {
    claim: [
      { when: "by a device of the user", command: claimBy(PHONE), comes: "→claimed" },
      {
        when: "by anybody, for nobody in particular",
        command: claimBy(STRANGER),
        on: challengeIn("pending", BIRTH, openSpec()),
        comes: "→claimed",
      },
      {
        when: "by a device enrolled in the millisecond of the start",
        command: claimBy({ ...PHONE, enrolledAt: BIRTH }),
        comes: "→claimed",
      },
      {
        when: "T20 by a device of another user",
        command: claimBy(STRANGER),
        comes: "✗ device_of_another_user",
      },
      {
        when: "S6 by a device of another client",
        command: claimBy(BANK_PHONE),
        comes: "✗ device_of_another_client",
      },
      {
        when: "S6 by a device of another client, for nobody in particular",
        command: claimBy({ ...STRANGER, clientId: CLIENTS[1] }),
        on: challengeIn("pending", BIRTH, openSpec()),
        comes: "✗ device_of_another_client",
      },
      {
        when: "S6 by a device of a client that the spec lists",
        command: claimBy(BANK_PHONE),
        on: challengeIn("pending", BIRTH, specOf({ approvers: [CLIENTS[1]] })),
        comes: "→claimed",
      },
      {
        when: "T25 by a device enrolled after the start",
        command: claimBy({ ...PHONE, enrolledAt: BIRTH + 1 }),
        comes: "✗ device_too_young",
      },
    ],
    approve: [
      ...deciding("approve", "→approved"),
      {
        when: "by a first enrolment",
        command: decideWith("approve", firstEnrolment),
        comes: "→approved",
      },
    ],
    deny: deciding("deny", "→denied"),
    cancel: any(cancel, "→cancelled"),
    redeem: any(redeemBy("waiter-1"), "✗ not_approved"),
    expire: any(expire, "→expired"),
  },
  claimed: {
    claim: [
      { when: "again by the claimer", command: claimBy(PHONE), comes: "same" },
      { when: "by the user's other device", command: claimBy(TABLET), comes: "✗ claimed_by_other" },
      {
        when: "T20 by the claimer's device in another's name",
        command: claimBy({ ...PHONE, userId: STRANGER.userId }),
        comes: "✗ claimed_by_other",
      },
    ],
    approve: [
      ...decidingClaimed("approve", "→approved"),
      {
        when: "by a first enrolment of the claimer",
        command: decideWith("approve", firstEnrolment),
        comes: "✗ claimed_by_other",
      },
    ],
    deny: decidingClaimed("deny", "→denied"),
    cancel: any(cancel, "→cancelled"),
    redeem: any(redeemBy("waiter-1"), "✗ not_approved"),
    expire: any(expire, "→expired"),
  },
  approved: {
    claim: any(claimBy(PHONE), "✗ already_decided"),
    approve: any(decideBy("approve", PHONE), "✗ already_decided"),
    deny: any(decideBy("deny", PHONE), "✗ already_decided"),
    cancel: any(cancel, "→cancelled"),
    redeem: any(redeemBy("waiter-1"), "→redeemed"),
    expire: any(expire, "→expired"),
  },
  denied: ended("✗ denied", "✗ already_decided", "✗ denied"),
  redeemed: {
    claim: any(claimBy(PHONE), "✗ redeemed"),
    approve: any(decideBy("approve", PHONE), "✗ redeemed"),
    deny: any(decideBy("deny", PHONE), "✗ redeemed"),
    cancel: any(cancel, "✗ redeemed"),
    redeem: [
      {
        when: "T47 by the winner in the window's last millisecond",
        command: redeemBy("waiter-1"),
        on: challengeIn("redeemed", NOW - 29_999),
        comes: "same",
      },
      {
        when: "by the winner after the window",
        command: redeemBy("waiter-1"),
        on: challengeIn("redeemed", NOW - 30_000),
        comes: "✗ redeemed",
      },
      {
        when: "T45 by another waiter",
        command: redeemBy("waiter-2"),
        on: challengeIn("redeemed", NOW),
        comes: "✗ redeemed",
      },
      {
        when: "T45 by the winner, the window being off",
        command: redeemBy("waiter-1"),
        on: challengeIn("redeemed", NOW, specOf({ replayWindow: 0 })),
        comes: "✗ redeemed",
      },
    ],
    expire: any(expire, "same"),
  },
  cancelled: ended("✗ cancelled", "✗ cancelled", "✗ cancelled"),
  expired: ended("✗ expired", "✗ expired", "✗ expired"),
};

const namesOf = <T extends string>(record: Readonly<Record<T, unknown>>) => Object.keys(record) as T[];
const cells = namesOf(TABLE).flatMap((phase) =>
  namesOf(TABLE[phase]).map((column) => ({ phase, column, cell: TABLE[phase][column] })),
);
const branches = cells.flatMap((at) => BRANCHES[at.phase][at.column].map((branch) => ({ ...at, ...branch })));

/** Refusals of the second table of docs/challenge.md, which no cell names. */
const BESIDE: readonly Promised[] = [
  "✗ device_of_another_user",
  "✗ device_of_another_client",
  "✗ device_too_young",
  "✗ bad_signature",
];

describe("the table and transition() agree, cell by cell", () => {
  test("there are 42 cells", () => expect(cells.length).toBe(42));

  test.each(cells)("$phase × $column is tried in every branch of $cell", ({ phase, column, cell }) => {
    const outcomes = new Set(BRANCHES[phase][column].map(({ comes }) => comes));
    const own = [...outcomes].filter((comes) => !BESIDE.includes(comes));
    const [usual, otherwise] = cell.split("? ");
    expect(own.toSorted()).toEqual([usual, ...(otherwise ? [`✗ ${otherwise}`] : [])].toSorted());
  });

  test.each(branches)("$phase × $column $when: $comes", ({ phase, column, command, comes, on }) => {
    const before = on ?? challengeIn(phase);
    expect([before.phase.name, command.name]).toEqual([phase, column]);
    const result = transition(before, command, NOW);
    expect(answered(before, result)).toBe(comes);
    expect(promised(before, command, NOW)).toBe(comes);
    if (comes === "same") expect(result).toEqual({ ok: true, value: { next: before, effects: [] } });
  });
});

describe("docs/challenge.md", () => {
  const text = readFileSync(resolve(import.meta.dirname, "../../../../docs/challenge.md"), "utf8");
  const rowsOf = (heading: RegExp): readonly (readonly string[])[] => {
    const lines = text.split("\n");
    const start = lines.findIndex((line) => heading.test(line));
    const end = lines.findIndex((line, index) => index > start && !line.startsWith("|"));
    return lines.slice(start, end).map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  };

  test("holds the table of the machine", () => {
    const [head, , ...rows] = rowsOf(/^\| \| claim \|/);
    const columns = head?.slice(1) ?? [];
    const written = Object.fromEntries(
      rows.map(([phase, ...row]) => [
        phase,
        Object.fromEntries(columns.map((column, index) => [column, row[index]])),
      ]),
    );
    expect(rows.length).toBe(7);
    expect(written).toEqual(TABLE);
  });

  test("names the refusals that stand beside the table", () => {
    const [, , ...rows] = rowsOf(/^\| refusal \| when \|/);
    const written = rows.map(([refusal]) => `✗ ${refusal?.replaceAll("`", "")}`);
    expect(written.toSorted()).toEqual(BESIDE.toSorted());
  });
});
