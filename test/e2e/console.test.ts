import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { createClient } from "../../packages/countersign/src/client.ts";
import { grantsOf, newUser, operate, type Stage, type User } from "../wire/sdk/stage.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { looksWell } from "./page-looks.ts";

const LONG = "The Extraordinarily Long-Named Shop of Donaudampfschifffahrtsgesellschaft & Sons (formerly Mü";
const MARKUP = '<img src=x onerror="document.title=1">';

let stage: Stage;
let open: OpenPage;
let page: Page;

beforeAll(async () => {
  stage = { origin: inject("origin"), adminToken: inject("adminToken") };
  open = await openPage({ viewport: { width: 1280, height: 800 } });
  page = open.page;
});
afterAll(async () => {
  await open.close();
});

const heading = (name: string | RegExp) =>
  page.getByRole("heading", { name, level: 1, exact: true }).waitFor();
/** By what stands on it: for who hears it alone a button says more. */
const onButton = (label: string) =>
  page.locator("button:visible").filter({ hasText: new RegExp(`^${label}$`) });
const press = (label: string) => onButton(label).click();
const label = (name: string) => page.getByLabel(name, { exact: true });
const text = (said: string | RegExp) => page.getByText(said).first().waitFor();

async function enter(token = stage.adminToken): Promise<void> {
  await page.goto("about:blank");
  await page.goto(`${stage.origin}/console`);
  await heading("Console");
  await label("Admin token").fill(token);
  await press("Open");
}
async function go(name: string): Promise<void> {
  await page.getByRole("link", { name, exact: true }).click();
}
/** Opens a view by its address, as a bookmark does; the page keeps its token. */
async function at(hash: string): Promise<void> {
  await page.evaluate((to) => {
    location.hash = to;
  }, hash);
}

describe("who is let in", () => {
  test("T93 nobody without the admin token: a wrong one is said to be wrong, and shows nothing", async () => {
    await enter("not-the-token");
    await text("This is not the admin token.");
    expect(await page.getByRole("navigation").isVisible()).toBe(false);
    await looksWell(page, "console-wrong-token");
    await at("#users");
    await heading("Console");
  });

  test("T67 the token is in no storage, no cookie and no address, and a reload forgets it", async () => {
    await enter();
    await heading("Overview");
    const kept = await page.evaluate(() =>
      JSON.stringify([
        { ...localStorage },
        { ...sessionStorage },
        document.cookie,
        location.href,
        history.state,
      ]),
    );
    expect(kept).not.toContain(stage.adminToken);
    await page.reload();
    await heading("Console");
    expect(await label("Admin token").inputValue()).toBe("");
  });

  test("whoever closes it, or leaves it for half an hour, has to give the token again", async () => {
    await page.clock.install();
    await enter();
    await heading("Overview");
    await press("Close");
    await heading("Console");
    await label("Admin token").fill(stage.adminToken);
    await press("Open");
    await heading("Overview");
    await page.clock.fastForward(29 * 60_000);
    await go("Keys");
    await heading("Signing keys");
    await page.clock.fastForward(29 * 60_000);
    expect(await page.getByRole("navigation").isVisible()).toBe(true);
    await page.clock.fastForward(2 * 60_000);
    await text("Nobody pressed anything for half an hour.");
    await page.clock.resume();
  });
});

