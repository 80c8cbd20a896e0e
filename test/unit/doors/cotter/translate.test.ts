import { describe, expect, test } from "vitest";
import type { Client } from "../../../../src/core/client/client.ts";
import type { Device } from "../../../../src/core/device/device.ts";
import {
  type ClientId,
  MAIN,
  newDeviceId,
  newUserId,
  parseChallengeId,
  parseClientId,
} from "../../../../src/core/ids.ts";
import type { Prompt } from "../../../../src/core/inbox/state.ts";
import type { Snapshot } from "../../../../src/core/ports/challenges.ts";
import type { UserRecord } from "../../../../src/core/ports/users.ts";
import {
  clientUserIdOf,
  eventContext,
  promptEvent,
  subjectOf,
  userWire,
  waiterEvent,
  zeroUser,
} from "../../../../src/doors/cotter/translate.ts";

const BORN = Date.parse("2026-01-01T00:00:00.123Z");
const LATER = Date.parse("2026-01-01T00:00:21Z");
const ZERO_TIME = "0001-01-01T00:00:00Z";
const clientId = parseClientId("11111111-2222-4333-8444-555555555555")!;
const userId = newUserId("6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10");
const challengeId = parseChallengeId("ab".repeat(32))!;

const client: Client = {
  id: clientId,
  realm: MAIN,
  name: "Shop",
  kind: "public",
  redirectUris: [],
  allowedOrigins: [],
  grantTypes: [],
  publicKeys: [],
  settings: {},
  createdAt: BORN,
  updatedAt: BORN,
};

const record: UserRecord = {
  user: { id: userId, realm: MAIN, status: "active", createdAt: BORN, updatedAt: LATER },
  identifiers: [
    {
      userId,
      kind: "email",
      value: "Ana@example.com",
      normal: "ana@example.com",
      assertedBy: "anonymous",
      client: clientId,
      createdAt: BORN,
    },
  ],
};

const device: Device = {
  id: newDeviceId("0b0c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10"),
  userId,
  realm: MAIN,
  key: { algorithm: "Ed25519", bytes: "x", fingerprint: "y" },
  name: "Phone",
  kind: "MOBILE",
  door: "cotter",
  clientId,
  enrolledAt: BORN,
};

const called = (by: "client" | "anonymous" | "admin", giver = clientId): UserRecord => ({
  ...record,
  user: {
    ...record.user,
    externalId: "u-1",
    externalAssertedBy: by,
    ...(by === "admin" ? {} : { externalClient: giver }),
  },
});

describe("a user (Cotter §4.1)", () => {
  const wire = {
    ID: userId,
    created_at: "2026-01-01T00:00:00.123Z",
    updated_at: "2026-01-01T00:00:21.000Z",
    update_at: "2026-01-01T00:00:21.000Z",
    deleted_at: ZERO_TIME,
    issuer: clientId,
    client_user_id: userId,
    enrolled: ["TRUSTED_DEVICE"],
    default_method: "TRUSTED_DEVICE",
    identifier: "Ana@example.com",
    identifiers: null,
  };

  test("with a device, and without one", () => {
    expect(userWire(record, client, [device], "everything")).toEqual(wire);
    expect(userWire(record, client, [], "everything")).toEqual({
      ...wire,
      enrolled: [],
      default_method: null,
    });
    expect(userWire(record, client, [device, device], "everything").enrolled).toEqual(["TRUSTED_DEVICE"]);
  });

  test("client_user_id is the app's own name, else the ID, never empty (Cotter fact 2)", () => {
    const all = (person: UserRecord) => clientUserIdOf(client, person, "everything");
    expect(all(record)).toBe(userId);
    expect(all(called("client"))).toBe("u-1");
    expect(all(called("anonymous"))).toBe("u-1");
    expect(all(called("client", "another" as ClientId))).toBe(userId);
  });

  test("S13 client_user_id too is told to whoever asked by it, and to nobody else", () => {
    const told = (name: string) => clientUserIdOf(client, called("client"), { name });
    expect([told("u-1"), told(userId), told("ada@example.com")]).toEqual(["u-1", userId, userId]);
  });

  test("S13 an anonymous caller is told no address but the one that they asked by", () => {
    const told = (name: string) => userWire(record, client, [], { name }).identifier;
    expect(told(userId)).toBe("");
    expect(told("u-1")).toBe("");
    expect(told("ANA@example.com")).toBe("ANA@example.com");
    expect(told("bo@example.com")).toBe("");
    const bank = {
      ...record,
      identifiers: record.identifiers.map((own) => ({ ...own, client: "bank" as ClientId })),
    };
    expect(userWire(bank, client, [], "everything").identifier).toBe("");
  });

  test("without identifiers the identifier is the empty text", () => {
    expect(userWire({ ...record, identifiers: [] }, client, [], "everything").identifier).toBe("");
  });

  test("nobody has the same members, zeroed (Cotter fact 1)", () => {
    const nobody = zeroUser(client);
    expect(Object.keys(nobody)).toEqual(Object.keys(wire));
    expect(nobody).toMatchObject({
      ID: "00000000-0000-0000-0000-000000000000",
      created_at: ZERO_TIME,
      client_user_id: "",
      enrolled: [],
      identifier: "",
    });
  });
});

