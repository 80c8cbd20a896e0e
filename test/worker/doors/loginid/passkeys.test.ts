import { afterEach, expect, test, vi } from "vitest";
import { newAuthenticator, type Spoilt } from "../../../fakes/authenticator.ts";
import { claimsOf, deployment, type Json } from "../../support/cotter.ts";
import { codes, generated, newAda, newBackend, newWeb, tokenOf, waitOn } from "../../support/loginid.ts";
import { ADD, PAGE, passkeysAt, payloadOf } from "../../support/passkeys.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());
const { scene, approvedCode, init, complete, withPasskey, beginSelf, finishSelf, signed, sendSigned } =
  passkeysAt(at);

test("walks: an approved code, a browser's passkey, the signed-in result, the credential in the list", async () => {
  const { backend, web, ada } = await scene();
  const code = await generated(at, backend, ada, ADD);
  expect(await init(web, ada.username, code)).toMatchObject({
    status: 400,
    body: { code: "invalid_verification_code" },
  });
  await codes(at, backend, "authorize", ada, { ...ADD, body: { code } });
  const begun = await init(web, ada.username, code);
  expect(begun).toMatchObject({
    status: 200,
    body: {
      attestation_payload: {
        rp: { id: "shop.example", name: "Shop" },
        user: { name: ada.username },
        pubKeyCredParams: [
          { type: "public-key", alg: -7 },
          { type: "public-key", alg: -257 },
        ],
        excludeCredentials: [],
        authenticatorSelection: { authenticatorAttachment: "platform", userVerification: "required" },
      },
    },
  });
  expect(begun.headers.get("Access-Control-Allow-Origin")).toBe(PAGE);
  const added = await complete(web, ada.username, payloadOf(begun), await newAuthenticator());
  const { credential_uuid } = payloadOf(begun);
  expect(added).toMatchObject({
    status: 200,
    body: {
      credential: { uuid: credential_uuid, type: "fido2", name: "Ada's phone" },
      user: { id: ada.id, username: ada.username },
      is_authenticated: true,
    },
  });
  expect(claimsOf(added.body.jwt)).toMatchObject({ aud: web.id, sub: ada.id, action: "credentials.add" });
  const [device] = await at.services.devices.ofUser(ada.id);
  expect(device).toMatchObject({ kind: "passkey", door: "loginid", key: { algorithm: "EC" }, signCount: 0 });
  const token = await tokenOf(backend, "credentials.revoke");
  const revoked = await at.call(
    "POST",
    "/credentials/revoke",
    { client_id: backend.id, user_id: ada.id, credential: { uuid: credential_uuid } },
    { Authorization: `Bearer ${token}` },
  );
  expect(revoked).toMatchObject({ status: 200, body: { credential: { status: "revoked", type: "fido2" } } });
});

test("a failed ceremony may be repeated; a successful one uses the code and its challenge", async () => {
  const { backend, web, ada } = await scene();
  const code = await approvedCode(backend, ada);
  const [first, second] = [await init(web, ada.username, code), await init(web, ada.username, code)];
  const authenticator = await newAuthenticator();
  const failed = await complete(web, ada.username, payloadOf(first), authenticator, { flags: 0x41 });
  expect(failed).toMatchObject({ status: 400, body: { code: "request_validation_error" } });
  expect((await complete(web, ada.username, payloadOf(first), authenticator)).status).toBe(200);
  const replayed = await complete(web, ada.username, payloadOf(first), await newAuthenticator());
  expect(replayed).toMatchObject({ status: 400, body: { code: "request_validation_error" } });
  const late = await complete(web, ada.username, payloadOf(second), await newAuthenticator());
  expect(late).toMatchObject({ status: 404, body: { code: "verification_code_not_found" } });
  expect((await init(web, ada.username, code)).body.code).toBe("verification_code_not_found");
  expect(await at.services.devices.ofUser(ada.id)).toHaveLength(1);
});

test("two at once on one code: one passkey", async () => {
  const { backend, web, ada } = await scene();
  const code = await approvedCode(backend, ada);
  const begun = [await init(web, ada.username, code), await init(web, ada.username, code)];
  const answers = await Promise.all(
    begun.map(async (one) => complete(web, ada.username, payloadOf(one), await newAuthenticator())),
  );
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 404]);
  expect(await at.services.devices.ofUser(ada.id)).toHaveLength(1);
});

test("one passkey is one live device, by its key and by its credential id", async () => {
  const { backend, web, authenticator } = await withPasskey();
  const bob = await newAda(at);
  const begun = await init(web, bob.username, await approvedCode(backend, bob));
  expect(await complete(web, bob.username, payloadOf(begun), authenticator)).toMatchObject({
    status: 400,
    body: { code: "request_validation_error" },
  });
  const other = await newAuthenticator();
  const id = Uint8Array.from(
    atob(authenticator.credentialId.replaceAll("-", "+").replaceAll("_", "/")),
    (b) => b.charCodeAt(0),
  );
  expect((await complete(web, bob.username, payloadOf(begun), other, { id })).status).toBe(400);
  expect(await at.services.devices.ofUser(bob.id)).toHaveLength(0);
});

