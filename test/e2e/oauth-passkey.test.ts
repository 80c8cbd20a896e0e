import { createHash, randomBytes, randomUUID } from "node:crypto";
import type { CDPSession, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort, type Server, startServer } from "../wire/server.ts";
import { makeApi } from "../wire/support/api.ts";
import { openPage } from "./browser.ts";
import {
  layout,
  makeClient,
  newest,
  newestLink,
  picture,
  type Site,
  startSite,
  WELL_LAID_OUT,
} from "./verify-support.ts";

/** Under a name: a passkey belongs to none of the numbers that tests are served at. */
let server: Server;
let place: { readonly origin: string; readonly adminToken: string };
let site: Site;
let client: string;

beforeAll(async () => {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  server = await startServer({ port, vars: { ISSUER: origin } });
  place = { origin, adminToken: "dev-admin-token" };
  site = await startSite((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>Back in the app</title><p>Back in the app");
  });
  client = await makeClient(place, {
    redirect_uris: [`${site.origin}/cb`],
    grant_types: ["authorization_code"],
  });
});
afterAll(async () => {
  await site.close();
  await server.stop();
  server.remove();
});

const verifier = randomBytes(32).toString("base64url");
const authorizeUrl = () =>
  `${place.origin}/oauth/authorize?${new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: `${site.origin}/cb`,
    scope: "openid",
    state: "s",
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
  })}`;
const passkeysUrl = () => `${place.origin}/oauth/passkeys?client_id=${client}`;

/** An authenticator of the browser's own, with the user's consent or without. */
async function withAuthenticator(page: Page, consents: boolean): Promise<CDPSession> {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("WebAuthn.enable");
  await devtools.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: consents,
      automaticPresenceSimulation: true,
    },
  });
  return devtools;
}

async function signInByCode(page: Page, address: string): Promise<void> {
  await page.goto(authorizeUrl());
  await page.getByRole("textbox").and(page.locator(":focus")).waitFor();
  await page.keyboard.type(address);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.waitForURL(/\/oauth\/sign-in\/[0-9a-f]/);
  const { code } = await newest(place, address);
  await page.getByLabel("Code").fill(code);
  await page.waitForURL(`${site.origin}/cb?**`);
}

/** Looks at the page on a small and a wide screen, by day and by night. */
async function look(page: Page, name: string): Promise<void> {
  for (const [width, height] of [
    [360, 740],
    [1280, 800],
  ] as const) {
    await page.setViewportSize({ width, height });
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await page.evaluate(layout), `${name}, ${width}, ${colorScheme}`).toEqual({
        ...WELL_LAID_OUT,
        headings: 1,
      });
      await picture(page, `passkey-${name}-${width}-${colorScheme}`);
    }
  }
}

/** What the client's tokens say of the sign-in that led here. */
async function claimsAt(url: string) {
  const answer = await makeApi(place.origin)("POST", "/oauth/token", {
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    raw: new URLSearchParams({
      grant_type: "authorization_code",
      client_id: client,
      code: new URL(url).searchParams.get("code") ?? "",
      redirect_uri: `${site.origin}/cb`,
      code_verifier: verifier,
    }).toString(),
  });
  const claims = (token: unknown) =>
    JSON.parse(Buffer.from(String(token).split(".")[1] ?? "", "base64url").toString());
  return { id: claims(answer.body.id_token), access: claims(answer.body.access_token) };
}