describe("what tokens say of the user", () => {
  test("an identifier that nobody proved is marked as such (Cotter §10.10)", () => {
    expect(subjectOf(client)(record)).toEqual({
      client_user_id: userId,
      identifier: "Ana@example.com",
      identifier_verified: false,
    });
    const [identifier] = record.identifiers;
    const proved = { ...record, identifiers: [{ ...identifier!, verifiedAt: LATER }] };
    expect(subjectOf(client)(proved).identifier_verified).toBe(true);
    for (const assertedBy of ["client", "admin", "proof"] as const) {
      const word = { ...record, identifiers: [{ ...identifier!, assertedBy }] };
      expect(subjectOf(client)(word)).toMatchObject({ identifier_verified: false });
    }
    expect(subjectOf(client)({ ...record, identifiers: [] })).toMatchObject({
      identifier: "",
      identifier_verified: false,
    });
  });
});

test("S8 client_user_id is a name that a secret or the operator vouched for, else the ID", () => {
  const told = (person: UserRecord) => subjectOf(client)(person).client_user_id;
  expect(told(called("anonymous"))).toBe(userId);
  expect(told(called("client"))).toBe("u-1");
  expect(told(called("admin"))).toBe("u-1");
  expect(told(called("client", "another" as ClientId))).toBe(userId);
});

const snapshot = (state: Snapshot["view"]["state"]): Snapshot => ({
  spec: {
    id: challengeId,
    door: "cotter",
    clientId,
    purpose: "sign_in",
    userId,
    scope: "access",
    requiresClaim: false,
    nonce: "n",
    context: eventContext(client, record, "everything", "LOGIN"),
    origin: { ip: "203.0.113.9", country: "PT" },
    createdAt: BORN,
    expiresAt: BORN + 200_000,
    redeemWindow: 60_000,
    replayWindow: 30_000,
  },
  view: { id: challengeId, clientId, state, version: 1, expiresAt: BORN + 200_000 },
  timeline: [
    { at: BORN, what: "started" },
    { at: LATER, what: "approved" },
  ] as unknown as Snapshot["timeline"],
  listed: false,
});

describe("an event as its waiter sees it (Cotter §4.2-4.4)", () => {
  test("every member, with its type", () => {
    expect(waiterEvent(snapshot("pending"), 1_481_203_377, 1_767_225_605)).toEqual({
      ID: 1_481_203_377,
      CreatedAt: "2026-01-01T00:00:00.123Z",
      UpdatedAt: "2026-01-01T00:00:21.000Z",
      DeletedAt: ZERO_TIME,
      user_id: userId,
      client_user_id: userId,
      issuer: clientId,
      event: "LOGIN",
      ip: "203.0.113.9",
      location: "PT",
      timestamp: "1767225605",
      method: "TRUSTED_DEVICE",
      new: true,
      approved: false,
    });
  });

  test("without a signing second it carries the second of its birth", () => {
    expect(waiterEvent(snapshot("pending"), 1).timestamp).toBe("1767225600");
  });

  test.each([
    ["pending", true, false],
    ["claimed", true, false],
    ["approved", false, true],
    ["redeemed", false, true],
    ["denied", false, false],
    ["cancelled", false, false],
    ["expired", false, false],
  ] as const)("%s: new %s, approved %s", (state, isNew, approved) => {
    expect(waiterEvent(snapshot(state), 1)).toMatchObject({ new: isNew, approved });
  });

  test("a place that is not known is the word 'unknown', never null", () => {
    const { spec, ...rest } = snapshot("pending");
    expect(waiterEvent({ ...rest, spec: { ...spec, origin: {} } }, 1)).toMatchObject({
      ip: "unknown",
      location: "unknown",
    });
  });
});

describe("a prompt as the approving device sees it (Cotter §10.2)", () => {
  const prompt: Prompt = {
    challengeId,
    door: "oauth",
    clientId: parseClientId("another-client")!,
    clientName: "Bank",
    purpose: "sign_in",
    demands: { matchCode: false, claim: false, unlock: false },
    origin: { ip: "203.0.113.9", country: "AT" },
    context: {},
    respondNumber: 77,
    signingSecond: 1_767_225_611,
    startedAt: BORN,
    listedAt: BORN,
    expiresAt: BORN + 200_000,
    status: { name: "live" },
  };

  const shown = { prompt, event: "LOGIN" };

  test("by its respond number and signing second, with the client that asks; its place only to who may know it", () => {
    const open = {
      ID: 77,
      CreatedAt: "2026-01-01T00:00:00.123Z",
      UpdatedAt: "2026-01-01T00:00:00.123Z",
      DeletedAt: ZERO_TIME,
      user_id: userId,
      client_user_id: userId,
      issuer: "another-client",
      event: "LOGIN",
      ip: "unknown",
      location: "unknown",
      timestamp: "1767225611",
      method: "TRUSTED_DEVICE",
      new: true,
      approved: false,
    };
    expect(promptEvent(shown, record, client, { place: false }, "everything")).toEqual(open);
    const placed = promptEvent(shown, record, client, { place: true }, "everything");
    expect(placed).toEqual({ ...open, ip: "203.0.113.9", location: "AT" });
  });

  test.each([true, false])("answered %s", (approved) => {
    const answered = promptEvent(
      shown,
      record,
      client,
      { answer: { approved, at: LATER }, place: true },
      "everything",
    );
    expect(answered).toMatchObject({ new: false, approved, UpdatedAt: "2026-01-01T00:00:21.000Z" });
  });
});
