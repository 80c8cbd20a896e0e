import { afterEach, describe, expect, test, vi } from "vitest";
import { fromBase64Url, toBase64Url } from "../../../../src/core/base64.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import { deployment, type Json } from "../../support/cotter.ts";
import { newAda } from "../../support/loginid.ts";
import { assertionOf, PAGE, passkeysAt, payloadOf } from "../../support/passkeys.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());
const calls = passkeysAt(at);
const { scene, approvedCode, init, made, send, complete, withPasskey, beginSelf, signed, sendSigned } = calls;
const { finishSelf } = calls;

const bytesOf = (text: string): Uint8Array => fromBase64Url(text) ?? new Uint8Array();
const devicesOf = ({ id }: Parameters<typeof approvedCode>[1]) => at.services.devices.ofUser(id);
const BAD = { status: 400, body: { code: "request_validation_error" } };
const NO = { status: 403, body: { code: "operation_not_allowed" } };

describe("a passkey that is refused uses nothing up", () => {
  test.each(["its key", "its credential id"])(
    "%s is another live device's: the code stays good",
    async (what) => {
      const { backend, web, authenticator } = await withPasskey();
      const bob = await newAda(at);
      const code = await approvedCode(backend, bob);
      const begun = payloadOf(await init(web, bob.username, code));
      const [taken, spoilt] =
        what === "its key"
          ? [authenticator, {}]
          : [await newAuthenticator(), { id: bytesOf(authenticator.credentialId) }];
      expect(await complete(web, bob.username, begun, taken, spoilt)).toMatchObject(BAD);
      expect((await complete(web, bob.username, begun, await newAuthenticator())).status).toBe(200);
      expect(await devicesOf(bob)).toHaveLength(1);
    },
  );

  test.each([
    ["bytes behind its key", { behind: Uint8Array.of(0) }],
    ["a key off the curve", { cose: "off the curve" }],
    ["another page", { origin: "https://shop.example.evil.example" }],
    ["another port of the page", { origin: "https://shop.example:8443" }],
    ["a frame of another site", { crossOrigin: true }],
    ["an assertion in its place", { type: "webauthn.get" }],
  ] as const)("%s: the ceremony may go on", async (_what, spoilt) => {
    const { backend, web, ada } = await scene();
    const begun = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
    const authenticator = await newAuthenticator();
    expect(await complete(web, ada.username, begun, authenticator, spoilt)).toMatchObject(BAD);
    expect(await devicesOf(ada)).toHaveLength(0);
    expect((await complete(web, ada.username, begun, authenticator)).status).toBe(200);
  });

  test("a credential id of a passkey that was revoked may come again", async () => {
    const { backend, web, ada, authenticator } = await withPasskey();
    const [device] = await devicesOf(ada);
    const event = { id: crypto.randomUUID(), at: Date.now(), type: "device.revoked", actor: "test" };
    await at.services.devices.revoke(ada.id, device!.id, event, Date.now());
    const begun = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
    expect((await complete(web, ada.username, begun, authenticator)).status).toBe(200);
  });
});

describe("races", () => {
  test("T45 race: twenty completions at once, of one ceremony and of others, make one device", async () => {
    const { backend, web, ada } = await scene();
    const code = await approvedCode(backend, ada);
    const one = await made(
      web,
      ada.username,
      payloadOf(await init(web, ada.username, code)),
      await newAuthenticator(),
    );
    const others = [];
    for (let i = 0; i < 10; i++) {
      const begun = payloadOf(await init(web, ada.username, code));
      others.push(await made(web, ada.username, begun, await newAuthenticator()));
    }
    const answers = await Promise.all(
      [...Array.from({ length: 10 }, () => one), ...others].map((body) => send(body)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400 || status === 404)).toHaveLength(19);
    expect(await devicesOf(ada)).toHaveLength(1);
  });

  test("T24 race: of twenty copies of one signature one makes a code", async () => {
    const { web, ada, authenticator } = await withPasskey();
    for (const count of [0, 7]) {
      const begun = assertionOf(await beginSelf(web, ada.username));
      // A counter of 0 is taken by the challenge alone, a growing one by either.
      const body = await signed(web, ada.username, begun, authenticator, { count });
      const answers = await Promise.all(Array.from({ length: 20 }, () => sendSigned(body)));
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(answers.filter(({ status }) => status === 403)).toHaveLength(19);
    }
  });
});

test("T24 a used challenge is used in every spelling of it", async () => {
  const { web, ada, authenticator } = await withPasskey();
  const begun = assertionOf(await beginSelf(web, ada.username));
  expect((await finishSelf(web, ada.username, begun, authenticator, { count: 0 })).status).toBe(200);
  const text = String(begun.challenge);
  const marked = Uint8Array.of(0xef, 0xbb, 0xbf, ...bytesOf(text));
  for (const challenge of [toBase64Url(marked), `${text}=`, `${text}==`, `${text}\n`, ` ${text}`, text]) {
    const again = { ...begun, challenge };
    expect((await finishSelf(web, ada.username, again, authenticator, { count: 0 })).status).toBe(403);
  }
});