test("a person signs in by a code, adds a passkey, and signs in with it", async () => {
  const { page, complaints, close } = await openPage();
  try {
    const address = `ana-${randomUUID().slice(0, 8)}@example.com`;
    await withAuthenticator(page, true);
    await signInByCode(page, address);
    const byCode = await claimsAt(page.url());
    expect(byCode.id).toMatchObject({ amr: ["otp"], acr: "urn:signin:acr:identifier" });

    await page.goto(passkeysUrl());
    expect(await page.title()).toBe("Your passkeys - Shop");
    await look(page, "none");
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("The passkey was added.").waitFor();
    expect(await page.getByRole("button", { name: /^Remove: Chrome, / }).count()).toBe(1);
    await look(page, "added");
    // A code adds the first alone.
    expect(await page.getByRole("button", { name: "Add a passkey" }).count()).toBe(0);

    const said = {
      sub: byCode.id.sub,
      amr: [expect.stringMatching(/^[hs]wk$/), "user"],
      acr: "urn:signin:acr:device-match-uv",
    };
    // From the field's own list, where this authenticator picks by itself.
    await page.context().clearCookies();
    await page.goto(authorizeUrl());
    await page.waitForURL(`${site.origin}/cb?**`);
    expect(await claimsAt(page.url())).toMatchObject({ id: said, access: said });

    // By the button, in a browser without such a list.
    await page.context().clearCookies();
    await page.addInitScript(() => {
      PublicKeyCredential.isConditionalMediationAvailable = async () => false;
    });
    await page.goto(authorizeUrl());
    const use = page.getByRole("button", { name: "Use a passkey" });
    await use.waitFor();
    await look(page, "sign-in");
    await use.click();
    await page.waitForURL(`${site.origin}/cb?**`);
    expect(await claimsAt(page.url())).toMatchObject({ id: said, access: said });

    // Removed, it signs nobody in, and the session that it had opened is over.
    await page.goto(passkeysUrl());
    await page.getByRole("button", { name: /^Remove/ }).click();
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByText("This passkey did not work here.").waitFor();
    await look(page, "refused");
    // The browser says so of an answer that refuses.
    expect(complaints).toEqual([expect.stringContaining("422")]);
  } finally {
    await close();
  }
});

test("who does not unlock the device makes no passkey and uses none, and is told what to do", async () => {
  const { page, complaints, close } = await openPage();
  try {
    await withAuthenticator(page, false);
    await signInByCode(page, `ben-${randomUUID().slice(0, 8)}@example.com`);
    await page.goto(passkeysUrl());
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByRole("alert").getByText("No passkey was made.").waitFor();
    await look(page, "failed");
    expect(await page.getByRole("button", { name: /^Remove/ }).count()).toBe(0);

    await page.context().clearCookies();
    await page.goto(authorizeUrl());
    await page.getByRole("button", { name: "Use a passkey" }).click();
    await page.getByRole("alert").getByText("No passkey was used.").waitFor();
    await look(page, "not-used");
    expect(complaints).toEqual([]);
  } finally {
    await close();
  }
});

test("T33 the letter about a new passkey takes it back, by a box and a button", async () => {
  const { page, close } = await openPage();
  const reader = await openPage();
  try {
    const address = `cleo-${randomUUID().slice(0, 8)}@example.com`;
    await withAuthenticator(page, true);
    await signInByCode(page, address);
    await page.goto(passkeysUrl());
    await page.getByRole("button", { name: "Add a passkey" }).click();
    await page.getByText("The passkey was added.").waitFor();

    const link = await newestLink(place, address);
    await reader.page.goto(link);
    expect(await reader.page.title()).toBe("Take the new device back - Shop");
    await look(reader.page, "undo");
    // Without the tick the browser sends nothing, and one that does is told so.
    const undo = reader.page.getByRole("button", { name: "Take it back" });
    const sure = reader.page.getByRole("checkbox", { name: "It was not me. Take this device back." });
    await undo.click();
    expect(await sure.evaluate((box: HTMLInputElement) => box.validity.valid)).toBe(false);
    await sure.evaluate((box: HTMLInputElement) => box.form?.setAttribute("novalidate", ""));
    await undo.click();
    await reader.page.getByRole("alert").getByText("Tick the box").waitFor();
    await look(reader.page, "undo-unsure");
    // By keyboard alone.
    await sure.focus();
    await reader.page.keyboard.press("Space");
    await reader.page.keyboard.press("Tab");
    await reader.page.keyboard.press("Enter");
    await reader.page.getByRole("heading", { name: "The device was taken back" }).waitFor();
    await look(reader.page, "undo-done");
    await reader.page.goto(link);
    await reader.page.getByRole("heading", { name: "This device is gone already" }).waitFor();
    await look(reader.page, "undo-gone");
    // What is refused stands in the console, and nothing else does.
    expect(reader.complaints.filter((text) => !/422|410/.test(text))).toEqual([]);
  } finally {
    await close();
    await reader.close();
  }
});

test("without script the pages say that a passkey needs it", async () => {
  const { page, close } = await openPage({ javaScriptEnabled: false });
  try {
    await page.goto(authorizeUrl());
    // Chromium shows no `noscript` where DevTools have taken scripts away.
    expect(await page.locator("main noscript").textContent()).toContain("To use a passkey, allow scripts");
    expect(await page.getByRole("button").allTextContents()).toEqual([
      "Continue on my phone",
      "Send me a code",
    ]);
    await look(page, "scriptless");
  } finally {
    await close();
  }
});
