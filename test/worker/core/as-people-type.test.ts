import { describe, expect, test } from "vitest";
import { phones } from "../../../src/phones/read-phone.ts";
import { newTenant, track } from "../support/authsignal.ts";
import { enrolled, scene, WAYS } from "../support/authsignal-codes.ts";
import { deployment, fresh, newClient, newPhone } from "../support/cotter.ts";
import { codes, generated, newAda, newBackend } from "../support/loginid.ts";
import {
  browser,
  enter,
  exchange,
  handed,
  newPageClient,
  pageDeployment,
  verified,
} from "../support/page.ts";

/** Digits as an Arabic keyboard has them, with what a clipboard brings along. */
const arabic = (code: string): string =>
  `\u202b${code.replaceAll(/\d/g, (digit) => String.fromCodePoint(0x0660 + Number(digit)))}\u202c`;
const pasted = (code: string): string => `\u200b${code.slice(0, 3)}\u200b${code.slice(3)}\ufeff`;

describe("T228 C18 a code as a user means it, at every door that takes one", () => {
  test.each([arabic, pasted])("T228 C18 the hosted page (%s)", async (typed) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, `${fresh("ana")}@example.com`);
    const done = await person.post(check, { code: typed(at.last().code ?? "") });
    expect(done.status).toBe(303);
    expect(handed(done.location).code).toEqual(expect.any(String));
  });

  test("T228 C18 unseen marks alone are no guess", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, `${fresh("ana")}@example.com`);
    for (let turn = 0; turn < 6; turn++) await person.post(check, { code: "\u200b \ufeff" });
    expect((await person.post(check, { code: at.last().code ?? "" })).status).toBe(303);
  });

  test.each(WAYS)("T228 C18 the Authsignal door: $path", async (way) => {
    for (const typed of [arabic, pasted]) {
      const here = scene();
      const { tenant, user } = await enrolled(here, way);
      const { token } = (await track(here.at, tenant, user, "signIn")).body;
      await here.page(token, `/challenge/${way.path}`);
      const verificationCode = typed(here.code());
      const met = await here.page(token, `/verify/${way.path}`, { verificationCode });
      expect(met.body).toMatchObject({ isVerified: true });
    }
  });

  test.each(["short", "phrase", "long"])("T228 C18 the LoginID door: %s", async (type) => {
    const at = deployment();
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const code = await generated(at, backend, ada, { type });
    const typed =
      type === "short"
        ? arabic(code)
        : `\u200b${code.replaceAll("-", type === "long" ? "-" : "\u2011")}\ufeff `;
    const authorized = await codes(at, backend, "authorize", ada, { type, body: { code: typed } });
    expect([authorized.status, authorized.body.is_authorized]).toEqual([200, true]);
  });
});

describe("T228 C18 an address as a user means it: two spellings are one user", () => {
  const NUMBERS = [
    "\u202a+52 1 55 1234 5678\u202c",
    "tel:+525512345678",
    "+٥٢٥٥١٢٣٤٥٦٧٨",
    "+52\u00a055\u20111234\u20115678",
  ];

  test("numbers, by their numbering plan", () => {
    for (const text of NUMBERS) expect([text, phones.read(text)?.e164]).toEqual([text, "+525512345678"]);
    expect(phones.read("٠١٥١ ١٢٣٤٥٦٧٨", "DE")?.e164).toBe("+4915112345678");
    expect(phones.read(`\u200b${"1".repeat(100)}`)).toBeUndefined();
  });

  test("T228 C18 the hosted page: the user of ada@example.com. is the user of ada@example.com", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const ada = `${fresh("ada")}@example.com`;
    const person = browser(at);
    const check = await enter(person, client, `\u200bmailto:${ada}.`);
    expect(at.last().to).toBe(ada);
    const done = await person.post(check, { code: at.last().code ?? "" });
    const first = await exchange(at, client, handed(done.location));
    const second = await exchange(at, client, await verified(at, client, ada));
    expect(second.body.user.ID).toBe(first.body.user.ID);
    expect([first.body.identifier.identifier, second.body.identifier.identifier]).toEqual([ada, ada]);
  });

  test("T228 C18 the Cotter door: signed up by one spelling, taken and found by the others", async () => {
    const at = deployment();
    const client = await newClient(at);
    const headers = { API_KEY_ID: client };
    const digits = String(Math.floor(1e9 + Math.random() * 8.9e9));
    const ada = `${fresh("ada")}@example.com`;
    const spellings = [
      [ada, [`${ada}.`, `mailto:${ada}`, `\u202a${ada}\u202c`]],
      [`+52${digits}`, [`+52 1 ${digits}`, `tel:+52${digits}`, `\u202a+52${digits}\u202c`]],
    ] as const;
    for (const [identifier, others] of spellings) {
      const made = await at.call("POST", "/api/v0/user/create", { identifier }, headers);
      const code = (await newPhone()).publicKey;
      const body = { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" };
      await at.call("PUT", `/api/v0/user/methods?cotter_user_id=${made.body.ID}`, body, headers);
      for (const other of others) {
        expect((await at.call("POST", "/api/v0/user/create", { identifier: other }, headers)).status).toBe(
          409,
        );
        const found = await at.call(
          "GET",
          `/api/v0/user?identifier=${encodeURIComponent(other)}`,
          undefined,
          headers,
        );
        expect([other, found.body.ID]).toEqual([other, made.body.ID]);
      }
    }
  });

  test("T228 C18 the Authsignal door: an enrolled address is the same one in another spelling", async () => {
    const here = scene();
    const tenant = await newTenant(here.at);
    const user = fresh("u");
    const { token } = (await track(here.at, tenant, user, "enrol")).body;
    const number = "+4915112345678";
    const first = await here.page(token, "/user-authenticators/sms", { phoneNumber: `\u202atel:${number}` });
    expect(first.status).toBe(200);
    expect(here.messages.at(-1)?.to).toBe(number);
  });
});
