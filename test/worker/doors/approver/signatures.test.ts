import { canonicalJson, type JsonValue } from "@countersign/protocol/canonical";
import { base64url, CompactSign, exportJWK } from "jose";
import { describe, expect, test } from "vitest";
import type { Spoilt } from "../../../fakes/authenticator.ts";
import { asked, refusal, refusalsOf, site, stateOf, wrong } from "../../support/approver.ts";
import { derOf } from "../../support/authsignal.ts";
import { newParty, poll, start } from "../../support/ciba.ts";
import { claimsOf } from "../../support/cotter.ts";
import { newPageKey, newPhoneOf, newPhoneOwner, type Phone } from "../../support/phone.ts";

const at = site();
const BAD = refusal(403, "bad_signature");
const KINDS = ["passkey", "key"] as const;
// biome-ignore lint/suspicious/noExplicitAny: what the door has shown
type Shown = any;

/** A request with everything that can be shown, and the answer to it. */
async function scene(kind: (typeof KINDS)[number] = "key") {
  const { id, phone } = await newPhoneOwner(at, kind);
  const over = { binding_message: "Table 4", authorization_details: '[{"type":"payment","amount":"45.00"}]' };
  const now = await asked(at, id, phone, {}, over);
  const said = { decision: "approve", match_code: now.number, page: "b1a2" } as const;
  return { id, phone, ...now, said };
}
type Scene = Awaited<ReturnType<typeof scene>>;

/** Sends the answer with a signature over something else. */
const send = async ({ phone, prompt, said }: Scene, signed: Readonly<Record<string, unknown>>, over = {}) =>
  await phone.call("POST", `/prompts/${prompt.id}/decision`, { ...said, ...signed, ...over });

const stays = async ({ prompt }: Scene) => expect(await stateOf(at, prompt.id)).toBe("pending");

describe.each(KINDS)("T24 a signature of a %s approves nothing when it is over", (kind) => {
  const changes: readonly (readonly [string, (payload: Shown, said: Shown) => JsonValue])[] = [
    ["another nonce", (payload, said) => ({ ...payload, ...said, nonce: `${payload.nonce}A` })],
    ["another issuer", (payload, said) => ({ ...payload, ...said, iss: "https://evil.example" })],
    ["another request", (payload, said) => ({ ...payload, ...said, id: "0".repeat(64) })],
    [
      "another client",
      (payload, said) => ({ ...payload, ...said, client: { ...payload.client, id: "bank" } }),
    ],
    [
      "another name",
      (payload, said) => ({ ...payload, ...said, client: { ...payload.client, name: "Shop " } }),
    ],
    ["another purpose", (payload, said) => ({ ...payload, ...said, purpose: "step_up" })],
    ["another end", (payload, said) => ({ ...payload, ...said, exp: payload.exp + 1 })],
    ["another number", (payload, said) => ({ ...payload, ...said, match_code: wrong(said.match_code) })],
    ["no number", (payload, { match_code: _, ...said }) => ({ ...payload, ...said })],
    ["another decision", (payload, said) => ({ ...payload, ...said, decision: "deny" })],
    ["another page", (payload, said) => ({ ...payload, ...said, page: "b1a3" })],
    ["no page", (payload, { page: _, ...said }) => ({ ...payload, ...said })],
    [
      "another message",
      (payload, said) => ({ ...payload, ...said, shown: { ...payload.shown, message: "Table 5" } }),
    ],
    [
      "other details",
      (payload, said) => ({
        ...payload,
        ...said,
        shown: { ...payload.shown, details: [{ type: "payment", amount: "4.00" }] },
      }),
    ],
    ["fewer details", (payload, said) => ({ ...payload, ...said, shown: { ...payload.shown, details: [] } })],
    [
      "another time",
      (payload, said) => ({ ...payload, ...said, shown: { ...payload.shown, at: payload.shown.at - 1 } }),
    ],
    ["one member more", (payload, said) => ({ ...payload, ...said, more: true })],
    ["nothing that was shown", (_, said) => said],
  ];
  test.each(changes)("%s", async (_, change) => {
    const all = await scene(kind);
    const { phone, prompt, said } = all;
    expect(await send(all, await phone.sign(change(prompt.payload, { ...said })))).toMatchObject(BAD);
    await stays(all);
  });

  test("the same in another spelling", async () => {
    const all = await scene(kind);
    const text = JSON.stringify({ ...all.prompt.payload, ...all.said });
    expect(await send(all, await all.phone.signText(`${text} `))).toMatchObject(BAD);
  });

  test("another request of the same user, which it is sent to", async () => {
    const all = await scene(kind);
    const other = await newParty(at);
    const begun = await start(at, other, all.id);
    const [newest] = await all.phone.prompts();
    expect(newest.payload.client.id).toBe(other.id);
    const said = { ...all.said, match_code: String(begun.body.match_code) };
    const signed = await all.phone.sign({ ...all.prompt.payload, ...said });
    const sent = await all.phone.call("POST", `/prompts/${newest.id}/decision`, { ...said, ...signed });
    expect(sent).toMatchObject(BAD);
    await stays(all);
  });

  test("a request that it has answered: nothing comes of it a second time", async () => {
    const all = await scene(kind);
    const signed = await all.phone.sign({ ...all.prompt.payload, ...all.said });
    expect((await send(all, signed)).status).toBe(200);
    expect((await poll(at, all.party, all.started)).status).toBe(200);
    const again = await send(all, signed);
    expect(again.status).toBeGreaterThanOrEqual(400);
    expect(again.status).toBeLessThan(500);
    expect((await poll(at, all.party, all.started)).body.error).not.toBe("authorization_pending");
  });
});

