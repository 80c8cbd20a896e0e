import { exportSPKI, generateKeyPair } from "jose";
import * as oauth from "oauth4webapi";
import { describe, expect, test } from "vitest";
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

/** Outside of a test a server is reached by https alone, and the library says so. */
const plain = { [oauth.allowInsecureRequests]: true };

const discovered = async (): Promise<oauth.AuthorizationServer> =>
  await oauth.processDiscoveryResponse(issuer(), await oauth.discoveryRequest(issuer(), plain));

/** A client of the library: the server, itself, and how it proves itself. */
type Shop = {
  readonly as: oauth.AuthorizationServer;
  readonly client: oauth.Client;
  readonly auth: oauth.ClientAuth;
};

/** Read once, as an app does. */
const server = discovered();

const shopOf = async ({ id }: Pick<Registered, "id">, auth: oauth.ClientAuth): Promise<Shop> => ({
  as: await server,
  client: { client_id: id },
  auth,
});

const openShop = async (parts: Readonly<Record<string, unknown>> = {}): Promise<Shop> =>
  await shopOf(await register("public", parts), oauth.None());

const closedShop = async (): Promise<Shop> => {
  const registered = await register("confidential");
  return await shopOf(registered, oauth.ClientSecretBasic(registered.secret));
};

type Begun = {
  readonly url: URL;
  readonly verifier: string;
  readonly nonce: string;
  readonly state: string;
};

async function begin({ as, client }: Shop, over: Readonly<Record<string, string>> = {}): Promise<Begun> {
  const verifier = oauth.generateRandomCodeVerifier();
  const [nonce, state] = [oauth.generateRandomNonce(), oauth.generateRandomState()];
  const url = new URL(as.authorization_endpoint ?? "");
  const parameters = {
    client_id: client.client_id,
    response_type: "code",
    redirect_uri: CALLBACK,
    scope: "openid email offline_access",
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    nonce,
    state,
    ...over,
  };
  url.search = new URLSearchParams(parameters).toString();
  return { url, verifier, nonce, state };
}

/** The token endpoint's answer to a code. */
const exchange = async (
  { as, client, auth }: Shop,
  { verifier, state }: Begun,
  landed: URL,
  options: oauth.TokenEndpointRequestOptions = {},
): Promise<Response> => {
  const parameters = oauth.validateAuthResponse(as, client, landed, state);
  return await oauth.authorizationCodeGrantRequest(as, client, auth, parameters, CALLBACK, verifier, {
    ...plain,
    ...options,
  });
};

/** The tokens of a code's answer, once the ID token's claims and its signature were found good. */
async function tokensOf({ as, client }: Shop, { nonce }: Begun, answer: Response) {
  const options = { expectedNonce: nonce, requireIdToken: true };
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, options);
  await oauth.validateApplicationLevelSignature(as, answer, plain);
  return { ...tokens, sub: oauth.getValidatedIdTokenClaims(tokens)?.sub ?? "" };
}

async function signIn(shop: Shop, who: Somebody = somebody(), over: Readonly<Record<string, string>> = {}) {
  const begun = await begin(shop, over);
  const landed = await signInAt(who, begun.url);
  return await tokensOf(shop, begun, await exchange(shop, begun, landed));
}

const refresh = async ({ as, client, auth }: Shop, token = "", options = {}) =>
  await oauth.processRefreshTokenResponse(
    as,
    client,
    await oauth.refreshTokenGrantRequest(as, client, auth, token, { ...plain, ...options }),
  );

describe("oauth4webapi: discovery", () => {
  test("names the same server by OpenID Connect and by RFC 8414", async () => {
    const options = { ...plain, algorithm: "oauth2" as const };
    const answer = await oauth.discoveryRequest(issuer(), options);
    expect(await oauth.processDiscoveryResponse(issuer(), answer)).toEqual(await server);
  });
});

