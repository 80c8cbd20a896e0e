import { env } from "cloudflare:workers";
import { calculateJwkThumbprint, decodeJwt, exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { afterEach, describe, expect, test, vi } from "vitest";
import { parseRealm } from "../../../../src/core/ids.ts";
import { fresh } from "../../support/cotter.ts";
import {
  authorizePath,
  callAs,
  exchangeCode,
  handedBack,
  newRp,
  type Rp,
  signInByCode,
  type Told,
} from "../../support/oauth.ts";
import { pageDeployment } from "../../support/page.ts";

const at = pageDeployment();
const ISSUER = at.services.config.issuer;
const TOKEN = "/oauth/token";
const FORM = { "Content-Type": "application/x-www-form-urlencoded" };
const mail = () => `${fresh("ana")}@example.com`;

afterEach(() => void vi.useRealTimers());

/** A code for somebody, of this client. */
const codeFor = async (rp: Rp, over: Readonly<Record<string, string>> = {}): Promise<string> =>
  handedBack(await signInByCode(at, await authorizePath(rp, over), mail())).code ?? "";

const tokensFor = async (rp: Rp): Promise<Told["body"]> =>
  (await exchangeCode(at, rp, await codeFor(rp, { scope: "openid email offline_access" }))).body;

const refresh = (rp: Rp, refresh_token: string, over: Readonly<Record<string, string>> = {}): Promise<Told> =>
  callAs(at, rp, TOKEN, { grant_type: "refresh_token", refresh_token, ...over });

const bare = async (form: Readonly<Record<string, string>>, headers: Record<string, string> = {}) => {
  const body = new URLSearchParams(form).toString();
  const answer = await at.ask(TOKEN, { method: "POST", headers: { ...FORM, ...headers }, body });
  return {
    status: answer.status,
    body: (await answer.json()) as { error?: string },
    headers: answer.headers,
  };
};

const userinfo = (headers: Record<string, string>) => at.ask("/oauth/userinfo", { headers });

describe("which client calls", () => {
  test("by Basic, with id and secret form-encoded, or in the body", async () => {
    const rp = await newRp(at, { kind: "confidential" });
    expect((await exchangeCode(at, rp, await codeFor(rp))).status).toBe(200);
    const form = {
      grant_type: "authorization_code",
      code: await codeFor(rp),
      redirect_uri: "https://shop.example/cb",
      code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      client_id: rp.id,
      client_secret: rp.secret,
    };
    expect((await bare(form)).status).toBe(200);
  });

  test("a confidential client does not get through by its name, nor with a wrong secret, and both are one answer", async () => {
    const rp = await newRp(at, { kind: "confidential" });
    const form = { grant_type: "refresh_token", refresh_token: "x" };
    const answers = [
      await bare({ ...form, client_id: rp.id }),
      await bare({ ...form, client_id: rp.id, client_secret: "wrong" }),
      await bare({ ...form, client_id: "nobody", client_secret: rp.secret }),
      await bare({ ...form, client_id: "nobody" }),
      await bare(form),
    ];
    for (const { status, body } of answers) expect([status, body]).toEqual([401, answers[0]?.body]);
    expect(answers[0]?.body.error).toBe("invalid_client");
    const basic = await bare(form, { Authorization: `Basic ${btoa(`${rp.id}:wrong`)}` });
    expect([basic.status, basic.headers.get("WWW-Authenticate")]).toEqual([401, 'Basic realm="oauth"']);
  });

  test("two methods at once are refused", async () => {
    const rp = await newRp(at, { kind: "confidential" });
    const headers = { Authorization: `Basic ${btoa(`${rp.id}:${rp.secret}`)}` };
    const answer = await bare(
      { grant_type: "refresh_token", client_id: rp.id, client_secret: rp.secret },
      headers,
    );
    expect([answer.status, answer.body.error]).toEqual([400, "invalid_request"]);
  });

  test("by a signed assertion, which is good once", async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    const rp = await newRp(at, { kind: "confidential", publicKeys: [await exportSPKI(publicKey)] });
    const assertion = (aud = ISSUER) =>
      new SignJWT({ jti: crypto.randomUUID() })
        .setProtectedHeader({ alg: "ES256" })
        .setIssuer(rp.id)
        .setSubject(rp.id)
        .setAudience(aud)
        .setIssuedAt()
        .setExpirationTime("60s")
        .sign(privateKey);
    const form = async (given: string) => ({
      grant_type: "refresh_token",
      refresh_token: "x",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: given,
    });
    const good = await assertion();
    expect((await bare(await form(good))).body.error).toBe("invalid_grant");
    expect((await bare(await form(good))).body.error).toBe("invalid_client");
    expect((await bare(await form(await assertion(`${ISSUER}${TOKEN}`)))).body.error).toBe("invalid_grant");
    expect((await bare(await form(await assertion("https://other.example")))).body.error).toBe(
      "invalid_client",
    );
    const other = await newRp(at, { kind: "confidential" });
    const foreign = { ...(await form(await assertion())), client_id: other.id };
    expect((await bare(foreign)).body.error).toBe("invalid_client");
  });

  test.each([
    ["T107 JSON", { "Content-Type": "application/json" }, "{}"],
    ["T107 no body", FORM, ""],
    ["T107 a parameter twice", FORM, "grant_type=a&grant_type=b"],
    ["T107 bytes that are no UTF-8", FORM, "grant_type=%ff%fe"],
    ["T107 a megabyte", FORM, `a=${"x".repeat(1_000_000)}`],
    ["T107 an escape that is none", FORM, "grant_type=%zz"],
  ])("%s is refused with 4xx, in this door's shape", async (_, headers, body) => {
    for (const path of [TOKEN, "/oauth/revoke", "/oauth/introspect"]) {
      const answer = await at.ask(path, { method: "POST", headers, body });
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(answer.status).toBeLessThan(500);
      expect(await answer.json()).toHaveProperty("error");
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
    }
  });

  test("a grant that the client may not use, and one that nobody may", async () => {
    const rp = await newRp(at);
    const form = { client_id: rp.id };
    const device = "urn:ietf:params:oauth:grant-type:device_code";
    expect((await bare({ ...form, grant_type: device })).body.error).toBe("unauthorized_client");
    for (const grant_type of ["password", "constructor", "__proto__"])
      expect((await bare({ ...form, grant_type })).body.error).toBe("unsupported_grant_type");
    expect((await bare(form)).body.error).toBe("invalid_request");
  });
});

