import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PromptWire } from "../../packages/protocol/src/approver.ts";
import { becomePhone, listed, openStage, request, type Stage, THIS } from "./phone-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
  await becomePhone(stage);
});
afterAll(async () => {
  await stage.close();
});
beforeEach(async () => {
  await stage.page.setViewportSize({ width: 360, height: 740 });
});

const IS_IT_YOU = /Is it you/;
const heading = (name: string | RegExp) => stage.page.getByRole("heading", { name, level: 1 }).waitFor();

/** The request that waits is on the screen. */
async function shows(prompt: PromptWire): Promise<void> {
  stage.says("GET /approver/prompts", listed([prompt]));
  await stage.open(`#prompt=${prompt.id}`);
  await heading(IS_IT_YOU);
}

/** What the keyboard is on: its words, its ring, and how it looks; run in the page. */
function reached() {
  const { activeElement: element } = document;
  if (!(element instanceof HTMLElement)) return;
  const { outlineStyle, outlineWidth, ...style } = getComputedStyle(element);
  const { fontSize, fontWeight, color, backgroundColor, borderColor, borderWidth, opacity } = style;
  const { width, height, top } = element.getBoundingClientRect();
  return {
    name: element.textContent || element.id,
    ring: `${outlineWidth} ${outlineStyle}`,
    width,
    top,
    look: { height, fontSize, fontWeight, color, backgroundColor, borderColor, borderWidth, opacity },
  };
}

async function walk(steps: number) {
  const found = [];
  for (let step = 0; step < steps; step += 1) {
    await stage.page.keyboard.press("Tab");
    found.push(await stage.page.evaluate(reached));
  }
  return found;
}

const RING = "3px solid";

describe("T29 the answers", () => {
  test.each([
    [180, 370],
    [360, 740],
    [1280, 800],
  ])("at %i x %i: the keyboard reaches no first, and yes is no bigger", async (width, height) => {
    await stage.page.setViewportSize({ width, height });
    await shows(request());
    const [number, decline, approve, notMe] = await walk(4);
    const buttons = [decline, approve, notMe];
    expect(number?.name).toBe("number");
    expect(buttons.map((one) => one?.name)).toEqual(["Decline", "Approve", "This was not me"]);
    expect([number, ...buttons].map((one) => one?.ring)).toEqual([RING, RING, RING, RING]);
    expect(approve?.look).toEqual(decline?.look);
    expect(notMe?.look).toEqual(decline?.look);
    expect(approve?.width).toBe(decline?.width);
    expect(notMe?.width).toBeGreaterThanOrEqual(approve?.width ?? Number.NaN);
    expect(decline?.top).toBeLessThanOrEqual(approve?.top ?? Number.NaN);
  });

  test("stand below app, place, device and time, and below when to decline", async () => {
    await shows(request());
    const { page } = stage;
    const rows = await page.locator(".rows > div").allInnerTexts();
    expect(rows.map((row) => row.split("\n"))).toEqual([
      ["App", "Shop"],
      ["Place", "Berlin, DE"],
      ["Device", "Firefox, Windows"],
      ["Time", expect.stringMatching(/^\d{1,2}:\d\d/)],
    ]);
    const { top } = await page.evaluate(() => {
      const said = [...document.querySelectorAll("p")].find(({ textContent }) =>
        textContent?.startsWith("If you did not start this, decline. Nobody who calls or writes may ask"),
      );
      return { top: said?.getBoundingClientRect().top ?? Number.NaN };
    });
    expect(top).toBeLessThan((await page.getByRole("button", { name: "Decline" }).boundingBox())?.y ?? 0);
  });
});