describe("oauth4webapi: the sign-in", () => {
  test("a public client gets an ID token whose signature the published keys make good", async () => {
    const tokens = await signIn(await openShop());
    expect(tokens.token_type).toBe("bearer");
    expect(tokens.sub).not.toBe("");
  });

  test.each([
    ["client_secret_basic", oauth.ClientSecretBasic],
    ["client_secret_post", oauth.ClientSecretPost],
  ])("a confidential client proves itself by %s", async (_, method) => {
    const registered = await register("confidential");
    const tokens = await signIn(await shopOf(registered, method(registered.secret)));
    expect(tokens.sub).not.toBe("");
  });

  test("a confidential client proves itself by private_key_jwt", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const registered = await register("confidential", { public_keys: [await exportSPKI(publicKey)] });
    const tokens = await signIn(await shopOf(registered, oauth.PrivateKeyJwt(privateKey)));
    expect(tokens.sub).not.toBe("");
  });

  test("an assertion by a key that is not the client's is invalid_client", async () => {
    const { privateKey } = await generateKeyPair("ES256");
    const registered = await register("confidential");
    const shop = await shopOf(registered, oauth.PrivateKeyJwt(privateKey));
    await expect(refresh(shop, "whatever")).rejects.toMatchObject({
      code: oauth.RESPONSE_BODY_ERROR,
      error: "invalid_client",
      status: 401,
    });
  });

  test("prompt=none without a session is login_required", async () => {
    const shop = await openShop();
    const begun = await begin(shop, { prompt: "none" });
    const landed = (await somebody().browser.go(begun.url)).url;
    await expect(exchange(shop, begun, landed)).rejects.toMatchObject({ error: "login_required" });
  });

  test("who declines is access_denied", async () => {
    const shop = await openShop({ settings: { first_party: false } });
    const begun = await begin(shop);
    const who = somebody();
    await signInAt(who, begun.url);
    const landed = (await who.browser.submit({ decision: "deny" })).url;
    await expect(exchange(shop, begun, landed)).rejects.toMatchObject({ error: "access_denied" });
  });

  test("a verifier that is not the request's is invalid_grant", async () => {
    const shop = await openShop();
    const begun = await begin(shop);
    const landed = await signInAt(somebody(), begun.url);
    const other = { ...begun, verifier: oauth.generateRandomCodeVerifier() };
    const answer = await exchange(shop, other, landed);
    await expect(tokensOf(shop, begun, answer)).rejects.toMatchObject({
      error: "invalid_grant",
      status: 400,
    });
  });
});

describe("oauth4webapi: pushed requests (RFC 9126)", () => {
  /** Pushes an authorization request; the browser brings its name alone. */
  async function push({ as, client, auth }: Shop, begun: Begun, options = {}): Promise<Begun> {
    const parameters = begun.url.searchParams;
    const sent = { ...plain, ...options };
    const answer = await oauth.pushedAuthorizationRequest(as, client, auth, parameters, sent);
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, answer);
    const url = new URL(as.authorization_endpoint ?? "");
    url.search = new URLSearchParams({ client_id: client.client_id, request_uri }).toString();
    return { ...begun, url };
  }

  test("a public client pushes too, and signs somebody in", async () => {
    const shop = await openShop();
    const begun = await push(shop, await begin(shop));
    const landed = await signInAt(somebody(), begun.url);
    const tokens = await tokensOf(shop, begun, await exchange(shop, begun, landed));
    expect(tokens.sub).not.toBe("");
  });

  test("another client cannot use what was pushed", async () => {
    const [shop, other] = [await openShop(), await openShop()];
    const { url } = await push(shop, await begin(shop));
    url.searchParams.set("client_id", other.client.client_id);
    const shown = await somebody().browser.go(url);
    expect([shown.url.origin, shown.status]).toEqual([place().origin, 400]);
  });
});

describe("oauth4webapi: the tokens", () => {
  test("a refresh gives a new refresh token, and an ID token of the same person", async () => {
    const shop = await openShop();
    const tokens = await signIn(shop);
    const next = await refresh(shop, tokens.refresh_token);
    expect(oauth.getValidatedIdTokenClaims(next)?.sub).toBe(tokens.sub);
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
  });

  test("userinfo tells the address that was proven", async () => {
    const shop = await openShop();
    const who = somebody();
    const tokens = await signIn(shop, who);
    const answer = await oauth.userInfoRequest(shop.as, shop.client, tokens.access_token, plain);
    const info = await oauth.processUserInfoResponse(shop.as, shop.client, tokens.sub, answer);
    expect(info).toEqual({ sub: tokens.sub, email: who.address, email_verified: true });
  });

  test("introspection tells an access token's person, and after the revocation that it is over", async () => {
    const shop = await closedShop();
    const { as, client, auth } = shop;
    const tokens = await signIn(shop);
    const introspect = async () => {
      const answer = await oauth.introspectionRequest(as, client, auth, tokens.access_token, plain);
      return await oauth.processIntrospectionResponse(as, client, answer);
    };
    expect(await introspect()).toMatchObject({ active: true, sub: tokens.sub });
    const revoked = await oauth.revocationRequest(as, client, auth, tokens.access_token, plain);
    expect(await oauth.processRevocationResponse(revoked)).toBeUndefined();
    expect(await introspect()).toEqual({ active: false });
  });
});