describe("T22 identity comes from the signature alone", () => {
  test("names of others in the body are ignored", async () => {
    const [all, other] = [await scene(), await newPhoneOwner(at, "key")];
    const { phone, prompt, said, party, started, id } = all;
    const body = {
      user_id: other.id,
      sub: other.id,
      device_id: other.phone.deviceId,
      id: "x",
      userId: other.id,
    };
    expect((await phone.decide(prompt, said, body)).status).toBe(200);
    const { body: tokens } = await poll(at, party, started);
    expect(claimsOf(tokens.id_token).sub).toBe(id);
  });
});

describe("T25 who may sign", () => {
  test("another user's phone finds nothing to sign, and its signature fits nothing", async () => {
    const [all, other] = [await scene(), await newPhoneOwner(at, "key")];
    expect(await other.phone.decide(all.prompt, all.said)).toMatchObject(refusal(404, "unknown_prompt"));
    const signed = await other.phone.sign({ ...all.prompt.payload, ...all.said });
    expect(await send(all, signed)).toMatchObject(BAD);
    await stays(all);
  });

  test("another phone of the same user signs for itself alone", async () => {
    const all = await scene("passkey");
    const second = await newPhoneOf(at, all.id, "passkey", { deviceId: all.phone.deviceId as never });
    const signed = await second.sign({ ...all.prompt.payload, ...all.said });
    expect(await send(all, signed)).toMatchObject(BAD);
  });

  test("a phone that is younger than the request is shown nothing of it", async () => {
    const all = await scene("passkey");
    const young = await newPhoneOf(at, all.id, "key", { deviceId: all.phone.deviceId as never });
    expect(await young.prompts()).toEqual([]);
    expect(await young.decide(all.prompt, all.said)).toMatchObject(refusal(404, "unknown_prompt"));
    await stays(all);
  });

  test("a removed phone answers nothing", async () => {
    const all = await scene();
    const { phone } = all;
    await phone.act(`/devices/${phone.deviceId}/removal`, "remove_device", { target: phone.deviceId });
    expect(await phone.decide(all.prompt, all.said)).toMatchObject(refusal(401, "session_over"));
    await stays(all);
  });

  test("what was signed for another deployment names another issuer", async () => {
    const all = await scene();
    const elsewhere = { ...all.prompt.payload, ...all.said, iss: "http://localhost:8799" };
    expect(await send(all, await all.phone.sign(elsewhere))).toMatchObject(BAD);
    await stays(all);
  });

  test("a refused signature is on record, with the device and no more", async () => {
    const all = await scene();
    at.queued.length = 0;
    await send(all, await all.phone.sign({ any: "thing" }));
    expect(refusalsOf(at, "decision_refused")).toMatchObject([{ userId: all.id, reason: "bad_signature" }]);
    expect(JSON.stringify(at.queued)).not.toContain(all.number);
  });
});