describe("by keyboard alone", () => {
  test("a request is approved by its number; Enter in the number's field answers nothing", async () => {
    const { page } = stage;
    const prompt = request();
    const call = `POST /approver/prompts/${prompt.id}/decision`;
    stage.says(call, { state: "approved" });
    await shows(prompt);
    expect((await page.evaluate(reached))?.name).toMatch(IS_IT_YOU);
    await page.keyboard.press("Tab");
    await page.keyboard.type("123456");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    expect((await page.evaluate(reached))?.name).toBe("Decline");
    expect(stage.calls.filter((one) => one.call === call)).toEqual([]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await heading("Approved");
    const [sent] = stage.calls.filter((one) => one.call === call);
    expect(JSON.parse(sent?.body ?? "")).toMatchObject({ decision: "approve", match_code: "123456" });
    expect((await page.evaluate(reached))?.name).toBe("Approved");
    await page.keyboard.press("Tab");
    expect((await page.evaluate(reached))?.name).toBe("Back to the requests");
  });

  test("each view begins at its heading, and no focus is lost where controls change", async () => {
    const { page } = stage;
    stage.says("GET /approver/prompts", listed([]));
    stage.says("GET /approver/devices", { devices: [THIS] });
    stage.says("GET /approver/activity", { events: [] });
    stage.says("GET /approver/recovery-codes", { left: 3 });
    await stage.open("");
    for (const [hash, title] of [
      ["#devices", "Devices"],
      ["#activity", "What happened"],
      ["#codes", "Recovery codes"],
      ["#notifications", "Notifications"],
      ["#code", "Connect a device"],
      ["#more", "More"],
    ] as const) {
      await page.evaluate((to) => {
        location.hash = to;
      }, hash);
      await heading(title);
      expect((await page.evaluate(reached))?.name).toBe(title);
    }
    await page.getByRole("button", { name: "Forget this phone here" }).press("Enter");
    expect((await page.evaluate(reached))?.name).toBe("Keep it");
    await page.getByRole("link", { name: "Devices" }).press("Enter");
    await page.getByRole("button", { name: "Rename" }).press("Enter");
    expect((await page.evaluate(reached))?.name).toBe(`name-${THIS.id}`);
    await page.getByRole("button", { name: "Cancel" }).press("Enter");
    expect((await page.evaluate(reached))?.name).toBe("Rename");
    await page.getByRole("button", { name: "Remove" }).press("Enter");
    expect((await page.evaluate(reached))?.name).toBe("Keep it");
  });
});

describe("for a screen reader", () => {
  test("a request with details, as it is read", async () => {
    const details = [{ type: "payment", instructedAmount: { currency: "EUR", amount: "20.00" } }];
    const prompt = request({ message: "Table 4", details }, { warnings: ["far"] });
    await shows(prompt);
    const read = await stage.page.locator("main").ariaSnapshot();
    expect(read.replaceAll(/\d{1,2}:\d\d(?: [AP]M)?/g, "0:00")).toBe(
      `
- main:
  - heading "Shop asks you to approve something. Is it you who asked?" [level=1]
  - status: This comes from far away, or from a place that is not known.
  - term: App
  - definition: Shop
  - term: Place
  - definition: Berlin, DE
  - term: Device
  - definition: Firefox, Windows
  - term: Time
  - definition: 0:00
  - paragraph: Shop says
  - blockquote: Table 4
  - heading "What you approve" [level=2]
  - term: type
  - definition: payment
  - term: instructed amount
  - definition:
    - term: currency
    - definition: EUR
    - term: amount
    - definition: "20.00"
  - paragraph: If you did not start this, decline. Nobody who calls or writes may ask you for this.
  - text: Number on the other screen
  - textbox "Number on the other screen"
  - paragraph: The six digits that it shows now.
  - button "Decline"
  - button "Approve"
  - button "This was not me"
  - paragraph: 0:00 left
`.trim(),
    );
  });

  test("what is wrong with the number is said at once, and belongs to the field", async () => {
    const { page } = stage;
    const prompt = request();
    stage.says(`POST /approver/prompts/${prompt.id}/decision`, { code: "wrong_match_code", left: 3 }, 422);
    await shows(prompt);
    await page.getByLabel("Number on the other screen").fill("123456");
    await page.getByRole("button", { name: "Approve" }).click();
    await page.getByRole("alert").filter({ hasText: "3 tries are left" }).waitFor();
    const field = page.getByRole("textbox", { name: "Number on the other screen" });
    expect(await field.getAttribute("aria-invalid")).toBe("true");
    const described = (await field.getAttribute("aria-describedby"))?.split(" ") ?? [];
    const said = await Promise.all(described.map((id) => page.locator(`#${id}`).textContent()));
    expect(said.join(" ")).toContain("3 tries are left");
    expect((await page.evaluate(reached))?.name).toBe("number");
  });

  test("nothing moves where that is not wanted", async () => {
    const { page } = stage;
    stage.says("GET /approver/prompts", listed([]));
    const moves = () =>
      page.evaluate(
        () => getComputedStyle(document.querySelector(".line") as Element, "::before").animationName,
      );
    await stage.open("");
    await page.locator(".line.live").waitFor();
    expect(await moves()).toBe("pulse");
    await page.emulateMedia({ reducedMotion: "reduce" });
    expect(await moves()).toBe("none");
    await page.emulateMedia({ reducedMotion: null });
  });
});

/** What a client, its app, or a stranger may have written. */
const HOSTILE = {
  tap: "Approve ✅ tap now",
  markup: `<img src=x onerror="document.title='taken'"><a href="https://evil.example">here</a>`,
  bidi: "Shop\u202egro.live",
  link: "https://evil.example/approve javascript:alert(1)",
};

describe("T13 T14 words of others", () => {
  test.each(Object.entries(HOSTILE))(
    "%s: each stands as text in its place, and nothing becomes a link",
    async (_, said) => {
      const { page } = stage;
      const before = stage.complaints.length;
      const shown = {
        place: said,
        device: said,
        action: said,
        message: said,
        scope: `openid ${said}`,
        details: [{ type: said, [said]: { note: said, list: [said] } }],
      };
      await shows(request(shown, {}, said));
      const seen = await page.evaluate(() => ({
        links: [...document.querySelectorAll("main a, main img, main script, main iframe")].length,
        buttons: [...document.querySelectorAll("main button")].map(({ textContent }) => textContent),
        title: document.title,
        // No character that turns others around is left among what is drawn.
        turned: /[\u202a-\u202e\u2066-\u2069]/.test(document.querySelector("main")?.textContent ?? ""),
        app: document.querySelector(".rows dd")?.textContent,
        quoted: document.querySelector("blockquote")?.textContent,
      }));
      const asText = said.replace("\u202e", "⟨202E⟩");
      expect(seen).toEqual({
        links: 0,
        buttons: ["Decline", "Approve", "This was not me"],
        title: expect.stringContaining(asText),
        turned: false,
        app: asText,
        quoted: asText,
      });
      stage.says("GET /approver/devices", { devices: [{ ...THIS, name: said }] });
      await page.getByRole("link", { name: "Devices" }).click();
      await page.getByRole("heading", { name: asText, level: 2 }).waitFor();
      expect(await page.locator("main a").allTextContents()).toEqual(["Back to the requests"]);
      expect(stage.complaints.slice(before)).toEqual([]);
    },
  );
});
