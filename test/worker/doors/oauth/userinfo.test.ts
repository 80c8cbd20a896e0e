import { decodeJwt } from "jose";
import { describe, expect, test } from "vitest";
import { fresh } from "../../support/cotter.ts";
import {
  authorizePath,
  exchangeCode,
  handedBack,
  newRp,
  type Rp,
  signInByCode,
  type Told,
} from "../../support/oauth.ts";
import { pageDeployment } from "../../support/page.ts";

const at = pageDeployment();
const USERINFO = "/oauth/userinfo";
const mail = () => `${fresh("ana")}@example.com`;

const tokensOf = async (
  rp: Rp,
  over: Readonly<Record<string, string | undefined>>,
  address = mail(),
): Promise<Told["body"]> => {
  const { code = "" } = handedBack(await signInByCode(at, await authorizePath(rp, over), address));
  return (await exchangeCode(at, rp, code)).body;
};

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const form = (fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) => ({
  method: "POST",
  headers: { "Content-Type": "application/x-www-form-urlencoded", ...headers },
  body: new URLSearchParams(fields).toString(),
});

/** The operator gives a user a name. */
async function name(userId: string, username: string): Promise<void> {
  const answer = await at.ask(`/admin/users/${userId}`, {
    method: "PATCH",
    headers: { "Content-Type": "application/json", Authorization: "Bearer dev-admin-token" },
    body: JSON.stringify({ username }),
  });
  expect(answer.status).toBe(200);
}

describe("userinfo", () => {
  test("takes the token in the header by GET and POST, or in a form, and answers alike", async () => {
    const address = mail();
    const { access_token, id_token } = await tokensOf(await newRp(at), { scope: "openid email" }, address);
    const answers = [
      await at.ask(USERINFO, { headers: bearer(access_token) }),
      await at.ask(USERINFO, { method: "POST", headers: bearer(access_token) }),
      await at.ask(USERINFO, form({}, bearer(access_token))),
      await at.ask(USERINFO, form({ access_token })),
    ];
    for (const answer of answers) {
      expect(answer.status).toBe(200);
      expect(answer.headers.get("Content-Type")).toContain("application/json");
      const { sub } = decodeJwt(id_token);
      expect(await answer.json()).toEqual({ sub, email: address, email_verified: true });
    }
  });

  test("refuses a token that comes in both ways", async () => {
    const { access_token } = await tokensOf(await newRp(at), {});
    const answer = await at.ask(USERINFO, form({ access_token }, bearer(access_token)));
    expect([answer.status, ((await answer.json()) as { error: string }).error]).toEqual([
      400,
      "invalid_request",
    ]);
  });

  test("needs the scope openid", async () => {
    const rp = await newRp(at);
    const { access_token, id_token } = await tokensOf(rp, { scope: "email" });
    expect(id_token).toBeUndefined();
    const answer = await at.ask(USERINFO, { headers: bearer(access_token) });
    expect(answer.status).toBe(403);
    expect(answer.headers.get("WWW-Authenticate")).toContain('error="insufficient_scope"');
  });

  test("tells by each scope its claims, and no others", async () => {
    const rp = await newRp(at);
    const number = `+43664${Math.floor(1e6 + Math.random() * 8e6)}`;
    const scopes = async (scope: string) => {
      const { access_token } = await tokensOf(rp, { scope }, number);
      return (await (await at.ask(USERINFO, { headers: bearer(access_token) })).json()) as object;
    };
    const { sub } = (await scopes("openid")) as { sub: string };
    const username = fresh("ana");
    await name(sub, username);
    expect(await scopes("openid")).toEqual({ sub });
    expect(await scopes("openid phone")).toEqual({ sub, phone_number: number, phone_number_verified: true });
    expect(await scopes("openid profile")).toEqual({ sub, preferred_username: username });
    expect(await scopes("profile phone email openid")).toEqual({
      sub,
      phone_number: number,
      phone_number_verified: true,
      preferred_username: username,
    });
  });
});

describe("what an ID token says", () => {
  test("of a request without a nonce it has none, with PKCE", async () => {
    const { id_token } = await tokensOf(await newRp(at), { nonce: undefined });
    expect(decodeJwt(id_token)).not.toHaveProperty("nonce");
  });

  test("of a second sign-in it has a later auth_time and the same sub", async () => {
    const rp = await newRp(at);
    const address = mail();
    const first = decodeJwt((await tokensOf(rp, {}, address)).id_token);
    await new Promise((wake) => setTimeout(wake, 1_100));
    const second = decodeJwt((await tokensOf(rp, { prompt: "login" }, address)).id_token);
    expect(second.sub).toBe(first.sub);
    expect(Number(second.auth_time)).toBeGreaterThan(Number(first.auth_time));
  });
});

test("T82 a request object leads nowhere: the address beside it is looked at first", async () => {
  const rp = await newRp(at);
  const over = { request: "eyJhbGciOiJub25lIn0.e30.", redirect_uri: "https://evil.example/cb" };
  const answer = await at.ask(await authorizePath(rp, over));
  expect([answer.status, answer.headers.get("Location")]).toEqual([400, null]);
});
