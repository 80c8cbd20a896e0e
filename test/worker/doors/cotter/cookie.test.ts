import { describe, expect, test } from "vitest";
import type { ClientId } from "../../../../src/core/ids.ts";
import { type Answer, type Deployment, deployment, newClient, newPerson } from "../../support/cotter.ts";

const SITE = "https://shop.example";
const at: Deployment = deployment();

/** A refresh without a token in its body, as a page that relies on its cookie sends it. */
const byCookie = (client: ClientId, cookie: string, origin: string): Promise<Answer> =>
  at.call(
    "POST",
    `/api/v0/token/${client}`,
    { grant_type: "refresh_token" },
    { API_KEY_ID: client, Cookie: cookie, Origin: origin },
  );

/** A page's refresh by its body; the answer sets the cookie. */
async function withCookie(client: ClientId) {
  const { tokens } = await newPerson(at, client);
  const answer = await at.call(
    "POST",
    `/api/v0/token/${client}`,
    { grant_type: "refresh_token", refresh_token: tokens.refresh_token },
    { API_KEY_ID: client, Origin: SITE },
  );
  expect(answer.status).toBe(200);
  return { token: answer.body.refresh_token, cookie: answer.headers.get("Set-Cookie")?.split(";")[0] };
}

describe("the refresh cookie (Cotter §10.15)", () => {
  test("T92 a client that lets every origin call has no cookie: any page could spend it", async () => {
    const client = await newClient(at);
    const { cookie = "", token } = await withCookie(client);
    await at.services.clients.update(client, { allowedOrigins: ["*"] }, Date.now());
    const foreign = await byCookie(client, cookie, "https://evil.example");
    expect([foreign.status, foreign.body]).toEqual([400, { msg: "Refresh token is not valid" }]);
    const own = await at.call(
      "POST",
      `/api/v0/token/${client}`,
      { grant_type: "refresh_token", refresh_token: token },
      { API_KEY_ID: client, Origin: "https://evil.example" },
    );
    expect([own.status, own.headers.get("Set-Cookie")]).toEqual([200, null]);
  });

  test("T106 a page of another client neither uses nor ends what the cookie of this one holds", async () => {
    const client = await newClient(at);
    const { cookie = "" } = await withCookie(client);
    const other = await newClient(at);
    expect((await byCookie(other, cookie, SITE)).status).toBe(400);
    expect((await byCookie(client, cookie, SITE)).status).toBe(200);
  });
});
