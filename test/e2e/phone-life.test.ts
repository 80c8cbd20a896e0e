import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import {
  addButton,
  ask,
  CALM,
  collect,
  freshAddress,
  newBackend,
  newPhone,
  openPhone,
  openWorld,
  operator,
  type Phone,
  press,
  QUESTION,
  sees,
  signInByCode,
  typeNumber,
  type World,
} from "./phone-support.ts";
import { newestLink } from "./verify-support.ts";

let world: World;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  world = await openWorld();
});
afterAll(async () => {
  await world.close();
});
afterEach(async () => {
  for (const one of opened.splice(0)) await one.close();
});

const kept = <T extends { close(): Promise<void> }>(one: T): T => {
  opened.push(one);
  return one;
};

const go = (phone: Phone, name: string) => phone.page.getByRole("link", { name, exact: true }).click();

/** The link that a phone shows as a QR code to let another one in. */
async function inviteFrom(phone: Phone): Promise<string> {
  await go(phone, "Devices");
  await phone.page
    .context()
    .grantPermissions(["clipboard-read", "clipboard-write"], { origin: world.origin });
  await press(phone, "Add another phone");
  await phone.page.locator("svg.qr").waitFor();
  await press(phone, "Copy the link");
  await phone.page.getByRole("button", { name: "Copied" }).waitFor();
  return await phone.page.evaluate(() => navigator.clipboard.readText());
}