test("unknown user and wrong code look the same; past five wrong guesses the right one does too, and the code lives on", async () => {
  const { backend, web, ada } = await scene();
  const code = await approvedCode(backend, ada);
  const wrongCode = code === "000000" ? "111111" : "000000";
  const nobody = await init(web, "nobody@example.com", wrongCode);
  for (let guess = 1; guess <= 5; guess++) {
    const answer = await init(web, ada.username, String((Number(code) + guess) % 1e6).padStart(6, "0"));
    expect([answer.status, answer.body]).toEqual([nobody.status, nobody.body]);
  }
  expect(await init(web, ada.username, code)).toMatchObject({ status: 404 });
  const [live] = await at.services.userCodes
    .ofUser({ userId: ada.id, kind: "short", purpose: "enrol_device" }, Date.now())
    .then((found) => (found.ok ? found.value : []));
  expect((await at.services.challenges.read(live!.challengeId))?.view.state).toBe("approved");
});

test("the challenge is this user's, this client's, and ends", async () => {
  const { backend, web, ada } = await scene();
  const begun = payloadOf(await init(web, ada.username, await approvedCode(backend, ada)));
  const other = await newWeb(at, backend, { allowedOrigins: [PAGE] });
  const bob = await newAda(at);
  const authenticator = await newAuthenticator();
  for (const [client, name] of [
    [other, ada.username],
    [web, bob.username],
    [web, "nobody@example.com"],
  ] as const) {
    expect((await complete(client, name, begun, authenticator)).status).toBe(400);
  }
  expect(
    (await complete(web, ada.username, { ...begun, credential_uuid: crypto.randomUUID() }, authenticator))
      .status,
  ).toBe(400);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
  expect((await complete(web, ada.username, begun, authenticator)).status).toBe(400);
});

test.each([[[]], [["*"]], [["http://shop.example"]]])(
  "a client that lists %j holds no passkeys",
  async (origins) => {
    const { backend, web, ada } = await scene(origins as string[]);
    const code = await approvedCode(backend, ada);
    const headers = origins[0] === "*" ? {} : { Origin: "http://localhost:8787" };
    expect(await init(web, ada.username, code, headers)).toMatchObject({
      status: 403,
      body: { code: "operation_not_allowed" },
    });
  },
);

test("a private client needs its token for init, once", async () => {
  const { ada, backend } = await scene();
  const shop = await newBackend(at, { allowedOrigins: [PAGE], settings: { names_from: [backend.id] } });
  const code = await approvedCode(backend, ada);
  expect((await init(shop, ada.username, code)).status).toBe(401);
  const bearer = { Authorization: `Bearer ${await tokenOf(shop, "credentials.add")}` };
  expect((await init(shop, ada.username, code, bearer)).status).toBe(200);
  expect((await init(shop, ada.username, code, bearer)).status).toBe(401);
  const forBob = {
    Authorization: `Bearer ${await tokenOf(shop, "credentials.add", { username: "bob@x.example" })}`,
  };
  expect((await init(shop, ada.username, code, forBob)).status).toBe(403);
});

test("a passkey makes a code of its own, which signs another device in", async () => {
  const { web, ada, authenticator } = await withPasskey();
  const begun = await beginSelf(web, ada.username);
  expect(begun.body.assertion_payload).toMatchObject({
    rpId: "shop.example",
    allowCredentials: [{ type: "public-key", id: authenticator.credentialId }],
    userVerification: "required",
  });
  const made = await finishSelf(web, ada.username, begun.body.assertion_payload as Json, authenticator);
  expect(made).toMatchObject({
    status: 200,
    body: { is_authenticated: true, credential: { type: "fido2" }, code_data: { is_authorized: true } },
  });
  const data = made.body.code_data as Json;
  expect(data.expire_at).toBe(data.expires_at);
  expect(claimsOf(made.body.jwt)).toMatchObject({ sub: ada.id, action: "auth.login" });
  expect((await waitOn(at, web, ada, data.code)).body.is_authenticated).toBe(true);
  const again = await finishSelf(web, ada.username, begun.body.assertion_payload as Json, authenticator);
  expect(again).toMatchObject({ status: 403, body: { code: "operation_not_allowed" } });
});

