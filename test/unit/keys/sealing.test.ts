import { describe, expect, test } from "vitest";
import { Outage } from "../../../src/core/fault.ts";
import { makeSealing } from "../../../src/keys/sealing.ts";

const key = (version: number, fill: number) => ({ version, bytes: new Uint8Array(32).fill(fill) });
const sealing = makeSealing([key(1, 7)]);
const TEXT = "the code is 493027 – ö";

describe("a sealed text", () => {
  test("opens under its purpose and id, and holds nothing readable", async () => {
    const sealed = await sealing.seal(TEXT, "message", "a");
    expect(sealed).toMatch(/^1\.[A-Za-z0-9_-]+$/);
    expect(Buffer.from(sealed.slice(2), "base64url").toString("latin1")).not.toContain("493027");
    expect(await sealing.unseal(sealed, "message", "a")).toBe(TEXT);
  });

  test("is another one each time", async () => {
    const [one, two] = await Promise.all([1, 2].map(() => sealing.seal(TEXT, "message", "a")));
    expect(one).not.toBe(two);
  });

  test.each([
    ["another id", "message", "b"],
    ["another purpose", "outbox", "a"],
    ["parts that only look alike when joined", "messagea", ""],
  ])("does not open under %s", async (_what, purpose, id) => {
    const sealed = await sealing.seal(TEXT, "message", "a");
    await expect(sealing.unseal(sealed, purpose, id)).rejects.toBeInstanceOf(Outage);
  });

  test.each(["", ".", "1.", "1.!!", "x", "1.AAAA", "-1.AAAA", "2.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"])(
    "%j is no sealed text",
    async (text) => {
      await expect(sealing.unseal(text, "message", "a")).rejects.toBeInstanceOf(Outage);
    },
  );

  test("one bit turned anywhere, and it does not open", async () => {
    const sealed = await sealing.seal("x", "message", "a");
    const bytes = Buffer.from(sealed.slice(2), "base64url");
    for (let index = 0; index < bytes.length; index++) {
      const turned = Buffer.from(bytes);
      turned[index] = (turned[index] ?? 0) ^ 1;
      const text = `1.${turned.toString("base64url")}`;
      await expect(sealing.unseal(text, "message", "a")).rejects.toBeInstanceOf(Outage);
    }
  });

  test("a text from outside opens too, and one that is not ours is undefined and no outage", async () => {
    const sealed = await sealing.seal(TEXT, "message", "a");
    expect(await sealing.open(sealed, "message", "a")).toBe(TEXT);
    expect(await sealing.open(sealed, "message", "b")).toBeUndefined();
    for (const text of ["", ".", "1.!!", "2.AAAA", `${sealed}A`]) {
      expect(await sealing.open(text, "message", "a")).toBeUndefined();
    }
  });

  test("an older key still opens what it closed, and a lost one is an outage", async () => {
    const sealed = await sealing.seal(TEXT, "message", "a");
    const rotated = makeSealing([key(2, 9), key(1, 7)]);
    expect(await rotated.unseal(sealed, "message", "a")).toBe(TEXT);
    expect(await rotated.seal(TEXT, "message", "a")).toMatch(/^2\./);
    await expect(makeSealing([key(2, 9)]).unseal(sealed, "message", "a")).rejects.toBeInstanceOf(Outage);
  });
});
