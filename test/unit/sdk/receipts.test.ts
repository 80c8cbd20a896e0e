import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { beforeEach, describe, expect, test } from "vitest";
import {
  createReceipts,
  type ReceiptOptions,
  type Receipts,
} from "../../../packages/countersign/src/verify/for/receipt.ts";
import { jws, p256 } from "../../fakes/jws.ts";
import { ISSUER, Issuer, NOW, newKey, refusedFor, seconds } from "./verify-support.ts";

const CLIENT = "bank";
const SECRET = "s3cret+/ä";
const ID = "5".repeat(64);
const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const utf8 = (text: string): Buffer => Buffer.from(text, "utf8");
const sha256 = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

let issuer: Issuer;
let receipts: Receipts;
const options = (over: Partial<ReceiptOptions> = {}): ReceiptOptions => ({
  issuer: ISSUER,
  clientId: CLIENT,
  clientSecret: SECRET,
  fetch: issuer.fetch,
  clock: () => issuer.now,
  ...over,
});
beforeEach(async () => {
  issuer = await Issuer.start();
  receipts = createReceipts(options());
});

/** What a phone of the deployment signs (docs/approver.md). */
const words = (over: object = {}) => ({
  v: 1,
  iss: ISSUER,
  id: ID,
  client: { id: CLIENT, name: "Bank" },
  shown: { at: seconds(NOW), message: "Invoice 17" },
  decision: "approve",
  ...over,
});

const claims = (over: object = {}) => ({
  iss: ISSUER,
  client_id: CLIENT,
  user_id: "4d2c1f9e-0000-4000-8000-000000000001",
  iat: seconds(NOW),
  jti: ID,
  decision: "approve",
  decided_at: seconds(NOW) - 3,
  approver: { kind: "device", device_id: "11111111-0000-4000-8000-111111111111" },
  amr: ["pop", "mca"],
  asked: { at: seconds(NOW) - 20, door: "oauth", purpose: "sign_in", binding_message: "Invoice 17" },
  ...over,
});

