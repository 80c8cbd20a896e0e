import { generateKeyPairSync, randomUUID } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { LoginIdManagement } from "@loginid/node-sdk";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { makeApi } from "../wire/support/api.ts";
import { openPage } from "./browser.ts";
import { makeClient, type Site, startSite } from "./verify-support.ts";

const place = { origin: inject("origin"), adminToken: inject("adminToken") };

/** The CommonJS files of a package as functions, by their path behind the package's name. */
function filesOf(name: string): string[] {
  const folder = dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".js"))
    .map((file) => ({ path: `${name}/${file}`, text: readFileSync(join(folder, file), "utf8") }))
    .filter(({ text }) => !/^(?:import|export) /m.test(text))
    .map(({ path, text }) => `${JSON.stringify(path)}: (module, exports, require) => {\n${text}\n}`);
}

/** The vendor's browser package as a bundler gives it to a page: its files as they are, and a `require` that finds them. */
const bundle = () => `const LoginID = (() => {
  const files = {${[...filesOf("@loginid/sdk"), ...filesOf("tslib")].join(",")}};
  const known = {};
  const load = (path) => {
    if (known[path]) return known[path].exports;
    const module = (known[path] = { exports: {} });
    files[path](module, module.exports, (wanted) => {
      const base = wanted.startsWith(".") ? new URL(wanted, "file:///" + path).pathname.slice(1) : wanted + "/" + wanted;
      const found = [base, base + ".js", base + "/index.js"].find((one) => files[one]);
      return load(found);
    });
    return module.exports;
  };
  return load("@loginid/sdk/index.js");
})();`;

let site: Site;
beforeAll(async () => {
  const script = bundle();
  site = await startSite((request, response) => {
    const isScript = request.url === "/sdk.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html");
    response.end(isScript ? script : "<!doctype html><title>Shop</title><script src=/sdk.js></script>");
  });
});
afterAll(async () => {
  await site.close();
});

type Answer = { is_authenticated: boolean; jwt: string; code_data: { code: string } };
type Sdk = {
  addFido2CredentialWithCode(user: string, code: string, options?: object): Promise<Answer>;
  selfGenerateCode(user: string, type: string, purpose: string): Promise<Answer>;
};
declare const LoginID: { default: new (base: string, client: string) => Sdk };

/** A backend that may do all that backends may, for the site's pages, and the vendor's package in its hands. */
async function makeBackend() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const id = await makeClient(place, {
    kind: "confidential",
    public_keys: [publicKey.export({ type: "spki", format: "pem" })],
    allowed_origins: [site.origin],
    settings: { preauthorize: true },
  });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const sdk = new LoginIdManagement(id, pem, place.origin);
  const username = `ada-${randomUUID()}@example.com`;
  await sdk.addUserWithoutCredentials(username);
  return { id, sdk, username, userId: String(await sdk.getUserId(username)) };
}

/** A page of the site, in a browser with an authenticator of its own. */
async function openSite() {
  const opened = await openPage();
  const devtools = await opened.page.context().newCDPSession(opened.page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await opened.page.goto(site.origin);
  return opened;
}

test("the vendor's browser package adds a passkey with a code, and the passkey makes a code", async () => {
  const { id, sdk, username, userId } = await makeBackend();
  // The page goes by what its backend says of users.
  const web = await makeClient(place, { allowed_origins: [site.origin], settings: { names_from: [id] } });
  const { code } = await sdk.generateCode(userId, "short", "add_credential", false);
  await sdk.authorizeCode(userId, code, "short", "add_credential");

  const { page, close } = await openSite();
  try {
    const given = { base: `${place.origin}/api/native`, web, username, code };
    const added = await page.evaluate(
      ({ base, web, username, code }) =>
        new LoginID.default(base, web).addFido2CredentialWithCode(username, code, {
          credential_name: "Ada's laptop",
        }),
      given,
    );
    expect(added.is_authenticated).toBe(true);
    expect(await sdk.verifyToken(added.jwt, username)).toBe(true);
    const { credentials } = (await sdk.getCredentials(userId)) as { credentials: object[] };
    expect(credentials).toMatchObject([{ type: "fido2", status: "active", name: "Ada's laptop" }]);
    const made = await page.evaluate(
      ({ base, web, username }) =>
        new LoginID.default(base, web).selfGenerateCode(username, "short", "temporary_authentication"),
      given,
    );
    expect(made.is_authenticated).toBe(true);
    const waited = await makeApi(place.origin)("POST", "/authenticate/code/wait", {
      json: {
        client_id: web,
        username,
        authentication_code: { code: made.code_data.code, type: "short" },
      },
    });
    expect(waited.body).toMatchObject({ is_authenticated: true, credential: { name: "Ada's laptop" } });
  } finally {
    await close();
  }
});

test("a page completes a passkey that its backend began without a code", async () => {
  const { id, sdk, username, userId } = await makeBackend();
  const { attestation_payload } = (await sdk.initAddCredentialWithoutCode(userId)) as {
    attestation_payload: { challenge: string; credential_uuid: string; user: { id: string } };
  };
  const { page, close } = await openSite();
  try {
    const given = { asked: attestation_payload, client: id, username, base: place.origin };
    const answer = await page.evaluate(async ({ asked, client, username, base }) => {
      const bytes = (text: string) =>
        Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
      const text = (buffer: ArrayBuffer) =>
        btoa(String.fromCharCode(...new Uint8Array(buffer)))
          .replaceAll("+", "-")
          .replaceAll("/", "_")
          .replaceAll("=", "");
      const { credential_uuid, ...options } = asked;
      const user = { ...options.user, id: bytes(options.user.id) };
      const publicKey = { ...options, user, challenge: bytes(options.challenge), excludeCredentials: [] };
      const made = (await navigator.credentials.create({
        publicKey: publicKey as unknown as PublicKeyCredentialCreationOptions,
      })) as PublicKeyCredential;
      const response = made.response as AuthenticatorAttestationResponse;
      const sent = await fetch(`${base}/api/native/credentials/fido2/complete`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          client_id: client,
          username,
          attestation_payload: {
            challenge: asked.challenge,
            credential_uuid,
            credential_id: text(made.rawId),
            client_data: text(response.clientDataJSON),
            attestation_data: text(response.attestationObject),
          },
        }),
      });
      return { status: sent.status, body: (await sent.json()) as { jwt: string; is_authenticated: boolean } };
    }, given);
    expect(answer).toMatchObject({ status: 200, body: { is_authenticated: true } });
    expect(await sdk.verifyToken(answer.body.jwt, username)).toBe(true);
    const { credentials } = (await sdk.getCredentials(userId)) as { credentials: object[] };
    expect(credentials).toMatchObject([{ type: "fido2", status: "active" }]);
  } finally {
    await close();
  }
});
