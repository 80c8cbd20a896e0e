import { makeBrowser } from "../../scripts/demo/browser.ts";
import { newestCode } from "../../scripts/demo/outbox.ts";
import { approveCotter, newApp, newPerson } from "../flows/cotter.ts";
import { type Http, makeHttp } from "../load/http.ts";
import type { Scene } from "./steps.ts";

const CIBA = "urn:openid:params:grant-type:ciba";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

async function newClient(http: Http, adminToken: string, client: object, settings: object) {
  const { body } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: { name: "Bench", ...client, settings: { starts_per_minute: 100_000, ...settings } },
  });
  return body;
}

/** What anybody reads. */
export const openScene: Scene = async ({ origin }, steps) => {
  const http = makeHttp(origin, 1);
  return async () => {
    await steps.over(http, "JWKS").read("/.well-known/jwks.json", 200);
    await steps.over(http, "discovery").read("/.well-known/openid-configuration", 200);
    await steps.over(http, "health").read("/healthz", 200);
  };
};

/** A backend asks by CIBA, a phone of a Cotter app approves; then all that is done with tokens. */
export const cibaScene: Scene = async ({ origin, adminToken }, steps) => {
  const http = makeHttp(origin, 1);
  const headers = await newApp(http, adminToken);
  const grants = { kind: "confidential", grant_types: [CIBA, "refresh_token"] };
  const client = await newClient(http, adminToken, grants, { approve_through: "realm", match_code: "off" });
  const basic = { authorization: `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}` };
  const post = (step: string, path: string, status: number, form: Readonly<Record<string, string>>) =>
    steps.over(http, `CIBA: ${step}`).read(path, status, { headers: basic, form });
  return async () => {
    const person = await newPerson(http, headers);
    const hint = { scope: "openid offline_access", login_hint: person.userId };
    const { body: asked } = await post("start", "/oauth/bc-authorize", 200, hint);
    const grant = { grant_type: CIBA, auth_req_id: asked.auth_req_id };
    await post("a poll that waits", "/oauth/token", 400, grant);
    await approveCotter(
      steps.over(http, "CIBA: the phone asks", "CIBA: the phone approves"),
      headers,
      person,
    );
    const { body: tokens } = await post("the poll that collects", "/oauth/token", 200, grant);
    await post("introspection", "/oauth/introspect", 200, { token: tokens.access_token });
    const authorization = `Bearer ${tokens.access_token}`;
    await steps.over(http, "CIBA: userinfo").read("/oauth/userinfo", 200, { headers: { authorization } });
    const refresh = { grant_type: "refresh_token", refresh_token: tokens.refresh_token };
    const { body: next } = await post("refresh", "/oauth/token", 200, refresh);
    await post("revocation", "/oauth/revoke", 200, { token: next.refresh_token });
  };
};

/** A television shows a code; its user types it in a browser that is new, signs in there by mail, and approves. */
export const deviceScene: Scene = async ({ origin, adminToken }, steps) => {
  const http = makeHttp(origin, 1);
  const grants = { kind: "public", grant_types: [DEVICE, "refresh_token"] };
  const { client_id } = await newClient(http, adminToken, grants, { device_refresh_tokens: true });
  const post = (step: string, path: string, status: number, form: Readonly<Record<string, string>>) =>
    steps.over(http, `device grant: ${step}`).read(path, status, { form: { client_id, ...form } });
  return async () => {
    const email = `bench-${crypto.randomUUID()}@example.com`;
    await steps.over(http, "admin: a user is made").read("/admin/users", 201, {
      headers: { authorization: `Bearer ${adminToken}` },
      json: { email, verified: true },
    });
    const start = await post("start", "/oauth/device_authorization", 200, { scope: "openid offline_access" });
    const { device_code, user_code } = start.body;
    const grant = { grant_type: DEVICE, device_code };
    await post("a poll that waits", "/oauth/token", 400, grant);
    const browser = makeBrowser(origin);
    const page = (names: readonly string[], act: () => Promise<void>) =>
      steps.fetched(
        names.map((name) => `page: ${name}`),
        act,
      );
    await page(["where a code is typed"], () => browser.open("/oauth/device"));
    await page(["a code is typed"], () => browser.submit({ user_code }));
    const address = { identifier: email, way: "code" };
    await page(["an address is sent", "where its code is typed"], () => browser.submit(address));
    const code = await newestCode(origin, email);
    const signedIn = ["the address is proven", "back at the request", "the request"];
    await page(signedIn, () => browser.submit({ code }));
    await page(["the request is approved"], () => browser.submit({ decision: "approve" }));
    const { body: tokens } = await post("the poll that collects", "/oauth/token", 200, grant);
    const refresh = { grant_type: "refresh_token", refresh_token: tokens.refresh_token };
    await post("refresh", "/oauth/token", 200, refresh);
  };
};