describe("a console that was left", () => {
  test("a machine that slept has stopped its timers: the next press finds the token gone", async () => {
    await enter();
    await heading("Overview");
    await page.evaluate(() => {
      const now = Date.now;
      Date.now = () => now() + 9 * 3_600_000;
    });
    await go("Keys");
    await text("Nobody pressed anything for half an hour.");
  });

  test("the browser's Back brings no signed-in page", async () => {
    // Playwright's own browser keeps no page for Back, so the page is told what it would be told.
    await enter();
    await heading("Overview");
    await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true })));
    await heading("Console");
    expect(await page.getByRole("navigation").isVisible()).toBe(false);
  });

  test("after Close no view is asked for, the address is bare, and nothing is dim", async () => {
    await enter();
    await heading("Overview");
    await at("#users");
    await heading("Users");
    const held = Promise.withResolvers<void>();
    await page.route("**/admin/keys", async (route) => {
      await held.promise;
      await route.continue().catch(() => undefined);
    });
    await go("Keys");
    await press("Close");
    await heading("Console");
    expect(await page.locator("main").getAttribute("aria-busy")).toBeNull();
    expect(page.url()).toBe(`${stage.origin}/console`);
    held.resolve();
    await page.unroute("**/admin/keys");
    const asked: string[] = [];
    page.on("request", (request) => void asked.push(request.url()));
    await at("#clients");
    await page.waitForTimeout(200);
    expect(asked).toEqual([]);
    expect(await page.locator("h1").innerText()).toBe("Console");
  });
});

describe("what is on its way", () => {
  test("a late answer shows nothing over the view that was opened since, and throws nobody elsewhere", async () => {
    const user = await newUser(stage);
    await enter();
    await heading("Overview");
    const held = Promise.withResolvers<void>();
    await page.route("**/admin/clients", async (route) => {
      await held.promise;
      await route.continue().catch(() => undefined);
    });
    await go("Clients");
    await go("Keys");
    await heading("Signing keys");
    held.resolve();
    await page.waitForTimeout(100);
    expect(await page.locator("h1").innerText()).toBe("Signing keys");
    await page.unroute("**/admin/clients");

    const late = Promise.withResolvers<void>();
    await at(`#users/${user.id}`);
    await heading(user.email);
    await page.route(`**/admin/users/${user.id}`, async (route) => {
      if (route.request().method() === "DELETE") await late.promise;
      await route.continue();
    });
    await press("Delete the user");
    await press("Yes: delete the user");
    await go("Keys");
    await heading("Signing keys");
    const answered = page.waitForResponse((answer) => answer.request().method() === "DELETE");
    late.resolve();
    expect((await answered).status()).toBe(204);
    await page.waitForTimeout(100);
    expect(await page.locator("h1").innerText()).toBe("Signing keys");
    await page.unroute(`**/admin/users/${user.id}`);
  });

  test("a double press does not answer its own question, and a busy button acts once", async () => {
    const user = await newUser(stage);
    await enter();
    await heading("Overview");
    await at(`#users/${user.id}`);
    await heading(user.email);
    for (const label of ["Lock", "Delete the user", "Delete and erase"]) {
      const box = await onButton(label).boundingBox();
      if (!box) throw new Error(`no button ${label}`);
      // Where the second button comes to lie under the first one.
      await onButton(label).dblclick({ position: { x: box.width - 6, y: box.height - 4 } });
      await text(`Yes: ${label.toLowerCase()}`);
      await press("No");
      await onButton(label).waitFor();
    }
    expect((await operate(stage, "GET", `/admin/users/${user.id}`)).status).toBe("active");
    let deleted = 0;
    await page.route(`**/admin/users/${user.id}/devices/*`, async (route) => {
      deleted += 1;
      await new Promise((wake) => setTimeout(wake, 200));
      await route.continue();
    });
    await press("Remove");
    const yes = onButton("Yes: remove");
    await yes.evaluate((button: HTMLElement) => {
      button.click();
      button.click();
    });
    await text("Removed.");
    expect(deleted).toBe(1);
    await page.unroute(`**/admin/users/${user.id}/devices/*`);
  });

  test("a list goes on where its first page ended, with the first new row in focus", async () => {
    const { client_id: id } = await operate(stage, "POST", "/admin/clients", {
      name: "Busy",
      kind: "public",
    });
    for (let round = 0; round < 60; round += 1) {
      await operate(stage, "PATCH", `/admin/clients/${id}`, { name: `Busy ${round}` });
    }
    await enter();
    await heading("Overview");
    await at(`#audit?client_id=${id}`);
    await heading("Audit trail");
    expect(await page.locator("details").count()).toBe(50);
    await press("Show more");
    await page.waitForFunction(() => document.querySelectorAll("details").length === 61);
    expect(await page.evaluate(() => document.activeElement?.tagName)).toBe("LI");
    await text("client.created");
    expect(await onButton("Show more").count()).toBe(0);
  });

  test("the view that is open is asked for again by its own link", async () => {
    await enter();
    await heading("Overview");
    await page.route("**/admin/audit", (route) => route.abort());
    await go("Overview");
    await text("The deployment cannot be reached. Try again.");
    await page.unroute("**/admin/audit");
    await go("Overview");
    await text("What happened last");
  });

  test("what a colleague has saved meanwhile is not undone", async () => {
    const { client_id: id } = await operate(stage, "POST", "/admin/clients", {
      name: "Ours",
      kind: "public",
    });
    await enter();
    await heading("Overview");
    await at(`#clients/${id}`);
    await heading("Ours");
    await operate(stage, "PATCH", `/admin/clients/${id}`, { redirect_uris: ["https://new.example/"] });
    await label("As JSON").fill((await label("As JSON").inputValue()).replace("Ours", "Mine"));
    await press("Save");
    await text(/Somebody has changed this client meanwhile/);
    expect(await operate(stage, "GET", `/admin/clients/${id}`)).toMatchObject({
      name: "Ours",
      redirect_uris: ["https://new.example/"],
    });
  });
});