async function receiptOf(over: object = {}, header: object = {}, key = issuer.keys[0]): Promise<string> {
  if (!key) throw new Error("no key");
  return await jws(
    key.pair.privateKey,
    { alg: "ES256", typ: "receipt+jwt", kid: key.kid, ...header },
    claims(over),
  );
}
const reasonOf = async (asked: Promise<unknown>): Promise<string> => {
  const told = await refusedFor(asked);
  expect(told).toMatch(/^invalid_token\//);
  return told.slice("invalid_token/".length);
};
const refused = async (token: string | Promise<string>): Promise<string> =>
  reasonOf(receipts.verify(await token));

type Device = { readonly privateKey: KeyObject; readonly key: Record<string, unknown> };
const deviceOf = (alg: string, pair: { publicKey: KeyObject; privateKey: KeyObject }): Device => ({
  privateKey: pair.privateKey,
  key: { ...pair.publicKey.export({ format: "jwk" }), alg },
});
const ec = deviceOf("ES256", generateKeyPairSync("ec", { namedCurve: "P-256" }));
const ed = deviceOf("EdDSA", generateKeyPairSync("ed25519"));
const rsa = deviceOf("RS256", generateKeyPairSync("rsa", { modulusLength: 2048 }));

const signature = ({ privateKey, key }: Device, message: Uint8Array): string =>
  encode(
    key.alg === "EdDSA"
      ? sign(null, message, privateKey)
      : sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" }),
  );

const inText = (device: Device, text: string, by = device) => ({
  form: "text",
  key: device.key,
  text,
  signature: signature(by, utf8(text)),
});

function inJws(text: string, header: object = {}, device = ec) {
  const head = { alg: "ES256", kid: "device", typ: "countersign+jws", ...header };
  const signed = `${encode(utf8(JSON.stringify(head)))}.${encode(utf8(text))}`;
  return { form: "jws", key: ec.key, jws: `${signed}.${signature(device, utf8(signed))}` };
}

function inPasskey(device: Device, text: string | undefined, over: object = {}, flags = 5) {
  const challenge = encode(text === undefined ? utf8("random") : sha256(utf8(text)));
  const clientData = utf8(JSON.stringify({ type: "webauthn.get", challenge, origin: ISSUER, ...over }));
  const authenticator = Buffer.concat([sha256(utf8("sign.example")), Buffer.from([flags, 0, 0, 0, 1])]);
  return {
    form: "webauthn",
    key: device.key,
    ...(text === undefined ? {} : { text }),
    client_data: encode(clientData),
    authenticator_data: encode(authenticator),
    signature: signature(device, Buffer.concat([authenticator, sha256(clientData)])),
  };
}

const TEXT = JSON.stringify(words());

describe("a receipt that holds", () => {
  test("tells who decided what, and when", async () => {
    expect(await receipts.verify(await receiptOf({ signed: inJws(TEXT) }))).toEqual({
      id: ID,
      clientId: CLIENT,
      decision: "approve",
      decidedAt: new Date(NOW - 3_000),
      user: "4d2c1f9e-0000-4000-8000-000000000001",
      approver: { kind: "device", deviceId: "11111111-0000-4000-8000-111111111111" },
      amr: ["pop", "mca"],
      asked: { at: new Date(NOW - 20_000), door: "oauth", purpose: "sign_in", message: "Invoice 17" },
      signed: {
        key: ec.key,
        thumbprint: expect.stringMatching(/^[\w-]{43}$/),
        covers: "everything",
        text: TEXT,
        words: words(),
      },
    });
  });

  test.each([
    ["Ed25519", inText(ed, "ada-bank-LOGIN1795000000TRUSTED_DEVICEtrue"), "answer"],
    [
      "Ed25519, with a key that is added",
      inText(ed, `adaLOGIN1TRUSTED_DEVICEtrue${"A".repeat(43)}=`),
      "answer",
    ],
    ["P-256", inText(ec, ID), "nothing"],
    ["RSA", inText(rsa, ID), "nothing"],
  ])("has a vendor's text, signed by %s, and says what that covers", async (_kind, signed, covers) => {
    const { signed: told } = await receipts.verify(await receiptOf({ signed }));
    expect(told).toMatchObject({ text: signed.text, key: signed.key, covers });
    expect(told?.words).toBeUndefined();
  });

  test.each([
    ["P-256", ec],
    ["RSA", rsa],
  ])(
    "has a passkey's signature by %s, over our text and over a challenge of no text",
    async (_kind, device) => {
      const ours = await receipts.verify(await receiptOf({ signed: inPasskey(device, TEXT) }));
      expect(ours.signed?.words).toEqual(words());
      const bare = await receipts.verify(await receiptOf({ signed: inPasskey(device, undefined) }));
      expect(bare.signed).toEqual({ key: device.key, thumbprint: expect.any(String), covers: "nothing" });
    },
  );

  test("may have no device behind it, no user and a realm", async () => {
    const { user_id: _, ...nobody } = claims({ approver: { kind: "code" }, realm: "shop" });
    const [key] = issuer.keys;
    if (!key) throw new Error("no key");
    const token = await jws(key.pair.privateKey, { alg: "ES256", typ: "receipt+jwt", kid: key.kid }, nobody);
    const receipt = await receipts.verify(token);
    expect(receipt).toMatchObject({ approver: { kind: "code" }, realm: "shop" });
    expect([receipt.user, receipt.signed]).toEqual([undefined, undefined]);
  });

  test("holds however old it is", async () => {
    const token = await receiptOf({ signed: inJws(TEXT) });
    issuer.now = NOW + 10 * 365 * 86_400_000;
    expect((await receipts.verify(token)).id).toBe(ID);
  });
});

describe("a receipt that does not hold", () => {
  test.each([
    ["a token", {}, { typ: "at+jwt" }, "type"],
    ["another algorithm", {}, { alg: "HS256" }, "algorithm"],
    ["its own key", {}, { jwk: {} }, "header"],
    ["an unknown key", {}, { kid: "k9" }, "unknown_key"],
    ["another issuer", { iss: "https://evil.example" }, {}, "issuer"],
    ["another client", { client_id: "shop" }, {}, "audience"],
    ["the future", { iat: seconds(NOW) + 120 }, {}, "issued_in_future"],
    ["an end", { exp: seconds(NOW) - 120 }, {}, "expired"],
    ["no decision", { decision: "maybe" }, {}, "claims"],
    ["no time of it", { decided_at: "now" }, {}, "claims"],
    ["no approver", { approver: {} }, {}, "claims"],
    ["no id", { jti: "" }, {}, "claims"],
    ["no time that a date can hold", { decided_at: 1e300 }, {}, "claims"],
    ["a signature behind a code", { approver: { kind: "code" }, signed: inText(ec, ID) }, {}, "claims"],
    ["a form that nobody knows", { signed: { form: "seal", key: ec.key } }, {}, "claims"],
    ["a form of every object", { signed: { form: "toString", key: ec.key } }, {}, "claims"],
    ["half a signature", { signed: { form: "text", key: ec.key, text: "x" } }, {}, "claims"],
    ["a private key", { signed: { ...inJws(TEXT), key: { ...ec.key, d: "x" } } }, {}, "claims"],
    [
      "a secret as a key",
      { signed: { ...inJws(TEXT), key: { kty: "oct", alg: "HS256", k: "AA" } } },
      {},
      "claims",
    ],
  ])("of %s", async (_what, over, header, reason) => {
    expect(await refused(receiptOf(over, header))).toBe(reason);
  });

  test("by another's key, cut, or changed", async () => {
    const stranger = { ...(await newKey("k1")), pair: await p256() };
    expect(await refused(receiptOf({}, {}, stranger))).toBe("signature");
    const [head = "", body = "", mark = ""] = (await receiptOf()).split(".");
    const other = encode(utf8(JSON.stringify(claims({ decision: "deny" }))));
    expect(await refused(`${head}.${other}.${mark}`)).toBe("signature");
    expect(await refused(`${head}.${body}`)).toBe("malformed");
    expect(await refused(`${head}.${body}.${"A".repeat(100_000)}`)).toBe("too_long");
    expect(await refused(undefined as unknown as string)).toBe("malformed");
  });

  test.each([
    ["another key's text", inText(ed, ID, deviceOf("EdDSA", generateKeyPairSync("ed25519")))],
    ["another text", { ...inText(ec, "true"), text: "false" }],
    ["no base64", { ...inText(ec, "true"), signature: "!!" }],
    [
      "another key's JWS",
      inJws(TEXT, {}, deviceOf("ES256", generateKeyPairSync("ec", { namedCurve: "P-256" }))),
    ],
    ["a DPoP proof in the place of a statement", inJws(TEXT, { typ: "dpop+jwt" })],
    ["a JWS of another algorithm", inJws(TEXT, { alg: "EdDSA" })],
    [
      "a passkey that signed another text",
      { ...inPasskey(ec, TEXT), text: JSON.stringify(words({ id: "x" })) },
    ],
    ["a passkey on another page", inPasskey(ec, TEXT, { origin: "https://evil.example" })],
    ["a passkey in a frame", inPasskey(ec, TEXT, { crossOrigin: true })],
    ["a passkey that nobody unlocked", inPasskey(ec, TEXT, {}, 1)],
    ["a passkey's registration", inPasskey(ec, TEXT, { type: "webauthn.create" })],
    [
      "other authenticator data",
      { ...inPasskey(ec, TEXT), authenticator_data: encode(utf8("x".repeat(37))) },
    ],
    [
      "a key that is none",
      { ...inText(ec, "true"), key: { kty: "EC", crv: "P-256", x: "AA", y: "AA", alg: "ES256" } },
    ],
  ])("by its device: %s", async (_what, signed) => {
    expect(await refused(receiptOf({ signed }))).toBe("device_signature");
  });

  test.each([
    ["another request", { id: "6".repeat(64) }],
    ["another decision", { decision: "deny" }],
    ["another client", { client: { id: "shop" } }],
    ["another message", { shown: { message: "Invoice 18" } }],
    ["nothing that was shown", { shown: undefined }],
    ["a version that is not known", { v: 2 }],
    ["no client", { client: undefined }],
    ["another deployment", { iss: "https://evil.example" }],
  ])("by its device: it signed for %s", async (_what, over) => {
    for (const signed of [inJws(JSON.stringify(words(over))), inPasskey(ec, JSON.stringify(words(over)))]) {
      expect(await refused(receiptOf({ signed }))).toBe("device_text");
    }
  });
});

describe("a text that is not what it is said to be", () => {
  const denied = inJws(JSON.stringify(words({ decision: "deny" })));
  const [head = "", body = "", mark = ""] = denied.jws.split(".");
  test.each([
    [
      "a JWS of another answer, told as a text",
      { form: "text", key: ec.key, text: `${head}.${body}`, signature: mark },
    ],
    ["a Cotter no, told as a yes", inText(ed, "adaLOGIN1TRUSTED_DEVICEfalse")],
    ["a Cotter no behind a name that says yes", inText(ed, "TRUSTED_DEVICEtrue LOGIN1TRUSTED_DEVICEfalse")],
    ["another request's id", inText(ec, "6".repeat(64))],
    ["a mark in front, so that it is no JSON", inJws(`\ufeff${JSON.stringify(words({ decision: "deny" }))}`)],
    ["no JSON", inJws("yes")],
    ["a list", inJws("[1]")],
  ])("%s", async (_what, signed) => {
    expect(await refused(receiptOf({ signed }))).toBe("device_text");
  });

  test("details that were asked have to have stood on the screen, in whatever order of members", async () => {
    const asked = (details: object[]) => ({
      ...claims().asked,
      authorization_details: details,
    });
    const shownDetails = [{ to: "Ana", type: "payment", amount: "1" }, { type: "of the door" }];
    const signed = inJws(
      JSON.stringify(words({ shown: { at: 1, message: "Invoice 17", details: shownDetails } })),
    );
    const same = await receiptOf({ asked: asked([{ type: "payment", amount: "1", to: "Ana" }]), signed });
    expect((await receipts.verify(same)).signed?.covers).toBe("everything");
    const more = receiptOf({ asked: asked([{ type: "payment", amount: "99", to: "Ana" }]), signed });
    expect(await refused(more)).toBe("device_text");
  });

  test("a key has one thumbprint, however it is spelt and whatever stands beside it", async () => {
    const signed = inText(ec, ID);
    const odd = { ...signed, key: { ...signed.key, key_ops: ["sign"], use: "enc" } };
    const [plain, other] = [
      await receipts.verify(await receiptOf({ signed })),
      await receipts.verify(await receiptOf({ signed: odd })),
    ];
    expect(other.signed).toEqual(plain.signed);
  });

  test("a receipt as a waiter reads it says who decided, and no more", async () => {
    const { asked: _, ...bare } = claims();
    const [key] = issuer.keys;
    if (!key) throw new Error("no key");
    const token = await jws(key.pair.privateKey, { alg: "ES256", typ: "receipt+jwt", kid: key.kid }, bare);
    expect(await receipts.verify(token)).toMatchObject({ decision: "approve", approver: { kind: "device" } });
  });
});

describe("reading one", () => {
  /** The deployment answers so, once it is asked for a receipt. */
  const answering = (answer: () => Response | Promise<Response>) => {
    const asked: Request[] = [];
    const fetch = (async (url: string, init: RequestInit) => {
      if (!url.endsWith("/receipt")) return await issuer.fetch(url, init);
      asked.push(new Request(url, init));
      return await answer();
    }) as typeof globalThis.fetch;
    return { asked, receipts: createReceipts(options({ fetch })) };
  };

  test("asks with the client's secret, and gives what was verified to be kept", async () => {
    const token = await receiptOf({ signed: inJws(TEXT) });
    const { asked, receipts: own } = answering(() =>
      Response.json({ id: ID, state: "redeemed", receipt: token }),
    );
    expect(await own.read(ID)).toMatchObject({
      id: ID,
      token,
      state: "redeemed",
      signed: { words: words() },
    });
    expect(asked[0]?.url).toBe(`${ISSUER}/challenges/${ID}/receipt`);
    const [, basic = ""] = (asked[0]?.headers.get("Authorization") ?? "").split(" ");
    // Form-encoded before they are joined (RFC 6749 §2.3.1).
    expect(Buffer.from(basic, "base64").toString()).toBe("bank:s3cret%2B%2F%C3%A4");
    expect(asked[0]?.redirect).toBe("manual");
  });

  test("the receipt of another request is refused", async () => {
    const token = await receiptOf({ jti: "6".repeat(64) });
    const { receipts: own } = answering(() => Response.json({ state: "redeemed", receipt: token }));
    expect(await reasonOf(own.read(ID))).toBe("claims");
  });

  test.each([
    [
      () => Response.json({ detail: "Nobody has decided" }, { status: 409 }),
      { code: "refused", status: 409 },
    ],
    [
      () => Response.json({ detail: "unknown" }, { status: 404 }),
      { code: "refused", description: "unknown" },
    ],
    [
      () => Response.json({}, { status: 429, headers: { "Retry-After": "7" } }),
      { code: "unavailable", retryAfter: 7 },
    ],
    [() => Response.json({}, { status: 503 }), { code: "unavailable", retryAfter: 5 }],
    [() => new Response("<html>", { status: 502 }), { code: "network" }],
    [() => Response.json({ receipt: 1 }), { code: "refused", status: 200 }],
    [() => Promise.reject(new TypeError("no connection")), { code: "network" }],
    [
      () => new Response("{}", { status: 302, headers: { Location: "https://evil.example" } }),
      { code: "refused" },
    ],
  ])("what goes wrong has a code (%#)", async (answer, error) => {
    await expect(answering(answer).receipts.read(ID)).rejects.toMatchObject(error);
  });

  test("what cannot be right is refused before anything is sent", async () => {
    const never = { fetch: () => Promise.reject(new Error("something was sent")) };
    const { clientSecret: _, ...bare } = options(never);
    for (const [made, id] of [
      [createReceipts(bare), ID],
      [createReceipts(options(never)), "../admin"],
      [createReceipts(options(never)), undefined as unknown as string],
    ] as const) {
      await expect(made.read(id)).rejects.toMatchObject({ code: "invalid_argument" });
    }
    expect(() => createReceipts(options({ issuer: "http://sign.example" }))).toThrow("issuer");
    expect(() => createReceipts(options({ clientId: "" }))).toThrow();
  });
});
