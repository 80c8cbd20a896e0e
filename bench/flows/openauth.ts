import type { Flow } from "../load/flow.ts";
import type { Http } from "../load/http.ts";
import { verifier } from "../load/tokens.ts";

const client = { client_id: "bench", redirect_uri: "http://localhost/back" };

async function newPkce(): Promise<{ readonly proof: string; readonly challenge: string }> {
  const proof = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(proof));
  return { proof, challenge: Buffer.from(digest).toString("base64url") };
}

/** Authorize, the person's step, the code redeemed with its PKCE proof. Answers the access token; there is no ID token. */
async function signIn(http: Http, user: string): Promise<string> {
  const { proof, challenge } = await newPkce();
  const state = crypto.randomUUID();
  const asked = new URLSearchParams({
    ...client,
    response_type: "code",
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  });
  const { cookies } = await http.read(`/authorize?${asked}`, 302);
  const { body: sent } = await http.read("/name/authorize", 200, {
    headers: { cookie: cookies.map((cookie) => cookie.split(";")[0]).join("; ") },
    form: { user },
  });
  const back = new URL(sent.location).searchParams;
  if (back.get("state") !== state) throw new Error("another request's answer");
  const { body: tokens } = await http.read("/token", 200, {
    form: {
      ...client,
      grant_type: "authorization_code",
      code: String(back.get("code")),
      code_verifier: proof,
    },
  });
  if (!tokens.refresh_token) throw new Error("no refresh token");
  return tokens.access_token;
}

/** OpenAuth: authorization code with PKCE; nobody signs there. The access token is verified. */
export const openauth: Flow = async (http) => {
  // It makes its keys for the first call that needs them, and what one call waits for no other may on this runtime.
  await signIn(http, "first");
  const verify = await verifier(http, "/.well-known/jwks.json");
  return {
    async run(round) {
      await verify(await signIn(http, `user-${round}`));
    },
  };
};