describe.each(["passkey", "key"] as const)("a phone with a %s", (kind) => {
  test("lets a second one in by a QR code, which then approves, and takes it back", async () => {
    const address = freshAddress();
    const first = kept(await newPhone(world, kind, address));
    const link = await inviteFrom(first);
    const second = kept(await openPhone(kind));
    await second.page.goto(link);
    await second.page.getByText(address).waitFor();
    await second.page.getByLabel("Name of this phone").fill("Ana's second");
    await press(second, addButton(kind));
    await second.page.getByText("Every other device and your e-mail address are told").waitFor();
    await press(second, "Back to the requests");
    await sees(second, CALM);
    expect(await newestLink(world, address)).toContain("/phone/undo");
    // The code is good once.
    const third = kept(await openPhone(kind));
    await third.page.goto(link);
    await third.page.getByText("The time to add this phone is over").waitFor();

    const started = await ask(world, address);
    await typeNumber(second, started.body.match_code ?? "");
    await press(second, "Approve");
    await sees(second, "Approved");
    expect((await collect(world, started)).status).toBe(200);

    // A new phone removes none that was there before; the older one removes it, and it is told so.
    await go(second, "Devices");
    await second.page.getByText("This phone is new").waitFor();
    await go(first, "Requests");
    await first.page.getByText("Ana's second was added to your account").waitFor();
    await go(first, "Devices");
    await first.page.getByRole("button", { name: "Remove: Ana's second" }).click();
    await press(first, "Remove it");
    await first.page.getByRole("button", { name: "Remove: Ana's second" }).waitFor({ state: "detached" });
    await sees(second, "Approve with this phone");
    await go(first, "More");
    await go(first, "What happened");
    await first.page.getByText("A device was removed").waitFor();
  });

  test("signs in for a second one by its number, and is told that this adds a phone", async () => {
    const address = freshAddress();
    const first = kept(await newPhone(world, kind, address));
    const second = kept(await openPhone(kind));
    await second.page.goto(`${world.origin}/phone/sign-in`);
    await second.page.getByLabel("E-mail address").fill(address);
    await second.page.getByRole("button", { name: "Continue on my phone" }).click();
    const number = (await second.page.locator(".number").textContent()) ?? "";
    await sees(first, "Someone wants to add a phone to your account");
    await first.page.getByText("adds a phone that approves for you").waitFor();
    await typeNumber(first, number);
    await press(first, "Approve");
    await sees(first, "Approved");
    await sees(second, "Add this phone?");
    await press(second, addButton(kind));
    await press(second, "Back to the requests");
    await sees(second, CALM);
  });

  test("what is open when its time is over says so, and is answered no more", async () => {
    const address = freshAddress();
    const phone = kept(await newPhone(world, kind, address));
    const started = await ask(world, address, { requested_expiry: "4" });
    await typeNumber(phone, started.body.match_code ?? "");
    await sees(phone, "This request is over");
    await phone.page.getByText("Its time is over").waitFor();
    expect((await collect(world, started)).body.error).toBe("expired_token");
  });

  test("a page that is loaded again in the middle, and one that comes too late for its event, show the request", async () => {
    const address = freshAddress();
    const phone = kept(await newPhone(world, kind, address));
    await phone.page.goto("about:blank");
    // Nobody listens now, and no push comes: what waits is pulled when the page is opened.
    const started = await ask(world, address);
    await phone.page.goto(`${world.origin}/phone`);
    await sees(phone, QUESTION);
    await phone.page.reload();
    await typeNumber(phone, started.body.match_code ?? "");
    await press(phone, "Approve");
    await sees(phone, "Approved");
    expect((await collect(world, started)).status).toBe(200);
    await phone.page.goBack();
  });

  test("T23 two requests in two tabs: the one on the screen is the one that is answered", async () => {
    const address = freshAddress();
    const phone = kept(await newPhone(world, kind, address));
    const other = await newBackend(world);
    const one = await ask(world, address);
    await sees(phone, QUESTION);
    const two = await ask(world, address, {}, other);
    const tab = await phone.page.context().newPage();
    await tab.goto(`${world.origin}/phone#requests`);
    await tab.getByRole("link", { name: "Look at it" }).nth(1).waitFor();
    await phone.page.bringToFront();
    await typeNumber(phone, one.body.match_code ?? "");
    await press(phone, "Approve");
    await sees(phone, "Approved");
    expect((await collect(world, one)).status).toBe(200);
    expect((await collect(world, two, other)).body.error).toBe("authorization_pending");
    await tab.close();
  });

  test("answered on another phone: this one says so by itself", async () => {
    const address = freshAddress();
    const first = kept(await newPhone(world, kind, address));
    const link = await inviteFrom(first);
    const second = kept(await openPhone(kind));
    await second.page.goto(link);
    await press(second, addButton(kind));
    await press(second, "Back to the requests");
    await sees(second, CALM);
    await go(first, "Requests");
    await ask(world, address);
    await sees(first, QUESTION);
    await sees(second, QUESTION);
    await press(second, "Decline");
    await sees(first, "This request is over");
    await first.page.getByText("It was declined before").waitFor();
  });

  test("offline is shown, nothing can be pressed, and nothing is sent later", async () => {
    const address = freshAddress();
    const phone = kept(await newPhone(world, kind, address));
    const started = await ask(world, address);
    await typeNumber(phone, started.body.match_code ?? "");
    await phone.page.context().setOffline(true);
    await vi.waitFor(
      async () => expect(await phone.page.getByRole("button", { name: "Approve" }).isDisabled()).toBe(true),
      20_000,
    );
    await phone.page.context().setOffline(false);
    await vi.waitFor(
      async () => expect(await phone.page.getByRole("button", { name: "Approve" }).isEnabled()).toBe(true),
      40_000,
    );
    expect((await collect(world, started)).body.error).toBe("authorization_pending");
    await press(phone, "Approve");
    await sees(phone, "Approved");
  });

  test("a lost phone: a code alone adds none, a recovery code does, once", async () => {
    const address = freshAddress();
    const phone = kept(await newPhone(world, kind, address));
    await go(phone, "More");
    await go(phone, "Recovery codes");
    await press(phone, "Make ten new codes");
    await phone.page.locator(".codes li").nth(9).waitFor();
    const codes = await phone.page.locator(".codes li").allTextContents();
    expect(codes).toHaveLength(10);
    const next = kept(await openPhone(kind));
    await next.page.goto(`${world.origin}/phone`);
    await next.page.getByRole("link", { name: "Set up this phone" }).click();
    await signInByCode(world, next.page, address);
    await next.page.getByText("This account has a phone or passkey already").waitFor();
    await next.page.getByLabel("Recovery code").fill("aaaa-aaaa-aaaa-aaaa");
    await press(next, "Use recovery code");
    await next.page.getByText("This is not one of your recovery codes").waitFor();
    await next.page.getByLabel("Recovery code").fill(codes[3] ?? "");
    await press(next, "Use recovery code");
    await press(next, addButton(kind));
    await press(next, "Back to the requests");
    await sees(next, CALM);
    await go(next, "More");
    await go(next, "Recovery codes");
    await next.page.getByText("9 of your codes are left").waitFor();
  });

  test("a locked person is led out, and to nothing that a stranger could use", async () => {
    const address = freshAddress();
    const phone = kept(await newPhone(world, kind, address));
    const found = await operator(world)("GET", "/admin/users", { query: { identifier: address } });
    const [user] = found.body.users as readonly { readonly user_id: string }[];
    await operator(world)("PATCH", `/admin/users/${user?.user_id}`, { json: { status: "locked" } });
    await phone.page.reload();
    await sees(phone, "Approve with this phone");
    if (kind === "passkey") return;
    // The key is still here: unlocked, the phone goes on.
    await phone.page.getByText("This account is locked").waitFor();
    await operator(world)("PATCH", `/admin/users/${user?.user_id}`, { json: { status: "active" } });
    await phone.page.reload();
    await sees(phone, CALM);
  });
});

test("an approval with details: they are shown line by line, signed, and in the token", async () => {
  const address = freshAddress();
  const phone = kept(await newPhone(world, "passkey", address));
  const details = [
    {
      type: "payment",
      instructedAmount: { currency: "EUR", amount: "20.00" },
      creditorName: "Blue <b>Bottle</b>",
    },
  ];
  const started = await ask(world, address, {
    authorization_details: JSON.stringify(details),
    binding_message: "Pay 20 EUR",
  });
  await sees(phone, QUESTION);
  await phone.page.getByText("instructed amount").waitFor();
  await phone.page.getByText("Blue <b>Bottle</b>").waitFor();
  expect(await phone.page.locator("b").count()).toBe(0);
  await typeNumber(phone, started.body.match_code ?? "");
  await press(phone, "Approve");
  await sees(phone, "Approved");
  const { body } = await collect(world, started);
  const claims = JSON.parse(Buffer.from(body.access_token?.split(".")[1] ?? "", "base64url").toString());
  expect(claims.authorization_details).toEqual(details);
});
