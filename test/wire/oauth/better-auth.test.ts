import { createPrivateKeyJwtClientAssertionGetter } from "better-auth/oauth2";
import { exportJWK, exportSPKI, generateKeyPair } from "jose";
import { expect, test } from "vitest";
import { betterAuthPlugin } from "./apps.ts";
import { register, type Somebody, somebody, typeCode } from "./support.ts";

const SHOP = "https://shop.example";

/** An app at a client of its own, and somebody who has pressed its button. */
async function press(
  parts: Readonly<Record<string, unknown>> = {},
  over: Readonly<Record<string, unknown>> = {},
): Promise<Somebody> {
  const library = betterAuthPlugin(over);
  const redirect_uris = [`${SHOP}${library.callback}`];
  const registered = await register("confidential", { redirect_uris, ...parts });
  const who = somebody({ [SHOP]: library.build(SHOP, registered) });
  const begun = await who.browser.fetch(`${SHOP}/api/auth/sign-in/social`, {
    method: "POST",
    headers: { "Content-Type": "application/json", Origin: SHOP },
    body: JSON.stringify({ provider: "countersign", callbackURL: `${SHOP}/` }),
  });
  await who.browser.go(((await begun.json()) as { url: string }).url);
  return who;
}

test("better-auth signs somebody in, and its session knows their address", async () => {
  const who = await press();
  const { html } = await typeCode(who);
  expect(JSON.parse(html)).toMatchObject({ user: { email: who.address, emailVerified: true } });
});

test("better-auth signs nobody in who declined", async () => {
  const who = await press({ settings: { first_party: false } });
  await typeCode(who);
  const { url } = await who.browser.submit({ decision: "deny" });
  expect([url.origin, url.searchParams.get("error")]).toEqual([SHOP, "access_denied"]);
  expect(JSON.parse((await who.browser.go(SHOP)).html)).toBeNull();
});

test("better-auth proves its app by private_key_jwt, whose assertion is for the token endpoint", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const privateKeyJwk = await exportJWK(privateKey);
  const getClientAssertion = createPrivateKeyJwtClientAssertionGetter({ privateKeyJwk, algorithm: "ES256" });
  const tokenEndpointAuth = { method: "private_key_jwt", getClientAssertion };
  const parts = { public_keys: [await exportSPKI(publicKey)] };
  const who = await press(parts, { clientSecret: undefined, tokenEndpointAuth });
  const { html } = await typeCode(who);
  expect(JSON.parse(html)).toMatchObject({ user: { email: who.address } });
});
