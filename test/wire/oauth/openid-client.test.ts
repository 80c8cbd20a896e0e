import { createHash } from "node:crypto";
import { exportSPKI, generateKeyPair } from "jose";
import * as client from "openid-client";
import { describe, expect, test } from "vitest";
import { freshEmail } from "../support/app.ts";
import { answerNewest } from "../support/events.ts";
import { place } from "../support/place.ts";
import {
  answerDevice,
  BY_PHONE,
  CALLBACK,
  CIBA,
  DEVICE_CODE,
  issuer,
  type Registered,
  register,
  type Somebody,
  signInAt,
  somebody,
  withPhone,
} from "./support.ts";

/** What an app sets up once: the server by its metadata, signatures of ID tokens checked by its keys. */
async function configure(
  { id, secret }: Registered,
  auth?: client.ClientAuth,
  metadata: Partial<client.ClientMetadata> = {},
): Promise<client.Configuration> {
  const known = secret === "" ? metadata : { client_secret: secret, ...metadata };
  const config = await client.discovery(issuer(), id, known, auth, {
    execute: [client.allowInsecureRequests],
  });
  client.enableNonRepudiationChecks(config);
  return config;
}

/** An authorization request with everything that can be checked of its answer; `build` makes its address. */
async function begin(
  config: client.Configuration,
  over: Readonly<Record<string, string>> = {},
  build: (
    config: client.Configuration,
    all: Record<string, string>,
  ) => URL | Promise<URL> = client.buildAuthorizationUrl,
) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const checks = {
    pkceCodeVerifier,
    expectedNonce: client.randomNonce(),
    expectedState: client.randomState(),
    idTokenExpected: true,
  };
  const url = await build(config, {
    redirect_uri: CALLBACK,
    scope: "openid email offline_access",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    nonce: checks.expectedNonce,
    state: checks.expectedState,
    ...over,
  });
  return { url, checks };
}

/** A whole sign-in; answers the tokens. */
async function signIn(
  config: client.Configuration,
  {
    who = somebody(),
    over = {},
    ...options
  }: client.DPoPOptions & { who?: Somebody; over?: Record<string, string> } = {},
) {
  const { url, checks } = await begin(config, over);
  const landed = await signInAt(who, url);
  return await client.authorizationCodeGrant(config, landed, checks, undefined, options);
}

/** The app's own choice of the pace, which the server's is slower than: what is decided is answered at once. */
const PACE = { interval: 0.05 } as const;

/** Runs `act` once, after the token endpoint's first answer of `authorization_pending`. */
function afterPending(config: client.Configuration, act: () => Promise<unknown>): () => number {
  let pending = 0;
  config[client.customFetch] = async (url, options) => {
    const answer = await fetch(url, options as RequestInit);
    const { error } = url.endsWith("/oauth/token") ? await answer.clone().json() : {};
    if (error === "authorization_pending" && ++pending === 1) await act();
    return answer;
  };
  return () => pending;
}

const subjectOf = (tokens: { claims(): client.IDToken | undefined }): string => tokens.claims()?.sub ?? "";

describe("openid-client: who calls", () => {
  test("a public client signs somebody in by PKCE alone", async () => {
    const config = await configure(await register("public"), client.None());
    const tokens = await signIn(config);
    expect(tokens.token_type).toBe("bearer");
    expect(subjectOf(tokens)).not.toBe("");
  });

  test.each([
    ["client_secret_basic", client.ClientSecretBasic],
    ["client_secret_post", client.ClientSecretPost],
  ])("a confidential client proves itself by %s", async (_, method) => {
    const shop = await register("confidential");
    const config = await configure(shop, method(shop.secret));
    expect(subjectOf(await signIn(config))).not.toBe("");
  });

  test("a confidential client proves itself by private_key_jwt, each time with a new assertion", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const shop = await register("confidential", { public_keys: [await exportSPKI(publicKey)] });
    const config = await configure({ ...shop, secret: "" }, client.PrivateKeyJwt(privateKey));
    const tokens = await signIn(config);
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(subjectOf(next)).toBe(subjectOf(tokens));
  });

  test("a wrong secret is invalid_client", async () => {
    const shop = await register("confidential");
    const config = await configure(shop, client.ClientSecretBasic("not the secret"));
    const refused = client.refreshTokenGrant(config, "whatever");
    await expect(refused).rejects.toThrow(client.WWWAuthenticateChallengeError);
  });
});

