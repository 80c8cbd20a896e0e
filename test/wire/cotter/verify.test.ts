import { createHash, randomBytes, randomUUID } from "node:crypto";
import { describe, expect, inject, test } from "vitest";
import { makeApi } from "../support/api.ts";
import { walkPage } from "../support/page-walk.ts";

const origin = inject("origin");
const api = makeApi(origin);
const admin = makeApi(origin, { Authorization: `Bearer ${inject("adminToken")}` });
const REDIRECT = "myapp://auth_callback";

const bytes = (count: number) => randomBytes(count);
const text = (length: number) => bytes(length).toString("base64url").slice(0, length);

/** How each SDK makes its verifier, writes the page's address and asks for the identity (Cotter §3.1 row 13, §8.1). */
const SDKS = [
  { name: "RN", verifier: () => bytes(32).toString("base64"), escapes: false, oauth: true, secret: false },
  { name: "WEB", verifier: () => bytes(28).toString("hex"), escapes: true, oauth: true, secret: false },
  { name: "FL", verifier: () => text(128), escapes: false, oauth: true, secret: false },
  { name: "AND", verifier: () => text(86), escapes: true, oauth: false, secret: true },
  { name: "IOS", verifier: () => text(43), escapes: true, oauth: false, secret: true },
  { name: "PY", verifier: () => text(43), escapes: true, oauth: true, secret: false },
] as const;

async function newClient(): Promise<string> {
  const made = await admin("POST", "/admin/clients", {
    json: { name: "Shop", kind: "public", redirect_uris: [REDIRECT] },
  });
  if (made.status !== 201) throw new Error(made.text);
  return String(made.body.client_id);
}

describe("the page's code is exchanged as the SDKs do it", () => {
  test.each(SDKS)(
    "$name: its verifier, its query, its headers",
    async ({ name, verifier, escapes, oauth, secret }) => {
      const clientId = await newClient();
      const address = `${name.toLowerCase()}-${randomUUID()}@example.com`;
      const own = verifier();
      const challenge = createHash("sha256").update(own).digest("base64url");
      const redirect = escapes ? encodeURIComponent(REDIRECT) : REDIRECT;
      const state = Math.random().toString(36).slice(2, 12);
      const given = await walkPage(
        api,
        `/app?api_key=${clientId}&redirect_url=${redirect}&type=EMAIL&code_challenge=${challenge}&state=${state}`,
        address,
        REDIRECT,
      );
      expect(given.state).toBe(state);
      const ask = (json: object) =>
        api("POST", `/api/v0/verify/get_identity${oauth ? "?oauth_token=true" : ""}`, {
          headers: { API_KEY_ID: clientId, ...(secret ? { API_SECRET_KEY: clientId } : {}) },
          json,
        });
      const body = {
        code_verifier: own,
        authorization_code: given.code,
        challenge_id: Number(given.challenge_id),
        redirect_url: REDIRECT,
      };
      const identity = await ask(body);
      expect(identity.status, identity.text).toBe(200);
      expect(identity.body).toEqual({
        identifier: {
          ID: expect.stringMatching(/^[0-9a-f-]{36}$/),
          created_at: expect.any(String),
          updated_at: expect.any(String),
          update_at: expect.any(String),
          deleted_at: "0001-01-01T00:00:00Z",
          identifier: address,
          identifier_type: "EMAIL",
          public_key: "",
          device_type: "BROWSER",
          device_name: expect.any(String),
          expiry: expect.any(String),
          timestamp: expect.any(String),
        },
        oauth_token: {
          access_token: expect.stringMatching(/^eyJ/),
          id_token: expect.stringMatching(/^eyJ/),
          refresh_token: expect.any(String),
          token_type: "Bearer",
          expires_in: 3_600,
          auth_method: "OTP",
        },
        token: {
          identifier_id: expect.any(String),
          identifier: address,
          identifier_type: "EMAIL",
          receiver: clientId,
          timestamp: expect.stringMatching(/^\d{10}$/),
          expire_at: expect.stringMatching(/^\d{10}$/),
          signature: expect.stringMatching(/^[A-Za-z0-9+/]{86}==$/),
        },
        user: expect.objectContaining({ identifier: address, issuer: clientId, enrolled: [] }),
      });
      // C16: once, also for the right verifier; the second use takes everything back.
      const again = await ask(body);
      expect(again).toMatchObject({ status: 400, body: { msg: "Authorization code is not valid" } });
      const refreshed = await api("POST", `/api/v0/token/${clientId}`, {
        headers: { API_KEY_ID: clientId },
        json: { refresh_token: (identity.body.oauth_token as { refresh_token: string }).refresh_token },
      });
      expect(refreshed).toMatchObject({ status: 400, body: { msg: "Refresh token is not valid" } });
    },
  );

  test("RN comes back without a code: 400 with a reason, never a fault", async () => {
    const clientId = await newClient();
    for (const json of [
      {},
      { code_verifier: "x" },
      { code_verifier: "x", authorization_code: null, challenge_id: null, redirect_url: REDIRECT },
      { code_verifier: "x", authorization_code: "x", challenge_id: Number.NaN, redirect_url: REDIRECT },
      { code_verifier: "x", authorization_code: "x", challenge_id: 2 ** 31, redirect_url: REDIRECT },
      { code_verifier: "x", authorization_code: "x".repeat(300), challenge_id: 1, redirect_url: REDIRECT },
    ]) {
      const answer = await api("POST", "/api/v0/verify/get_identity", {
        headers: { API_KEY_ID: clientId },
        json,
      });
      expect(answer.status).toBe(400);
      expect(answer.body.msg).toEqual(expect.any(String));
    }
  });

  test("T82 no address that was not registered is ever led to", async () => {
    const clientId = await newClient();
    const challenge = createHash("sha256").update("x").digest("base64url");
    for (const redirect of [
      "https://evil.example/",
      `${REDIRECT}/`,
      `${REDIRECT}?x`,
      "myapp://",
      "javascript:alert(1)//",
    ]) {
      const seen = await api("GET", "/app", {
        query: {
          api_key: clientId,
          redirect_url: redirect,
          type: "EMAIL",
          code_challenge: challenge,
          state: "s",
        },
      });
      expect(seen.status).toBe(400);
      expect(seen.headers.get("location")).toBeNull();
      expect(seen.text).not.toContain("<a ");
    }
  });
});
