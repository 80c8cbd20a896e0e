import { Auth, type AuthConfig } from "@auth/core";
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";
import { genericOAuth } from "better-auth/plugins";
import { issuer, type Registered, type Site } from "./support.ts";

/**
 * An app that is built with a library: its own sign-in, and a home page that says who is signed in. `callback` is where the library wants
 * the browser back.
 */
export type App = { readonly callback: string; readonly site: Site };

const SECRET = "a secret of the app, long enough for its library";

/** Auth.js with a generic provider, as its guide writes one: the id, the issuer and the two names of the client. */
export function authJsApp(
  origin: string,
  { id, secret }: Registered,
  over: Readonly<Record<string, unknown>> = {},
): App {
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
  const site: Site = (request) =>
    new URL(request.url).pathname.startsWith("/auth/")
      ? Auth(request, config)
      : Auth(new Request(`${origin}/auth/session`, { headers: request.headers }), config);
  return { callback: `${origin}/auth/callback/countersign`, site };
}

/** better-auth with its plugin for any OAuth provider; it keeps users in memory. */
export function betterAuthApp(origin: string, { id, secret }: Registered): App {
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
          },
        ],
      }),
    ],
  });
  const site: Site = async (request) =>
    new URL(request.url).pathname.startsWith("/api/auth/")
      ? await auth.handler(request)
      : Response.json(await auth.api.getSession({ headers: request.headers }));
  return { callback: `${origin}/api/auth/callback/countersign`, site };
}
