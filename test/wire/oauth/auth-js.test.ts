import { expect, test } from "vitest";
import { authJs } from "./apps.ts";
import { register, type Somebody, somebody, typeCode } from "./support.ts";

const SHOP = "https://shop.example";

/** An app at a client of its own, and somebody who has pressed its button. */
async function press(
  over: Readonly<Record<string, unknown>> = {},
  parts: Readonly<Record<string, unknown>> = {},
): Promise<Somebody> {
  const library = authJs(over);
  const redirect_uris = [`${SHOP}${library.callback}`];
  const registered = await register("confidential", { redirect_uris, ...parts });
  const who = somebody({ [SHOP]: library.build(SHOP, registered) });
  await who.browser.go(`${SHOP}/auth/signin`);
  await who.browser.submit({ csrfToken: csrf(who), callbackUrl: SHOP });
  return who;
}

const csrf = ({ browser }: Somebody): string =>
  /name="csrfToken" value="([^"]*)"/.exec(browser.page.html)?.[1] ?? "";

const sessionAt = ({ html }: { readonly html: string }): unknown => JSON.parse(html);

test("Auth.js signs somebody in by the issuer and the client's two names alone", async () => {
  const who = await press();
  expect(sessionAt(await typeCode(who))).toMatchObject({ user: {}, expires: expect.any(String) });
});

test("Auth.js knows the address when it asks userinfo", async () => {
  const who = await press({ idToken: false });
  expect(sessionAt(await typeCode(who))).toMatchObject({ user: { email: who.address } });
});

test("Auth.js checks state, nonce and PKCE of one sign-in", async () => {
  const who = await press({ idToken: false, checks: ["pkce", "state", "nonce"] });
  expect(sessionAt(await typeCode(who))).toMatchObject({ user: { email: who.address } });
});

test("Auth.js signs nobody in who declined", async () => {
  const who = await press({}, { settings: { first_party: false } });
  await typeCode(who);
  const { url } = await who.browser.submit({ decision: "deny" });
  expect(url.origin).toBe(SHOP);
  expect(sessionAt(await who.browser.go(SHOP))).toBeNull();
});
