/** Sign-ins at the standard door that go through pages: their person uses a browser that is new to them, and signs in there by mail. */
import { createHash, randomBytes, randomUUID } from "node:crypto";
import { type Browser, makeBrowser } from "../../scripts/demo/browser.ts";
import { newestCode } from "../../scripts/demo/outbox.ts";
import type { Http } from "../load/http.ts";
import { usual, type Way } from "./way.ts";

/** Where the pages are, and how a user is made there. */
export type Site = { readonly http: Http; readonly origin: string; readonly adminToken: string };

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const CALLBACK = "https://app.example/back";
const SCOPE = "openid offline_access";

/** Limits of a client that half an hour of traffic does not reach: everybody here is sent a code. */
const ROOMY = { starts_per_minute: 100_000, code_sends_per_hour: 100_000 };

type Typist = { readonly user: string; signIn(browser: Browser): Promise<void> };

async function newTypist({ http, origin, adminToken }: Site): Promise<Typist> {
  const email = `soak-${randomUUID()}@example.com`;
  const { body } = await http.read("/admin/users", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: { email, verified: true },
  });
  return {
    user: `user_id=${body.user_id}`,
    async signIn(browser) {
      await browser.submit({ identifier: email, way: "code" });
      await browser.submit({ code: await newestCode(origin, email) });
    },
  };
}

/** A public client of the standard door; answers its `client_id`. */
export async function newPublicClient({ http, adminToken }: Site, client: object): Promise<string> {
  const { body } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: { name: "Soak", kind: "public", ...client },
  });
  return body.client_id;
}

const refreshBy = (http: Http, client_id: string) => (token: string) =>
  http.call("/oauth/token", { form: { client_id, grant_type: "refresh_token", refresh_token: token } });

/** A television shows a code, its user types it. A no at a page is nobody's: its row has no user. */
export async function deviceWay(site: Site): Promise<Way> {
  const { http, origin } = site;
  const client_id = await newPublicClient(site, {
    grant_types: [DEVICE, "refresh_token"],
    settings: { device_refresh_tokens: true, ...ROOMY },
  });
  return {
    ...usual,
    name: "standard door, device grant",
    sessions: 1,
    canDecline: false,
    async begin() {
      const { user, signIn } = await newTypist(site);
      const form = { client_id, scope: SCOPE };
      const { body: shown } = await http.read("/oauth/device_authorization", 200, { form });
      const browser = makeBrowser(origin);
      await browser.open("/oauth/device");
      await browser.submit({ user_code: shown.user_code });
      await signIn(browser);
      const collected = { client_id, grant_type: DEVICE, device_code: shown.device_code };
      return {
        user,
        decide: () => browser.submit({ decision: "approve" }),
        collect: () => http.call("/oauth/token", { form: collected }),
        resultOf: ({ body }) => body.refresh_token,
        use: refreshBy(http, client_id),
      };
    },
  };
}

/** An app leads a browser to the server and gets a code back (PKCE). The browser's arrival at the app is the yes. */
export async function codeWay(site: Site): Promise<Way> {
  const { http, origin } = site;
  const client_id = await newPublicClient(site, {
    grant_types: ["authorization_code", "refresh_token"],
    redirect_uris: [CALLBACK],
    settings: ROOMY,
  });
  return {
    ...usual,
    name: "standard door, code with PKCE",
    sessions: 1,
    canDecline: false,
    collectsOnce: true,
    async begin() {
      const { user, signIn } = await newTypist(site);
      const verifier = randomBytes(32).toString("base64url");
      const asked = new URLSearchParams({
        client_id,
        response_type: "code",
        redirect_uri: CALLBACK,
        scope: SCOPE,
        state: "soak",
        code_challenge: createHash("sha256").update(verifier).digest("base64url"),
        code_challenge_method: "S256",
      });
      const browser = makeBrowser(origin);
      await browser.open(`/oauth/authorize?${asked}`);
      const exchange = () => ({
        client_id,
        grant_type: "authorization_code",
        code: browser.url.searchParams.get("code") ?? "",
        redirect_uri: CALLBACK,
        code_verifier: verifier,
      });
      return {
        user,
        decide: () => signIn(browser),
        collect: () => http.call("/oauth/token", { form: exchange() }),
        resultOf: ({ body }) => body.refresh_token,
        use: refreshBy(http, client_id),
      };
    },
  };
}