describe("openid-client: the sign-in", () => {
  test("the ID token tells how and when it was", async () => {
    const config = await configure(await register("public"), client.None());
    const before = Math.floor(Date.now() / 1_000);
    const claims = (await signIn(config, { over: { max_age: "600" } })).claims();
    expect(claims).toMatchObject({ acr: "urn:signin:acr:identifier", amr: ["otp"] });
    expect(claims?.auth_time).toBeGreaterThanOrEqual(before);
  });

  test("at_hash is the half hash of the access token", async () => {
    const config = await configure(await register("public"), client.None());
    const tokens = await signIn(config);
    const hash = createHash("sha256").update(tokens.access_token).digest();
    expect(tokens.claims()?.at_hash).toBe(hash.subarray(0, 16).toString("base64url"));
  });

  test("max_age is checked against auth_time", async () => {
    const config = await configure(await register("public"), client.None());
    const { url, checks } = await begin(config, { max_age: "60" });
    const landed = await signInAt(somebody(), url);
    const tokens = await client.authorizationCodeGrant(config, landed, { ...checks, maxAge: 60 });
    expect(subjectOf(tokens)).not.toBe("");
  });

  test("a client that is set to RS256 gets ID tokens that RS256 signs", async () => {
    const shop = await register("public", { settings: { id_token_signed_response_alg: "RS256" } });
    const config = await configure(shop, client.None(), { id_token_signed_response_alg: "RS256" });
    expect(subjectOf(await signIn(config))).not.toBe("");
  });

  test("the same person has the same sub at another client", async () => {
    const who = somebody();
    const [a, b] = [await register("public"), await register("public")];
    const first = await signIn(await configure(a, client.None()), { who });
    const { url, checks } = await begin(await configure(b, client.None()), { prompt: "none" });
    const landed = (await who.browser.go(url)).url;
    const second = await client.authorizationCodeGrant(await configure(b, client.None()), landed, checks);
    expect(subjectOf(second)).toBe(subjectOf(first));
  });

  test("prompt=none without a session is login_required", async () => {
    const config = await configure(await register("public"), client.None());
    const { url, checks } = await begin(config, { prompt: "none" });
    const landed = (await somebody().browser.go(url)).url;
    const refused = client.authorizationCodeGrant(config, landed, checks);
    await expect(refused).rejects.toMatchObject({
      code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR",
      error: "login_required",
    });
  });

  test("who declines is access_denied", async () => {
    const config = await configure(
      await register("public", { settings: { first_party: false } }),
      client.None(),
    );
    const { url, checks } = await begin(config);
    const who = somebody();
    await signInAt(who, url);
    const landed = (await who.browser.submit({ decision: "deny" })).url;
    const refused = client.authorizationCodeGrant(config, landed, checks);
    await expect(refused).rejects.toMatchObject({
      code: "OAUTH_AUTHORIZATION_RESPONSE_ERROR",
      error: "access_denied",
    });
  });

  test("who approves is led on with a code", async () => {
    const config = await configure(
      await register("public", { settings: { first_party: false } }),
      client.None(),
    );
    const { url, checks } = await begin(config);
    const who = somebody();
    await signInAt(who, url);
    const landed = (await who.browser.submit({ decision: "approve" })).url;
    expect(subjectOf(await client.authorizationCodeGrant(config, landed, checks))).not.toBe("");
  });

  test("a code that comes again is invalid_grant", async () => {
    const config = await configure(await register("public"), client.None());
    const { url, checks } = await begin(config);
    const landed = await signInAt(somebody(), url);
    await client.authorizationCodeGrant(config, landed, checks);
    const again = client.authorizationCodeGrant(config, landed, checks);
    await expect(again).rejects.toMatchObject({
      code: "OAUTH_RESPONSE_BODY_ERROR",
      error: "invalid_grant",
      status: 400,
    });
  });
});

