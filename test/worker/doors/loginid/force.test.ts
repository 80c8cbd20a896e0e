import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import { STARTS_ABOUT } from "../../../../src/core/inbox/limits.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import { claimsOf, deployment } from "../../support/cotter.ts";
import { codes, newAda, newBackend, newWeb, tokenOf } from "../../support/loginid.ts";
import { PAGE, passkeysAt, payloadOf } from "../../support/passkeys.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());
const { scene, force, complete, made, send, beginSelf, finishSelf } = passkeysAt(at);

const auditOf = async (userId: string) =>
  (
    await env.DB.prepare("select type, actor, client_id from audit_events where user_id = ? order by id")
      .bind(userId)
      .all<{ type: string; actor: string; client_id: string }>()
  ).results;

describe("a passkey by the backend's word alone", () => {
  test("walks: no code, the browser's passkey, the signed-in result; on record before and after", async () => {
    const { backend, ada } = await scene();
    const begun = await force(backend, { user_id: ada.id });
    expect(begun).toMatchObject({
      status: 200,
      body: {
        attestation_payload: {
          rp: { id: new URL(PAGE).hostname },
          user: { name: ada.username, displayName: ada.username },
          pubKeyCredParams: [
            { type: "public-key", alg: -7 },
            { type: "public-key", alg: -257 },
          ],
          excludeCredentials: [],
          authenticatorSelection: { authenticatorAttachment: "platform", userVerification: "required" },
        },
      },
    });
    expect(await auditOf(ada.id)).toMatchObject([
      { type: "user.created" },
      { type: "passkey.preauthorized", actor: `client:${backend.id}`, client_id: backend.id },
    ]);
    expect(
      (await env.DB.prepare("select 1 from user_codes where user_id = ?").bind(ada.id).all()).results,
    ).toEqual([]);
    const authenticator = await newAuthenticator();
    const added = await complete(backend, ada.username, payloadOf(begun), authenticator);
    expect(added).toMatchObject({
      status: 200,
      body: { credential: { type: "fido2" }, user: { id: ada.id }, is_authenticated: true },
    });
    expect(claimsOf(added.body.jwt)).toMatchObject({
      aud: backend.id,
      sub: ada.id,
      action: "credentials.add",
    });
    await at.settled();
    expect((await auditOf(ada.id)).map(({ type }) => type)).toContain("device.enrolled");
    const [device] = await at.services.devices.ofUser(ada.id);
    expect(device).toMatchObject({ kind: "passkey", credentialId: authenticator.credentialId });
    // The passkey is the backend's, by whose word it was made: another client takes it where its settings say so.
    const settings = { approve_through: [backend.id] };
    const web = await newWeb(at, backend, { allowedOrigins: [PAGE], settings });
    const asked = await beginSelf(web, ada.username);
    const signedIn = await finishSelf(
      web,
      ada.username,
      asked.body.assertion_payload as never,
      authenticator,
    );
    expect(signedIn.status).toBe(200);
  });

  test("one ceremony adds one passkey, and ends with its five minutes, with the user's lock, or for another client", async () => {
    const { backend, ada } = await scene();
    const begun = payloadOf(await force(backend, { username: ada.username }));
    const other = await newBackend(at, { allowedOrigins: [PAGE] });
    expect((await complete(other, ada.username, begun, await newAuthenticator())).status).toBe(400);
    const bodies = [];
    for (let i = 0; i < 10; i++)
      bodies.push(await made(backend, ada.username, begun, await newAuthenticator()));
    const answers = await Promise.all(bodies.map((body) => send(body)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await at.services.devices.ofUser(ada.id)).toHaveLength(1);
    const locked = payloadOf(await force(backend, { user_id: ada.id }));
    const late = payloadOf(await force(backend, { user_id: ada.id }));
    await at.services.users.update(mainUser(ada.id), { status: "locked" }, Date.now());
    expect((await complete(backend, ada.username, locked, await newAuthenticator())).body.code).toBe(
      "account_deactivated",
    );
    expect((await force(backend, { user_id: ada.id })).body.code).toBe("account_deactivated");
    await at.services.users.update(mainUser(ada.id), { status: "active" }, Date.now());
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 300_000 });
    expect((await complete(backend, ada.username, late, await newAuthenticator())).status).toBe(400);
    expect(await at.services.devices.ofUser(ada.id)).toHaveLength(1);
  });

  test("options of the browser's prompt are passed on", async () => {
    const { backend, ada } = await scene();
    const options = { display_name: "Ada", roaming_authenticator: true };
    const payload = payloadOf(await force(backend, { user_id: ada.id }, { body: { options } }));
    expect(payload.user).toMatchObject({ displayName: "Ada" });
    expect(payload.authenticatorSelection).toEqual({ userVerification: "required" });
  });
});

