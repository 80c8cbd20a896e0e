import { generateKeyPairSync, randomUUID } from "node:crypto";
import { LoginIdManagement } from "@loginid/node-sdk";
import { describe, expect, inject, test } from "vitest";
import { makeApi } from "../support/api.ts";

const origin = (): string => inject("origin");
const admin = () => makeApi(origin(), { Authorization: `Bearer ${inject("adminToken")}` });

/** A backend as the vendor's dashboard would make one: a client and its API credential, in either PEM form. */
async function makeBackend(form: "pkcs8" | "sec1", settings: object = {}, more: object = {}) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const made = await admin()("POST", "/admin/clients", {
    json: {
      name: "Shop",
      kind: "confidential",
      public_keys: [publicKey.export({ type: "spki", format: "pem" })],
      settings,
      ...more,
    },
  });
  expect(made.status).toBe(201);
  const pem = privateKey.export({ type: form, format: "pem" }).toString();
  return { clientId: String(made.body.client_id), pem };
}

async function makeWeb(backend: { readonly clientId: string }): Promise<string> {
  // A browser's client goes by the names of its backend.
  const settings = { wait_seconds: 10, names_from: [backend.clientId] };
  const made = await admin()("POST", "/admin/clients", { json: { name: "Web", kind: "public", settings } });
  return String(made.body.client_id);
}

const wait = (base: string, clientId: string, username: string, code: string, type = "short") =>
  makeApi(base)("POST", "/authenticate/code/wait", {
    json: { client_id: clientId, username, authentication_code: { code, type } },
  });

const BASES = [
  ["bare", (): string => origin(), "pkcs8"],
  ["with the vendor's suffix", (): string => `${origin()}/api/native`, "sec1"],
  ["with a slash too many", (): string => `${origin()}/`, "pkcs8"],
  ["with the suffix and a slash", (): string => `${origin()}/api/native/`, "sec1"],
] as const;

describe.each(BASES)("the vendor's Node package, base %s", (_name, base, form) => {
  const sdkFor = ({ clientId, pem }: { clientId: string; pem: string }) =>
    new LoginIdManagement(clientId, pem, base());

  test("retrieves, generates, waits, authorises, verifies", async () => {
    const backend = await makeBackend(form);
    const web = await makeWeb(backend);
    const sdk = sdkFor(backend);
    // Letters beyond ASCII, and the four that turn into - and _ in base64url.
    const username = `adë~?>${randomUUID()}`;
    await sdk.addUserWithoutCredentials(username);
    const userId = await sdk.getUserId(username);
    const { code, is_authorized } = await sdk.generateCode(
      userId,
      "short",
      "temporary_authentication",
      false,
    );
    expect(is_authorized).toBe(false);
    const waiting = wait(base(), web, username, code);
    expect(await sdk.authorizeCode(userId, code, "short", "temporary_authentication")).toMatchObject({
      is_authorized: true,
    });
    const answer = await waiting;
    expect(answer.status).toBe(200);
    const jwt = String(answer.body.jwt);
    expect(jwt.split(".").slice(0, 2).join()).not.toMatch(/[-_]/);
    expect(await sdk.verifyToken(jwt, username)).toBe(true);
    expect(await sdk.verifyToken(jwt, "somebody-else")).toBe(false);
    const [head, claims] = jwt.split(".");
    expect(await sdk.verifyToken(`${head}.${claims}.${"A".repeat(86)}`, username)).toBe(false);
    await expect(sdk.verifyToken(jwtOfOtherKid(jwt), username)).rejects.toMatchObject({ code: "not_found" });
  });

  test.each(["short", "long", "phrase"])("invalidates %s codes, and the wait ends", async (type) => {
    const backend = await makeBackend(form);
    const sdk = sdkFor(backend);
    const web = await makeWeb(backend);
    const username = `bob-${randomUUID()}@example.com`;
    await sdk.addUserWithoutCredentials(username);
    const userId = await sdk.getUserId(username);
    const { code } = await sdk.generateCode(userId, type, "temporary_authentication", false);
    const waiting = wait(base(), web, username, code, type);
    const ended = await sdk.invalidateAllCodes(userId, type, "temporary_authentication");
    expect(ended.deleted_at).toMatch(/Z$/);
    // Either it waited already, or it came when the code was gone.
    expect(["invalid_verification_code", "verification_code_not_found"]).toContain((await waiting).body.code);
    await expect(sdk.authorizeCode(userId, code, type, "temporary_authentication")).rejects.toMatchObject({
      code: "verification_code_not_found",
    });
  });
});