describe("openid-client: pushed requests (RFC 9126)", () => {
  const pushed = async (over: Readonly<Record<string, string>> = {}) => {
    const shop = await register("confidential");
    const config = await configure(shop, client.ClientSecretBasic(shop.secret));
    return { config, ...(await begin(config, over, client.buildAuthorizationUrlWithPAR)) };
  };

  test("somebody signs in at an address that tells nothing of the request", async () => {
    const { config, url, checks } = await pushed();
    expect([...url.searchParams.keys()].sort()).toEqual(["client_id", "request_uri"]);
    const landed = await signInAt(somebody(), url);
    expect(subjectOf(await client.authorizationCodeGrant(config, landed, checks))).not.toBe("");
  });

  test("a code of a request that was pushed with a DPoP proof is good for its key alone", async () => {
    const config = await configure(await register("public"), client.None());
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const signedIn = async () => {
      const { url, checks } = await begin(config, {}, (at, all) =>
        client.buildAuthorizationUrlWithPAR(at, all, { DPoP }),
      );
      return [config, await signInAt(somebody(), url), checks] as const;
    };
    const bound = await client.authorizationCodeGrant(...(await signedIn()), undefined, { DPoP });
    expect(bound.token_type).toBe("dpop");
    const bare = client.authorizationCodeGrant(...(await signedIn()));
    await expect(bare).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test("a request that may not pass is refused where it is pushed", async () => {
    const refused = pushed({ redirect_uri: "https://evil.example/cb" });
    await expect(refused).rejects.toMatchObject({ code: "OAUTH_RESPONSE_BODY_ERROR", status: 400 });
  });
});

describe("openid-client: the tokens", () => {
  const confidential = async () => {
    const shop = await register("confidential");
    return await configure(shop, client.ClientSecretBasic(shop.secret));
  };

  test("a refresh gives new tokens of the same person", async () => {
    const config = await confidential();
    const tokens = await signIn(config);
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(subjectOf(next)).toBe(subjectOf(tokens));
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
    expect(next.access_token).not.toBe(tokens.access_token);
  });

  test("userinfo tells the address that was proven", async () => {
    const config = await confidential();
    const who = somebody();
    const tokens = await signIn(config, { who });
    const info = await client.fetchUserInfo(config, tokens.access_token, subjectOf(tokens));
    expect(info).toEqual({ sub: subjectOf(tokens), email: who.address, email_verified: true });
  });

  test("introspection tells what an access token is good for", async () => {
    const config = await confidential();
    const tokens = await signIn(config);
    const told = await client.tokenIntrospection(config, tokens.access_token);
    expect(told).toMatchObject({
      active: true,
      iss: place().origin,
      sub: subjectOf(tokens),
      client_id: config.clientMetadata().client_id,
      scope: "openid email offline_access",
      token_type: "Bearer",
    });
  });

  test("a grant that was revoked is over: introspection, userinfo and refresh say so", async () => {
    const config = await confidential();
    const tokens = await signIn(config);
    await client.tokenRevocation(config, tokens.refresh_token ?? "");
    expect(await client.tokenIntrospection(config, tokens.access_token)).toEqual({ active: false });
    await expect(client.refreshTokenGrant(config, tokens.refresh_token ?? "")).rejects.toMatchObject({
      error: "invalid_grant",
    });
    const refused = client.fetchUserInfo(config, tokens.access_token, subjectOf(tokens));
    await expect(refused).rejects.toMatchObject({ code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE", status: 401 });
  });
});

describe("openid-client: the sign-out", () => {
  const GOODBYE = "https://shop.example/goodbye";
  const signedIn = async () => {
    const shop = await register("public", { settings: { post_logout_redirect_uris: [GOODBYE] } });
    const config = await configure(shop, client.None());
    const who = somebody();
    const tokens = await signIn(config, { who });
    const isSignedIn = async () => {
      const { url } = await who.browser.go((await begin(config, { prompt: "none" })).url);
      return url.searchParams.has("code");
    };
    return { config, who, tokens, isSignedIn };
  };

  test("with the person's ID token ends the browser's session, and leads back with the state", async () => {
    const { config, who, tokens, isSignedIn } = await signedIn();
    expect(await isSignedIn()).toBe(true);
    const url = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? "",
      post_logout_redirect_uri: GOODBYE,
      state: "and come again",
    });
    const landed = (await who.browser.go(url)).url;
    expect([`${landed.origin}${landed.pathname}`, landed.searchParams.get("state")]).toEqual([
      GOODBYE,
      "and come again",
    ]);
    expect(await isSignedIn()).toBe(false);
  });

  test("without an ID token the person is asked first", async () => {
    const { config, who, isSignedIn } = await signedIn();
    const url = client.buildEndSessionUrl(config, { post_logout_redirect_uri: GOODBYE });
    expect((await who.browser.go(url)).status).toBe(200);
    expect(await isSignedIn()).toBe(true);
    await who.browser.go(url);
    expect((await who.browser.submit({ decision: "sign_out" })).url.href).toBe(GOODBYE);
    expect(await isSignedIn()).toBe(false);
  });
});

describe("openid-client: DPoP", () => {
  test("tokens are bound to the key, and the nonce that is asked for is brought at once", async () => {
    const config = await configure(await register("public"), client.None());
    const statuses: number[] = [];
    config[client.customFetch] = async (url, options) => {
      const answer = await fetch(url, options as RequestInit);
      if (url.endsWith("/oauth/token")) statuses.push(answer.status);
      return answer;
    };
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const tokens = await signIn(config, { DPoP });
    expect(tokens.token_type).toBe("dpop");
    expect(statuses).toEqual([400, 200]);
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "", undefined, { DPoP });
    expect(next.token_type).toBe("dpop");
    expect(statuses).toEqual([400, 200, 200]);
  });

  test("userinfo takes a bound token from its key alone", async () => {
    const config = await configure(await register("public"), client.None());
    const handle = async () => client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const DPoP = await handle();
    const tokens = await signIn(config, { DPoP });
    const info = await client.fetchUserInfo(config, tokens.access_token, subjectOf(tokens), { DPoP });
    expect(info.sub).toBe(subjectOf(tokens));
    const thief = { DPoP: await handle() };
    const stolen = client.fetchUserInfo(config, tokens.access_token, subjectOf(tokens), thief);
    await expect(stolen).rejects.toMatchObject({ code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE", status: 401 });
    const bare = client.fetchUserInfo(config, tokens.access_token, subjectOf(tokens));
    await expect(bare).rejects.toMatchObject({ code: "OAUTH_WWW_AUTHENTICATE_CHALLENGE", status: 401 });
  });
});

describe("openid-client: the device grant", () => {
  const start = async (settings: Readonly<Record<string, unknown>> = {}) => {
    const shop = await register("public", { grant_types: [DEVICE_CODE, "refresh_token"], settings });
    const config = await configure(shop, client.None());
    const begun = await client.initiateDeviceAuthorization(config, { scope: "openid email offline_access" });
    return { config, begun };
  };

  test("a device gets its tokens once somebody has typed its code, signed in and approved", async () => {
    const { config, begun } = await start();
    const who = somebody();
    const pending = afterPending(config, () => answerDevice(who, begun, "approve"));
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...begun, ...PACE });
    expect(pending()).toBe(1);
    const info = await client.fetchUserInfo(config, tokens.access_token, subjectOf(tokens));
    expect(info.email).toBe(who.address);
  });

  test("the link with the code in it approves nothing by being opened", async () => {
    const { config, begun } = await start();
    const who = somebody();
    await who.browser.go(begun.verification_uri_complete ?? "");
    expect(who.browser.page.html).toContain(begun.user_code);
    const pending = afterPending(config, () => answerDevice(who, begun, "approve"));
    await client.pollDeviceAuthorizationGrant(config, { ...begun, ...PACE });
    expect(pending()).toBe(1);
  });

  test("a refusal is access_denied", async () => {
    const { config, begun } = await start();
    await answerDevice(somebody(), begun, "deny");
    const refused = client.pollDeviceAuthorizationGrant(config, { ...begun, ...PACE });
    await expect(refused).rejects.toMatchObject({ error: "access_denied" });
  });

  test("a refresh token comes only where the operator wants one on such devices", async () => {
    const [plain, kept] = [await start(), await start({ device_refresh_tokens: true })];
    for (const { begun } of [plain, kept]) await answerDevice(somebody(), begun, "approve");
    const poll = ({ config, begun }: typeof plain) =>
      client.pollDeviceAuthorizationGrant(config, { ...begun, ...PACE });
    expect(await poll(plain)).not.toHaveProperty("refresh_token");
    expect(await poll(kept)).toHaveProperty("refresh_token");
  });

  test("a device's tokens are bound to its DPoP key", async () => {
    const { config, begun } = await start();
    await answerDevice(somebody(), begun, "approve");
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...begun, ...PACE }, undefined, {
      DPoP,
    });
    expect(tokens.token_type).toBe("dpop");
  });
});

