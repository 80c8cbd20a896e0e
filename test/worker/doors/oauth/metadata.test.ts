import { describe, expect, test } from "vitest";
import { makeApp } from "../../../../src/app.ts";
import { callAs, newRp } from "../../support/oauth.ts";
import { pageDeployment } from "../../support/page.ts";

const at = pageDeployment();
const ISSUER = at.services.config.issuer;
const OIDC = "/.well-known/openid-configuration";
const OAUTH = "/.well-known/oauth-authorization-server";

const read = async (path: string) => {
  const answer = await at.ask(path);
  return {
    headers: answer.headers,
    status: answer.status,
    body: (await answer.json()) as Record<string, unknown>,
  };
};

describe("the metadata of the standard door", () => {
  test("is the same at both addresses, for every page, and may be kept for five minutes", async () => {
    const [oidc, oauth] = [await read(OIDC), await read(OAUTH)];
    expect(oauth.body).toEqual(oidc.body);
    for (const { headers, status } of [oidc, oauth]) {
      expect(status).toBe(200);
      expect(headers.get("Cache-Control")).toBe("public, max-age=300");
      expect(headers.get("Access-Control-Allow-Origin")).toBe("*");
      expect(headers.get("Access-Control-Allow-Credentials")).toBeNull();
    }
  });

  test("says what is true of its issuer, keys and choices", async () => {
    const { body } = await read(OIDC);
    expect(body).toMatchObject({
      issuer: ISSUER,
      jwks_uri: `${ISSUER}/.well-known/jwks.json`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
      subject_types_supported: ["public"],
      authorization_response_iss_parameter_supported: true,
      request_uri_parameter_supported: false,
      request_parameter_supported: false,
      claims_parameter_supported: false,
      dpop_signing_alg_values_supported: ["ES256"],
    });
    expect(body.token_endpoint_auth_signing_alg_values_supported).not.toContain("none");
    expect(body.introspection_endpoint_auth_methods_supported).not.toContain("none");
  });

  test("names no endpoint that does not answer, and every one is a route of the door", async () => {
    const { body } = await read(OIDC);
    const named = Object.entries(body).filter(([member]) => /_endpoint$|^jwks_uri$/.test(member));
    expect(named.length).toBeGreaterThan(7);
    const routes = makeApp().routes.map(({ path }) => path);
    for (const [member, url] of named) {
      const { origin, pathname } = new URL(String(url));
      expect([member, origin]).toEqual([member, ISSUER]);
      expect(routes).toContain(pathname);
      const method = member === "jwks_uri" ? "GET" : "POST";
      const answer = await at.ask(pathname, { method });
      expect([member, answer.status === 404 || answer.status === 405 || answer.status >= 500]).toEqual([
        member,
        false,
      ]);
    }
  });

  test("names every grant, scope and method that works, and no other", async () => {
    const { body } = await read(OIDC);
    const rp = await newRp(at, {
      kind: "confidential",
      grantTypes: body.grant_types_supported as NonNullable<Parameters<typeof newRp>[1]>["grantTypes"] &
        object,
    });
    for (const grant_type of body.grant_types_supported as string[]) {
      const { body: told } = await callAs(at, rp, "/oauth/token", { grant_type });
      expect([grant_type, told.error]).toEqual([grant_type, "invalid_request"]);
    }
    const password = await callAs(at, rp, "/oauth/token", { grant_type: "password" });
    expect(password.body.error).toBe("unsupported_grant_type");
  });
});

describe("pages of other origins", () => {
  const form = { grant_type: "refresh_token", refresh_token: "x" };

  test("T92 a client's own pages read the token endpoint, without credentials, and nobody else's do", async () => {
    const rp = await newRp(at);
    const from = async (Origin: string) => (await callAs(at, rp, "/oauth/token", form, { Origin })).headers;
    const own = await from("https://shop.example");
    expect(own.get("Access-Control-Allow-Origin")).toBe("https://shop.example");
    expect(own.get("Access-Control-Allow-Credentials")).toBeNull();
    expect(own.get("Access-Control-Expose-Headers")).toContain("DPoP-Nonce");
    expect(own.get("Access-Control-Expose-Headers")).toContain("Retry-After");
    expect(own.get("Vary")).toContain("Origin");
    expect((await from("https://evil.example")).get("Access-Control-Allow-Origin")).toBeNull();
  });

  test("T92 a preflight passes, and the sign-in pages are readable by none", async () => {
    const preflight = await at.ask("/oauth/token", {
      method: "OPTIONS",
      headers: {
        Origin: "https://shop.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "DPoP",
      },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("DPoP");
    for (const path of ["/oauth/authorize", "/oauth/device", "/oauth/introspect"]) {
      const answer = await at.ask(path, { headers: { Origin: "https://shop.example" } });
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBeNull();
    }
  });
});