describe("clients", () => {
  test("one is made, its secret is shown this once and works; it is changed and disabled", async () => {
    await enter();
    await go("Clients");
    await heading("Clients");
    const id = `console-${crypto.randomUUID()}`;
    await label("Name, as users see it").fill("Bank");
    await label("Client id").fill(id);
    await label("Kind").selectOption("confidential");
    await page.getByLabel(/^CIBA/).check();
    await label("Redirect addresses, one a line").fill("https://bank.example/back\n\nhttps://bank.example/b");
    await press("Make the client");
    await text(/they are not shown again/);
    const secret = await page.locator("code.secret").first().innerText();
    await looksWell(page, "console-clients");
    const made = await operate(stage, "GET", `/admin/clients/${id}`);
    expect(made).toMatchObject({
      name: "Bank",
      kind: "confidential",
      redirect_uris: ["https://bank.example/back", "https://bank.example/b"],
      grant_types: ["authorization_code", "refresh_token", "urn:openid:params:grant-type:ciba"],
    });
    // A secret that works names the user whom nobody knows.
    const client = createClient({ issuer: stage.origin, clientId: id, clientSecret: secret });
    await expect(client.requestApproval({ user: "nobody@example.com" })).rejects.toMatchObject({
      error: "unknown_user_id",
    });

    // What is shown this once stays until it is put away, whichever view is open.
    await heading("Bank");
    await go("Keys");
    await heading("Signing keys");
    expect(await page.locator("body").innerText()).toContain(secret);
    await press("I have copied them");
    await at(`#clients/${id}`);
    await heading("Bank");
    expect(await page.locator("body").innerText()).not.toContain(secret);
    await label("As JSON").fill(
      (await label("As JSON").inputValue())
        .replace('"settings": {}', '"settings": { "access_token_seconds": 900 }')
        .replace('"name": "Bank"', '"name": "The bank"'),
    );
    await press("Save");
    await heading("The bank");
    await looksWell(page, "console-client");
    expect(await operate(stage, "GET", `/admin/clients/${id}`)).toMatchObject({
      name: "The bank",
      settings: { access_token_seconds: 900 },
      redirect_uris: made.redirect_uris,
    });
    // What is taken out goes back to its default.
    await label("As JSON").fill(
      (await label("As JSON").inputValue()).replace(/"access_token_seconds": 900/, ""),
    );
    const saved = page.waitForResponse((answer) => answer.request().method() === "PATCH");
    await press("Save");
    await saved;
    expect((await operate(stage, "GET", `/admin/clients/${id}`)).settings).toEqual({});
    // The view as it is made anew, and not what was typed into the one before.
    await page.waitForFunction(() => document.querySelector("textarea")?.value.includes('"settings": {}'));

    await press("Make a new secret");
    await text(/the old one works for another 24 hours/);
    await press("Yes: make a new secret");
    await text(/they are not shown again/);
    expect(await page.locator("code.secret").first().innerText()).not.toBe(secret);
    await press("I have copied them");
    await press("Disable");
    await press("No");
    expect((await operate(stage, "GET", `/admin/clients/${id}`)).disabled).toBe(false);
    await press("Disable");
    await press("Yes: disable");
    await text("Disabled.");
    expect((await operate(stage, "GET", `/admin/clients/${id}`)).disabled).toBe(true);
    await press("Enable");
    await text("Enabled.");
  });

  test("what the server or the page refuses is said beside the form, and nothing is changed", async () => {
    const { client_id: id } = await operate(stage, "POST", "/admin/clients", { name: LONG, kind: "public" });
    await enter();
    await heading("Overview");
    await at(`#clients/${id}`);
    await heading(LONG);
    await label("As JSON").fill(
      (await label("As JSON").inputValue()).replace('"settings": {}', '"settings": {"no_such_setting": 1}'),
    );
    await press("Save");
    await text(/no_such_setting/);
    await looksWell(page, "console-client-error");
    await label("As JSON").fill("{");
    await press("Save");
    await text("This is no JSON object.");
    await label("As JSON").fill("{}");
    await press("Save");
    await text("name is missing.");
    expect((await operate(stage, "GET", `/admin/clients/${id}`)).settings).toEqual({});
    await at("#clients/nobody");
    await page.getByRole("alert").waitFor();
    await at("#clients/%E0%A4%A");
    await heading("Clients");
  });

  test("T14 a name of markup is text", async () => {
    const { client_id: id } = await operate(stage, "POST", "/admin/clients", {
      name: MARKUP,
      kind: "public",
    });
    await enter();
    await heading("Overview");
    await at(`#clients/${id}`);
    await heading(MARKUP);
    expect(await page.locator("main img").count()).toBe(0);
    expect(await page.title()).toBe(`Clients ${id} - Console`);
  });
});

