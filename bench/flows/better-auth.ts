import type { Flow } from "../load/flow.ts";

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const USERS = 16;

/** better-auth: device code, the signed-in user looks at it and approves, the device gets its session token, which is then used. */
export const betterAuth: Flow = async (http, { origin }) => {
  const headers = { origin };
  const sessions = await Promise.all(
    Array.from({ length: USERS }, async () => {
      const { cookies } = await http.read("/api/auth/sign-up/email", 200, {
        headers,
        json: { email: `${crypto.randomUUID()}@example.com`, password: "a long password", name: "Bench" },
      });
      return { ...headers, cookie: cookies.map((cookie) => cookie.split(";")[0]).join("; ") };
    }),
  );
  return {
    async run(round) {
      const signedIn = sessions[round % USERS] ?? headers;
      const { body: asked } = await http.read("/api/auth/device/code", 200, {
        headers,
        json: { client_id: "bench", scope: "openid" },
      });
      await http.read(`/api/auth/device?user_code=${asked.user_code}`, 200, { headers: signedIn });
      await http.read("/api/auth/device/approve", 200, {
        headers: signedIn,
        json: { userCode: asked.user_code },
      });
      const { body: tokens } = await http.read("/api/auth/device/token", 200, {
        headers,
        json: { grant_type: DEVICE, device_code: asked.device_code, client_id: "bench" },
      });
      if (typeof tokens.access_token !== "string") throw new Error("no token");
    },
  };
};