describe("a refresh token", () => {
  test("T85 race: twenty refreshes at once get the same successor", async () => {
    const rp = await newRp(at);
    const { refresh_token } = await tokensFor(rp);
    const all = await Promise.all(Array.from({ length: 20 }, () => refresh(rp, refresh_token)));
    expect(new Set(all.map(({ body }) => body.refresh_token)).size).toBe(1);
    expect((await refresh(rp, all[0]?.body.refresh_token)).status).toBe(200);
  });

  test("T84 one that comes back after the grace ends the family", async () => {
    const rp = await newRp(at);
    const { refresh_token } = await tokensFor(rp);
    const { body } = await refresh(rp, refresh_token);
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
    expect((await refresh(rp, refresh_token)).body.error).toBe("invalid_grant");
    expect((await refresh(rp, body.refresh_token)).body.error).toBe("invalid_grant");
  });

  test("T86 inside the grace the old one gets the new one, never itself", async () => {
    const rp = await newRp(at);
    const { refresh_token } = await tokensFor(rp);
    const first = await refresh(rp, refresh_token);
    const again = await refresh(rp, refresh_token);
    expect(again.body.refresh_token).toBe(first.body.refresh_token);
    expect(again.body.refresh_token).not.toBe(refresh_token);
  });

  test("a scope may narrow and never widen, and what is refused rotates nothing", async () => {
    const rp = await newRp(at);
    const { refresh_token } = await tokensFor(rp);
    const wide = await refresh(rp, refresh_token, { scope: "openid phone" });
    expect([wide.status, wide.body.error]).toEqual([400, "invalid_scope"]);
    const narrow = await refresh(rp, refresh_token, { scope: "openid" });
    expect(narrow.body.scope).toBe("openid");
    expect(decodeJwt(narrow.body.access_token).scope).toBe("openid");
    expect((await refresh(rp, narrow.body.refresh_token)).body.scope).toBe("openid email offline_access");
  });

  test("is given only where offline_access was asked for", async () => {
    const rp = await newRp(at);
    const { body } = await exchangeCode(at, rp, await codeFor(rp));
    expect(body).not.toHaveProperty("refresh_token");
    const never = await newRp(at, { grantTypes: ["authorization_code"] });
    expect(await tokensFor(never)).not.toHaveProperty("refresh_token");
  });

  test("another client's ends the family of its owner", async () => {
    const rp = await newRp(at);
    const thief = await newRp(at);
    const { refresh_token } = await tokensFor(rp);
    expect((await refresh(thief, refresh_token)).body.error).toBe("invalid_grant");
    expect((await refresh(rp, refresh_token)).body.error).toBe("invalid_grant");
  });
});

