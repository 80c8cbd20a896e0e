import type { Flow } from "../load/flow.ts";
import { verifier } from "../load/tokens.ts";

const CIBA = "urn:openid:params:grant-type:ciba";
const client = { client_id: "bench", client_secret: "bench-secret-of-the-bench" };

/** node-oidc-provider: start, approval on its own word (nobody signs there), redeem; both tokens are verified. */
export const oidcProvider: Flow = async (http) => {
  const verify = await verifier(http, "/jwks");
  return {
    async run(round) {
      const { body: asked } = await http.read("/backchannel", 200, {
        form: { ...client, scope: "openid offline_access", login_hint: `user-${round}` },
      });
      await http.read(`/approve?auth_req_id=${asked.auth_req_id}`, 204);
      const { body: tokens } = await http.read("/token", 200, {
        form: { ...client, grant_type: CIBA, auth_req_id: asked.auth_req_id },
      });
      if (!tokens.refresh_token) throw new Error("no refresh token");
      await verify(tokens.access_token);
      await verify(tokens.id_token);
    },
  };
};
