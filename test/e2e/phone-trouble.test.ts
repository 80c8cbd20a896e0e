import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { becomePhone, CONFIG, listed, openStage, request, SESSION, type Stage, THIS } from "./phone-stage.ts";
import {
  ask,
  freshAddress,
  newPhone,
  openPhone,
  openWorld,
  operator,
  type Phone,
  press,
  sees,
  setUp,
  typeNumber,
  type World,
} from "./phone-support.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => {
  await stage.close();
});

const heading = (name: string | RegExp) => stage.page.getByRole("heading", { name, level: 1 }).waitFor();
const pressHere = (name: string) => stage.page.getByRole("button", { name, exact: true }).click();
const text = (said: string | RegExp) => stage.page.getByText(said).waitFor();
const IS_IT_YOU = /Is it you/;
const callsOf = (call: string) => stage.calls.filter((one) => one.call === call);

/** A promise that is kept when the test says so. */
function gate() {
  let open = () => {};
  const until = new Promise<void>((done) => {
    open = done;
  });
  return { until, open: () => open() };
}

describe("links", () => {
  test("T33 a link that adds a phone asks first, and never replaces whose phone this is by itself", async () => {
    await becomePhone(stage);
    stage.says("POST /approver/enrolments/begin", { enrolment: "e2", account: "eve@evil.example" });
    const before = callsOf("POST /approver/enrolments").length;
    await stage.open("#add=t9");
    await text("eve@evil.example");
    await text("This browser is a phone of ana@example.com already");
    await stage.page.getByRole("link", { name: "Do not add" }).click();
    await heading("Nothing to approve");
    await text("Signed in as ana@example.com");
    expect(callsOf("POST /approver/enrolments")).toHaveLength(before);
    expect(new URL(stage.page.url()).hash).toBe("#requests");
  });

  test("one that adds a phone, opened without a network, is followed once there is one", async () => {
    const { page } = stage;
    const BEGIN = "**/approver/enrolments/begin";
    await becomePhone(stage);
    const sent = () => callsOf("POST /approver/enrolments/begin").length;
    const before = sent();
    await page.route(BEGIN, (route) => route.abort("internetdisconnected"));
    await stage.open("#add=t8");
    await text("You are offline.");
    await page.unroute(BEGIN);
    await pressHere("Try again");
    await pressHere("Add without a passkey");
    await text("This phone is added.");
    expect(sent()).toBe(before + 1);
    expect(callsOf("POST /approver/enrolments/begin").at(-1)?.body).toContain("t8");
  });

  test("a link to a request is no way to another call", async () => {
    await stage.open("#prompt=../devices");
    await heading("This request is over");
    await stage.open(`#prompt=${"A".repeat(64)}`);
    await heading("This request is over");
    expect(callsOf("GET /approver/devices")).toEqual([]);
  });

  test("of a code that came before there was a phone: it is followed once there is one", async () => {
    const { page, says } = stage;
    says("POST /approver/sessions", { code: "not_a_device" }, 403);
    says("GET /approver/prompts", { code: "session_over" }, 401);
    await stage.open("");
    await text("This phone was removed from your account");
    says("GET /approver/prompts", listed([]));
    says("POST /approver/enrolments/begin", { enrolment: "e1", account: SESSION.account });
    await stage.open(`#scan=1.${"A".repeat(22)}`);
    await heading("Approve with this phone");
    // Another tab sets the phone up; this one goes on with what it was opened for.
    says("POST /approver/scans", { prompt: request({}, { match: "none" }), scan: "s" });
    const tab = await page.context().newPage();
    await tab.goto(`${stage.origin}/phone#add=t1`);
    await tab.getByRole("button", { name: "Add without a passkey" }).click();
    await heading(IS_IT_YOU);
    await tab.close();
  });
});

describe("presses, and lines that are slow or dead", () => {
  test("a notification that is pressed while the page loads is followed", async () => {
    const { page, says } = stage;
    const prompt = request();
    says("GET /approver/prompts", listed([]));
    await stage.open("");
    await page.evaluate(() => navigator.serviceWorker.ready);
    const [worker] = page.context().serviceWorkers();
    if (!worker) throw new Error("no service worker runs");
    const slow = gate();
    says("GET /approver/config", CONFIG, 200, slow.until);
    const before = callsOf("GET /approver/config").length;
    says("GET /approver/prompts", listed([prompt, request()]));
    await stage.open("");
    await vi.waitFor(() => expect(callsOf("GET /approver/config").length).toBeGreaterThan(before), 10_000);
    await worker.evaluate(async (hash) => {
      // biome-ignore lint/suspicious/noExplicitAny: the globals of a service worker
      const { clients } = globalThis as any;
      for (const one of await clients.matchAll({ includeUncontrolled: true })) one.postMessage(hash);
    }, `#prompt=${prompt.id}`);
    slow.open();
    await heading(IS_IT_YOU);
    says("GET /approver/config", CONFIG);
  });

  test("a view that comes late does not take the place of a newer one", async () => {
    const { page } = stage;
    const slow = gate();
    stage.says("GET /approver/prompts", listed([]));
    stage.says("GET /approver/devices", { devices: [THIS] }, 200, slow.until);
    await stage.open("");
    await heading("Nothing to approve");
    await page.getByRole("link", { name: "Devices" }).click();
    await page.locator("#view[aria-busy=true]").waitFor();
    await page.getByRole("link", { name: "More" }).click();
    await heading("More");
    slow.open();
    await page.waitForResponse((answer) => answer.url().endsWith("/approver/devices")).catch(() => undefined);
    await page.getByRole("link", { name: "What happened" }).waitFor();
    expect(await page.locator("#view").getAttribute("aria-busy")).toBeNull();
  });

  test("back and forth through an answered request says what came of it", async () => {
    const { page } = stage;
    const prompt = request({}, { match: "none" });
    stage.says("GET /approver/prompts", listed([prompt]));
    stage.says(`POST /approver/prompts/${prompt.id}/decision`, { state: "denied" });
    await stage.open("");
    await heading(IS_IT_YOU);
    await pressHere("Decline");
    await heading("Declined");
    stage.says("GET /approver/prompts", listed([]));
    stage.says(`GET /approver/prompts/${prompt.id}`, { state: "denied" });
    await page.goBack();
    await heading("Nothing to approve");
    await page.goForward();
    await text("It was declined before");
    await page.reload();
    await text("It was declined before");
  });

  test.each(["#devices", "#activity", "#codes", "#notifications", "#more", "#code"])(
    "%s is there again after a reload, with the service away too",
    async (hash) => {
      const { page } = stage;
      for (const path of ["devices", "activity", "recovery-codes"])
        stage.says(`GET /approver/${path}`, { code: "unavailable" }, 503);
      await stage.open(hash);
      const title = await page.getByRole("heading", { level: 1 }).textContent();
      await page.reload();
      await heading(title ?? "");
      if (["#devices", "#activity", "#codes"].includes(hash)) await text("That did not work");
    },
  );
});