describe("revocation and introspection", () => {
  test("what is revoked is answered without a body, whatever token was named (RFC 7009 §2.2)", async () => {
    const rp = await newRp(at);
    const { access_token, refresh_token } = await tokensFor(rp);
    for (const token of ["unknown", access_token, refresh_token]) {
      const body = new URLSearchParams({ client_id: rp.id, token });
      const answer = await at.ask("/oauth/revoke", { method: "POST", body });
      expect([answer.status, await answer.text()]).toEqual([200, ""]);
    }
  });

  test("T89 a client ends its own grant by either token; another's and unknown tokens are a success without effect", async () => {
    const rp = await newRp(at);
    const other = await newRp(at);
    for (const name of ["refresh_token", "access_token"]) {
      const tokens = await tokensFor(rp);
      expect((await callAs(at, other, "/oauth/revoke", { token: tokens[name] })).status).toBe(200);
      expect((await callAs(at, rp, "/oauth/revoke", { token: "unknown" })).status).toBe(200);
      expect((await userinfo({ Authorization: `Bearer ${tokens.access_token}` })).status).toBe(200);
      expect((await callAs(at, rp, "/oauth/revoke", { token: tokens[name] })).status).toBe(200);
      expect((await refresh(rp, tokens.refresh_token)).body.error).toBe("invalid_grant");
      expect((await userinfo({ Authorization: `Bearer ${tokens.access_token}` })).status).toBe(401);
    }
  });

  const ask = async (who: Rp, token: string) => (await callAs(at, who, "/oauth/introspect", { token })).body;

  test("a confidential client sees its own tokens and those for it; everything else is not active", async () => {
    const rp = await newRp(at, { kind: "confidential" });
    const other = await newRp(at, { kind: "confidential" });
    const tokens = await tokensFor(rp);
    const own = await ask(rp, tokens.access_token);
    expect(own).toMatchObject({ active: true, client_id: rp.id, token_type: "Bearer", iss: ISSUER });
    expect(await ask(rp, tokens.refresh_token)).toMatchObject({ active: true, token_type: "refresh_token" });
    for (const token of [tokens.id_token, "unknown", `${tokens.access_token}x`])
      expect(await ask(rp, token)).toEqual({ active: false });
    expect(await ask(other, tokens.access_token)).toEqual({ active: false });
    expect(await ask(other, tokens.refresh_token)).toEqual({ active: false });
    const open = await newRp(at);
    expect((await callAs(at, open, "/oauth/introspect", { token: "x" })).status).toBe(401);

    // Another client's, for the API that the caller is.
    const resource = "https://api.example/v1";
    const serving = { kind: "confidential", settings: { serves: ["https://x.example", resource] } } as const;
    const app = await newRp(at, { settings: { resources: [resource] } });
    const api = await newRp(at, serving);
    const code = await codeFor(app, { resource, scope: "openid offline_access" });
    const { access_token, refresh_token } = (await exchangeCode(at, app, code, { resource })).body;
    expect(await ask(api, access_token)).toMatchObject({ active: true, client_id: app.id, aud: resource });
    expect(await ask(rp, access_token)).toEqual({ active: false });
    expect(await ask(api, tokens.access_token)).toEqual({ active: false });
    const foreign = await newRp(at, { ...serving, realm: parseRealm(fresh("realm"))! });
    expect(await ask(foreign, access_token)).toEqual({ active: false });
    expect(await ask(api, refresh_token)).toEqual({ active: false });
  });

  test("the tokens of a disabled client are not active, for itself and for the API that they are for", async () => {
    const resource = "https://api.example/v1";
    const app = await newRp(at, { settings: { resources: [resource] } });
    const api = await newRp(at, { kind: "confidential", settings: { serves: [resource] } });
    const { body } = await exchangeCode(at, app, await codeFor(app, { resource }), { resource });
    expect(await ask(api, body.access_token)).toMatchObject({ active: true });
    await at.services.clients.disable(app.id, Date.now());
    expect(await ask(api, body.access_token)).toEqual({ active: false });
  });

  test("T87 an ID token is no access token, and a token of a vendor's door is none here", async () => {
    const rp = await newRp(at);
    const tokens = await tokensFor(rp);
    const answer = await userinfo({ Authorization: `Bearer ${tokens.id_token}` });
    expect(answer.status).toBe(401);
    expect(answer.headers.get("WWW-Authenticate")).toContain('error="invalid_token"');
    const none = await userinfo({});
    expect([none.status, none.headers.get("WWW-Authenticate")]).toEqual([401, 'Bearer realm="oauth"']);
    const query = await at.ask(`/oauth/userinfo?access_token=${tokens.access_token}`);
    expect(query.status).toBe(401);
  });
});

