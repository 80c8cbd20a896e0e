import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { canonicalJson } from "@countersign/protocol/canonical";
import { compactVerify } from "jose";
import { describe, expect, test } from "vitest";
import { toBase64Url } from "../../../src/core/base64.ts";
import { readDeviceKey } from "../../../src/keys/device-keys.ts";
import { isStatement } from "../../../src/keys/statement.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../../docs/approver.md"), "utf8");

/** The fenced block behind this mark. */
function example(name: string): string {
  const found = new RegExp(`<!-- example: ${name} -->\n\`\`\`\\w*\n([\\s\\S]*?)\n\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/approver.md has no example ${name}`);
  return found;
}

type Sign = (key: CryptoKey, deviceId: string, text: string) => Promise<string>;

describe("what docs/approver.md says to sign", () => {
  test("is the payload with the answer, in the one spelling", () => {
    const payload = JSON.parse(example("payload"));
    const text = canonicalJson({ ...payload, decision: "approve", match_code: "482913" });
    expect(example("text")).toBe(text);
  });

  test("is of a passkey the digest of that text", async () => {
    const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(example("text")));
    expect(example("challenge")).toBe(toBase64Url(new Uint8Array(digest)));
  });

  test("its script signs what the server takes", async () => {
    const sign = new Function(`${example("script")}\nreturn signText;`)() as Sign;
    const kind = { name: "ECDSA", namedCurve: "P-256" };
    const pair = (await crypto.subtle.generateKey(kind, true, ["sign", "verify"])) as CryptoKeyPair;
    const [id, text] = [crypto.randomUUID(), example("text")];
    const jws = await sign(pair.privateKey, id, text);
    expect(new TextDecoder().decode((await compactVerify(jws, pair.publicKey)).payload)).toBe(text);
    const spki = new Uint8Array((await crypto.subtle.exportKey("spki", pair.publicKey)) as ArrayBuffer);
    const key = await readDeviceKey(spki.toBase64(), "EC");
    if (!key.ok) throw new Error(key.error.detail);
    expect(await isStatement(key.value, jws, id, text)).toBe(true);
    expect(await isStatement(key.value, jws, id, `${text} `)).toBe(false);
  });
});
