import { describe, expect, test } from "vitest";
import { isAllowedOrigin } from "../../../../src/core/client/origin.ts";
import { type JwkInput, readPublicKey } from "../../../../src/core/client/public-key.ts";
import { redirectUriFault } from "../../../../src/core/client/redirect-uri.ts";

describe("redirect URIs", () => {
  test.each([
    "https://app.example/callback",
    "https://app.example:8443/cb?tenant=a&x=%20",
    "http://127.0.0.1/cb",
    "http://127.0.0.1:49152/cb",
    "http://[::1]:3000/cb",
    "com.example.app:/oauth",
    "myexample://auth_callback",
  ])("%s may be one", (uri) => {
    expect(redirectUriFault(uri)).toBeUndefined();
  });

  test.each([
    "",
    "callback",
    "/callback",
    "//evil.example/cb",
    "https:",
    "https:///cb",
    "https://app.example/cb#here",
    "https://app.example/cb#",
    "https://user@app.example/cb",
    "https://user:pass@app.example/cb",
    "https://*.app.example/cb",
    "https://app.example/c b",
    "https://app.example\\@evil.example/cb",
    "https://exämple.example/cb",
    "https://app.example/\u0000",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,hi",
    "file:///etc/passwd",
    "blob:https://app.example/1",
    "about:blank",
    "ws://app.example/cb",
    "http://app.example/cb",
    `https://app.example/${"a".repeat(2_048)}`,
  ])("%s may not", (uri) => {
    expect(redirectUriFault(uri)).toBeTypeOf("string");
  });

  test.each([
    "http://localhost.evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://127.0.0.1:80@evil.example/cb",
    "http://127.0.0.1@evil.example/cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f.0.0.1/cb",
    "http://0.0.0.0/cb",
    "http://[::]/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://localhost@evil.example/cb",
    "http://localhost:80@evil.example/cb",
    "http://user@localhost/cb",
    "http://LOCALHOST/cb",
    "http://localhost./cb",
    "http://app.localhost/cb",
    "http://localhost:/cb",
  ])("T83 at registration: %s is no loopback address", (uri) => {
    expect(redirectUriFault(uri)).toBeTypeOf("string");
  });

  test.each(["http://localhost", "http://localhost:8080", "http://localhost:3000/cb?x=1"])(
    "T211 C3 %s may be registered: some apps can send nothing else",
    (uri) => {
      expect(redirectUriFault(uri)).toBeUndefined();
    },
  );
});

describe("origins", () => {
  test.each([
    "*",
    "https://app.example",
    "https://app.example:8443",
    "http://localhost:3000",
    "http://127.0.0.1:5173",
    "capacitor://localhost",
    "chrome-extension://abcdefghijklmnop",
  ])("%s is one", (origin) => {
    expect(isAllowedOrigin(origin)).toBe(true);
  });

  test.each([
    "",
    "null",
    "app.example",
    "https://app.example/",
    "https://app.example/path",
    "https://app.example:443",
    "HTTPS://app.example",
    "https://App.example",
    "https://user@app.example",
    "https://*.app.example",
    "javascript://x",
    "file://",
    "data://x",
    "https://",
    "capacitor://",
  ])("%s is none", (origin) => {
    expect(isAllowedOrigin(origin)).toBe(false);
  });
});

type Ec = JwkInput & { readonly x: string; readonly y: string; readonly d: string };