describe("DPoP", () => {
  type Key = Awaited<ReturnType<typeof newKey>>;
  const newKey = async () => {
    const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
    return { privateKey, jwk: await exportJWK(publicKey) };
  };
  const proofOf = async (key: Key, over: Readonly<Record<string, unknown>> = {}) =>
    await new SignJWT({
      jti: crypto.randomUUID(),
      htm: "POST",
      htu: `${ISSUER}${TOKEN}`,
      iat: Math.floor(Date.now() / 1_000),
      ...over,
    })
      .setProtectedHeader({ typ: "dpop+jwt", alg: "ES256", jwk: key.jwk })
      .sign(key.privateKey);
  const nonceOf = async (rp: Rp, key: Key): Promise<string> => {
    const form = { grant_type: "refresh_token", refresh_token: "x" };
    const asked = await callAs(at, rp, TOKEN, form, { DPoP: await proofOf(key) });
    expect([asked.status, asked.body.error]).toEqual([400, "use_dpop_nonce"]);
    return asked.headers.get("DPoP-Nonce") ?? "";
  };
  const bound = async (rp: Rp, key: Key, nonce: string) => {
    const code = await codeFor(rp, { scope: "openid offline_access" });
    return await callAs(
      at,
      rp,
      TOKEN,
      {
        grant_type: "authorization_code",
        code,
        redirect_uri: "https://shop.example/cb",
        code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
      },
      { DPoP: await proofOf(key, { nonce }) },
    );
  };

  test("T90 a nonce is asked for, and a bound token needs its key at userinfo and at the refresh", async () => {
    const rp = await newRp(at);
    const [key, other] = [await newKey(), await newKey()];
    const nonce = await nonceOf(rp, key);
    const { status, body } = await bound(rp, key, nonce);
    expect([status, body.token_type]).toEqual([200, "DPoP"]);
    const jkt = await calculateJwkThumbprint(key.jwk);
    expect(decodeJwt(body.access_token).cnf).toEqual({ jkt });

    const hash = new Uint8Array(
      await crypto.subtle.digest("SHA-256", new TextEncoder().encode(body.access_token)),
    );
    const ath = hash.toBase64({ alphabet: "base64url", omitPadding: true });
    const at_ = { htm: "GET", htu: `${ISSUER}/oauth/userinfo`, nonce, ath };
    const call = async (scheme: string, DPoP?: string) =>
      await userinfo({ Authorization: `${scheme} ${body.access_token}`, ...(DPoP ? { DPoP } : {}) });
    expect((await call("DPoP", await proofOf(key, at_))).status).toBe(200);
    expect((await call("Bearer")).status).toBe(401);
    expect((await call("DPoP")).status).toBe(401);
    expect((await call("DPoP", await proofOf(other, at_))).status).toBe(401);
    expect((await call("DPoP", await proofOf(key, { ...at_, ath: "x" }))).status).toBe(401);

    const next = { grant_type: "refresh_token", refresh_token: body.refresh_token };
    const good = await callAs(at, rp, TOKEN, next, { DPoP: await proofOf(key, { nonce }) });
    expect([good.status, good.body.token_type]).toEqual([200, "DPoP"]);
    const stolen = { grant_type: "refresh_token", refresh_token: good.body.refresh_token };
    const theft = await callAs(at, rp, TOKEN, stolen, { DPoP: await proofOf(other, { nonce }) });
    expect(theft.body.error).toBe("invalid_grant");
    const after = await callAs(at, rp, TOKEN, stolen, { DPoP: await proofOf(key, { nonce }) });
    expect(after.body.error).toBe("invalid_grant");
  });

  test("T90 a proof is good once, for its own method, address and minute", async () => {
    const rp = await newRp(at);
    const key = await newKey();
    const nonce = await nonceOf(rp, key);
    const { body } = await bound(rp, key, nonce);
    const form = { grant_type: "refresh_token", refresh_token: body.refresh_token };
    const ask = async (DPoP: string) => (await callAs(at, rp, TOKEN, form, { DPoP })).body.error;
    const proof = await proofOf(key, { nonce });
    expect(await ask(proof)).toBe(undefined);
    expect(await ask(proof)).toBe("invalid_dpop_proof");
    const now = Math.floor(Date.now() / 1_000);
    for (const over of [
      { htm: "GET" },
      { htu: `${ISSUER}/oauth/revoke` },
      { htu: `https://evil.example${TOKEN}` },
      { iat: now - 120 },
      { iat: now + 120 },
      { jti: "" },
    ])
      expect([over, await ask(await proofOf(key, { nonce, ...over }))]).toEqual([over, "invalid_dpop_proof"]);
    expect(await ask(await proofOf(key, { nonce: "forged" }))).toBe("use_dpop_nonce");
  });

  test("a proof that comes with nothing that is good leaves no row", async () => {
    const rp = await newRp(at);
    const key = await newKey();
    const nonce = await nonceOf(rp, key);
    const rows = async () =>
      await env.DB.prepare("SELECT count(*) AS n FROM used_nonces WHERE client_id = ?")
        .bind(rp.id)
        .first("n");
    for (const form of [
      { grant_type: "refresh_token", refresh_token: "x" },
      { grant_type: "authorization_code", code: "x", redirect_uri: "https://shop.example/cb" },
    ]) {
      const told = await callAs(at, rp, TOKEN, form, { DPoP: await proofOf(key, { nonce }) });
      expect(told.body.error).toBe("invalid_grant");
    }
    const pushed = await callAs(
      at,
      rp,
      "/oauth/par",
      Object.fromEntries(new URL(await authorizePath(rp), ISSUER).searchParams),
      { DPoP: await proofOf(key, { nonce, htu: `${ISSUER}/oauth/par` }) },
    );
    expect(pushed.status).toBe(201);
    expect(await rows()).toBe(0);
  });

  test("T90 a code that was asked for with a key is exchanged with it alone", async () => {
    const rp = await newRp(at);
    const [key, other] = [await newKey(), await newKey()];
    const nonce = await nonceOf(rp, key);
    const code = await codeFor(rp, { dpop_jkt: await calculateJwkThumbprint(key.jwk) });
    const form = {
      grant_type: "authorization_code",
      code,
      redirect_uri: "https://shop.example/cb",
      code_verifier: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    };
    const wrong = await callAs(at, rp, TOKEN, form, { DPoP: await proofOf(other, { nonce }) });
    expect(wrong.body.error).toBe("invalid_grant");
    const late = await callAs(at, rp, TOKEN, form, { DPoP: await proofOf(key, { nonce }) });
    expect(late.body.error).toBe("invalid_grant");
  });

  test("a client whose tokens are bound gets none without a proof", async () => {
    const rp = await newRp(at, { settings: { dpop_bound_access_tokens: true } });
    expect((await exchangeCode(at, rp, await codeFor(rp))).body.error).toBe("invalid_dpop_proof");
  });
});
