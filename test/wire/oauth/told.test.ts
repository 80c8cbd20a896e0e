import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";
import { expect, onTestFinished, test } from "vitest";
import { answerNewest } from "../support/events.ts";
import { place } from "../support/place.ts";
import {
  BY_PHONE,
  CALLBACK,
  CIBA,
  issuer,
  listening,
  register,
  signInAt,
  somebody,
  withPhone,
} from "./support.ts";

const insecure = { execute: [client.allowInsecureRequests] };

test("CIBA: a client is pinged when the person has approved, and its first poll gets the tokens", async () => {
  const ear = await listening();
  onTestFinished(ear.close);
  const { id, secret } = await register("confidential", {
    grant_types: [CIBA],
    notification_endpoint: ear.url,
    settings: { ...BY_PHONE, backchannel_token_delivery_mode: "ping" },
  });
  const config = await client.discovery(issuer(), id, secret, undefined, insecure);
  const { phones, person } = await withPhone();
  const client_notification_token = client.randomState();
  const begun = await client.initiateBackchannelAuthentication(config, {
    scope: "openid",
    login_hint: person.identifier,
    client_notification_token,
  });
  await answerNewest(phones, person, true);
  const { headers, body } = await ear.told;
  expect(headers.authorization).toBe(`Bearer ${client_notification_token}`);
  const { auth_req_id } = JSON.parse(body) as { auth_req_id: string };
  expect(auth_req_id).toBe(begun.auth_req_id);
  const asked = { ...begun, auth_req_id, interval: 0 };
  const tokens = await client.pollBackchannelAuthenticationGrant(config, asked);
  expect(tokens.claims()?.sub).toBe(person.userId);
});

test("a client hears by a logout token that its person has signed out", async () => {
  const ear = await listening();
  onTestFinished(ear.close);
  const { id } = await register("public", { settings: { backchannel_logout_uri: ear.url } });
  const config = await client.discovery(issuer(), id, undefined, client.None(), insecure);
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const who = somebody();
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: "openid",
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  const landed = await signInAt(who, url);
  const tokens = await client.authorizationCodeGrant(config, landed, { pkceCodeVerifier });
  await who.browser.go(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? "" }));
  const token = new URLSearchParams((await ear.told).body).get("logout_token") ?? "";
  const jwks = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri ?? ""));
  const options = { issuer: place().origin, audience: id, typ: "logout+jwt" };
  const { payload } = await jwtVerify(token, jwks, options);
  expect(payload).toMatchObject({
    sub: tokens.claims()?.sub,
    sid: tokens.claims()?.sid,
    events: { "http://schemas.openid.net/event/backchannel-logout": {} },
  });
  expect(payload).not.toHaveProperty("nonce");
});