describe("T32 a passkey's answer is refused", () => {
  const spoilt: readonly (readonly [string, Spoilt])[] = [
    ["without user verification", { flags: 0x01 }],
    ["without user presence", { flags: 0x04 }],
    ["of another origin", { origin: "https://localhost.evil.example" }],
    ["of another port", { origin: "http://localhost:8788" }],
    ["in a frame of another site", { crossOrigin: true }],
    ["of another rp id", { rpId: "evil.example" }],
    ["as a creation", { type: "webauthn.create" }],
    ["of a counter that went back", { count: 0 }],
    ["with a byte too few", { cut: 1 }],
  ];
  test.each(spoilt)("%s", async (_, how) => {
    const all = await scene("passkey");
    // Its counter counts.
    await all.phone.act("/tickets", "let_in_device");
    const signed = await all.phone.sign({ ...all.prompt.payload, ...all.said }, how);
    expect(await send(all, signed)).toMatchObject(BAD);
    await stays(all);
  });

  test("by the page's own key, or without any", async () => {
    const all = await scene("passkey");
    const jws = await new CompactSign(bytes(textOf(all)))
      .setProtectedHeader(header(all.phone))
      .sign(all.phone.key.privateKey);
    for (const signed of [{ signature: jws }, {}]) expect(await send(all, signed)).toMatchObject(BAD);
  });
});

const bytes = (text: string) => new TextEncoder().encode(text);
const header = (phone: Phone) => ({ alg: "ES256", kid: phone.deviceId, typ: "countersign+jws" });
const textOf = ({ prompt, said }: Scene) => canonicalJson({ ...prompt.payload, ...said });

/** A compact JWS, put together by hand: whatever header, over whatever payload. */
async function jws(phone: Phone, head: object, payload: string): Promise<readonly [string, Uint8Array]> {
  const input = `${base64url.encode(bytes(JSON.stringify(head)))}.${base64url.encode(bytes(payload))}`;
  const raw = await crypto.subtle.sign(
    { name: "ECDSA", hash: "SHA-256" },
    phone.key.privateKey,
    bytes(input),
  );
  return [input, new Uint8Array(raw)];
}

