import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { compactVerify, importJWK } from "jose";
import { describe, expect, test } from "vitest";
import {
  type KeyStore,
  memoryStorage,
  type Prompt,
  type Signer,
  textToSign,
  unknownMembers,
  webCryptoKeys,
} from "../../../packages/countersign/src/phone/phone.ts";
import type { Payload, PromptWire } from "../../../packages/protocol/src/approver.ts";
import { listed, NOW, newPhone, newService, SESSION } from "./service.ts";

const page = readFileSync(resolve(import.meta.dirname, "../../../docs/approver.md"), "utf8");

/** The example of docs/approver.md with this name. */
function example(name: string): string {
  const found = new RegExp(`<!-- example: ${name} -->\n\`\`\`\\w*\n([\\s\\S]*?)\n\`\`\``).exec(page)?.[1];
  if (found === undefined) throw new Error(`docs/approver.md has no example ${name}`);
  return found;
}

const payload = (): Payload => JSON.parse(example("payload"));

const wire = (over: Partial<PromptWire> = {}): PromptWire => ({
  id: payload().id,
  expires_at: "2026-11-27T10:43:00.000Z",
  listed_at: "2026-11-27T10:40:00.000Z",
  match: "number",
  unlock: false,
  answers: ["deny", "approve"],
  warnings: [],
  payload: payload(),
  ...over,
});

async function asked(over: Partial<PromptWire> = {}, options: Parameters<typeof newPhone>[1] = {}) {
  const service = newService();
  const prompt = wire(over);
  const decision = `POST /approver/prompts/${prompt.id}/decision`;
  service.says("GET /approver/prompts", listed(prompt));
  service.says(decision, { state: "approved" });
  const { phone, keys } = await newPhone(service, options);
  const [first] = (await phone.prompts()).prompts;
  if (!first) throw new Error("no prompt");
  const sent = () => service.sent.filter(({ call }) => call === decision).map(({ body }) => JSON.parse(body));
  return { service, keys, prompt: first as Prompt, sent };
}

describe("docs/approver.md", () => {
  test("what is signed is the page's text", () => {
    expect(textToSign(payload(), { decision: "approve", match_code: "482913" })).toBe(example("text"));
  });

  test("a key signs it as a JWS of exactly this header, and the body says the same", async () => {
    const { prompt, keys, sent } = await asked();
    await prompt.approve({ matchCode: "482 913" });
    const [{ signature, ...body }] = sent() as [{ signature: string }];
    expect(body).toEqual({ decision: "approve", match_code: "482913" });
    const { signer } = (await keys.load()) ?? {};
    const key = await importJWK({ ...signer?.publicJwk } as never, "ES256");
    const verified = await compactVerify(signature, key);
    expect(new TextDecoder().decode(verified.payload)).toBe(example("text"));
    expect(verified.protectedHeader).toEqual({
      alg: "ES256",
      kid: SESSION.device.id,
      typ: "countersign+jws",
    });
  });

  test("a passkey signs its digest as a challenge, with its own credential alone", async () => {
    const calls: unknown[] = [];
    const signed = {
      credential_id: "Y3JlZA",
      client_data: "Y2Q",
      authenticator_data: "YWQ",
      signature: "c2ln",
    };
    const passkeys = {
      create: async () => ({ credential_id: "Y3JlZA", client_data: "Y2Q", attestation_data: "YXR0" }),
      get: async (options: unknown) => {
        calls.push(options);
        return { ...signed, user_handle: "dXNlcg" };
      },
    };
    const service = newService();
    const options = {
      challenge: "Yw",
      user: { id: "dQ", name: "a", displayName: "a" },
      excludeCredentials: [],
    };
    service.says("POST /approver/enrolments/begin", { enrolment: "e1", account: "a", public_key: options });
    service.says("GET /approver/config", {
      issuer: "https://sign.example",
      name: "S",
      rp_id: "sign.example",
    });
    service.says("GET /approver/prompts", listed(wire()));
    service.says(`POST /approver/prompts/${payload().id}/decision`, { state: "approved" });
    const { phone } = await newPhone(service, { passkeys });
    await phone.enrol("t1", { kind: "passkey", confirm: () => true });
    const [prompt] = (await phone.prompts()).prompts;
    await prompt?.approve({ matchCode: "482913" });
    expect(calls).toEqual([
      { challenge: example("challenge"), rpId: "sign.example", credentialId: "Y3JlZA" },
    ]);
    const { passkey } = JSON.parse(service.sent.at(-1)?.body ?? "");
    expect(passkey).toEqual(signed);
  });
});