/** The same token under a kid that nobody has. */
function jwtOfOtherKid(jwt: string): string {
  const [, ...rest] = jwt.split(".");
  const head = Buffer.from(JSON.stringify({ alg: "ES256", typ: "JWT", kid: randomUUID() })).toString(
    "base64url",
  );
  return [head, ...rest].join(".");
}

test("users and credentials through the package: made, deactivated, activated, listed, deleted", async () => {
  const backend = await makeBackend("pkcs8");
  const sdk = new LoginIdManagement(backend.clientId, backend.pem, `${origin()}/api/native`);
  const username = `cleo-${randomUUID()}`;
  const made = await sdk.addUserWithoutCredentials(username);
  expect(made).toMatchObject({ username, status: "active", type: "user", client_id: backend.clientId });
  await expect(sdk.addUserWithoutCredentials(username)).rejects.toMatchObject({ code: "username_taken" });
  const userId = await sdk.getUserId(username);
  expect(userId).toBe(made.id);
  expect(await sdk.deactivateUserById(userId)).toMatchObject({ status: "inactive" });
  await expect(sdk.generateCode(userId, "short", "temporary_authentication", false)).rejects.toMatchObject({
    code: "account_deactivated",
  });
  expect(await sdk.activateUserById(userId)).toMatchObject({ status: "active" });
  expect(await sdk.getCredentials(userId)).toEqual({ user_id: userId, credentials: [] });
  await expect(sdk.renameCredential(userId, randomUUID(), "x")).rejects.toMatchObject({
    code: "credential_not_found",
  });
  await expect(sdk.revokeCredential(userId, randomUUID())).rejects.toMatchObject({
    code: "credential_not_found",
  });
  await sdk.deleteUserById(userId);
  await expect(sdk.getUserId(username)).rejects.toMatchObject({ code: "user_not_found" });
});

test("a pre-approved code of a client that may", async () => {
  const backend = await makeBackend("pkcs8", { preauthorize: true });
  const sdk = new LoginIdManagement(backend.clientId, backend.pem, origin());
  const username = `dan-${randomUUID()}`;
  await sdk.addUserWithoutCredentials(username);
  const userId = await sdk.getUserId(username);
  const { code, is_authorized } = await sdk.generateCode(userId, "long", "temporary_authentication", true);
  expect(is_authorized).toBe(true);
  expect((await wait(origin(), await makeWeb(backend), username, code, "long")).body.is_authenticated).toBe(
    true,
  );
});

test("a passkey without a code begins for a client that may, and for no other", async () => {
  const pages = { allowed_origins: ["https://shop.example"] };
  const may = await makeBackend("pkcs8", { preauthorize: true }, pages);
  const sdk = new LoginIdManagement(may.clientId, may.pem, `${origin()}/api/native`);
  const username = `eve-${randomUUID()}`;
  const { id } = await sdk.addUserWithoutCredentials(username);
  expect(await sdk.initAddCredentialWithoutCode(id)).toMatchObject({
    attestation_payload: {
      credential_uuid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      rp: { id: "shop.example" },
      user: { name: username },
    },
  });
  const plain = await makeBackend("sec1", {}, pages);
  const other = new LoginIdManagement(plain.clientId, plain.pem, origin());
  await expect(other.initAddCredentialWithoutCode(id)).rejects.toMatchObject({
    code: "operation_not_allowed",
  });
});