describe("T101 an outage in the middle leaves a ceremony that may be repeated", () => {
  const away = async () => {
    throw new Outage("away");
  };
  const failing = (step: "insert" | "noteDevice") =>
    deployment({}, ({ devices, inboxes }) =>
      step === "insert"
        ? { devices: { ...devices, insert: away } }
        : { inboxes: { ...inboxes, noteDevice: away } },
    );

  test.each(["insert", "noteDevice"] as const)("at %s", async (step) => {
    const { backend, web, ada } = await scene();
    const begun = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
    const body = await made(web, ada.username, begun, await newAuthenticator());
    expect((await passkeysAt(failing(step)).send(body)).status).toBe(503);
    const again = await send(body);
    expect(again).toMatchObject({ status: 200, body: { credential: { uuid: begun.credential_uuid } } });
    expect(await devicesOf(ada)).toHaveLength(1);
    expect(await send(body)).toMatchObject(BAD);
  });
});

describe("T20 T70 a ceremony is for one user, one call and one kind of code", () => {
  test("another user's passkey signs nothing, under its own id or under this one's", async () => {
    const { web, ada } = await withPasskey();
    const bob = await withPasskey();
    for (const credential_id of [undefined, (await devicesOf(ada))[0]?.credentialId]) {
      const begun = assertionOf(await beginSelf(web, ada.username));
      const body = await signed(web, ada.username, begun, bob.authenticator);
      const given = body.assertion_payload as Json;
      const sent = { ...body, assertion_payload: { ...given, ...(credential_id ? { credential_id } : {}) } };
      expect(await sendSigned(sent)).toMatchObject(NO);
    }
  });

  test("a challenge of one call is none of the other, and a code is of the type that was asked for", async () => {
    const { backend, web, ada, authenticator } = await withPasskey();
    const asked = assertionOf(await beginSelf(web, ada.username));
    const body = await signed(web, ada.username, asked, authenticator);
    expect(await sendSigned(body, "long")).toMatchObject(NO);
    const added = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
    // The challenge is no secret: whoever reads it finds the id that its answer has to name.
    const [, , credential_uuid] = JSON.parse(atob(String(asked.challenge)).slice(0, -43)) as string[];
    const crossed = { challenge: asked.challenge, credential_uuid };
    expect(await complete(web, ada.username, crossed, await newAuthenticator())).toMatchObject(BAD);
    const turned = await signed(web, ada.username, { challenge: added.challenge }, authenticator);
    expect(await sendSigned(turned)).toMatchObject(NO);
    expect((await sendSigned(body)).status).toBe(200);
  });

  test("a page that the operator has struck off completes nothing any more", async () => {
    const { backend, web, ada, authenticator } = await withPasskey();
    const added = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
    const body = await made(web, ada.username, added, await newAuthenticator());
    const asked = assertionOf(await beginSelf(web, ada.username));
    const own = await signed(web, ada.username, asked, authenticator);
    await at.services.clients.update(web.id, { allowedOrigins: ["https://new.example"] }, Date.now());
    const elsewhere = deployment();
    const late = passkeysAt(elsewhere);
    // No page asks: only the ceremony itself still says where it was begun.
    expect(await late.send(body, {})).toMatchObject(BAD);
    const refusedSign = await elsewhere.call("POST", "/codes/short/generate/fido2/complete", own);
    expect(refusedSign).toMatchObject(NO);
  });

  test("what a browser is given names the user by id alone, and excludes the passkeys they have", async () => {
    const { backend, web, ada, authenticator } = await withPasskey();
    const begun = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
    const { id } = begun.user as { id: string };
    const handle = atob(id);
    expect(handle).toBe(ada.id);
    expect(handle.length).toBeLessThanOrEqual(64);
    expect(begun.excludeCredentials).toEqual([{ type: "public-key", id: authenticator.credentialId }]);
    expect(begun.rp).toMatchObject({ id: new URL(PAGE).hostname });
  });

  test("T217 G3 a locked user's approved code begins no ceremony, and none when they are active again", async () => {
    const { backend, web, ada } = await scene();
    const code = await approvedCode(backend, ada);
    await at.services.users.update(mainUser(ada.id), { status: "locked" }, Date.now());
    const refused = await init(web, ada.username, code);
    expect([refused.body.code, refused.body.attestation_payload]).toEqual(["account_deactivated", undefined]);
    await at.services.users.update(mainUser(ada.id), { status: "active" }, Date.now());
    const begun = await init(web, ada.username, code);
    if (begun.status === 200) {
      const late = await complete(web, ada.username, payloadOf(begun), await newAuthenticator());
      expect(late.status).toBeGreaterThanOrEqual(400);
    }
    expect(await devicesOf(ada)).toEqual([]);
  });

  test("a locked user's passkey makes no code, and no passkey is added to them", async () => {
    const { backend, web, ada, authenticator } = await withPasskey();
    const added = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
    const asked = assertionOf(await beginSelf(web, ada.username));
    await at.services.users.update(mainUser(ada.id), { status: "locked" }, Date.now());
    expect((await calls.finishSelf(web, ada.username, asked, authenticator)).body.code).toBe(
      "account_deactivated",
    );
    expect((await complete(web, ada.username, added, await newAuthenticator())).body.code).toBe(
      "account_deactivated",
    );
    expect(await devicesOf(ada)).toHaveLength(1);
  });
});