describe("T24 what is shown is what is signed", () => {
  test("the payload is frozen, however deep", async () => {
    const { prompt, sent } = await asked();
    const { shown } = prompt.payload as unknown as {
      shown: { message: string; details: { amount: string }[] };
    };
    expect(() => {
      shown.message = "Table 5";
    }).toThrow(TypeError);
    expect(() => {
      (shown.details[0] as { amount: string }).amount = "4500.00";
    }).toThrow(TypeError);
    expect(() => Object.assign(prompt, { payload: {} })).toThrow(TypeError);
    await prompt.approve({ matchCode: "482913" });
    const [, text = ""] = (sent()[0].signature as string).split(".");
    expect(Buffer.from(text, "base64url").toString()).toBe(example("text"));
  });

  const changed = (over: object): Partial<PromptWire> => ({ payload: { ...payload(), ...over } as Payload });

  test.each([
    ["another service's", changed({ iss: "https://evil.example" }), "invalid_argument", "wrong_issuer"],
    ["another request's", changed({ id: "0".repeat(64) }), "invalid_argument", "wrong_request"],
    ["over", changed({ exp: NOW / 1000 }), "expired", "expired"],
  ])("T23 nothing is signed of a payload that is %s", async (_, over, code, error) => {
    const { prompt, sent } = await asked(over);
    const refusal = { code, error };
    await expect(prompt.approve({ matchCode: "482913" })).rejects.toMatchObject(refusal);
    await expect(prompt.decline()).rejects.toMatchObject(refusal);
    expect(sent()).toEqual([]);
  });

  test.each([
    ["a member", changed({ colour: "red" }), ["colour"]],
    ["one of the client", changed({ client: { id: "shop", name: "Shop", logo: "x" } }), ["client.logo"]],
    ["one of what is shown", changed({ shown: { at: 1, amount: "1.00" } }), ["shown.amount"]],
  ])(
    "%s that the library has no name for is approved only by an app that shows all",
    async (_, over, unknown) => {
      const { prompt, sent } = await asked(over);
      await expect(prompt.approve({ matchCode: "482913" })).rejects.toMatchObject({
        code: "invalid_argument",
        error: "unknown_members",
        data: { unknown },
      });
      expect(unknownMembers(prompt.payload)).toEqual(unknown);
      expect(sent()).toEqual([]);
      await prompt.decline();
      expect(sent()).toHaveLength(1);
      const all = await asked(over, { showsAll: true });
      await all.prompt.approve({ matchCode: "482913" });
      expect(all.sent()).toHaveLength(1);
    },
  );

  test.each([
    ["a later form", changed({ v: 2 })],
    ["an answer of its own", changed({ decision: "approve" })],
    ["a number of its own", changed({ match_code: "482913" })],
  ])("%s is approved by no app", async (_, over) => {
    const { prompt, sent } = await asked(over, { showsAll: true });
    await expect(prompt.approve({ matchCode: "482913" })).rejects.toMatchObject({ error: "unknown_version" });
    expect(sent()).toEqual([]);
  });
});

describe("what an answer takes", () => {
  test.each([[undefined], ["48291"], ["4829133"], ["48291a"], [""]])(
    "the number is not %j",
    async (matchCode) => {
      const { prompt, sent } = await asked();
      const given = matchCode === undefined ? {} : { matchCode };
      await expect(prompt.approve(given)).rejects.toMatchObject({ error: "number_needed" });
      expect(sent()).toEqual([]);
    },
  );

  test("a request that can only be declined is not approved, and says why", async () => {
    const { prompt, sent } = await asked({ answers: ["deny"], why_not: "far" });
    await expect(prompt.approve({ matchCode: "482913" })).rejects.toMatchObject({
      error: "not_allowed",
      data: { why: "far" },
    });
    expect(sent()).toEqual([]);
  });

  test("of two answers at once one is sent", async () => {
    const { prompt, sent } = await asked({ match: "none" });
    const both = await Promise.allSettled([prompt.decline(), prompt.approve()]);
    expect(both.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(sent().map(({ decision }) => decision)).toEqual(["deny"]);
  });

  test("the build of the app goes along, and is signed", async () => {
    const { prompt, sent } = await asked({ match: "none" }, { build: "app-7" });
    await prompt.decline({ notMe: true });
    const [body] = sent();
    expect(body).toMatchObject({ decision: "deny", not_me: true, page: "app-7" });
    const text = Buffer.from(body.signature.split(".")[1], "base64url").toString();
    expect(JSON.parse(text)).toMatchObject({ decision: "deny", not_me: true, page: "app-7" });
  });

  test.each([
    ["is refused", async () => false],
    ["fails", () => Promise.reject(new Error("no fingerprint is set up"))],
  ])("nothing is signed where the app's own unlock %s", async (_, unlock) => {
    const { prompt, sent } = await asked({ match: "none" });
    await expect(prompt.approve({ unlock })).rejects.toMatchObject({ code: "not_signed", reason: "locked" });
    await expect(prompt.decline({ unlock })).rejects.toMatchObject({ code: "not_signed", reason: "locked" });
    expect(sent()).toEqual([]);
  });

  test("an app's own passkeys that fail are no fault of another kind", async () => {
    const fails = () => Promise.reject(new Error("no passkeys on this phone"));
    const service = newService();
    const { phone } = await newPhone(service, { passkeys: { get: fails, create: fails } });
    const options = {
      challenge: "Yw",
      user: { id: "dQ", name: "a", displayName: "a" },
      excludeCredentials: [],
    };
    service.says("POST /approver/enrolments/begin", { enrolment: "e1", account: "a", public_key: options });
    service.sent.length = 0;
    const added = phone.enrol("t1", { kind: "passkey", confirm: () => true });
    await expect(added).rejects.toMatchObject({ code: "not_signed", reason: "cancelled" });
    expect(service.sent.map(({ call }) => call)).toEqual(["POST /approver/enrolments/begin"]);
  });

  test.each([
    ["throws", () => Promise.reject(new Error("the key is gone"))],
    ["answers DER", async () => new Uint8Array(71)],
  ])("a key that %s sends nothing, and says so", async (_, sign) => {
    const good = await webCryptoKeys(memoryStorage()).create();
    let isGood = true;
    const signer: Signer = { ...good, sign: (bytes) => (isGood ? good.sign(bytes) : sign()) };
    const keys: KeyStore = {
      create: async () => signer,
      load: async () => undefined,
      save: async () => undefined,
      remove: async () => undefined,
    };
    const { prompt, service } = await asked({ match: "none" }, { keys });
    isGood = false;
    const before = service.sent.length;
    await expect(prompt.approve()).rejects.toMatchObject({ code: "not_signed", reason: "key" });
    expect(service.sent).toHaveLength(before);
  });
});