describe("who may not", () => {
  test("a client that the operator has not allowed to, and one without a page", async () => {
    const ada = await newAda(at);
    const plain = await newBackend(at, { allowedOrigins: [PAGE] });
    const pageless = await newBackend(at, { settings: { preauthorize: true } });
    for (const backend of [plain, pageless]) {
      expect(await force(backend, { user_id: ada.id })).toMatchObject({
        status: 403,
        body: { code: "operation_not_allowed" },
      });
    }
    expect((await auditOf(ada.id)).map(({ type }) => type)).toEqual(["user.created"]);
  });

  test("another scope, another user's token, a web client, nobody", async () => {
    const { backend, web, ada } = await scene();
    expect((await force(backend, { user_id: ada.id }, { scope: "credentials.add" })).status).toBe(403);
    const forBob = await tokenOf(backend, "credentials.force_add", { username: "bob@example.com" });
    expect((await force(backend, { user_id: ada.id }, { token: forBob })).status).toBe(403);
    expect((await force(web, { user_id: ada.id })).body.code).toBe("operation_not_allowed");
    expect((await force(backend, { user_id: crypto.randomUUID() })).body.code).toBe("user_not_found");
    expect((await force(backend, {})).body.code).toBe("missing_parameter");
    expect(
      (await at.call("POST", "/credentials/fido2/init/force", { client_id: backend.id, user_id: ada.id }))
        .status,
    ).toBe(401);
    expect((await auditOf(ada.id)).map(({ type }) => type)).toEqual(["user.created"]);
  });

  test("T24 race: of ten calls with one token one begins a ceremony", async () => {
    const { backend, ada } = await scene();
    const token = await tokenOf(backend, "credentials.force_add");
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => force(backend, { user_id: ada.id }, { token })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(9);
    expect((await auditOf(ada.id)).filter(({ type }) => type === "passkey.preauthorized")).toHaveLength(1);
  });

  test("T202 ten codes and passkeys for one user in a minute are what a backend may begin", async () => {
    const { backend, ada } = await scene();
    for (let i = 0; i < STARTS_ABOUT; i++) {
      const started = i % 2 === 0 ? codes(at, backend, "generate", ada) : force(backend, { user_id: ada.id });
      expect((await started).status).toBe(200);
    }
    expect((await force(backend, { user_id: ada.id })).body.code).toBe("too_many_requests");
    expect((await force(backend, { user_id: (await newAda(at)).id })).status).toBe(200);
  });

  test("T05 past the client's limit of starts nothing is written but the nonce", async () => {
    const { ada } = await scene();
    const backend = await newBackend(at, {
      allowedOrigins: [PAGE],
      settings: { preauthorize: true, starts_per_minute: 1 },
    });
    expect((await codes(at, backend, "generate", ada)).status).toBe(200);
    const token = await tokenOf(backend, "credentials.force_add");
    const before = await auditOf(ada.id);
    expect((await force(backend, { user_id: ada.id }, { token })).body.code).toBe("too_many_requests");
    expect((await force(backend, { user_id: ada.id }, { token })).body.code).toBe("unauthorized");
    expect(await auditOf(ada.id)).toEqual(before);
  });
});
