import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { toBase64Url } from "../../../../src/core/base64.ts";
import { encrypt, readKeys } from "../../../../src/delivery/web-push/encrypt.ts";
import { newPushReader } from "../../../fakes/push-reader.ts";

/** RFC 8291, section 5 and appendix A. */
const RFC = {
  text: "When I grow up, I want to be a watermelon",
  senderPublic: "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
  senderPrivate: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
  readerPublic: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  salt: "DGv6ra1nlYgDCS1FRnbzlw",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
  body: "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
} as const;

async function rfcPair(): Promise<CryptoKeyPair> {
  const point = Buffer.from(RFC.senderPublic, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  const jwk = { kty: "EC", crv: "P-256", x: x ?? "", y: y ?? "" };
  const curve = { name: "ECDH", namedCurve: "P-256" };
  return {
    publicKey: await crypto.subtle.importKey("jwk", jwk, curve, true, []),
    privateKey: await crypto.subtle.importKey("jwk", { ...jwk, d: RFC.senderPrivate }, curve, true, [
      "deriveBits",
    ]),
  };
}

describe("encryption for one subscription (RFC 8291)", () => {
  test("gives the bytes of appendix A", async () => {
    const keys = { p256dh: RFC.readerPublic, auth: RFC.auth };
    const salt = Buffer.from(RFC.salt, "base64url");
    const body = await encrypt(RFC.text, keys, { pair: await rfcPair(), salt });
    expect(body && toBase64Url(body)).toBe(RFC.body);
  });

  test("is read by another implementation, and by nobody else's keys", async () => {
    const [ana, bob] = [newPushReader(), newPushReader()];
    const body = await encrypt("für Ana 🐘", ana.keys);
    expect(body && ana.read(body)).toBe("für Ana 🐘");
    expect(() => bob.read(body as Uint8Array)).toThrow();
  });

  test("never gives the same bytes twice", async () => {
    const { keys } = newPushReader();
    const bodies = await Promise.all([encrypt("once", keys), encrypt("once", keys)]);
    const [first, second] = bodies.map((body) => Buffer.from(body ?? []).toString("base64url"));
    expect(first?.slice(0, 22)).not.toBe(second?.slice(0, 22));
    // The sender's key stands behind the salt, the size and a length.
    expect(first?.slice(28, 110)).not.toBe(second?.slice(28, 110));
  });

  test("takes a text that fills the record, and no longer one", async () => {
    const { keys, read } = newPushReader();
    const longest = "x".repeat(3_993);
    const body = await encrypt(longest, keys);
    expect(body).toHaveLength(4_096);
    expect(body && read(body)).toBe(longest);
    await expect(encrypt(`${longest}x`, keys)).rejects.toThrow("too long");
  });
});

const { keys } = newPushReader();
const off = Buffer.from(keys.p256dh, "base64url");
off[64] = (off[64] ?? 0) ^ 1;
const compressed = Buffer.from(keys.p256dh, "base64url").subarray(0, 33);
compressed[0] = 2;

describe("keys of a subscription", () => {
  test("are a point of P-256 and 16 bytes", async () => {
    expect(await readKeys(keys)).toMatchObject({ key: { type: "public" } });
  });

  test.each([
    ["a point beside the curve", { p256dh: off.toString("base64url") }],
    ["a compressed point", { p256dh: compressed.toString("base64url") }],
    ["a point without its first byte", { p256dh: off.subarray(1).toString("base64url") }],
    ["the point at infinity", { p256dh: "AA" }],
    ["nothing", { p256dh: "" }],
    ["padding", { auth: `${keys.auth}==` }],
    ["another alphabet", { p256dh: Buffer.from(keys.p256dh, "base64url").toString("base64") }],
    ["a secret of 15 bytes", { auth: randomBytes(15).toString("base64url") }],
    ["a secret of 17 bytes", { auth: randomBytes(17).toString("base64url") }],
  ])("T97 are not %s", async (_, change) => {
    expect(await readKeys({ ...keys, ...change })).toBeUndefined();
    expect(await encrypt("x", { ...keys, ...change })).toBeUndefined();
  });
});
