import type { Flow } from "../load/flow.ts";
import { approveCotter, newApp, newPerson, startCotter } from "./cotter.ts";

/** The public keys of the standard door. */
export const jwks: Flow = async (http) => ({
  async run() {
    await http.read("/.well-known/jwks.json", 200);
  },
});

/** The bare route of Hono's, of about as many bytes. */
export const bareJson: Flow = async (http) => ({
  async run() {
    await http.read("/json", 200);
  },
});

/** One row in one of 64 objects, each written in its turn. */
export const bareWrite: Flow = async (http) => ({
  async run(round) {
    await http.read(`/write/${round % 64}`, 200, { method: "POST" });
  },
});

const SESSIONS = 64;

/** Refreshes of 64 sessions, each with the token that the last refresh gave. */
export const refresh: Flow = async (http, { adminToken }) => {
  const headers = await newApp(http, adminToken);
  const tokens = await Promise.all(
    Array.from({ length: SESSIONS }, async () => {
      const person = await newPerson(http, headers);
      const { ID } = await startCotter(http, headers, person.userId);
      await approveCotter(http, headers, person);
      const { body } = await http.read(`/api/v0/event/get/${ID}?oauth_token=true`, 200, { headers });
      return String(body.oauth_token.refresh_token);
    }),
  );
  const free = tokens.map((_, index) => index);
  return {
    async run() {
      const session = free.shift();
      if (session === undefined) throw new Error("more in flight than sessions");
      const json = { grant_type: "refresh_token", refresh_token: tokens[session] };
      const { body } = await http.read("/api/v0/token", 200, { headers, json });
      tokens[session] = String(body.refresh_token);
      free.push(session);
    },
  };
};

const CIBA = "urn:openid:params:grant-type:ciba";

/** Introspection of one live access token by the client that it was made for. */
export const introspect: Flow = async (http, { adminToken }) => {
  const headers = await newApp(http, adminToken);
  const { body: client } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: {
      name: "Bench",
      kind: "confidential",
      grant_types: [CIBA],
      settings: { approve_through: "realm", match_code: "off" },
    },
  });
  const authorization = `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`;
  const person = await newPerson(http, headers);
  const form = { scope: "openid", login_hint: person.userId };
  const { body: asked } = await http.read("/oauth/bc-authorize", 200, { headers: { authorization }, form });
  await approveCotter(http, headers, person);
  const { body: tokens } = await http.read("/oauth/token", 200, {
    headers: { authorization },
    form: { grant_type: CIBA, auth_req_id: asked.auth_req_id },
  });
  return {
    async run() {
      const { body } = await http.read("/oauth/introspect", 200, {
        headers: { authorization },
        form: { token: tokens.access_token },
      });
      if (body.active !== true) throw new Error("not active");
    },
  };
};
