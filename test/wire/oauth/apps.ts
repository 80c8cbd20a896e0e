import { Auth, type AuthConfig } from "@auth/core";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { genericOAuth } from "better-auth/plugins";
import * as client from "openid-client";
import { issuer, type Registered, type Site } from "./support.ts";

/** An app that is built with a library: its own sign-in, and a home page that says who is signed in. */
export type Library = {
  /** Where the library wants the browser back, below the app's origin. */
  readonly callback: string;
  build(origin: string, registered: Registered): Site;
};

/** openid-client as its guide uses it: `/login` begins with whatever parameters are given, `/cb` ends with the claims or the error. */
export const openidClient: Library = { callback: "/cb", build: openidClientSite };

function openidClientSite(origin: string, { id, secret }: Registered): Site {
  const begun = new Map<string, client.AuthorizationCodeGrantChecks>();
  const configured = client.discovery(issuer(), id, secret, client.ClientSecretBasic(secret), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  });
  const login = async (over: URLSearchParams): Promise<Response> => {
    const pkceCodeVerifier = client.randomPKCECodeVerifier();
    const [expectedNonce, expectedState] = [client.randomNonce(), client.randomState()];
    begun.set(expectedState, { pkceCodeVerifier, expectedNonce, expectedState });
    const url = client.buildAuthorizationUrl(await configured, {
      redirect_uri: `${origin}/cb`,
      scope: "openid email",
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: "S256",
      nonce: expectedNonce,
      state: expectedState,
      ...Object.fromEntries(over),
    });
    return Response.redirect(url, 303);
  };
  const back = async (url: URL): Promise<Response> => {
    const config = await configured;
    try {
      const checks = begun.get(url.searchParams.get("state") ?? "");
      const tokens = await client.authorizationCodeGrant(config, url, checks);
      const sub = tokens.claims()?.sub ?? "";
      const info = await client.fetchUserInfo(config, tokens.access_token, sub);
      return Response.json({ ...info, ...tokens.claims() });
    } catch (error) {
      return Response.json({
        error: error instanceof client.AuthorizationResponseError ? error.error : `${error}`,
      });
    }
  };
  return (request) => {
    const url = new URL(request.url);
    return url.pathname === "/login" ? login(url.searchParams) : back(url);
  };
}

const SECRET = "a secret of the app, long enough for its library";

/** Auth.js with a generic provider, as its guide writes one: the id, the issuer and the two names of the client. */
export const authJs = (over: Readonly<Record<string, unknown>> = {}): Library => ({
  callback: "/auth/callback/countersign",
  build: (origin, registered) => authJsSite(origin, registered, over),
});

function authJsSite(
  origin: string,
  { id, secret }: Registered,
  over: Readonly<Record<string, unknown>>,
): Site {
  const config: AuthConfig = {
    basePath: "/auth",
    trustHost: true,
    secret: SECRET,
    logger: { error: () => undefined },
    providers: [
      {
        id: "countersign",
        name: "Countersign",
        type: "oidc",
        issuer: issuer().origin,
        clientId: id,
        clientSecret: secret,
        ...over,
      },
    ],
  };
  return (request) =>
    new URL(request.url).pathname.startsWith("/auth/")
      ? Auth(request, config)
      : Auth(new Request(`${origin}/auth/session`, { headers: request.headers }), config);
}

/** better-auth with its plugin for any OAuth provider; it keeps users in memory. */
export const betterAuthPlugin = (over: Readonly<Record<string, unknown>> = {}): Library => ({
  callback: "/api/auth/callback/countersign",
  build: (origin, registered) => betterAuthSite(origin, registered, over),
});

function betterAuthSite(
  origin: string,
  { id, secret }: Registered,
  over: Readonly<Record<string, unknown>>,
): Site {
  const auth = betterAuth({
    baseURL: origin,
    secret: SECRET,
    telemetry: { enabled: false },
    logger: { disabled: true },
    rateLimit: { enabled: false },
    database: memoryAdapter({ user: [], session: [], account: [], verification: [] }),
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: "countersign",
            clientId: id,
            clientSecret: secret,
            discoveryUrl: `${issuer().origin}/.well-known/openid-configuration`,
            scopes: ["openid", "email"],
            ...over,
          },
        ],
      }),
    ],
  });
  return async (request) =>
    new URL(request.url).pathname.startsWith("/api/auth/")
      ? await auth.handler(request)
      : Response.json(await auth.api.getSession({ headers: request.headers }));
}
