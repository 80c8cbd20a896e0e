import { expect, test } from "vitest";
import { type Approvers, admits } from "../../../../src/core/challenge/approvers.ts";
import { type ClientId, MAIN, type Realm } from "../../../../src/core/ids.ts";

const SHOP = "shop" as ClientId;
const BANK = "bank" as ClientId;
const ANNEX = "annex" as Realm;

type Case = {
  readonly when: string;
  readonly approvers?: Approvers;
  readonly realm?: Realm;
  readonly through: { readonly clientId: ClientId; readonly realm?: Realm };
  readonly may: boolean;
};

const CASES: readonly Case[] = [
  { when: "nothing is said: its own", through: { clientId: SHOP }, may: true },
  { when: "nothing is said: another's", through: { clientId: BANK }, may: false },
  { when: "own: another's", approvers: "own", through: { clientId: BANK }, may: false },
  { when: "an empty list: its own", approvers: [], through: { clientId: SHOP }, may: true },
  { when: "a list of another: its own", approvers: [BANK], through: { clientId: SHOP }, may: true },
  { when: "a list of another: that one", approvers: [BANK], through: { clientId: BANK }, may: true },
  { when: "realm: any of it", approvers: "realm", through: { clientId: BANK, realm: MAIN }, may: true },
  {
    when: "realm: one of another realm",
    approvers: "realm",
    through: { clientId: BANK, realm: ANNEX },
    may: false,
  },
  {
    when: "a list: one of another realm",
    approvers: [BANK],
    through: { clientId: BANK, realm: ANNEX },
    may: false,
  },
  {
    when: "realm, of another realm than the main one: one of it",
    approvers: "realm",
    realm: ANNEX,
    through: { clientId: BANK, realm: ANNEX },
    may: true,
  },
  {
    when: "realm, of another realm than the main one: one whose realm is not said",
    approvers: "realm",
    realm: ANNEX,
    through: { clientId: BANK },
    may: false,
  },
];

test.each(CASES)("S6 which devices answer; $when: $may", ({ approvers, realm, through, may }) => {
  const asker = {
    clientId: SHOP,
    ...(approvers === undefined ? {} : { approvers }),
    ...(realm === undefined ? {} : { realm }),
  };
  expect(admits(asker, through)).toBe(may);
});
