import { describe, expect, test } from "vitest";
import { authorizePath, callAs, newRp } from "../../support/oauth.ts";
import { mailbox, signedIn } from "../../support/oauth-sessions.ts";
import { pageDeployment } from "../../support/page.ts";

const at = pageDeployment();
const CIBA = "urn:openid:params:grant-type:ciba";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const ALL = ["authorization_code", "refresh_token", DEVICE, CIBA] as const;

const b64 = (text: string) => btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const jwt = (header: string, payload: string) => `${b64(header)}.${b64(payload)}.${b64("x".repeat(64))}`;
const id = "a".repeat(64);
const mac = "x".repeat(43);

/** Values that have broken parsers. */
const ODD: readonly string[] = [
  "\u0000",
  "\u202e",
  "//",
  "http://[",
  "__proto__",
  "constructor",
  "-1",
  "1e9",
  "9".repeat(400),
  "😀".repeat(50),
  "a".repeat(7_000),
  "%",
  "%ff",
  ".",
  "..",
  `${id}.${mac}`,
  `${"f".repeat(64)}.1.${mac}`,
  jwt("{}", "{}"),
  jwt('{"alg":"ES256","kid":"x","typ":"JWT"}', "null"),
  jwt('{"alg":"ES256","typ":"at+jwt","kid":"__proto__"}', "[]"),
  jwt('{"alg":"ES256","typ":"JWT","kid":"x"}', '{"iss":1,"sub":{},"aud":[]}'),
  jwt('{"alg":"none"}', '{"exp":1e400}'),
  "/oauth/authorize?",
  "/oauth/authorize?client_id=%ff",
  "/oauth/device?user_code=BCDF-GHJK",
  "urn:ietf:params:oauth:request_uri:1.AAAA",
  "urn:ietf:params:oauth:request_uri:",
];

const NAMES = {
  "/oauth/token": [
    "grant_type",
    "code",
    "redirect_uri",
    "code_verifier",
    "refresh_token",
    "device_code",
    "auth_req_id",
    "scope",
    "resource",
    "client_id",
    "client_secret",
    "client_assertion",
  ],
  "/oauth/revoke": ["token", "token_type_hint", "client_assertion"],
  "/oauth/introspect": ["token", "token_type_hint"],
  "/oauth/device_authorization": ["scope", "resource"],
  "/oauth/bc-authorize": [
    "scope",
    "login_hint",
    "login_hint_token",
    "id_token_hint",
    "binding_message",
    "requested_expiry",
    "acr_values",
    "authorization_details",
    "client_notification_token",
    "resource",
  ],
  "/oauth/par": [
    "scope",
    "redirect_uri",
    "state",
    "nonce",
    "prompt",
    "max_age",
    "id_token_hint",
    "dpop_jkt",
    "resource",
    "request",
    "request_uri",
    "client_id",
    "code_challenge",
  ],
  "/oauth/userinfo": ["access_token"],
} as const;

const GRANTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  code: {
    grant_type: "authorization_code",
    redirect_uri: "https://shop.example/cb",
    code_verifier: "v".repeat(43),
  },
  refresh_token: { grant_type: "refresh_token" },
  device_code: { grant_type: DEVICE },
  auth_req_id: { grant_type: CIBA },
};
const CIBA_FORM = { scope: "openid", login_hint: "a@example.com" };

