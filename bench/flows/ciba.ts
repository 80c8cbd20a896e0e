import type { Flow } from "../load/flow.ts";
import { verifier } from "../load/tokens.ts";
import { approveCotter, newApp, newPerson } from "./cotter.ts";

const EACH = 3;
const CIBA = "urn:openid:params:grant-type:ciba";

/** The standard door: a backend asks by CIBA, a phone of a Cotter app approves by its signature, the backend redeems. */
export const ciba: Flow = async (http, { adminToken }, rounds) => {
  const headers = await newApp(http, adminToken);
  const { body: client } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: {
      name: "Bench",
      kind: "confidential",
      grant_types: [CIBA, "refresh_token"],
      settings: { approve_through: "realm", match_code: "off", starts_per_minute: 100_000 },
    },
  });
  const verify = await verifier(http, "/.well-known/jwks.json");
  const basic = `Basic ${btoa(`${client.client_id}:${client.client_secret}`)}`;
  const people: Awaited<ReturnType<typeof newPerson>>[] = [];
  const wanted = Math.ceil(rounds / EACH);
  await Promise.all(
    Array.from({ length: 16 }, async () => {
      while (people.length < wanted) people.push(await newPerson(http, headers));
    }),
  );
  return {
    async run(round) {
      const person = people[round % people.length] as (typeof people)[number];
      const { body: asked } = await http.read("/oauth/bc-authorize", 200, {
        headers: { authorization: basic },
        form: { scope: "openid offline_access", login_hint: person.userId },
      });
      await approveCotter(http, headers, person);
      const { body: tokens } = await http.read("/oauth/token", 200, {
        headers: { authorization: basic },
        form: { grant_type: CIBA, auth_req_id: asked.auth_req_id },
      });
      if (!tokens.refresh_token) throw new Error("no refresh token");
      await verify(tokens.access_token);
      await verify(tokens.id_token);
    },
  };
};
