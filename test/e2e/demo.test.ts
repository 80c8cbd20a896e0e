import type { FrameLocator, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { freePort, type Server, startServer } from "../wire/server.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { layout, picture, WELL_LAID_OUT } from "./verify-support.ts";

/** Under a name, as passkeys need one; the other servers of these tests are reached by their number. */
let server: Server;
let named: string;

const opened: OpenPage[] = [];

beforeAll(async () => {
  const port = await freePort();
  named = `http://localhost:${port}`;
  server = await startServer({ port, vars: { ISSUER: named } });
});
afterAll(async () => {
  await server.stop();
  server.remove();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

type Demo = { readonly page: Page; readonly phone: FrameLocator; readonly complaints: readonly string[] };

async function openDemo(origin: string, kind: "passkey" | "key"): Promise<Demo> {
  const open = await openPage({ viewport: { width: 1280, height: 800 } });
  opened.push(open);
  const { page, complaints } = open;
  if (kind === "passkey") {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    await devtools.send("WebAuthn.addVirtualAuthenticator", {
      options: {
        protocol: "ctap2",
        transport: "internal",
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
  }
  await page.goto(`${origin}/demo`);
  return { page, phone: page.frameLocator("#phone"), complaints };
}

/** The phone in the page becomes one of the demo's user. */
async function addPhone({ phone }: Demo, kind: "passkey" | "key"): Promise<void> {
  const name = kind === "passkey" ? "Add with fingerprint, face or PIN" : "Add without a passkey";
  await phone.getByRole("button", { name }).click();
  await phone.getByRole("button", { name: "Back to the requests" }).click();
  await phone.getByRole("heading", { name: "Nothing to approve" }).waitFor();
}

const press = ({ page }: Demo, name: string): Promise<void> =>
  page.getByRole("button", { name, exact: true }).click();
const answer = ({ phone }: Demo, name: string): Promise<void> =>
  phone.getByRole("button", { name, exact: true }).click();
const screen = ({ page }: Demo) => page.locator("#screen");

/** Types what the laptop shows into the phone. */
async function typeNumber(demo: Demo): Promise<void> {
  const shown = await screen(demo).locator(".typed").textContent();
  await demo.phone.getByLabel("Number on the other screen").fill(shown ?? "");
}

/** A claim of the token that the laptop has collected. */
const claim = async (demo: Demo, name: string): Promise<string> =>
  (await screen(demo).locator(`dt:text-is("${name}") + dd`).textContent()) ?? "";

/** What the timeline says of the last act: who, and what they sent or got. */
const told = ({ page }: Demo): Promise<readonly string[]> =>
  page.locator("#timeline").evaluate((list) => {
    const rows = [...list.children];
    const begin = rows.findLastIndex((row) => row.matches(".act"));
    return rows
      .slice(begin + 1)
      .map((row) =>
        [".who", ".way", "code"].map((part) => row.querySelector(part)?.textContent?.trim() ?? "").join(" "),
      );
  });

/** Looks at the whole page on a small and a wide screen, by day and by night. */
async function look({ page }: Demo, name: string): Promise<void> {
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
      await picture(page, `demo-${name}-${width}-${colorScheme}`);
    }
  }
}

const WAIT = "/challenges/";
const rowOf = (who: string, what: string) => expect.stringMatching(new RegExp(`^${who} .*${what}`));

describe.each(["passkey", "key"] as const)("the demo with a phone that has a %s", (kind) => {
  const origin = () => (kind === "passkey" ? named : inject("origin"));

  test("adds the phone, signs in by the number, and lists what went over the wire", async () => {
    const demo = await openDemo(origin(), kind);
    await look(demo, `begin-${kind}`);
    await addPhone(demo, kind);
    await press(demo, "Sign in");
    await demo.phone.getByRole("heading", { name: "Is it you?" }).waitFor();
    await screen(demo).getByRole("button", { name: "Scan with the phone" }).waitFor();
    await look(demo, `waiting-${kind}`);
    await typeNumber(demo);
    await answer(demo, "Approve");
    await screen(demo).getByRole("heading", { name: "Approved" }).waitFor();
    expect(await claim(demo, "iss")).toBe(origin());
    expect(await claim(demo, "acr")).toBe(
      kind === "passkey" ? "urn:signin:acr:device-match-uv" : "urn:signin:acr:device-match",
    );
    await look(demo, `approved-${kind}`);
    const rows = await told(demo);
    for (const expected of [
      rowOf("laptop", "POST /oauth/bc-authorize"),
      rowOf("laptop", WAIT),
      rowOf("laptop", "sent qr"),
      rowOf("phone", "received .*prompts"),
      rowOf("phone", "GET /approver/prompts"),
      rowOf("phone", "POST /approver/prompts/.*/decision"),
      rowOf("laptop", "received .*settled.*approved"),
      rowOf("laptop", "POST /oauth/token"),
    ]) {
      expect(rows).toContainEqual(expected);
    }
    expect(demo.complaints).toEqual([]);
  });

  test("pays what the phone has shown", async () => {
    const demo = await openDemo(origin(), kind);
    await addPhone(demo, kind);
    await press(demo, "Pay 20 € to Blue Bottle");
    await demo.phone.getByText("Blue Bottle, 20 EUR").waitFor();
    await demo.phone.getByText("20.00").waitFor();
    await typeNumber(demo);
    await answer(demo, "Approve");
    await screen(demo).getByRole("heading", { name: "Paid" }).waitFor();
    expect(JSON.parse(await claim(demo, "authorization_details"))).toMatchObject([
      { creditorName: "Blue Bottle", instructedAmount: { amount: "20.00", currency: "EUR" } },
    ]);
    await look(demo, `paid-${kind}`);
  });

  test("signs a TV in by what the phone's camera reads, its tokens over the socket", async () => {
    const demo = await openDemo(origin(), kind);
    await addPhone(demo, kind);
    await press(demo, "Sign in on a TV");
    await press(demo, "Scan with the phone");
    await answer(demo, "Continue");
    await answer(demo, "Approve");
    await screen(demo).getByRole("heading", { name: "Approved" }).waitFor();
    expect(await claim(demo, "sub")).toMatch(/^[0-9a-f-]{36}$/);
    const rows = await told(demo);
    expect(rows).toContainEqual(rowOf("TV", "POST /oauth/device_authorization"));
    expect(rows).toContainEqual(rowOf("phone", "POST /approver/scans"));
    expect(rows.filter((row) => row.includes("/oauth/token"))).toHaveLength(1);
  });
});

test("the phone's camera takes the place of the number", async () => {
  const demo = await openDemo(named, "passkey");
  await addPhone(demo, "passkey");
  await press(demo, "Sign in");
  await press(demo, "Scan with the phone");
  await demo.phone.getByLabel("Number on the other screen").waitFor({ state: "detached" });
  await answer(demo, "Approve");
  await screen(demo).getByRole("heading", { name: "Approved" }).waitFor();
});

test("a request that is declined says so, and the phone is still the user's after a reload", async () => {
  const demo = await openDemo(named, "passkey");
  await addPhone(demo, "passkey");
  await demo.page.reload();
  await demo.phone.getByRole("heading", { name: "Nothing to approve" }).waitFor();
  await press(demo, "Sign in");
  await answer(demo, "Decline");
  await screen(demo).getByRole("heading", { name: "The phone declined" }).waitFor();
  await look(demo, "declined");
  await press(demo, "Start again with a new user");
  await demo.phone.getByRole("heading", { name: "Add this phone?" }).waitFor();
});

test("without a phone nothing is asked, and the page says what comes first", async () => {
  const demo = await openDemo(named, "passkey");
  await press(demo, "Sign in");
  await screen(demo).getByRole("alert").getByText("Add it on the phone's screen first").waitFor();
  expect(await told(demo)).not.toContainEqual(rowOf("laptop", "bc-authorize"));
});

test("all of it goes by keyboard", async () => {
  const { page } = await openDemo(named, "key");
  await page.getByRole("button", { name: "Sign in", exact: true }).and(page.locator(":enabled")).waitFor();
  await page.locator("body").focus();
  const reached: string[] = [];
  for (let presses = 0; presses < 40; presses += 1) {
    await page.keyboard.press("Tab");
    const on = await page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
    reached.push(on ?? "");
  }
  for (const name of [
    "Sign in",
    "Pay 20 € to Blue Bottle",
    "Sign in on a TV",
    "phone",
    "A real phone",
    "again",
  ]) {
    expect(reached).toContain(name);
  }
});

test("at another name of the same machine it leads to the one that the server calls itself by", async () => {
  const demo = await openDemo(named.replace("localhost", "127.0.0.1"), "key");
  expect(await screen(demo).getByRole("link").getAttribute("href")).toBe(`${named}/demo`);
});

test("a server with an admin token of its own is asked for it, and one that goes away is missed", async () => {
  const own = await startServer({ vars: { ADMIN_TOKEN: "an-admin-token-of-its-own" } });
  try {
    const demo = await openDemo(own.origin, "key");
    await demo.page.getByLabel("Admin token").fill("a-wrong-one");
    await press(demo, "Go on");
    await screen(demo).getByText("does not take this token").waitFor();
    await look(demo, "token");
    await demo.page.getByLabel("Admin token").fill("an-admin-token-of-its-own");
    await press(demo, "Go on");
    await addPhone(demo, "key");
    await press(demo, "Sign in");
    await screen(demo).getByRole("heading", { name: "Waiting for your phone" }).waitFor();
    await own.stop();
    await screen(demo).getByRole("heading", { name: "The connection to the server was lost" }).waitFor();
  } finally {
    await own.stop();
    own.remove();
  }
});
