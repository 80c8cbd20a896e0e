import { expect, test } from "vitest";
import { fresh } from "../../support/cotter.ts";
import { appPath, browser, exchange, handed, newPageClient } from "../../support/page.ts";
import { countingWaits } from "../../support/waits.ts";
import { WAITS } from "./counts.ts";

const { at, waitsOf } = countingWaits();

test("the hosted page", async () => {
  const client = await newPageClient(at);
  const [byCode, byLink] = [await appPath(client), await appPath(client, { auth_method: "MAGIC_LINK" })];
  const identifier = `${fresh("jo")}@example.com`;
  const waits = await waitsOf(async (step) => {
    const person = browser(at);
    await step("the page opens", () => person.get(byCode));
    const sent = await step("an address is given", () => person.post(byCode, { identifier }));
    await step("the code page opens", () => person.get(sent.location));
    const check = sent.location.split("?")[0] ?? "";
    const { code = "" } = at.last();
    const done = await step("the code is typed", () => person.post(check, { code }));
    const given = await step("the exchange", () => exchange(at, client, handed(done.location)));
    expect(given.body.oauth_token).toBeDefined();

    const other = browser(at);
    await other.get(byLink);
    const asked = await step("a link is asked for", () => other.post(byLink, { identifier }));
    const { pathname, searchParams } = new URL(at.last().link ?? "");
    const secret = searchParams.get("t") ?? "";
    await step("the link opens", () => browser(at).get(`${pathname}?${searchParams}`));
    const pressed = { secret, decision: "approve" };
    await step("the link is pressed", () => browser(at).post(pathname, pressed));
    const waited = `${asked.location.split("?")[0]}/done`;
    const back = await step("the page that waited", () => other.get(waited));
    expect(handed(back.location).code).not.toBe("");
  });
  expect(waits).toEqual(WAITS.hosted);
});
