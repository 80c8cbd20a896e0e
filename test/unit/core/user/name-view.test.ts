import { describe, expect, test } from "vitest";
import { type ClientId, MAIN } from "../../../../src/core/ids.ts";
import {
  externalIdFor,
  isHeardBy,
  isKnownTo,
  isSeenBy,
  namesFor,
  viewOf,
} from "../../../../src/core/user/name-view.ts";
import type { AssertedBy, Identifier, User } from "../../../../src/core/user/user.ts";
import { BIRTH, CLIENTS, USERS } from "../../../property/arbitraries.ts";

const [SHOP, BANK] = CLIENTS;
const view = (id: ClientId, names_from: readonly ClientId[] = []) =>
  viewOf({ id, realm: MAIN, settings: { names_from } });

const identifier = (assertedBy: AssertedBy, parts: Partial<Identifier> = {}): Identifier => ({
  userId: USERS[0],
  kind: "email",
  value: "ada@example.com",
  normal: "ada@example.com",
  assertedBy,
  ...(assertedBy === "admin" ? {} : { client: SHOP }),
  createdAt: BIRTH,
  ...parts,
});

describe("whose word a client goes by", () => {
  test.each([
    ["a proof made anywhere", identifier("proof", { verifiedAt: BIRTH, client: BANK }), [true, true, true]],
    ["the operator's word", identifier("admin"), [true, true, true]],
    ["its own backend's word", identifier("client"), [true, true, false]],
    ["what was only said through it", identifier("anonymous"), [false, true, false]],
    [
      "another backend's word",
      identifier("client", { client: BANK, vouchedAt: BIRTH }),
      [false, false, false],
    ],
    [
      "what was said through another client",
      identifier("anonymous", { client: BANK }),
      [false, false, false],
    ],
  ])("%s", (_, one, [known, heard]) => {
    expect([isKnownTo(view(SHOP), one), isHeardBy(view(SHOP), one)]).toEqual([known, heard]);
  });

  test("a client that lists another goes by that one's backend too, and by what is said through it", () => {
    const friend = view(BANK, [SHOP]);
    expect(isKnownTo(friend, identifier("client"))).toBe(true);
    expect(isHeardBy(friend, identifier("anonymous"))).toBe(true);
    expect(isKnownTo(friend, identifier("anonymous"))).toBe(false);
  });

  test("what a backend has seen proven counts as seen for that client alone", () => {
    const vouched = identifier("client", { vouchedAt: BIRTH });
    expect(isSeenBy(view(SHOP), vouched)).toBe(true);
    expect(isSeenBy(view(BANK, [SHOP]), vouched)).toBe(false);
    expect(isSeenBy(view(SHOP), identifier("client"))).toBe(false);
    expect(isSeenBy(view(BANK), identifier("proof", { verifiedAt: BIRTH }))).toBe(true);
  });
});

test("names come proven first and said ones last, and another's not at all", () => {
  const names = [
    identifier("anonymous", { value: "said" }),
    identifier("client", { value: "told" }),
    identifier("proof", { value: "proven", verifiedAt: BIRTH }),
    identifier("client", { value: "another's", client: BANK }),
  ];
  const values = (anonymous: boolean) =>
    namesFor(view(SHOP), { identifiers: names }, anonymous).map(({ value }) => value);
  expect(values(true)).toEqual(["proven", "told", "said"]);
  expect(values(false)).toEqual(["proven", "told"]);
});

test("an external id is its giver's and their friends', or the operator's", () => {
  const user = (externalAssertedBy: AssertedBy, externalClient?: ClientId): User => ({
    id: USERS[0],
    realm: MAIN,
    externalId: "u-1",
    externalAssertedBy,
    ...(externalClient ? { externalClient } : {}),
    status: "active",
    createdAt: BIRTH,
    updatedAt: BIRTH,
  });
  expect(externalIdFor(view(SHOP), user("client", SHOP))).toBe("u-1");
  expect(externalIdFor(view(SHOP, [BANK]), user("client", BANK))).toBe("u-1");
  expect(externalIdFor(view(SHOP), user("client", BANK))).toBeUndefined();
  expect(externalIdFor(view(SHOP), user("admin"))).toBe("u-1");
  expect(externalIdFor(view(SHOP), user("anonymous", SHOP))).toBeUndefined();
  expect(externalIdFor(view(SHOP), user("anonymous", SHOP), true)).toBe("u-1");
  expect(externalIdFor(view(SHOP), user("anonymous", BANK), true)).toBeUndefined();
});
