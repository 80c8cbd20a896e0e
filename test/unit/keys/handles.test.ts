import { createHmac } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import type { Grant } from "../../../src/core/grant/state.ts";
import type { ChallengeId, ClientId, UserId } from "../../../src/core/ids.ts";
import { makeHandles } from "../../../src/keys/handles.ts";
import { parseSecretKeys } from "../../../src/keys/secret-keys.ts";
import { keyText, secretKeys } from "../../fakes/signing-keys.ts";

const id = "0123456789abcdef".repeat(4) as ChallengeId;
const other = "fedcba9876543210".repeat(4) as ChallengeId;
const client = "web" as ClientId;

const withHandleKeys = (handleKeys: string) =>
  makeHandles(
    parseSecretKeys({
      KEY_ENCRYPTION_KEY: `1:${keyText(0x11)}`,
      HANDLE_KEY: handleKeys,
      PEPPER: keyText(0x33),
    }),
  );
const handles = makeHandles(secretKeys);
const rotated = withHandleKeys(`2:${keyText(0x44)},1:${keyText(0x22)}`);
const replaced = withHandleKeys(`2:${keyText(0x44)}`);

const grant: Grant = {
  id,
  clientId: client,
  userId: "6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10" as UserId,
  scope: "access",
  subject: {},
  amr: ["pop"],
  authTime: 0,
  salt: "c2FsdA",
  lifetime: 1,
  createdAt: 0,
  generation: 1,
  keyVersion: 1,
  rotatedAt: 0,
  expiresAt: 1,
};

describe("handles", () => {
  test("a handle is the id and the HMAC of length-prefixed label, id and kind", async () => {
    const text = (part: string) => {
      const size = Buffer.alloc(4);
      size.writeUInt32BE(part.length);
      return Buffer.concat([size, Buffer.from(part)]);
    };
    const mac = createHmac("sha256", Buffer.alloc(32, 0x22))
      .update(Buffer.concat([text("countersign/handle"), text(id), text("device_code")]))
      .digest("base64url");
    expect(await handles.mint(id, "device_code")).toBe(`${id}.${mac}`);
  });

  test("T49 forged handle: only the genuine one of its kind is read", async () => {
    const handle = await handles.mint(id, "wait");
    const mac = handle.slice(65);
    expect(await handles.read(handle, "wait")).toBe(id);
    const flipped = (mac[0] === "A" ? "B" : "A") + mac.slice(1);
    const forged = [
      `${other}.${mac}`,
      `${id}.${flipped}`,
      `${id}.${mac.slice(1)}`,
      `${id}.${mac}A`,
      `${id}.${mac}=`,
      `${id}.`,
      id,
      mac,
      "",
      `${handle}.x`,
      `${id.toUpperCase()}.${mac}`,
      ` ${handle}`,
      (await handles.mint(other, "wait")).replace(other, id),
    ];
    for (const text of forged) expect(await handles.read(text, "wait"), text).toBeUndefined();
    expect(await handles.read(handle, "device_code")).toBeUndefined();
  });

  test("T49 forged handle: bits of the last character that belong to no byte make another handle", async () => {
    const handle = await handles.mint(id, "wait");
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const last = alphabet.indexOf(handle.at(-1) ?? "");
    const respelt = handle.slice(0, -1) + alphabet[last + 1];
    expect(Buffer.from(respelt.slice(65), "base64url")).toEqual(Buffer.from(handle.slice(65), "base64url"));
    expect(await handles.read(respelt, "wait")).toBeUndefined();
  });

  test("an older handle key still opens what it made, until it is taken away", async () => {
    const old = await handles.mint(id, "wait");
    const fresh = await rotated.mint(id, "wait");
    expect(fresh).not.toBe(old);
    expect([await rotated.read(old, "wait"), await rotated.read(fresh, "wait")]).toEqual([id, id]);
    expect(await replaced.read(old, "wait")).toBeUndefined();
    expect(await replaced.read(fresh, "wait")).toBe(id);
    expect([handles.keyVersion, rotated.keyVersion]).toEqual([1, 2]);
  });

  test("names of a number: newest key first, and another client's number is another name", async () => {
    const [now] = await handles.numberNames("cotter", "ab" as ClientId, "12");
    const names = await rotated.numberNames("cotter", "ab" as ClientId, "12");
    expect(names).toHaveLength(2);
    expect(names[1]).toBe(now);
    const [newest] = await replaced.numberNames("cotter", "ab" as ClientId, "12");
    expect(names[0]).toBe(newest);
    const neighbours = [
      await handles.numberNames("cotter", "ab1" as ClientId, "2"),
      await handles.numberNames("cottera", "b" as ClientId, "12"),
      await handles.numberNames("cotter", "ac" as ClientId, "12"),
    ].flat();
    expect(new Set([now, ...neighbours]).size).toBe(4);
  });

  test("keyed hashes and digests tell every list of parts from every other", async () => {
    const hashes = await Promise.all([
      handles.pepper(["a", "b"], "c"),
      handles.pepper(["a"], "bc"),
      handles.pepper(["ab"], "c"),
      handles.pepper(["a", "b", "c"], ""),
      handles.digest(["a", "b", "c"]),
      handles.digest(["ab", "c"]),
      handles.digest(["abc"]),
      handles.waiterProof(["a", "b", "c"]),
      handles.waiterProof(["a", "bc"]),
    ]);
    expect(new Set(hashes).size).toBe(hashes.length);
    for (const hash of hashes) expect(hash).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(await handles.pepper(["a", "b"], "c")).toBe(hashes[0]);
  });
});