/** A new key pair; the runtime's own types cannot say that these algorithms come in pairs. */
const pairOf = async (algorithm: "Ed25519" | { name: "ECDSA"; namedCurve: string }) =>
  (await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"])) as CryptoKeyPair;
const jwkOf = async (key: CryptoKey) => (await crypto.subtle.exportKey("jwk", key)) as unknown as Ec;
const spkiOf = async (key: CryptoKey) =>
  Buffer.from((await crypto.subtle.exportKey("spki", key)) as ArrayBuffer);

describe("client public keys", async () => {
  const pair = await pairOf({ name: "ECDSA", namedCurve: "P-256" });
  const jwk = await jwkOf(pair.publicKey);
  const privateJwk = await jwkOf(pair.privateKey);
  const spki = await spkiOf(pair.publicKey);
  const pem = (der: Uint8Array, width = 64) => {
    const text = Buffer.from(der).toString("base64");
    const lines = text.match(new RegExp(`.{1,${width}}`, "g")) ?? [];
    return `-----BEGIN PUBLIC KEY-----\n${lines.join("\n")}\n-----END PUBLIC KEY-----\n`;
  };
  const accepted = async (input: string | JwkInput) => {
    const read = await readPublicKey(input);
    return read.ok ? read.value : undefined;
  };

  test("a JWK and its PEM are one key, kept as one text", async () => {
    expect(await accepted(jwk)).toBe(pem(spki));
    expect(
      await accepted({ kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y, kid: "k", use: "sig", alg: "ES256" }),
    ).toBe(pem(spki));
    expect(await accepted(pem(spki))).toBe(pem(spki));
    expect(await accepted(pem(spki, 76).replaceAll("\n", "\r\n"))).toBe(pem(spki));
    expect(await accepted(pem(spki).trimEnd())).toBe(pem(spki));
  });

  test("T26 a JWK with a private member is refused, and the refusal does not repeat it", async () => {
    const read = await readPublicKey(privateJwk);
    expect(read).toEqual({ ok: false, error: { code: "bad_key", detail: "holds private members" } });
    expect(JSON.stringify(read)).not.toContain(privateJwk.d);
    expect(await accepted({ ...jwk, d: "" })).toBeUndefined();
    expect(await accepted({ ...jwk, k: "AAAA" })).toBeUndefined();
  });

  test("T26 other curves, other kinds and points off the curve are refused", async () => {
    const p384Spki = await spkiOf((await pairOf({ name: "ECDSA", namedCurve: "P-384" })).publicKey);
    const edSpki = await spkiOf((await pairOf("Ed25519")).publicKey);
    const off = new Uint8Array(spki);
    off[90] = (off[90] ?? 0) ^ 1;
    const flipped = `${jwk.y.startsWith("A") ? "B" : "A"}${jwk.y.slice(1)}`;
    const refused: (string | JwkInput)[] = [
      pem(p384Spki),
      pem(edSpki),
      pem(off),
      { ...jwk, crv: "P-384" },
      { ...jwk, kty: "RSA" },
      { ...jwk, y: flipped },
      { ...jwk, alg: "HS256" },
      { ...jwk, use: "enc" },
      {},
    ];
    for (const key of refused) expect(await accepted(key)).toBeUndefined();
  });

  test("T26 an encoding that is not canonical is refused", async () => {
    const p = Buffer.from("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff", "hex");
    const compressed = Buffer.concat([
      Buffer.from("3039301306072a8648ce3d020106082a8648ce3d030107032200", "hex"),
      Buffer.from([2]),
      Buffer.from(jwk.x, "base64url"),
    ]);
    const text = spki.toString("base64");
    expect(text.endsWith("==")).toBe(true);
    const last = text.at(-3) ?? "";
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const loose = `${text.slice(0, -3)}${alphabet[alphabet.indexOf(last) + 1]}==`;
    const refused: (string | JwkInput)[] = [
      pem(compressed),
      pem(Buffer.concat([spki, Buffer.from([0])])),
      `-----BEGIN PUBLIC KEY-----\n${loose}\n-----END PUBLIC KEY-----\n`,
      `-----BEGIN PUBLIC KEY-----\n${text.replaceAll("=", "")}\n-----END PUBLIC KEY-----\n`,
      `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----\n`,
      text,
      "",
      { ...jwk, x: `${jwk.x}=` },
      { ...jwk, x: jwk.x.slice(1) },
      { ...jwk, x: `A${jwk.x}` },
      { ...jwk, x: p.toString("base64url") },
      { ...jwk, x: 7 },
    ];
    for (const key of refused) expect(await accepted(key)).toBeUndefined();
  });
});