describe("names that would pass for others", () => {
  test("what is not seen of a name is written out, and an app's own name is told from an address", async () => {
    const mine = `ceo-${crypto.randomUUID()}@example.com`;
    await operate(stage, "POST", "/admin/users", { email: mine, verified: true });
    const username = `\u202enevorp ${crypto.randomUUID()}`;
    const { user_id: id } = await operate(stage, "POST", "/admin/users", { username, external_id: mine });
    await enter();
    await go("Users");
    await heading("Users");
    await label("Name").fill(mine);
    await press("Find");
    await page.getByRole("heading", { name: "By an app's own name" }).waitFor();
    expect(page.url()).not.toContain("ceo");
    const [first, second] = await page.locator("ul.list").allInnerTexts();
    expect(first).toContain(mine);
    expect(first).toContain("e-mail, proven");
    expect(second).toContain("⟨U+202E⟩nevorp");
    expect(second).toContain("the own name of the operator's apps");
    await at(`#users/${id}`);
    await heading(/^⟨U\+202E⟩nevorp/);
  });
});

describe("users", () => {
  let user: User;
  beforeAll(async () => {
    user = await newUser(stage);
    const { client_id } = await operate(stage, "POST", "/admin/clients", {
      name: "Page",
      kind: "public",
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code"],
      settings: { device_login_hint: true },
    });
    const client = createClient({ issuer: stage.origin, clientId: client_id });
    let asked = false;
    await client.signIn(user.email, {
      onPrompt: ({ matchCode }) => {
        if (!asked) void user.approve(matchCode);
        asked = true;
      },
    });
  });

  test("one is found by a name, shown with devices and sessions, signed out, locked and relieved of a phone", async () => {
    await enter();
    await go("Users");
    await heading("Users");
    await label("Name").fill(user.email.toUpperCase());
    await press("Find");
    await page.getByRole("link", { name: user.email }).click();
    await heading(user.email);
    await text("Ada's phone");
    await looksWell(page, "console-user");
    await press("End");
    await press("Yes: end");
    await text("Ended.");
    expect(await grantsOf(stage, user)).toEqual([]);
    await press("Lock");
    await press("Yes: lock");
    await text("Locked.");
    expect((await operate(stage, "GET", `/admin/users/${user.id}`)).status).toBe("locked");
    await press("Unlock");
    await text("Unlocked.");
    await press("Remove");
    await press("Yes: remove");
    await page.waitForFunction(() => !document.body.innerText.includes("Ada's phone"));
    expect((await operate(stage, "GET", `/admin/users/${user.id}/devices`)).devices).toEqual([]);
    await page.getByRole("link", { name: "Audit trail of this user" }).click();
    await heading("Audit trail");
    await page.getByText("device.revoked").first().click();
    await looksWell(page, "console-audit");
    expect(await label("User id").inputValue()).toBe(user.id);
  });

  test("one is made with a proven address, found by an app's own name, and deleted", async () => {
    await enter();
    await go("Users");
    const name = `crm:${crypto.randomUUID()}`;
    await label("E-mail address").fill("no address");
    await press("Make the user");
    expect(await label("E-mail address").evaluate((input: HTMLInputElement) => input.validity.valid)).toBe(
      false,
    );
    await label("E-mail address").fill(`${name.slice(4)}@example.com`);
    await label("Your app's own name for them").fill(name);
    await page.getByLabel(/I have seen a proof/).check();
    await press("Make the user");
    await heading(`${name.slice(4)}@example.com`);
    await text("proven");
    await go("Users");
    await label("Name").fill(name);
    await press("Find");
    await page.getByRole("link", { name: `${name.slice(4)}@example.com` }).click();
    const id = decodeURIComponent(page.url().split("#users/")[1] ?? "");
    await press("Delete and erase");
    await press("Yes: delete and erase");
    await heading("Users");
    const { events } = await operate(stage, "GET", `/admin/audit?user_id=${id}`);
    expect(events.map(({ type }: { type: string }) => type)).toContain("user.erased");
    await label("Name").fill(name);
    await press("Find");
    await text("Nobody has this name.");
    await looksWell(page, "console-users");
  });
});

test("keys are listed, and a new one is begun only when it was asked twice", async () => {
  await enter();
  await go("Keys");
  await heading("Signing keys");
  const before = (await operate(stage, "GET", "/admin/keys")).keys.length;
  await looksWell(page, "console-keys");
  await press("Replace the standard key");
  await text(/signs in seven minutes/);
  expect((await operate(stage, "GET", "/admin/keys")).keys).toHaveLength(before);
});

test("the overview says how the deployment stands, and what happened last", async () => {
  await enter();
  await heading("Overview");
  await text(stage.origin);
  await looksWell(page, "console-overview");
});

test("the deployment that cannot be reached is said so, and the view stays", async () => {
  await enter();
  await heading("Overview");
  await page.route("**/admin/**", (route) => route.abort());
  await go("Clients");
  await text("The deployment cannot be reached. Try again.");
  await page.unroute("**/admin/**");
  await page.route("**/admin/**", (route) => route.fulfill({ status: 401, body: "{}" }));
  await go("Keys");
  await text("The admin token is not taken any more.");
  await page.unroute("**/admin/**");
});