describe("openid-client: CIBA", () => {
  const start = async (over: Readonly<Record<string, string>> = {}) => {
    const shop = await register("confidential", { grant_types: [CIBA, "refresh_token"], settings: BY_PHONE });
    const config = await configure(shop, client.ClientSecretBasic(shop.secret));
    const { phones, person } = await withPhone();
    const begun = await client.initiateBackchannelAuthentication(config, {
      scope: "openid offline_access",
      login_hint: person.identifier,
      ...over,
    });
    return { config, begun, answer: (approved: boolean) => answerNewest(phones, person, approved), person };
  };

  test("a client gets the tokens of whoever approves on their phone", async () => {
    const { config, begun, answer, person } = await start();
    const pending = afterPending(config, () => answer(true));
    const tokens = await client.pollBackchannelAuthenticationGrant(config, { ...begun, ...PACE });
    expect(pending()).toBe(1);
    expect(tokens.claims()).toMatchObject({ sub: person.userId, acr: "urn:signin:acr:device" });
    const next = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    expect(subjectOf(next)).toBe(person.userId);
  });

  test("a denial is access_denied", async () => {
    const { config, begun, answer } = await start();
    await answer(false);
    const refused = client.pollBackchannelAuthenticationGrant(config, { ...begun, ...PACE });
    await expect(refused).rejects.toMatchObject({ error: "access_denied" });
  });

  test("a message that a phone could not show is invalid_binding_message", async () => {
    const refused = start({ binding_message: "https://evil.example" });
    await expect(refused).rejects.toMatchObject({ error: "invalid_binding_message", status: 400 });
  });

  test("nobody by that name is unknown_user_id", async () => {
    const refused = start({ login_hint: freshEmail() });
    await expect(refused).rejects.toMatchObject({ error: "unknown_user_id", status: 400 });
  });
});
