import { createHash, randomBytes, randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
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

const place = { origin: inject("origin"), adminToken: inject("adminToken") };
const api = makeApi(place.origin);
const PHONE = { width: 360, height: 740 };
const email = () => `ana-${randomUUID().slice(0, 8)}@example.com`;
const phone = () => `+4915${String(Math.floor(Math.random() * 1e9)).padStart(9, "0")}`;
const wrongFor = (code: string) => (code === "000000" ? "111111" : "000000");

let site: Site;
/** The app's own listener, as a desktop app has one (RFC 8252 §7.3). */
let callback: string;

beforeAll(async () => {
  site = await startSite((_request, response) => {
    response.setHeader("Content-Type", "text/html");
    response.end("<!doctype html><title>Back in the app</title><p>Back in the app");
  });
  callback = `http://127.0.0.1:${site.port}/cb`;
});
afterAll(async () => {
  await site.close();
});

async function newApp(parts: object = {}, redirect = "http://127.0.0.1/cb") {
  const clientId = await makeClient(place, { redirect_uris: [redirect], ...parts });
  const verifier = randomBytes(28).toString("hex");
  const challenge = createHash("sha256").update(verifier).digest("base64url");
  const url = (over: Readonly<Record<string, string>> = {}) =>
    `${place.origin}/app?${new URLSearchParams({
      api_key: clientId,
      redirect_url: redirect.startsWith("http") ? callback : redirect,
      type: "EMAIL",
      code_challenge: challenge,
      state: "abcXYZ456",
      ...over,
    })}`;
  const exchange = (at: string, redirect_url = callback) => {
    const { searchParams } = new URL(at);
    return api("POST", "/api/v0/verify/get_identity", {
      query: { oauth_token: "true" },
      headers: { API_KEY_ID: clientId },
      json: {
        code_verifier: verifier,
        authorization_code: searchParams.get("code"),
        challenge_id: Number(searchParams.get("challenge_id")),
        redirect_url,
      },
    });
  };
  return { clientId, verifier, challenge, url, exchange };
}

describe("the hosted page, in a browser", () => {
  test("e-mail: a code is typed and the app gets tokens; by keyboard alone, and nobody complains", async () => {
    const app = await newApp();
    const { page, complaints, close } = await openPage({ viewport: PHONE });
    try {
      const address = email();
      await page.goto(app.url());
      expect(await page.title()).toBe("Your e-mail address - Shop");
      // The one field has the focus by itself.
      await page.getByRole("textbox").and(page.locator(":focus")).waitFor();
      await page.keyboard.type(address);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/app\/check\//);
      expect(await page.title()).toBe("Enter your code - Shop");
      const field = page.getByLabel("Code");
      expect(await field.getAttribute("autocomplete")).toBe("one-time-code");
      expect(await field.getAttribute("inputmode")).toBe("numeric");
      await field.and(page.locator(":focus")).waitFor();
      const { code } = await newest(place, address);
      expect(await page.content()).not.toContain(code);
      await expect.poll(() => page.locator("[data-left]").textContent()).toMatch(/^Time left: \d:\d\d$/);
      await page.keyboard.type(code);
      await page.waitForURL(`${callback}?**`);
      expect(new URL(page.url()).searchParams.get("state")).toBe("abcXYZ456");
      const identity = await app.exchange(page.url());
      expect(identity.status).toBe(200);
      expect(identity.body).toMatchObject({
        identifier: { identifier: address, identifier_type: "EMAIL" },
        oauth_token: { auth_method: "OTP" },
      });
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });

  test("phone: a code comes by text, is typed without script, and the app gets tokens", async () => {
    const app = await newApp();
    const { page, close } = await openPage({ viewport: PHONE, javaScriptEnabled: false });
    try {
      const number = phone();
      await page.goto(app.url({ type: "PHONE" }));
      await page
        .getByLabel("Phone number")
        .fill(`${number.slice(0, 3)} ${number.slice(3, 7)} ${number.slice(7)}`);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.waitForURL(/\/app\/check\//);
      const sent = await newest(place, number);
      expect(sent.channel).toBe("sms");
      expect(await page.getByText("Good for 10 minutes.").isVisible()).toBe(true);
      await page.getByLabel("Code").fill(`${sent.code.slice(0, 3)} ${sent.code.slice(3)}`);
      await page.getByRole("button", { name: "Confirm" }).click();
      await page.waitForURL(`${callback}?**`);
      const identity = await app.exchange(page.url());
      expect(identity.body).toMatchObject({ identifier: { identifier: number, identifier_type: "PHONE" } });
    } finally {
      await close();
    }
  });

  test("a link opened in another browser: the waiting page goes on by itself", async () => {
    const app = await newApp();
    const waiting = await openPage({ viewport: PHONE });
    const reader = await openPage({ viewport: PHONE });
    try {
      const address = email();
      await waiting.page.goto(app.url({ auth_method: "MAGIC_LINK" }));
      await waiting.page.getByLabel("E-mail address").fill(address);
      await waiting.page.getByRole("button", { name: "Continue" }).click();
      await waiting.page.getByText("Waiting for you to open it").waitFor();
      const link = await newestLink(place, address);
      await reader.page.goto(link);
      expect(await reader.page.getByText(address).isVisible()).toBe(true);
      // The first button that the keyboard reaches says no.
      await reader.page.keyboard.press("Tab");
      expect(await reader.page.evaluate(() => document.activeElement?.parentElement?.textContent)).toBe(
        "No, it was not me",
      );
      await picture(reader.page, "verify-confirm-360");
      await reader.page.getByLabel("Yes, it was me").check();
      await reader.page.getByRole("button", { name: "Continue" }).click();
      await reader.page.getByText("That is confirmed").waitFor();
      await waiting.page.waitForURL(`${callback}?**`);
      const identity = await app.exchange(waiting.page.url());
      expect(identity.body).toMatchObject({ oauth_token: { auth_method: "MAGIC_LINK" } });
      expect([...waiting.complaints, ...reader.complaints]).toEqual([]);
    } finally {
      await waiting.close();
      await reader.close();
    }
  });

  test("a link that its reader did not ask for: the waiting page says that it was stopped", async () => {
    const app = await newApp();
    const waiting = await openPage({ viewport: PHONE });
    const reader = await openPage();
    try {
      const address = email();
      await waiting.page.goto(app.url({ auth_method: "MAGIC_LINK", direct_login: "true", input: address }));
      await waiting.page.getByText("Waiting for you to open it").waitFor();
      await reader.page.goto(await newestLink(place, address));
      await reader.page.getByLabel("No, it was not me").check();
      await reader.page.getByRole("button", { name: "Continue" }).click();
      await waiting.page.getByText("This was stopped").waitFor();
      await waiting.page.getByRole("link", { name: "Back to Shop" }).click();
      await waiting.page.waitForURL(`${callback}?**`);
      expect(new URL(waiting.page.url()).searchParams.get("error")).toBe("access_denied");
    } finally {
      await waiting.close();
      await reader.close();
    }
  });

  test("wrong codes down to the last, with words for each; reloading spends no guess, and one may start again", async () => {
    const app = await newApp();
    const { page, close } = await openPage({ viewport: PHONE });
    try {
      const address = email();
      await page.goto(app.url({ direct_login: "true", input: address }));
      const first = await newest(place, address);
      const { code } = first;
      const type = async (text: string) => {
        await page.getByLabel("Code").fill(text);
        // Six digits have sent themselves.
        if (text.length < 6) await page.getByRole("button", { name: "Confirm" }).click();
      };
      await type(wrongFor(code));
      await page.getByRole("alert").getByText("You can try 4 more times").waitFor();
      await page.reload();
      await page.reload();
      await type("");
      await page.getByRole("alert").getByText("Type the six digits").waitFor();
      for (const words of ["3 more times", "2 more times", "once more"]) {
        await type(wrongFor(code));
        await page.getByRole("alert").getByText(words).waitFor();
      }
      await type(wrongFor(code));
      await page.getByRole("heading", { name: "Too many wrong codes" }).waitFor();
      await page.getByRole("link", { name: "Start again" }).click();
      await page.getByLabel("E-mail address").fill(address);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.getByLabel("Code").waitFor();
      await type(wrongFor((await newest(place, address, first)).code));
      await page.getByRole("alert").getByText("You can try 4 more times").waitFor();
    } finally {
      await close();
    }
  });

  test("C17 another code: the first one is still taken, the button waits, and another address is the way back", async () => {
    const app = await newApp();
    const { page, close } = await openPage({ viewport: PHONE });
    try {
      await page.clock.install();
      const address = email();
      await page.goto(app.url());
      await page.getByLabel("E-mail address").fill(address);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.waitForURL(/\/app\/check\//);
      const again = page.getByRole("button", { name: /^Send another code/ });
      expect(await again.isDisabled()).toBe(true);
      await page.clock.fastForward(20_000);
      expect(await again.isEnabled()).toBe(true);
      await again.click();
      await page.getByText("We sent you a new code").waitFor();
      expect(await again.isDisabled()).toBe(true);
      await page.getByRole("link", { name: "Use another address" }).click();
      const other = email();
      await page.getByLabel("E-mail address").fill(other);
      await page.getByRole("button", { name: "Continue" }).click();
      await page.waitForURL(/\/app\/check\//);
      await page.getByLabel("Code").fill((await newest(place, other)).code);
      await page.waitForURL(`${callback}?**`);
      expect((await app.exchange(page.url())).body).toMatchObject({ identifier: { identifier: other } });
    } finally {
      await close();
    }
  });

  test("a message that fails after the page was shown: the page says so by itself, once", async () => {
    const app = await newApp();
    const { page, close } = await openPage({ viewport: PHONE });
    try {
      let looks = 0;
      await page.route(/\/app\/check\/.*m=/, async (route) => {
        const request = route.request();
        if (request.method() === "HEAD") {
          looks++;
          await route.fulfill({ status: 422 });
        } else if (looks > 0) {
          await route.continue({ url: request.url().replace(/m=.*/, "e=unsent") });
        } else {
          await route.continue();
        }
      });
      await page.goto(app.url({ direct_login: "true", input: email() }));
      await page.getByRole("heading", { level: 1 }).waitFor();
      await page.getByRole("alert").getByText("could not be sent").waitFor({ timeout: 8_000 });
      await page.waitForTimeout(3_500);
      expect(looks).toBe(1);
      await page.getByRole("button", { name: "Send another code" }).waitFor();
    } finally {
      await close();
    }
  });

  test("back and reload after the end: the same way into the app, and then none", async () => {
    const app = await newApp();
    const { page, close } = await openPage({ viewport: PHONE });
    try {
      const address = email();
      await page.goto(app.url({ direct_login: "true", input: address }));
      const check = page.url();
      await page.getByLabel("Code").fill((await newest(place, address)).code);
      await page.waitForURL(`${callback}?**`);
      const handed = page.url();
      await page.goBack();
      await page.goto(check);
      await page.getByRole("link", { name: "Continue to Shop" }).click();
      await page.waitForURL(handed);
      expect((await app.exchange(handed)).status).toBe(200);
      await page.goto(check);
      await page.getByText("This is done").waitFor();
      await page.reload();
      expect(await page.getByRole("link").count()).toBe(0);
    } finally {
      await close();
    }
  });

  test("too late: the page says so, and starting again works", async () => {
    const app = await newApp({ settings: { verify_seconds: 2 } });
    const { page, close } = await openPage({ viewport: PHONE });
    try {
      const address = email();
      await page.goto(app.url({ direct_login: "true", input: address }));
      const { code } = await newest(place, address);
      expect(code).toMatch(/^\d{6}$/);
      // By itself.
      await page.getByText("This took too long").waitFor();
      expect(await page.getByLabel("Code").count()).toBe(0);
      await page.getByRole("link", { name: "Start again" }).click();
      await page.getByLabel("E-mail address").waitFor();
    } finally {
      await close();
    }
  });

  test("an app's own scheme: the 303 is let through by the policy, and the link stands behind it", async () => {
    const app = await newApp({}, "myapp://auth_callback");
    const { page, complaints, close } = await openPage({ viewport: PHONE });
    try {
      const address = email();
      await page.goto(app.url({ direct_login: "true", input: address }));
      const check = page.url();
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === "POST"),
        newest(place, address).then(({ code }) => page.getByLabel("Code").fill(code)),
      ]);
      expect(answer.status()).toBe(303);
      const target = answer.headers().location ?? "";
      expect(target).toMatch(
        /^myapp:\/\/auth_callback\?code=[0-9a-f]{64}\.[\w-]{43}&state=abcXYZ456&challenge_id=\d+$/,
      );
      expect(complaints.filter((text) => text.includes("form-action"))).toEqual([]);
      await page.goto(check);
      expect(await page.getByRole("link", { name: "Continue to Shop" }).getAttribute("href")).toBe(target);
      expect((await app.exchange(target, "myapp://auth_callback")).status).toBe(200);
    } finally {
      await close();
    }
  });

  test("T93 no page of another site frames it, and no script of a stranger runs in it", async () => {
    const app = await newApp();
    const { page, complaints, close } = await openPage();
    try {
      await page.goto(app.url());
      await page.evaluate(() => {
        const script = document.createElement("script");
        script.textContent = "document.title = 'taken'";
        document.body.append(script);
      });
      expect(await page.title()).toBe("Your e-mail address - Shop");
      expect(complaints.some((text) => text.includes("Content Security Policy"))).toBe(true);
      await page.goto(site.origin);
      // T223: a page that says why. Nothing runs in it, so that it is read on its way.
      const [answer] = await Promise.all([
        page.waitForResponse((response) => response.url() === app.url()),
        page.setContent(
          `<iframe src="${app.url().replaceAll("&", "&amp;")}" width="600" height="400"></iframe>`,
        ),
      ]);
      expect([answer.status(), (await answer.text()).includes("This page stands alone")]).toEqual([
        403,
        true,
      ]);
      expect(page.frames().map((frame) => frame.url())).not.toContain("chrome-error://chromewebdata/");
      await picture(page, "verify-refused-frame");
    } finally {
      await close();
    }
  });
});

const LONG =
  "The Extraordinarily Long-Named Shop of Donaudampfschifffahrtsgesellschaft & Sons (formerly Müller)";
const LONG_ADDRESS = `${"very.long.address.that.goes.on.and.on".padEnd(64, "x")}@${"subdomain.".repeat(4)}example.com`;

describe("the pages' looks", () => {
  test.each([
    [320, 640, "light"],
    [360, 740, "light"],
    [360, 740, "dark"],
    [1280, 800, "light"],
    [1280, 800, "dark"],
  ] as const)(
    "at %i x %i, %s: nothing is clipped, overlaps or is too low to touch",
    async (width, height, colorScheme) => {
      const app = await newApp({ name: LONG, settings: { brand: { colour: "#ffd400" } } });
      const plain = await newApp();
      const { page, close } = await openPage({ viewport: { width, height }, colorScheme });
      const look = async (name: string) => {
        expect(await page.evaluate(layout), name).toEqual({ ...WELL_LAID_OUT, headings: 1 });
        await picture(page, `verify-${name}-${width}-${colorScheme}`);
      };
      try {
        await page.goto(
          app.url({ type: "PHONE", "phone_channels[]": "SMS" }).concat("&phone_channels[]=WHATSAPP"),
        );
        await look("phone");
        await page.goto(plain.url());
        await look("plain");
        await page.goto(app.url());
        await page.getByLabel("E-mail address").fill("not an address");
        await page.getByRole("button", { name: "Continue" }).click();
        await page.getByRole("alert").waitFor();
        await look("entry-error");
        await page.getByLabel("E-mail address").fill(LONG_ADDRESS);
        await page.getByRole("button", { name: "Continue" }).click();
        await page.waitForURL(/\/app\/check\//);
        await look("code");
        await page.getByLabel("Code").fill("12");
        await page.getByRole("button", { name: "Confirm" }).click();
        await page.getByRole("alert").waitFor();
        await page.getByLabel("Code").fill("48291");
        await look("code-error");
        await page.goto(
          app.url({ auth_method: "MAGIC_LINK", direct_login: "true", input: `x${LONG_ADDRESS.slice(2)}` }),
        );
        await look("wait");
        await page.goto(await newestLink(place, `x${LONG_ADDRESS.slice(2)}`));
        await look("confirm");
        await page.getByLabel("Yes, it was me").check();
        await page.getByRole("button", { name: "Continue" }).click();
        await page.getByText("That is confirmed").waitFor();
        await look("confirmed");
        await page.goto(`${place.origin}/app?api_key=nobody`);
        await look("trouble");
        await page.goto(app.url().replace(encodeURIComponent(callback), "https%3A%2F%2Fevil.example"));
        await look("redirect");
      } finally {
        await close();
      }
    },
  );
});