const called = (headers: Headers): Request => new Request("https://api.example/orders", { headers });

describe("oauth4webapi: a resource server", () => {
  test("takes an access token by the published keys alone (RFC 9068)", async () => {
    const shop = await openShop();
    const tokens = await signIn(shop);
    const request = called(new Headers({ Authorization: `Bearer ${tokens.access_token}` }));
    const claims = await oauth.validateJwtAccessToken(shop.as, request, shop.client.client_id, plain);
    expect(claims).toMatchObject({
      iss: place().origin,
      sub: tokens.sub,
      client_id: shop.client.client_id,
      scope: "openid email offline_access",
    });
  });

  test("takes no ID token for one", async () => {
    const shop = await openShop();
    const tokens = await signIn(shop);
    const request = called(new Headers({ Authorization: `Bearer ${tokens.id_token}` }));
    const refused = oauth.validateJwtAccessToken(shop.as, request, shop.client.client_id, plain);
    await expect(refused).rejects.toMatchObject({ code: oauth.INVALID_RESPONSE });
  });

  test("takes a token that is asked for it (RFC 8707), and another one does not", async () => {
    const resource = "https://api.example/orders";
    const shop = await openShop({ settings: { resources: [resource] } });
    const tokens = await signIn(shop, somebody(), { resource });
    const request = () => called(new Headers({ Authorization: `Bearer ${tokens.access_token}` }));
    const claims = await oauth.validateJwtAccessToken(shop.as, request(), resource, plain);
    expect(claims.aud).toBe(resource);
    const other = oauth.validateJwtAccessToken(shop.as, request(), shop.client.client_id, plain);
    await expect(other).rejects.toMatchObject({ code: oauth.JWT_CLAIM_COMPARISON });
  });
});

describe("oauth4webapi: DPoP", () => {
  /** The first call is told the nonce, and the handle keeps it for the next ones. */
  async function bound() {
    const shop = await openShop();
    const keys = await oauth.generateKeyPair("ES256");
    const DPoP = oauth.DPoP(shop.client, keys);
    const begun = await begin(shop);
    const landed = await signInAt(somebody(), begun.url);
    const first = await exchange(shop, begun, landed, { DPoP });
    const refused = await tokensOf(shop, begun, first).catch((error: unknown) => error);
    const tokens = await tokensOf(shop, begun, await exchange(shop, begun, landed, { DPoP }));
    return { shop, DPoP, refused, tokens };
  }

  test("a proof without our nonce is use_dpop_nonce, and with it the same code is still good", async () => {
    const { refused, tokens } = await bound();
    expect(oauth.isDPoPNonceError(refused)).toBe(true);
    expect(tokens.token_type).toBe("dpop");
  });

  test("a bound refresh token needs its key", async () => {
    const { shop, DPoP, tokens } = await bound();
    const next = await refresh(shop, tokens.refresh_token, { DPoP });
    expect(next.token_type).toBe("dpop");
    await expect(refresh(shop, next.refresh_token)).rejects.toMatchObject({ error: "invalid_grant" });
  });

  test("userinfo takes a bound token with its key", async () => {
    const { shop, DPoP, tokens } = await bound();
    const options = { ...plain, DPoP };
    const answer = await oauth.userInfoRequest(shop.as, shop.client, tokens.access_token, options);
    const info = await oauth.processUserInfoResponse(shop.as, shop.client, tokens.sub, answer);
    expect(info.sub).toBe(tokens.sub);
  });

  test("a resource server finds the key in the token", async () => {
    const { shop, DPoP, tokens } = await bound();
    let heard: Request | undefined;
    await oauth.protectedResourceRequest(
      tokens.access_token,
      "GET",
      new URL("https://api.example/orders"),
      undefined,
      null,
      {
        DPoP,
        [oauth.customFetch]: async (url, options) => {
          heard = new Request(url, options as RequestInit);
          return new Response();
        },
      },
    );
    const options = { ...plain, requireDPoP: true };
    const id = shop.client.client_id;
    const claims = await oauth.validateJwtAccessToken(shop.as, heard!, id, options);
    expect(claims.sub).toBe(tokens.sub);
    const bare = called(new Headers({ Authorization: `Bearer ${tokens.access_token}` }));
    await expect(oauth.validateJwtAccessToken(shop.as, bare, id, plain)).rejects.toThrow();
  });
});