describe("T107 no value makes a fault of ours", () => {
  test.each(Object.entries(NAMES))(
    "%s",
    async (path, names) => {
      for (const kind of ["confidential", "public"] as const) {
        const rp = await newRp(at, { kind, grantTypes: [...ALL] });
        const ask = new URL(await authorizePath(rp), "https://x").searchParams;
        for (const name of names) {
          for (const value of ODD) {
            const base =
              path === "/oauth/par"
                ? Object.fromEntries(ask)
                : path === "/oauth/bc-authorize"
                  ? CIBA_FORM
                  : (GRANTS[name] ?? GRANTS.refresh_token!);
            const form = { ...base, [name]: value };
            const told = await callAs(at, rp, path, form).catch((e: unknown) => ({
              status: 599,
              body: String(e),
            }));
            expect([name, value.slice(0, 60), told.status < 500]).toEqual([name, value.slice(0, 60), true]);
          }
        }
      }
    },
    120_000,
  );

  test("of a header", async () => {
    const rp = await newRp(at);
    for (const value of ODD.filter((text) => /^[\x20-\x7e]+$/.test(text))) {
      for (const headers of [
        { Authorization: `Basic ${value}` },
        { Authorization: `Basic ${btoa(value)}` },
        { Authorization: `Bearer ${value}` },
        { Authorization: `DPoP ${value}` },
        { DPoP: value },
        { Cookie: `countersign_session=${value}` },
        { Cookie: `countersign_page=${value}` },
      ]) {
        for (const path of ["/oauth/token", "/oauth/userinfo", "/oauth/par"]) {
          const told = await callAs(
            at,
            rp,
            path,
            { grant_type: "refresh_token", refresh_token: "x" },
            headers,
          );
          expect([headers, path, told.status < 500]).toEqual([headers, path, true]);
        }
        for (const path of ["/oauth/sessions", "/oauth/device", await authorizePath(rp), "/oauth/logout"]) {
          const answer = await at.ask(path, { headers });
          expect([headers, path, answer.status < 500]).toEqual([headers, path, true]);
        }
      }
    }
  }, 120_000);

  test("of a page's address or form", async () => {
    const rp = await newRp(at);
    const { person } = await signedIn(at, rp);
    await person.get(await authorizePath(rp));
    for (const value of ODD) {
      const q = encodeURIComponent(value);
      for (const path of [
        ...[
          "state",
          "prompt",
          "max_age",
          "id_token_hint",
          "login_hint",
          "signed_in",
          "nonce",
          "scope",
          "opened",
          "request_uri",
          "redirect_uri",
          "client_id",
        ].map(async (name) => await authorizePath(rp, { [name]: value })),
        `/oauth/device?user_code=${q}`,
        `/oauth/device?user_code=BCDF-GHJK&signed_in=${q}`,
        `/oauth/device/${q}?user_code=BCDF-GHJK`,
        `/oauth/device/${id}?user_code=${q}`,
        `/oauth/sign-in/${q}`,
        `/oauth/sign-in/${id}?to=${q}`,
        `/oauth/sessions?client_id=${q}`,
        `/oauth/logout?client_id=${q}`,
        `/oauth/logout?id_token_hint=${q}&post_logout_redirect_uri=${q}`,
        `/oauth/logout?state=${q}&client_id=${rp.id}`,
      ]) {
        const seen = await person.get(await path);
        expect([await path, seen.status < 500]).toEqual([await path, true]);
      }
      const to = await authorizePath(rp);
      for (const [path, form] of [
        ["/oauth/sign-in", { to: value, identifier: mailbox(), way: "code" }],
        ["/oauth/sign-in", { to, identifier: value, way: "device" }],
        ["/oauth/sign-in", { to, identifier: value, way: value }],
        ["/oauth/sign-in", { to, way: "account", session: value }],
        [`/oauth/sign-in/${id}`, { to: value, code: value }],
        [`/oauth/sign-in/${id}/again`, { to: value }],
        ["/oauth/consent", { to: value, decision: "approve" }],
        ["/oauth/consent", { to, decision: value }],
        ["/oauth/device", { user_code: value }],
        [`/oauth/device/${id}`, { user_code: value, decision: "approve" }],
        ["/oauth/sessions", { end: value }],
        ["/oauth/logout/answer", { client_id: value, decision: "stay" }],
        ["/oauth/logout", { id_token_hint: value, state: value }],
        ["/oauth/authorize", { client_id: rp.id, state: value }],
      ] as const) {
        const seen = await person.post(path, form);
        expect([path, form, seen.status < 500]).toEqual([path, form, true]);
      }
    }
  }, 300_000);

  test("of deep JSON", async () => {
    const rp = await newRp(at, { kind: "confidential", grantTypes: [...ALL] });
    for (const depth of [900, 3_000, 5_000, 7_500]) {
      const deep = `[{"type":"x","a":${"[".repeat(depth)}${"]".repeat(depth)}}]`;
      const body = `scope=openid&login_hint=a%40example.com&authorization_details=${deep}`;
      const answer = await at.ask("/oauth/bc-authorize", {
        method: "POST",
        headers: {
          "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
          Authorization: `Basic ${btoa(`${rp.id}:${rp.secret}`)}`,
        },
        body,
      });
      expect([depth, answer.status]).toEqual([depth, 400]);
    }
  });
});
