import { createHash, randomBytes } from "node:crypto";
import type { App } from "./app.ts";

/** The hosted page as a browser uses it: forms posted as they were shown, the cookies kept. */
export type HostedPage = {
  /** Gives the address; throws unless the page goes on to ask for the code. */
  giveAddress(address: string): Promise<void>;
  /** Types the code; answers where the page leads then. */
  giveCode(code: string): Promise<string>;
};

export async function openHostedPage(
  app: App,
  redirect: string,
  type: "EMAIL" | "PHONE" = "EMAIL",
  verifier = randomBytes(32).toString("base64url"),
): Promise<HostedPage> {
  const query = new URLSearchParams({
    api_key: app.clientId,
    redirect_url: redirect,
    type,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    state: "state-of-the-app",
  });
  const start = `/app?${query}`;
  const jar = new Map<string, string>();
  let csrf = "";
  let check = "";

  const see = async (answer: Response): Promise<Response> => {
    for (const set of answer.headers.getSetCookie()) {
      const [pair = ""] = set.split(";");
      jar.set(pair.slice(0, pair.indexOf("=")), pair);
    }
    csrf = /name="csrf" value="([^"]*)"/.exec(await answer.text())?.[1] ?? csrf;
    return answer;
  };
  const headers = () => ({
    "sec-fetch-site": "same-origin",
    origin: app.origin,
    cookie: [...jar.values()].join("; "),
  });
  const get = async (path: string) =>
    see(await fetch(`${app.origin}${path}`, { redirect: "manual", headers: headers() }));
  const post = async (path: string, fields: Readonly<Record<string, string>>) =>
    see(
      await fetch(`${app.origin}${path}`, {
        method: "POST",
        redirect: "manual",
        headers: headers(),
        body: new URLSearchParams({ csrf, ...fields }),
      }),
    );

  await get(start);
  return {
    async giveAddress(address) {
      const asked = await post(start, { identifier: address });
      const location = asked.headers.get("location") ?? "";
      if (asked.status !== 303) throw new Error(`expected 303, came ${asked.status}`);
      check = location.split("?")[0] ?? "";
      await get(location);
    },
    async giveCode(code) {
      const done = await post(check, { code });
      if (done.status !== 303) throw new Error(`expected 303, came ${done.status}`);
      return done.headers.get("location") ?? "";
    },
  };
}
