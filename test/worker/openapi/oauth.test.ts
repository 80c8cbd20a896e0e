import { expect, test } from "vitest";
import { oauthDescription } from "../../../src/doors/oauth/openapi/description.ts";
import { commonDescription } from "../../../src/http/openapi/routes.ts";
import { site } from "../support/approver.ts";
import { DEVICE, newParty } from "../support/ciba.ts";
import { authorizePath, handedBack, newRp, signInByCode } from "../support/oauth.ts";
import { newOwner, newPhoneOwner } from "../support/phone.ts";
import { player } from "./play.ts";

const basic = (id: string, secret: string) => ({ Authorization: `Basic ${btoa(`${id}:${secret}`)}` });
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

test("every documented call of the standard door is answered as its description says", async () => {
  const at = site({ OPEN_CLIENT_HOSTS: "app.example" });
  const { play, unsent } = player(at, oauthDescription);
  await play("GET /.well-known/openid-configuration");
  await play("GET /.well-known/oauth-authorization-server");

  const settings = { post_logout_redirect_uris: ["https://shop.example/bye"] };
  const rp = await newRp(at, { settings });
  const named = { client_id: rp.id };
  await play("GET /oauth/authorize", { query: named });
  await play("POST /oauth/authorize", { form: named });
  await play("POST /oauth/par", { form: named });
  const signedIn = await signInByCode(at, await authorizePath(rp), "ada@example.com");
  const code = handedBack(signedIn).code ?? "";
  const tokens = await play("POST /oauth/token", { form: { ...named, code } });
  const { access_token } = tokens.body;
  await play("GET /oauth/userinfo", { headers: bearer(access_token) });
  await play("POST /oauth/userinfo", { form: { access_token } });
  await play("GET /oauth/logout", { query: named });
  await play("POST /oauth/logout", { form: named });
  await play("POST /oauth/revoke", { form: { ...named, token: access_token } });

  const tv = await newRp(at, { grantTypes: [DEVICE] });
  await play("POST /oauth/device_authorization", { form: { client_id: tv.id } });
  const party = await newParty(at);
  const own = basic(party.id, party.secret);
  const { id } = await newOwner(at);
  await play("POST /oauth/bc-authorize", { headers: own, form: { login_hint: id } });
  await play("POST /oauth/introspect", { headers: own, form: { token: access_token } });
  await play("POST /oauth/register");
  expect(unsent()).toEqual([]);
});

test("every documented call of no door is answered as its description says", async () => {
  const at = site();
  const { play, unsent } = player(at, commonDescription);
  await play("GET /.well-known/jwks.json");
  await play("GET /healthz");
  await play("GET /dev/outbox");
  const party = await newParty(at);
  const { id, phone } = await newPhoneOwner(at, "key");
  const started = await at.ask("/oauth/bc-authorize", {
    method: "POST",
    headers: basic(party.id, party.secret),
    body: new URLSearchParams({ scope: "openid", login_hint: id }),
  });
  const { auth_req_id: handle, wait_uri: uri, match_code } = (await started.json()) as Record<string, string>;
  const path = { id: String(uri).split("/").at(-2) ?? "" };
  await play("GET /challenges/:id/wait", { path, headers: bearer(String(handle)) });
  const upgrade = { ...bearer(String(handle)), Upgrade: "websocket" };
  await play("GET /challenges/:id/socket", { path, headers: upgrade });
  const [prompt] = await phone.prompts();
  await phone.decide(prompt, { decision: "approve", match_code: String(match_code) });
  await play("GET /challenges/:id/receipt", { path, headers: basic(party.id, party.secret) });
  expect(unsent()).toEqual([]);
});