describe("T27 the header of a JWS chooses nothing", () => {
  test("as it has to be, it approves", async () => {
    const all = await scene();
    const [input, raw] = await jws(all.phone, header(all.phone), textOf(all));
    expect((await send(all, { signature: `${input}.${base64url.encode(raw)}` })).status).toBe(200);
  });

  const heads: readonly (readonly [string, (phone: Phone) => Promise<object> | object])[] = [
    ["no typ", ({ deviceId }) => ({ alg: "ES256", kid: deviceId })],
    ["the typ of a proof", (phone) => ({ ...header(phone), typ: "dpop+jwt" })],
    ["no kid", () => ({ alg: "ES256", typ: "countersign+jws" })],
    ["the kid of another", (phone) => ({ ...header(phone), kid: crypto.randomUUID() })],
    ["ES384", (phone) => ({ ...header(phone), alg: "ES384" })],
    ["a jwk", (phone) => ({ ...header(phone), jwk: phone.key.jwk })],
    ["a jku", (phone) => ({ ...header(phone), jku: "https://evil.example/keys" })],
    ["an x5c", (phone) => ({ ...header(phone), x5c: ["AAAA"] })],
    ["b64", (phone) => ({ ...header(phone), b64: false, crit: ["b64"] })],
    ["another member", (phone) => ({ ...header(phone), iat: 1 })],
  ];
  test.each(heads)("with %s it approves nothing", async (_, head) => {
    const all = await scene();
    const [input, raw] = await jws(all.phone, await head(all.phone), textOf(all));
    expect(await send(all, { signature: `${input}.${base64url.encode(raw)}` })).toMatchObject(BAD);
    await stays(all);
  });

  test("alg none approves nothing, and HS256 by the public key neither", async () => {
    const all = await scene();
    const none = `${base64url.encode(bytes(JSON.stringify({ ...header(all.phone), alg: "none" })))}.${base64url.encode(bytes(textOf(all)))}.`;
    expect(await send(all, { signature: none })).toMatchObject(BAD);
    const { key } = (await at.services.devices.ofUser(all.id))[0] ?? {};
    for (const secret of [String(key?.bytes), JSON.stringify(all.phone.key.jwk)]) {
      const hmac = await crypto.subtle.importKey(
        "raw",
        bytes(secret),
        { name: "HMAC", hash: "SHA-256" },
        false,
        ["sign"],
      );
      const signed = await new CompactSign(bytes(textOf(all)))
        .setProtectedHeader({ ...header(all.phone), alg: "HS256" })
        .sign(hmac);
      expect(await send(all, { signature: signed })).toMatchObject(BAD);
    }
    await stays(all);
  });

  test("a key that is not the device's approves nothing, also where the header brings it", async () => {
    const all = await scene();
    const thief = await newPageKey();
    const jwk = await exportJWK(
      await crypto.subtle.importKey(
        "jwk",
        { ...thief.jwk, ext: true },
        { name: "ECDSA", namedCurve: "P-256" },
        true,
        ["verify"],
      ),
    );
    for (const head of [header(all.phone), { ...header(all.phone), jwk }]) {
      const signed = await new CompactSign(bytes(textOf(all)))
        .setProtectedHeader(head)
        .sign(thief.privateKey);
      expect(await send(all, { signature: signed })).toMatchObject(BAD);
    }
  });
});

describe("T26 a signature has one spelling", () => {
  const spellings: readonly (readonly [string, (input: string, raw: Uint8Array, all: Scene) => string])[] = [
    ["DER", (input, raw) => `${input}.${base64url.encode(derOf(raw))}`],
    ["63 bytes", (input, raw) => `${input}.${base64url.encode(raw.slice(0, 63))}`],
    ["65 bytes", (input, raw) => `${input}.${base64url.encode(Uint8Array.from([...raw, 0]))}`],
    ["zeros", (input) => `${input}.${base64url.encode(new Uint8Array(64))}`],
    ["padding", (input, raw) => `${input}.${base64url.encode(raw)}==`],
    ["blanks", (input, raw) => `${input}.${base64url.encode(raw)} `],
    ["a part more", (input, raw) => `${input}.${base64url.encode(raw)}.AA`],
    ["no payload", (input, raw) => `${input.split(".")[0]}..${base64url.encode(raw)}`],
    ["no signature", (input) => `${input}.`],
    [
      "a payload of other bytes",
      (input, raw, all) =>
        `${input.split(".")[0]}.${base64url.encode(bytes(`${textOf(all)} `))}.${base64url.encode(raw)}`,
    ],
  ];
  test.each(spellings)("%s approves nothing", async (_, spelt) => {
    const all = await scene();
    const [input, raw] = await jws(all.phone, header(all.phone), textOf(all));
    expect(await send(all, { signature: spelt(input, raw, all) })).toMatchObject(BAD);
    await stays(all);
  });

  test("a payload with a byte more approves nothing, though it is well signed", async () => {
    const all = await scene();
    for (const text of [`${textOf(all)} `, ` ${textOf(all)}`, `\ufeff${textOf(all)}`]) {
      const [input, raw] = await jws(all.phone, header(all.phone), text);
      expect(await send(all, { signature: `${input}.${base64url.encode(raw)}` })).toMatchObject(BAD);
    }
    await stays(all);
  });
});
