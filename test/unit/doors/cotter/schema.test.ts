import { describe, expect, test } from "vitest";
import type * as z from "zod";
import {
  createEventBody,
  createUserBody,
  methodBody,
  pendingBody,
  refreshBody,
  respondBody,
} from "../../../../src/doors/cotter/schema.ts";

const reads = (schema: z.ZodType, value: unknown): boolean => schema.safeParse(value).success;

const event = {
  client_user_id: "u",
  issuer: "k",
  event: "LOGIN",
  timestamp: "1767225600",
  method: "TRUSTED_DEVICE",
  code: "c",
  public_key: "p",
  approved: true,
};

describe("event names hold nothing that could pass for a neighbour in the signing input (Cotter §10.6)", () => {
  test.each(["LOGIN", "a", "Log in 2.0_x-y", "x".repeat(64)])("%s is one", (name) => {
    expect(reads(createEventBody, { ...event, event: name })).toBe(true);
  });
  test.each([
    "",
    "x".repeat(65),
    "LOG:IN",
    "LOG/IN",
    "LOG\nIN",
    "LOG\u0000IN",
    "ÉVÉNEMENT",
    "LOGIN\n",
    null,
    5,
    ["LOGIN"],
  ])("%j is none", (name) => {
    for (const schema of [createEventBody, pendingBody, respondBody]) {
      expect(reads(schema, { ...event, event: name })).toBe(false);
    }
  });
});

describe("timestamps", () => {
  test("create takes ten digits, no more and no fewer", () => {
    expect(reads(createEventBody, event)).toBe(true);
    for (const timestamp of [
      "176722560",
      "17672256000",
      "1767225600.5",
      " 1767225600",
      "1767225600\n",
      "١٧٦٧٢٢٥٦٠٠",
      1767225600,
    ]) {
      expect([timestamp, reads(createEventBody, { ...event, timestamp })]).toEqual([timestamp, false]);
    }
  });

  test("respond takes what an event may carry, up to 16 digits", () => {
    for (const timestamp of ["1767225600", "1767225600123456"]) {
      expect(reads(respondBody, { ...event, timestamp })).toBe(true);
    }
    for (const timestamp of ["17672256001234567", "176722560", "-1767225600", "1e10000000"]) {
      expect(reads(respondBody, { ...event, timestamp })).toBe(false);
    }
  });
});

describe("what the SDKs leave out, and what they send as null", () => {
  test("Android's native client sends no location and a null ip; its absence is seen, null is a place", () => {
    expect(createEventBody.parse({ ...event, ip: null }).location).toBeUndefined();
    expect(pendingBody.parse({ ...event, location: null }).location).toBeNull();
    expect(pendingBody.parse({ ...event, location: "unknown" }).location).toBe("unknown");
  });

  test("RN removes with a null algorithm", () => {
    const body = { method: "TRUSTED_DEVICE", enrolled: false, code: "k", algorithm: null };
    expect(methodBody.parse(body).algorithm).toBeUndefined();
  });

  test("IOS sends no algorithm and no names", () => {
    expect(reads(methodBody, { method: "TRUSTED_DEVICE", enrolled: true, code: "k" })).toBe(true);
    expect(reads(createEventBody, event)).toBe(true);
  });

  test("members that nobody knows are left behind", () => {
    expect(refreshBody.parse({ refresh_token: "r", admin: true })).toEqual({
      grant_type: undefined,
      refresh_token: "r",
    });
  });

  test("identifiers are a list or nothing", () => {
    expect(createUserBody.parse({ identifiers: null }).identifiers).toEqual([]);
    expect(reads(createUserBody, { identifiers: "a@example.com" })).toBe(false);
    expect(reads(createUserBody, { identifiers: Array.from({ length: 11 }, () => "a") })).toBe(false);
  });
});

describe("a decision is said in so many words", () => {
  test("create approves, and nothing else", () => {
    for (const approved of [false, "true", 1, null, undefined]) {
      expect(reads(createEventBody, { ...event, approved })).toBe(false);
    }
  });

  test("respond says true or false", () => {
    expect([true, false].every((approved) => reads(respondBody, { ...event, approved }))).toBe(true);
    for (const approved of ["true", 1, null, undefined]) {
      expect(reads(respondBody, { ...event, approved })).toBe(false);
    }
  });

  test("no method but TRUSTED_DEVICE", () => {
    for (const method of ["PIN", "trusted_device", "TRUSTED_DEVICE ", null]) {
      expect(reads(createEventBody, { ...event, method })).toBe(false);
      expect(reads(pendingBody, { ...event, method })).toBe(false);
    }
  });
});

test("texts are bounded", () => {
  const long = "x".repeat(2_049);
  expect(reads(createEventBody, { ...event, code: long })).toBe(false);
  expect(reads(createEventBody, { ...event, public_key: long })).toBe(false);
  expect(reads(createEventBody, { ...event, client_user_id: "x".repeat(255) })).toBe(false);
  expect(reads(createUserBody, { identifier: "x".repeat(255) })).toBe(false);
  expect(reads(refreshBody, { refresh_token: "x".repeat(256) })).toBe(false);
  expect(reads(methodBody, { method: "TRUSTED_DEVICE", enrolled: true, code: "" })).toBe(false);
});
