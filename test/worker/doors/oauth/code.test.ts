import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, test } from "vitest";
import { fresh } from "../../support/cotter.ts";
import {
  authorizePath,
  CALLBACK,
  callAs,
  exchangeCode,
  handedBack,
  newRp,
  signInByCode,
} from "../../support/oauth.ts";
import { browser, pageDeployment } from "../../support/page.ts";

const at = pageDeployment();
const ISSUER = at.services.config.issuer;
const mail = () => `${fresh("ana")}@example.com`;

describe("an authorization code", () => {
  test("a person proves their address, and the client gets tokens that say so", async () => {
    const rp = await newRp(at);
    const address = mail();
    const led = await signInByCode(
      at,
      await authorizePath(rp, { scope: "openid email offline_access" }),
      address,
    );
    expect(led.startsWith(`${CALLBACK}?`)).toBe(true);
    const { code = "", state, iss } = handedBack(led);
    expect({ state, iss }).toEqual({ state: "af0ifjs", iss: ISSUER });
    const { status, body, headers } = await exchangeCode(at, rp, code);
    expect(status).toBe(200);
    expect(headers.get("Cache-Control")).toBe("no-store");
    expect(body).toMatchObject({
      token_type: "Bearer",
      expires_in: 3600,
      scope: "openid email offline_access",
    });
    expect(decodeProtectedHeader(body.access_token)).toMatchObject({ typ: "at+jwt", alg: "ES256" });
    const access = decodeJwt(body.access_token);
    const id = decodeJwt(body.id_token);
    expect(access).toMatchObject({
      iss: ISSUER,
      aud: rp.id,
      client_id: rp.id,
      acr: "urn:signin:acr:identifier",
    });
    expect(id).toMatchObject({ iss: ISSUER, aud: rp.id, sub: access.sub, nonce: "n-0S6", amr: ["otp"] });
    expect(typeof id.at_hash).toBe("string");

    const info = await at.ask("/oauth/userinfo", {
      headers: { Authorization: `Bearer ${body.access_token}` },
    });
    expect(await info.json()).toEqual({ sub: id.sub, email: address, email_verified: true });

    const next = await callAs(at, rp, "/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: body.refresh_token,
    });
    expect(next.status).toBe(200);
    expect(next.body.refresh_token).not.toBe(body.refresh_token);
    expect(decodeJwt(next.body.id_token)).not.toHaveProperty("nonce");
  });

  test("a client that is set to RS256 gets its ID token so, and its access token by ES256", async () => {
    const rp = await newRp(at, { settings: { id_token_signed_response_alg: "RS256" } });
    const { body } = await exchangeCode(
      at,
      rp,
      handedBack(await signInByCode(at, await authorizePath(rp), mail())).code ?? "",
    );
    expect(decodeProtectedHeader(body.id_token)).toMatchObject({ alg: "RS256", typ: "JWT" });
    expect(decodeProtectedHeader(body.access_token).alg).toBe("ES256");
    const { keys } = (await (await at.ask("/.well-known/jwks.json")).json()) as {
      keys: { alg: string; n?: string }[];
    };
    expect(keys.find(({ alg }) => alg === "RS256")).toHaveProperty("n");
  });

  test("a token for a resource that was not asked for is invalid_target, and the code stays good", async () => {
    const resource = "https://api.example/mcp";
    const rp = await newRp(at, { settings: { resources: [resource] } });
    const code = handedBack(await signInByCode(at, await authorizePath(rp), mail())).code ?? "";
    const refused = await exchangeCode(at, rp, code, { resource });
    expect([refused.status, refused.body.error]).toEqual([400, "invalid_target"]);
    expect((await exchangeCode(at, rp, code)).status).toBe(200);
  });

  test("a token for a resource that the client lists has it as its audience, also when it is refreshed", async () => {
    const resource = "https://api.example/mcp";
    const rp = await newRp(at, { settings: { resources: [resource] } });
    const path = await authorizePath(rp, { resource, scope: "openid offline_access" });
    const { code = "" } = handedBack(await signInByCode(at, path, mail()));
    const { status, body } = await exchangeCode(at, rp, code, { resource });
    expect(status).toBe(200);
    expect(decodeJwt(body.access_token)).toMatchObject({ aud: resource, client_id: rp.id });
    expect(decodeJwt(body.id_token)).toMatchObject({ aud: rp.id });
    const next = await callAs(at, rp, "/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: body.refresh_token,
      resource,
    });
    expect(decodeJwt(next.body.access_token)).toMatchObject({ aud: resource });
  });

  test("a browser that is signed in is led on at once, and its cookie turns", async () => {
    const rp = await newRp(at);
    const person = browser(at);
    await signInByCode(at, await authorizePath(rp), mail(), person);
    const before = person.cookie();
    const again = await person.get(await authorizePath(rp, { prompt: "none" }));
    expect(again.status).toBe(303);
    expect(handedBack(again.location)).toHaveProperty("code");
    expect(person.cookie()).not.toBe(before);
    const stranger = await browser(at).get(await authorizePath(rp, { prompt: "none" }));
    expect(handedBack(stranger.location)).toMatchObject({
      error: "login_required",
      state: "af0ifjs",
      iss: ISSUER,
    });
  });

  test("T46 a code that comes again takes its tokens back", async () => {
    const rp = await newRp(at);
    const led = await signInByCode(at, await authorizePath(rp, { scope: "openid offline_access" }), mail());
    const { code = "" } = handedBack(led);
    const first = await exchangeCode(at, rp, code);
    expect(first.status).toBe(200);
    const second = await exchangeCode(at, rp, code);
    expect([second.status, second.body.error]).toEqual([400, "invalid_grant"]);
    const refreshed = await callAs(at, rp, "/oauth/token", {
      grant_type: "refresh_token",
      refresh_token: first.body.refresh_token,
    });
    expect([refreshed.status, refreshed.body.error]).toEqual([400, "invalid_grant"]);
    const info = await at.ask("/oauth/userinfo", {
      headers: { Authorization: `Bearer ${first.body.access_token}` },
    });
    expect(info.status).toBe(401);
  });

  test("T46 another client's code does nothing, and its own client still gets the tokens", async () => {
    const rp = await newRp(at);
    const other = await newRp(at);
    const { code = "" } = handedBack(await signInByCode(at, await authorizePath(rp), mail()));
    const foreign = await exchangeCode(at, other, code);
    expect([foreign.status, foreign.body.error]).toEqual([400, "invalid_grant"]);
    expect((await exchangeCode(at, rp, code)).status).toBe(200);
  });

  test.each([
    ["T81 a wrong verifier", { code_verifier: "a".repeat(43) }],
    ["T80 no verifier", { code_verifier: "" }],
    ["another redirect address", { redirect_uri: `${CALLBACK}2` }],
  ])("%s burns the code", async (_, over) => {
    const rp = await newRp(at);
    const { code = "" } = handedBack(await signInByCode(at, await authorizePath(rp), mail()));
    const wrong = await exchangeCode(at, rp, code, over);
    expect([wrong.status, wrong.body.error]).toEqual([400, "invalid_grant"]);
    const right = await exchangeCode(at, rp, code);
    expect([right.status, right.body.error]).toEqual([400, "invalid_grant"]);
  });

  test.each([1, 42, 129])(
    "T81 a verifier of %i characters is refused by its length, and burns nothing",
    async (length) => {
      const rp = await newRp(at);
      const { code = "" } = handedBack(await signInByCode(at, await authorizePath(rp), mail()));
      const wrong = await exchangeCode(at, rp, code, { code_verifier: "a".repeat(length) });
      expect([wrong.status, wrong.body.error]).toEqual([400, "invalid_request"]);
      expect((await exchangeCode(at, rp, code)).status).toBe(200);
    },
  );
});
