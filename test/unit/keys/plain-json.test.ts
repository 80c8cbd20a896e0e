import fc from "fast-check";
import { expect, test } from "vitest";
import { plainJson } from "../../../src/keys/signer.ts";

const segment = (text: string): string => Buffer.from(text, "utf8").toString("base64url");

test("whatever the claims say, their segment has neither - nor _, and they read back the same", () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), (claims) => {
      const text = plainJson(claims);
      expect(segment(text)).not.toMatch(/[-_]/);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(claims)));
    }),
  );
});

test.each(["~?>", "\u007f", "adë", "😀", "ÿ".repeat(40), "?????????"])(
  "%j alone needs the spelling",
  (name) => {
    const claims = { udata: name };
    const raw = [0, 1, 2].some((shift) =>
      /[-_]/.test(segment(JSON.stringify({ ...claims, pad: "x".repeat(shift) }))),
    );
    const beyondAscii = /[^\x20-\x7e]/.test(JSON.stringify(claims));
    expect(raw || beyondAscii).toBe(true);
    expect(plainJson(claims)).toMatch(/^[\x20-\x7d]+$/);
  },
);
