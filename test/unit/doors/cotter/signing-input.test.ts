import { createPrivateKey, createPublicKey, sign, verify } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  ENROL_EVENT,
  eventStatement,
  signingInput,
} from "../../../../src/doors/cotter/signed/signing-input.ts";
import { keyOfPath } from "../../../../src/doors/cotter/user/device-texts.ts";

/** The Ed25519 key pair whose private half is this byte 32 times (Cotter §5, §6). */
function keyOf(byte: number) {
  const pkcs8 = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, byte),
  ]);
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const publicKey = createPublicKey(privateKey);
  return {
    text: publicKey.export({ type: "spki", format: "der" }).subarray(-32).toString("base64"),
    sign: (text: string) => sign(null, Buffer.from(text), privateKey).toString("base64"),
    verifies: (text: string, signature: string) =>
      verify(null, Buffer.from(text), publicKey, Buffer.from(signature, "base64")),
  };
}

const A = keyOf(0x01);
const B = keyOf(0x02);
const SERVER = keyOf(0x09);
const PARTS = {
  user: "6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a10",
  issuer: "11111111-2222-4333-8444-555555555555",
  event: "LOGIN",
  timestamp: "1767225600",
  approved: true,
};

describe("the vectors of Cotter §5", () => {
  test("public keys", () => {
    expect(A.text).toBe("iojj3XQJ8ZX9UtstPLpdcspnCb8dlBIb83SIAbQPb1w=");
    expect(B.text).toBe("gTl3Dqh9F19Wo1Rmw0x+zMuNipG07jeiXfYPW4/Js5Q=");
  });

  test("the message of an approval, letter by letter", () => {
    expect(signingInput(PARTS)).toBe(
      "6f1c2a44-0d0b-4a3e-9c55-1f7f2f0f8a1011111111-2222-4333-8444-555555555555LOGIN1767225600TRUSTED_DEVICEtrue",
    );
  });

  test.each([
    [
      "approve",
      PARTS,
      "hCXa7nGIOUeCxjAWN48Csj/OkDtYyttWehQC6Z1KHIUGHjmSjgtgWgOH4EQGsmozxYppLIuRBOhkOBuNTfU0Ag==",
    ],
    [
      "reject",
      { ...PARTS, approved: false },
      "Sx+HDkRoOrqytDOMT/6W6cSM57LFfVgoXoWFuTGXXTDFTFrFqfS2EeSN3B6a/4woNgbCONi5pJ1dLGYkwFimCQ==",
    ],
    [
      "enrol",
      { ...PARTS, event: ENROL_EVENT, newKey: B.text },
      "5G9Fg7FjLwmiExmMk+wHijBsP262x1maLINykDKCI7M6hbzvzZqzpcL5Z5jQioLo7q4UJKoX86hanYuoVWHHDQ==",
    ],
  ] as const)("the signature of %s by device A", (_what, parts, signature) => {
    expect(A.sign(signingInput(parts))).toBe(signature);
    expect(B.verifies(signingInput(parts), signature)).toBe(false);
  });

  test("a new key is signed verbatim, with its line breaks", () => {
    const newKey = `${"A".repeat(76)}\n${"B".repeat(48)}\n`;
    expect(signingInput({ ...PARTS, newKey }).endsWith(`TRUSTED_DEVICEtrue${newKey}`)).toBe(true);
  });
});

describe("a key in a path (Cotter §3.1)", () => {
  const PADDED = "aW9qajNYUUo4Wlg5VXRzdFBMcGRjc3BuQ2I4ZGxCSWI4M1NJQWJRUGIxdz0=";

  test("the vector reads as device A's key, padded or not", () => {
    expect(keyOfPath(PADDED)).toBe(A.text);
    expect(keyOfPath(PADDED.replace(/=+$/, ""))).toBe(A.text);
  });

  test("either alphabet, and texts with line breaks", () => {
    const wrapped = `${"M".repeat(76)}\n${"?~".repeat(20)}>\n`;
    const standard = Buffer.from(wrapped).toString("base64");
    expect(standard).toMatch(/[+/]/);
    for (const spelled of [
      standard,
      standard.replaceAll("+", "-").replaceAll("/", "_"),
      Buffer.from(wrapped).toString("base64url"),
    ]) {
      expect(keyOfPath(spelled)).toBe(wrapped);
    }
  });

  test("what is not base64, empty or too long is no key", () => {
    for (const segment of ["", "=", "a b", "%41", "é", "!", "A", "A".repeat(5_000)]) {
      expect(keyOfPath(segment)).toBeUndefined();
    }
  });
});

describe("the server's statement (Cotter §6)", () => {
  test("the vector of an approved event", () => {
    expect(SERVER.text).toBe("/RckOFqgx1tk+3jNYC+h2ZH96/drE8WO1wLqyDXp9hg=");
    const said = eventStatement({
      client_user_id: PARTS.user,
      issuer: PARTS.issuer,
      event: "LOGIN",
      timestamp: "1767225600",
      method: "TRUSTED_DEVICE",
      new: false,
      approved: true,
    });
    expect(SERVER.sign(said)).toBe(
      "RJfkPKV7KgdicJMrJ9G2kI12AbkRAerBJZHk6qpGqycaF03MwtjmEdkYONN55kObDwt3SOa9tnyUnxG7SVsRCA==",
    );
  });
});
