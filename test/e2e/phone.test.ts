import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { openPage } from "./browser.ts";
import * as support from "./phone-support.ts";
import {
  ask,
  askDevice,
  authorizeUrl,
  CALM,
  collect,
  collectDevice,
  freshAddress,
  newPhone,
  type Phone,
  press,
  QUESTION,
  sees,
  typeNumber,
  type World,
} from "./phone-support.ts";
import { picture } from "./verify-support.ts";

let world: World;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  world = await support.openWorld();
});
afterAll(async () => {
  await world.close();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

async function phoneOf(kind: "passkey" | "key", address: string): Promise<Phone> {
  const phone = await newPhone(world, kind, address);
  opened.push(phone);
  return phone;
}

describe.each(["passkey", "key"] as const)("a phone with a %s", (kind) => {
  test("is set up by a code, and signs a laptop in by the number that it shows", async () => {
    const address = freshAddress();
    const phone = await phoneOf(kind, address);
    const laptop = await openPage();
    opened.push(laptop);
    await laptop.page.goto(authorizeUrl(world));
    await laptop.page.getByLabel("E-mail address").fill(address);
    await laptop.page.getByRole("button", { name: "Continue on my phone" }).click();
    const number = (await laptop.page.locator(".number").textContent()) ?? "";
    await typeNumber(phone, number);
    await picture(phone.page, `phone-prompt-${kind}`);
    await press(phone, "Approve");
    await sees(phone, "Approved");
    await laptop.page.waitForURL(`${world.site.origin}/cb?**`);
    expect(new URL(laptop.page.url()).searchParams.get("code")).toBeTruthy();
    expect([...phone.complaints]).toEqual([]);
  });

  test("declines, says that it was not them, and is told what was kept away", async () => {
    const address = freshAddress();
    const phone = await phoneOf(kind, address);
    const first = await ask(world, address);
    await sees(phone, QUESTION);
    await press(phone, "Decline");
    await sees(phone, "Declined");
    expect((await collect(world, first)).body.error).toBe("access_denied");
    const others = phone.page.getByText("Another request is waiting.");
    expect(await others.count()).toBe(0);
    const second = await ask(world, address);
    // It says so, and stays: the next question must not come under a finger that has just pressed.
    await others.waitFor();
    await sees(phone, "Declined");
    await phone.page.getByRole("link", { name: "Back to the requests" }).click();
    await sees(phone, QUESTION);
    await press(phone, "This was not me");
    await sees(phone, "Declined and reported");
    expect((await collect(world, second)).body.error).toBe("access_denied");
    const third = await ask(world, address);
    expect(third.status).toBe(200);
    await phone.page.getByRole("link", { name: "Back to the requests" }).click();
    await sees(phone, CALM);
    await phone.page.getByText("kept from you").waitFor();
    await phone.page.getByText(/Shop asks you nothing until/).waitFor();
  });

  test("T03 T04 types a wrong number, is told how many tries are left, and then the right one", async () => {
    const address = freshAddress();
    const phone = await phoneOf(kind, address);
    const started = await ask(world, address, { binding_message: "Table 4" });
    const wrong = started.body.match_code === "000000" ? "111111" : "000000";
    await sees(phone, QUESTION);
    await phone.page.getByText("Table 4").waitFor();
    await press(phone, "Approve");
    await phone.page.getByText("Type the six digits").waitFor();
    await typeNumber(phone, wrong);
    await press(phone, "Approve");
    await phone.page.getByText("4 tries are left").waitFor();
    await typeNumber(phone, started.body.match_code ?? "");
    await press(phone, "Approve");
    await sees(phone, "Approved");
    expect((await collect(world, started)).status).toBe(200);
  });

  test("a television: its code is typed here, and it has its tokens", async () => {
    const phone = await phoneOf(kind, freshAddress());
    const started = await askDevice(world);
    await phone.page.goto(`${world.origin}/phone#code=${started.body.user_code}`);
    await phone.page.getByRole("button", { name: "Continue" }).click();
    await sees(phone, QUESTION);
    await phone.page.getByText(String(started.body.user_code)).waitFor();
    await press(phone, "Approve");
    await sees(phone, "Approved");
    expect((await collectDevice(world, started)).status).toBe(200);
  });
});