describe("refresh tokens", () => {
  const token = (generation: number, change: Partial<Grant> = {}) =>
    handles.refreshToken({ ...grant, generation, ...change });

  /** As a version before this one made them: without the generation behind the MAC. */
  const old = async (generation: number) => (await token(generation)).slice(0, 65 + 43);

  /** How many MACs are compared while `work` runs. */
  async function macsOf(work: () => Promise<unknown>): Promise<number> {
    const compared = vi.spyOn(crypto.subtle, "verify");
    try {
      await work();
      return compared.mock.calls.length;
    } finally {
      compared.mockRestore();
    }
  }

  test("are 64 hex digits, a dot, 43 characters and the generation in base 36, and name their grant", async () => {
    expect(await token(1)).toMatch(/^[0-9a-f]{64}\.[A-Za-z0-9_-]{43}1$/);
    expect(await token(1_000)).toMatch(/^[0-9a-f]{64}\.[A-Za-z0-9_-]{43}rs$/);
    expect((await token(Number.MAX_SAFE_INTEGER)).length).toBeLessThanOrEqual(255);
    expect(handles.grantIdOf(await token(1))).toBe(id);
    expect(handles.grantIdOf(await old(1))).toBe(id);
    const mac = "A".repeat(43);
    const bad = ["", id, `${id}.x`, "10457:qm3J", `${id}.${mac}0`, `${id}.${mac}01`, `${id}.${mac}A`];
    bad.push(`${id}.${mac}-`, `${id}.${mac}1.`, `${id}.${mac}${"z".repeat(12)}`, `${id}.${mac.slice(1)}B1`);
    for (const text of bad) expect(handles.grantIdOf(text), text).toBeUndefined();
  });

  test.each([1, 2, 3, 52, 900, 140_000])(
    "generation %i and those before it are found",
    async (generation) => {
      const now = { ...grant, generation };
      const looked = [generation, generation - 1, generation - 2, 1].filter((candidate) => candidate >= 1);
      for (const candidate of looked) {
        expect(await handles.generationOf(await token(candidate), now)).toBe(candidate);
      }
      expect(await handles.generationOf(await token(generation + 1), now)).toBeUndefined();
    },
  );

  test("a generation that is not the MAC's makes a forged token", async () => {
    const now = { ...grant, generation: 3 };
    for (const other of ["1", "2", "4", "z"]) {
      expect(await handles.generationOf((await old(3)) + other, now), other).toBeUndefined();
    }
  });

  test("one of the old form is known as the current and the previous generation, and no other", async () => {
    const now = { ...grant, generation: 3 };
    const found = [1, 2, 3, 4].map(async (generation) => handles.generationOf(await old(generation), now));
    expect(await Promise.all(found)).toEqual([undefined, 2, 3, undefined]);
    expect(await handles.generationOf(await old(1), grant)).toBe(1);
  });

  test("T132 a forged token costs what a good one costs: one MAC, or two in the old form", async () => {
    const now = { ...grant, generation: 1_001 };
    const good = [await token(1_001), await token(1_000), await token(1), await old(1_001)];
    const forged = good.map((text) => text.replace(/\../, text[65] === "A" ? ".B" : ".A"));
    const costs = async (text: string) => macsOf(() => handles.generationOf(text, now));
    const paid = [];
    for (const text of [...good, ...forged]) paid.push(await costs(text));
    expect(paid).toEqual([1, 1, 1, 2, 1, 1, 1, 2]);
    expect(await costs(await token(1_002))).toBe(0);
    expect(await macsOf(async () => rotated.generationOf(forged[0] ?? "", now))).toBe(2);
  });

  test("another salt, grant or key makes another token; a handle is none", async () => {
    expect(await handles.generationOf(await token(1, { salt: "other" }), grant)).toBeUndefined();
    expect(await handles.generationOf(await token(1, { id: other }), grant)).toBeUndefined();
    expect(await handles.generationOf((await token(1)).replace(id, other), grant)).toBeUndefined();
    expect(await replaced.generationOf(await token(1), grant)).toBeUndefined();
    expect(await handles.generationOf(await handles.mint(id, "refresh"), grant)).toBeUndefined();
    expect(await handles.read(await old(1), "refresh")).toBeUndefined();
  });

  test("a grant goes on through a rotation of the handle key", async () => {
    const old = await token(1);
    expect(await rotated.refreshToken(grant)).toBe(old);
    const next = { ...grant, generation: 2, keyVersion: 2 };
    expect(await rotated.generationOf(old, next)).toBe(1);
    expect(await rotated.generationOf(await rotated.refreshToken(next), next)).toBe(2);
    await expect(handles.refreshToken(next)).rejects.toThrow("HANDLE_KEY has no version 2");
  });
});
