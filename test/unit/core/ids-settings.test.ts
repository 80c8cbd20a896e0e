import { describe, expect, test } from "vitest";
import type { Door } from "../../../src/core/challenge/state.ts";
import { allowsOrigin, type Client } from "../../../src/core/client/client.ts";
import {
  issuerFor,
  LONGEST_TOKEN_SECONDS,
  startsPerMinute,
  tokenLengths,
} from "../../../src/core/client/settings.ts";
import {
  clientSubject,
  identifierSubject,
  MAIN,
  parseChallengeId,
  parseClientId,
  parseDeviceId,
  parseUserId,
  userSubject,
} from "../../../src/core/ids.ts";
import { toSeconds } from "../../../src/core/time.ts";
import { BIRTH, CLIENTS, USERS } from "../../property/arbitraries.ts";

const UUID = "0f8fad5b-d9cb-469f-a165-70867728950e";
const HEX = "0123456789abcdef".repeat(4);

describe("ids are parsed at the border", () => {
  test("a challenge id is 64 lower-case hex digits", () => {
    expect(parseChallengeId(HEX)).toBe(HEX);
    for (const text of [
      "",
      HEX.slice(1),
      `${HEX}0`,
      HEX.toUpperCase(),
      `${HEX.slice(1)}g`,
      `${HEX}\n`,
      ` ${HEX}`,
    ]) {
      expect(parseChallengeId(text)).toBeUndefined();
    }
  });

  test.each([
    ["a user id", parseUserId],
    ["a device id", parseDeviceId],
  ])("%s is a UUID, read without regard to case", (_name, parse) => {
    expect(parse(UUID)).toBe(UUID);
    expect(parse(UUID.toUpperCase())).toBe(UUID);
    for (const text of [
      "",
      UUID.slice(1),
      `${UUID}0`,
      `{${UUID}}`,
      UUID.replaceAll("-", ""),
      `${UUID}\n`,
      "0",
    ]) {
      expect(parse(text)).toBeUndefined();
    }
  });

  test("a client id is 1 to 128 of letters, digits and -_.~, then up to two =, byte for byte", () => {
    const good = ["a", "Shop-1_2.3~4", UUID, "a".repeat(128), "a=", "aa==", `${"a".repeat(126)}==`];
    for (const text of good) expect(parseClientId(text)).toBe(text);
    const bad = ["", "a".repeat(129), "a b", "a/b", "a:b", "a%20", "ä", "a\n", "a+b", "=", "a===", "a=b"];
    for (const text of [".", "..", ...bad, `${"a".repeat(127)}==`]) {
      expect(parseClientId(text)).toBeUndefined();
    }
  });

  test("subjects of the three kinds never meet", () => {
    const [user, client] = [USERS[0], CLIENTS[0]];
    const keys = [userSubject(user), clientSubject(client), identifierSubject("mac")];
    expect(keys).toEqual([`user:${user}`, `client:${client}`, "identifier:mac"]);
  });

  test("seconds are rounded down", () => {
    expect([1_999, 2_000, 2_001].map(toSeconds)).toEqual([1, 2, 2]);
  });
});

describe("client settings", () => {
  test("token lengths have the contract's defaults, and take what is set", () => {
    expect(tokenLengths({})).toEqual({ accessSeconds: 3_600, idSeconds: 3_600, refreshDays: 30 });
    expect(tokenLengths({ access_token_seconds: 60, id_token_seconds: 120, refresh_token_days: 1 })).toEqual({
      accessSeconds: 60,
      idSeconds: 120,
      refreshDays: 1,
    });
    expect(LONGEST_TOKEN_SECONDS).toBe(24 * 3_600);
  });

  test("three hundred starts a minute unless set; zero stays zero, which is no limit", () => {
    expect([startsPerMinute({}), startsPerMinute({ starts_per_minute: 7 })]).toEqual([300, 7]);
    expect(startsPerMinute({ starts_per_minute: 0 })).toBe(0);
  });

  const doors: readonly Door[] = ["oauth", "cotter", "loginid", "authsignal", "approver", "page"];
  const issuers = (settings: Parameters<typeof issuerFor>[0]) =>
    Object.fromEntries(doors.map((door) => [door, issuerFor(settings, door, "https://door")]));

  test("iss is the door's own unless a legacy value is set, which the standard door ignores", () => {
    const own = Object.fromEntries(doors.map((door) => [door, "https://door"]));
    expect(issuers({})).toEqual(own);
    expect(issuers({ issuer: "https://old" })).toEqual({
      ...Object.fromEntries(doors.map((door) => [door, "https://old"])),
      oauth: "https://door",
    });
    expect(issuers({ issuer: { cotter: "https://cotter", oauth: "https://no" } })).toEqual({
      ...own,
      cotter: "https://cotter",
    });
  });

  test("a page may call for a client from the origins it names, byte for byte, or from any with *", () => {
    const client = (allowedOrigins: readonly string[]): Client => ({
      id: CLIENTS[0],
      realm: MAIN,
      name: "Shop",
      kind: "public",
      redirectUris: [],
      allowedOrigins,
      grantTypes: [],
      publicKeys: [],
      settings: {},
      createdAt: BIRTH,
      updatedAt: BIRTH,
    });
    const shop = client(["https://shop.example"]);
    expect(allowsOrigin(shop, "https://shop.example")).toBe(true);
    for (const origin of [
      "http://shop.example",
      "https://shop.example:8443",
      "https://shop.example.evil",
      "https://SHOP.example",
      "null",
      "",
    ]) {
      expect(allowsOrigin(shop, origin)).toBe(false);
    }
    expect(allowsOrigin(client(["*"]), "https://any.example")).toBe(true);
    expect(allowsOrigin(client([]), "https://shop.example")).toBe(false);
  });
});