describe("whose phone this is", () => {
  test("a session that is over under a request: a key goes on by itself, and what it signs is the same", async () => {
    const prompt = request({}, { match: "none" });
    const decision = `POST /approver/prompts/${prompt.id}/decision`;
    stage.says("GET /approver/prompts", listed([prompt]));
    stage.says("POST /approver/sessions", SESSION, 201);
    stage.says(decision, { code: "session_over" }, 401);
    await stage.open(`#prompt=${prompt.id}`);
    await heading(IS_IT_YOU);
    const renewed = stage.page.waitForResponse((answer) => answer.url().endsWith("/approver/sessions"));
    await pressHere("Decline");
    await renewed;
    await vi.waitFor(() => expect(callsOf(decision)).toHaveLength(2), 10_000);
    const [first, second] = callsOf(decision);
    expect(second?.body).toBe(first?.body);
    await stage.page.getByRole("alert").waitFor();
    stage.says(decision, { state: "denied" });
    await pressHere("Decline");
    await heading("Declined");
  });

  test("data that is cleared while the page is open: it goes on, and the next opening begins anew", async () => {
    const { page } = stage;
    stage.says("GET /approver/prompts", listed([]));
    stage.says("GET /approver/devices", { devices: [THIS] });
    await stage.open("");
    await heading("Nothing to approve");
    const cleared = await page.evaluate(
      () =>
        new Promise((done) => {
          const asked = indexedDB.deleteDatabase("countersign-phone");
          asked.onsuccess = () => done("cleared");
          asked.onblocked = () => done("blocked");
        }),
    );
    expect(cleared).toBe("cleared");
    await page.getByRole("link", { name: "Devices" }).click();
    await heading("Devices");
    await page.reload();
    await heading("Approve with this phone");
  });

  test("what one tab forgets, no other goes on as", async () => {
    await becomePhone(stage);
    const { page } = stage;
    const tab = await page.context().newPage();
    await tab.goto(`${stage.origin}/phone#more`);
    await tab.getByRole("button", { name: "Forget this phone here" }).click();
    await tab.getByRole("button", { name: "Forget it" }).click();
    await heading("Approve with this phone");
    await tab.close();
  });
});

describe("before a real service", () => {
  let world: World;
  let phone: Phone;
  beforeAll(async () => {
    world = await openWorld();
  });
  afterAll(async () => {
    await world.close();
  });
  afterEach(async () => {
    await phone.close();
  });

  test("a phone whose clock is ten minutes wrong is set up, sees a request and answers it", async () => {
    phone = await openPhone("key");
    await phone.page.addInitScript(() => {
      const real = Date.now.bind(Date);
      Date.now = () => real() - 600_000;
    });
    const address = freshAddress();
    await setUp(world, phone, "key", address);
    const started = await ask(world, address);
    await typeNumber(phone, started.body.match_code ?? "");
    expect(await phone.page.getByText(/ left$/).textContent()).toMatch(/^[0-5]:\d\d left$/);
    await press(phone, "Approve");
    await sees(phone, "Approved");
  });

  test("a session that is over under a request: the same passkey goes on, at that request", async () => {
    const address = freshAddress();
    phone = await newPhone(world, "passkey", address);
    const started = await ask(world, address);
    await typeNumber(phone, started.body.match_code ?? "");
    const admin = operator(world);
    const { body } = await admin("GET", "/admin/users", { query: { identifier: address } });
    const [user] = body.users as readonly { readonly user_id: string }[];
    await admin("DELETE", `/admin/users/${user?.user_id}/grants`);
    await press(phone, "Approve");
    await sees(phone, "Approve with this phone");
    await phone.page.getByText("Your session here is over").waitFor();
    // A session that begins in the second of the end is over with it: whoever is that quick presses again.
    await vi.waitFor(async () => {
      await press(phone, "Use my passkey");
      await phone.page.getByRole("navigation").waitFor({ timeout: 1_500 });
    }, 20_000);
    expect(new URL(phone.page.url()).hash).toMatch(/^#prompt=[0-9a-f]{64}$/);
  });
});
