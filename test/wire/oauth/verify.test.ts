import * as client from "openid-client";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { verifyAccessToken } from "../../../packages/countersign/src/verify/verify.ts";
import { type Api, FRAMEWORKS } from "../../fakes/verified-apis.ts";
import { place } from "../support/place.ts";
import { CALLBACK, issuer, register, signInAt, somebody } from "./support.ts";

const RESOURCE = "https://api.example/orders";
const ORDER = new URL("https://api.example/orders/7");

let config: client.Configuration;
let other: client.Configuration;
beforeAll(async () => {
  const configure = async () => {
    const { id } = await register("public", { settings: { resources: [RESOURCE] } });
    return await client.discovery(issuer(), id, undefined, client.None(), {
      execute: [client.allowInsecureRequests],
    });
  };
  [config, other] = [await configure(), await configure()];
});

/** Somebody signs in at the served Worker; answers the tokens. */
async function signIn(
  at: client.Configuration,
  { resource, DPoP }: { resource?: string; DPoP?: client.DPoPHandle } = {},
) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const url = client.buildAuthorizationUrl(at, {
    redirect_uri: CALLBACK,
    scope: "openid email",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
    ...(resource && { resource }),
  });
  const landed = await signInAt(somebody(), url);
  return await client.authorizationCodeGrant(
    at,
    landed,
    { pkceCodeVerifier },
    undefined,
    DPoP ? { DPoP } : {},
  );
}

/** Calls an API as an app does: openid-client makes the headers and the proofs, and reads the refusals. */
async function order(api: Api, token: string, DPoP?: client.DPoPHandle): Promise<Response> {
  config[client.customFetch] = async (to, { method, headers }) => {
    const {
      status,
      headers: answered,
      body,
    } = await api.call(new URL(to).pathname, {
      method,
      headers: Object.fromEntries(new Headers(headers as HeadersInit)),
    });
    return Response.json(body, { status, headers: answered });
  };
  try {
    return await client.fetchProtectedResource(
      config,
      token,
      ORDER,
      "GET",
      null,
      undefined,
      DPoP ? { DPoP } : {},
    );
  } finally {
    config[client.customFetch] = fetch as client.CustomFetch;
  }
}

/** What the header of a refusal says, as openid-client reads it: scheme and error. */
const refusal = async (call: Promise<unknown>): Promise<unknown> => {
  const error = await call.then(
    () => new Error("it was taken"),
    (thrown) => thrown,
  );
  if (!(error instanceof client.WWWAuthenticateChallengeError)) throw error;
  return [error.status, ...error.cause.map(({ scheme, parameters }) => `${scheme} ${parameters.error}`)];
};

describe.each(Object.entries(FRAMEWORKS))("%s, with tokens of the served Worker", (_, serve) => {
  let api: Api;
  beforeAll(async () => {
    const options = { issuer: place().origin, audience: RESOURCE, origin: ORDER.origin };
    api = await serve({ ...options, scope: "openid" });
  });
  afterAll(() => api.close());

  test("who has signed in is let in, and known", async () => {
    const tokens = await signIn(config, { resource: RESOURCE });
    const answer = await order(api, tokens.access_token);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({
      sub: tokens.claims()?.sub,
      client_id: config.clientMetadata().client_id,
      scope: "openid email",
      more: "7",
    });
  });

  test("T87 the ID token, a token of another audience and a word are not let in", async () => {
    const tokens = await signIn(other);
    for (const token of [tokens.id_token ?? "", tokens.access_token, "word"]) {
      expect(await refusal(order(api, token))).toEqual([401, "bearer invalid_token"]);
    }
  });

  test("a bound token is let in with proofs of its key, and with nothing else", async () => {
    const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    const { access_token } = await signIn(config, { resource: RESOURCE, DPoP });
    for (let time = 0; time < 3; time += 1) {
      expect((await order(api, access_token, DPoP)).status).toBe(200);
    }
    const stolen = client.getDPoPHandle(config, await client.randomDPoPKeyPair("ES256"));
    expect(await refusal(order(api, access_token, stolen))).toEqual([401, "dpop invalid_token"]);
    expect(await refusal(order(api, access_token))).toEqual([
      401,
      "bearer invalid_token",
      "dpop invalid_token",
    ]);
  });
});

test("the keys come from the served Worker's JWKS, which says how long they may be kept", async () => {
  const asked: Response[] = [];
  const counted: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    asked.push(answer);
    return answer;
  };
  const { access_token } = await signIn(config);
  const audience = config.clientMetadata().client_id;
  const options = { issuer: place().origin, audience, fetch: counted };
  expect(await verifyAccessToken(access_token, options)).toMatchObject({
    aud: audience,
    acr: "urn:signin:acr:identifier",
    amr: ["otp"],
  });
  expect(asked.map(({ headers }) => headers.get("Cache-Control"))).toEqual(["public, max-age=300"]);
});