test("an RS256 passkey does the same, and a signature of another length is refused", async () => {
  const { web, ada, authenticator } = await withPasskey("RS256");
  const [device] = await at.services.devices.ofUser(ada.id);
  expect(device).toMatchObject({ kind: "passkey", key: { algorithm: "RSA" } });
  const begun = (await beginSelf(web, ada.username)).body.assertion_payload as Json;
  const body = await signed(web, ada.username, begun, authenticator);
  for (const signature of ["", "AAAA", `${body.assertion_payload.signature}AAAA`]) {
    const spoilt = { ...body, assertion_payload: { ...body.assertion_payload, signature } };
    expect((await sendSigned(spoilt)).status).toBe(signature === "" ? 400 : 403);
  }
  expect(await sendSigned(body)).toMatchObject({ status: 200, body: { is_authenticated: true } });
});

test("whether a passkey is backed up is kept, and whether it may be does not change", async () => {
  const { web, ada, authenticator } = await withPasskey("ES256", { flags: 0x4d });
  const kept = async () => {
    const [device] = await at.services.devices.ofUser(ada.id);
    return [device?.backupEligible, device?.backedUp];
  };
  expect(await kept()).toEqual([true, false]);
  const signs = async (spoilt: Spoilt) => {
    const begun = (await beginSelf(web, ada.username)).body.assertion_payload as Json;
    return (await finishSelf(web, ada.username, begun, authenticator, { count: 0, ...spoilt })).status;
  };
  expect(await signs({ flags: 0x1d })).toBe(200);
  expect(await kept()).toEqual([true, true]);
  const admin = { Authorization: "Bearer dev-admin-token" };
  const listed = await at.call("GET", `/admin/users/${ada.id}/devices`, undefined, admin);
  expect(listed.body.devices).toMatchObject([{ backup_eligible: true, backed_up: true }]);
  expect(await signs({ flags: 0x05 })).toBe(403);
  expect(await signs({ flags: 0x15 })).toBe(403);
  expect(await kept()).toEqual([true, true]);
  expect(await signs({ flags: 0x0d })).toBe(200);
  expect(await kept()).toEqual([true, false]);
});

test("a passkey's own code lets a second passkey in", async () => {
  const { web, ada, authenticator } = await withPasskey();
  const begun = await beginSelf(web, ada.username, "add_credential");
  const made = await finishSelf(web, ada.username, begun.body.assertion_payload as Json, authenticator);
  const next = await init(web, ada.username, (made.body.code_data as Json).code);
  expect(payloadOf(next).excludeCredentials).toEqual([
    { type: "public-key", id: authenticator.credentialId },
  ]);
  expect((await complete(web, ada.username, payloadOf(next), await newAuthenticator())).status).toBe(200);
  expect(await at.services.devices.ofUser(ada.id)).toHaveLength(2);
});

test.each<[string, Spoilt]>([
  ["a counter that goes back", { count: 3 }],
  ["a counter that falls to 0", { count: 0 }],
  ["another page", { origin: "https://evil.example" }],
  ["another rp id", { rpId: "evil.example" }],
  ["nobody verified", { flags: 0x01 }],
])("no code for %s", async (_name, spoilt) => {
  const { web, ada, authenticator } = await withPasskey();
  const first = await beginSelf(web, ada.username);
  const good = await finishSelf(web, ada.username, first.body.assertion_payload as Json, authenticator, {
    count: 5,
  });
  expect(good.status).toBe(200);
  const next = await beginSelf(web, ada.username);
  expect(
    await finishSelf(web, ada.username, next.body.assertion_payload as Json, authenticator, {
      count: 6,
      ...spoilt,
    }),
  ).toMatchObject({ status: 403, body: { code: "operation_not_allowed" } });
});

test("a revoked passkey, a stranger's and nobody's are refused alike", async () => {
  const { web, ada, authenticator } = await withPasskey();
  const begun = (await beginSelf(web, ada.username)).body.assertion_payload as Json;
  const strange = await finishSelf(web, ada.username, begun, await newAuthenticator());
  const ghost = (await beginSelf(web, "nobody@example.com")).body.assertion_payload as Json;
  expect(Object.keys(ghost)).toEqual(Object.keys(begun));
  const nobody = await finishSelf(web, "nobody@example.com", ghost, await newAuthenticator());
  const [device] = await at.services.devices.ofUser(ada.id);
  const event = { id: crypto.randomUUID(), at: Date.now(), type: "device.revoked", actor: "test" };
  await at.services.devices.revoke(ada.id, device!.id, event, Date.now());
  const revoked = await finishSelf(web, ada.username, begun, authenticator);
  for (const answer of [strange, nobody, revoked]) {
    expect([answer.status, answer.body]).toEqual([403, strange.body]);
  }
});

test("the closed passkey sign-in stays closed", async () => {
  for (const path of ["/authenticate/fido2/init", "/register/fido2/init", "/credentials/recovery-code"]) {
    expect((await at.call("POST", path, {})).body.code).toBe("endpoint_deprecated");
  }
});