describe("oauth4webapi: the device grant", () => {
  async function start() {
    const shop = await openShop({ grant_types: [DEVICE_CODE] });
    const { as, client, auth } = shop;
    const parameters = { scope: "openid email" };
    const answer = await oauth.deviceAuthorizationRequest(as, client, auth, parameters, plain);
    const begun = await oauth.processDeviceAuthorizationResponse(as, client, answer);
    const poll = async () => {
      const polled = await oauth.deviceCodeGrantRequest(as, client, auth, begun.device_code, plain);
      const tokens = await oauth.processDeviceCodeResponse(as, client, polled);
      await oauth.validateApplicationLevelSignature(as, polled, plain);
      return tokens;
    };
    return { begun, poll };
  }

  test("what a device is told to show leads to the page that asks for it", async () => {
    const { begun } = await start();
    expect(begun).toMatchObject({ expires_in: 600, interval: 5 });
    const page = await somebody().browser.go(begun.verification_uri_complete ?? "");
    expect([page.status, page.html.includes(begun.user_code)]).toEqual([200, true]);
  });

  test("the first poll is authorization_pending, one too early is slow_down, one after the approval gets tokens", async () => {
    const { begun, poll } = await start();
    await expect(poll()).rejects.toMatchObject({ error: "authorization_pending", status: 400 });
    await expect(poll()).rejects.toMatchObject({ error: "slow_down", status: 400 });
    await answerDevice(somebody(), begun, "approve");
    expect(oauth.getValidatedIdTokenClaims(await poll())?.sub).toEqual(expect.any(String));
  });

  test("a refusal is access_denied", async () => {
    const { begun, poll } = await start();
    await answerDevice(somebody(), begun, "deny");
    await expect(poll()).rejects.toMatchObject({ error: "access_denied" });
  });

  test("a client that the grant is not named for is unauthorized_client", async () => {
    const { as, client, auth } = await openShop();
    const answer = await oauth.deviceAuthorizationRequest(as, client, auth, { scope: "openid" }, plain);
    const refused = oauth.processDeviceAuthorizationResponse(as, client, answer);
    await expect(refused).rejects.toMatchObject({ error: "unauthorized_client" });
  });
});

describe("oauth4webapi: CIBA", () => {
  async function start() {
    const { publicKey, privateKey } = await generateKeyPair("ES256");
    const registered = await register("confidential", {
      grant_types: [CIBA],
      settings: BY_PHONE,
      public_keys: [await exportSPKI(publicKey)],
    });
    const { as, client, auth } = await shopOf(registered, oauth.PrivateKeyJwt(privateKey));
    const { phones, person } = await withPhone();
    const parameters = { scope: "openid", login_hint: person.identifier };
    const answer = await oauth.backchannelAuthenticationRequest(as, client, auth, parameters, plain);
    const begun = await oauth.processBackchannelAuthenticationResponse(as, client, answer);
    const poll = async () => {
      const polled = await oauth.backchannelAuthenticationGrantRequest(
        as,
        client,
        auth,
        begun.auth_req_id,
        plain,
      );
      const tokens = await oauth.processBackchannelAuthenticationGrantResponse(as, client, polled);
      await oauth.validateApplicationLevelSignature(as, polled, plain);
      return tokens;
    };
    return { begun, poll, person, decide: (approved: boolean) => answerNewest(phones, person, approved) };
  }

  test("a client that signs its requests gets the tokens of whoever approves", async () => {
    const { begun, poll, person, decide } = await start();
    expect(begun).toMatchObject({ expires_in: 180, interval: 5 });
    await expect(poll()).rejects.toMatchObject({ error: "authorization_pending", status: 400 });
    await decide(true);
    expect(oauth.getValidatedIdTokenClaims(await poll())).toMatchObject({ sub: person.userId });
  });

  test("a poll too early is slow_down, and a denial access_denied", async () => {
    const { poll, decide } = await start();
    await expect(poll()).rejects.toMatchObject({ error: "authorization_pending" });
    await expect(poll()).rejects.toMatchObject({ error: "slow_down" });
    await decide(false);
    await expect(poll()).rejects.toMatchObject({ error: "access_denied" });
  });
});
