import { describe, expect, test } from "vitest";
import { parseSecretKeys } from "../../../src/keys/secret-keys.ts";
import { keyText } from "../../fakes/signing-keys.ts";

const good = {
  KEY_ENCRYPTION_KEY: `7:${keyText(1)}, 3:${keyText(2)}`,
  HANDLE_KEY: `1:${keyText(3)}`,
  PEPPER: keyText(4),
};

describe("secret keys", () => {
  test("the first version is current, the others stay", () => {
    const keys = parseSecretKeys(good);
    expect(keys.keyEncryption.map(({ version, bytes }) => [version, bytes[0], bytes.length])).toEqual([
      [7, 1, 32],
      [3, 2, 32],
    ]);
    expect(keys.handle.map(({ version }) => version)).toEqual([1]);
    expect(keys.pepper).toEqual(new Uint8Array(32).fill(4));
  });

  const names = ["KEY_ENCRYPTION_KEY", "HANDLE_KEY", "PEPPER"] as const;
  test.each(names)("T104 missing secret: without %s nothing is made, and the error names it", (name) => {
    for (const absent of [undefined, "", "  "]) {
      expect(() => parseSecretKeys({ ...good, [name]: absent })).toThrow(`${name} is missing`);
    }
  });

  const malformed = [
    ["no version", keyText(9)],
    ["31 bytes", `1:${keyText(9).slice(0, 42)}`],
    ["33 bytes", `1:${keyText(9)}AA`],
    ["another alphabet", `1:${keyText(0xff).replaceAll("_", "/")}`],
    ["bits that belong to no byte", `1:${keyText(9).slice(0, 42)}l`],
    ["version 0", `0:${keyText(9)}`],
    ["a version that is no number", `one:${keyText(9)}`],
    ["an empty second key", `1:${keyText(9)},`],
    ["one version twice", `1:${keyText(9)},1:${keyText(8)}`],
  ] as const;
  test.each(malformed)("T104 malformed secret: %s is refused by name, without its value", (_, value) => {
    for (const name of ["KEY_ENCRYPTION_KEY", "HANDLE_KEY"] as const) {
      let said = "";
      try {
        parseSecretKeys({ ...good, [name]: value });
      } catch (error) {
        said = String(error);
      }
      expect(said).toContain(name);
      expect(said).not.toContain(value.slice(2, 12));
    }
  });

  test("T104 malformed secret: a pepper of another length is refused by name", () => {
    expect(() => parseSecretKeys({ ...good, PEPPER: "c2hvcnQ" })).toThrow(/^PEPPER must be/);
  });
});
