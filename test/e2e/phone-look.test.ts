import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, test } from "vitest";
import type { DeviceWire } from "../../packages/protocol/src/approver.ts";
import { looksWell } from "./page-looks.ts";
import { becomePhone, events, listed, openStage, request, SESSION, type Stage, THIS } from "./phone-stage.ts";

let stage: Stage;
beforeAll(async () => {
  stage = await openStage();
});
afterAll(async () => {
  await stage.close();
});

const looksRight = (name: string, page: Page = stage.page): Promise<void> => looksWell(page, `phone-${name}`);

const press = (name: string) => stage.page.getByRole("button", { name, exact: true }).click();
const heading = (name: string | RegExp) => stage.page.getByRole("heading", { name, level: 1 }).waitFor();
const text = (said: string | RegExp) => stage.page.getByText(said).waitFor();
const IS_IT_YOU = /Is it you/;

const LONG_APP =
  "The Extraordinarily Long-Named Shop of Donaudampfschifffahrtsgesellschaft & Sons (formerly Mü";
const LONG_ACCOUNT = `${"very.long.address.that.goes.on.and.on".padEnd(64, "x")}@${"subdomain.".repeat(4)}example.com`;
const LONG_DEVICE = "Donaudampfschifffahrtsgesellschaftskapitänsmützenablagetelefon";
const UNTIL = "2026-10-20T12:10:00Z";

const device = (more: Partial<DeviceWire>): DeviceWire => ({
  ...THIS,
  id: "22222222-2222-4222-8222-222222222222",
  this: false,
  ...more,
});
const TABLET = device({ name: "Ana's tablet", kind: "passkey", new: true });
const DEVICES = [
  THIS,
  TABLET,
  device({ id: "3", name: LONG_DEVICE, kind: "key", removable: false, new: true }),
  device({ id: "4", name: "Shop's app", kind: "cotter", removable: false }),
];

describe("before this browser is a phone", () => {
  test("the start, and why a passkey was not taken", async () => {
    await stage.open("");
    await heading("Approve with this phone");
    await looksRight("start");
    stage.says("POST /approver/sessions/begin", { code: "user_locked" }, 403);
    await press("Use my passkey");
    await text("This account is locked");
    await looksRight("start-locked");
  });

  test("adding this phone: by passkey, without one, and where a recovery code is needed", async () => {
    const key = { challenge: "AAAA", user: { id: "AAAA" }, excludeCredentials: [] };
    const begin = "POST /approver/enrolments/begin";
    stage.says(begin, { enrolment: "e", account: SESSION.account, public_key: key });
    await stage.open("#add=t");
    await heading("Add this phone?");
    await looksRight("add");
    stage.says(begin, { enrolment: "e", account: LONG_ACCOUNT });
    await stage.open("#add=t");
    await text("This browser or address has no passkeys");
    await looksRight("add-key-long");
    stage.says(begin, { code: "stronger" }, 403);
    await stage.open("#add=t");
    await text("This account has a phone or passkey already");
    stage.says(begin, { code: "wrong_recovery_code" }, 403);
    await stage.page.getByLabel("Recovery code").fill("aaaa");
    await press("Use recovery code");
    await text("This is not one of your recovery codes");
    await looksRight("add-recovery");
  });
});

describe("on Ana's phone", () => {
  beforeAll(async () => {
    await becomePhone(stage);
  });

  test("added: another phone's link asks before it takes its place", async () => {
    await stage.open("#add=t2");
    await text("This browser is a phone of ana@example.com already");
    await looksRight("add-again");
    await press("Add without a passkey");
    await heading("This phone is added.");
    await looksRight("added");
  });

  test("the list: calm, several, and what is news", async () => {
    stage.says("GET /approver/prompts", listed([]));
    await stage.open("");
    await heading("Nothing to approve");
    await looksRight("calm");
    stage.says("GET /approver/prompts", listed([request(), request({}, {}, LONG_APP), request()]));
    await stage.open("");
    await heading("3 requests wait");
    await looksRight("several");
    const news = {
      blocked: { count: 12, last_at: UNTIL },
      silences: [{ client: LONG_APP, until: UNTIL }],
      new_devices: [TABLET, device({ name: LONG_DEVICE })],
      account: LONG_ACCOUNT,
    };
    stage.says("GET /approver/prompts", listed([], news));
    await stage.open("");
    await text("12 requests were kept from you");
    await looksRight("news");
  });

  const PAYMENT = [
    {
      type: "payment_initiation",
      instructedAmount: { currency: "EUR", amount: "123.50" },
      creditorName: "Merchant A",
      creditorAccount: { iban: "DE02100100109307118603" },
      remittanceInformationUnstructured: "Ref Number Merchant",
      locations: ["https://example.com/payments", "https://example.com/another"],
      urgent: true,
    },
  ];
  const LONG = request(
    {
      place: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch, GB",
      device: "Samsung Internet, Android",
      message: "Table 4, Donaudampfs",
      action: "a".repeat(79),
      scope: "openid email offline_access https://example.com/very/long/scope/name.readonly",
    },
    { warnings: ["far", "same_device"] },
    LONG_APP,
  );
  test.each([
    ["plain", request()],
    ["tap", request({}, { match: "none" })],
    ["long", LONG],
    ["details", request({ message: "Pay Merchant A", details: PAYMENT }, { unlock: true })],
    ["add-phone", addPhone()],
    ...(["tap", "unlock", "new_device", "more", "far", "same_device"] as const).map(
      (why) => [`not-${why}`, request({}, { match: "none", answers: ["deny"], why_not: why })] as const,
    ),
  ] as const)("a request: %s", async (name, prompt) => {
    stage.says("GET /approver/prompts", listed([prompt]));
    await stage.open(`#prompt=${prompt.id}`);
    await heading(IS_IT_YOU);
    await looksRight(`prompt-${name}`);
  });

  test("a wrong number, too many, approved, declined, reported, over", async () => {
    const prompt = request();
    const decision = `POST /approver/prompts/${prompt.id}/decision`;
    stage.says("GET /approver/prompts", listed([prompt]));
    await stage.open(`#prompt=${prompt.id}`);
    await press("Approve");
    await text("Type the six digits that");
    stage.says(decision, { code: "wrong_match_code", left: 2 }, 422);
    await stage.page.getByLabel("Number on the other screen").fill("123456");
    await press("Approve");
    await text("2 tries are left");
    await looksRight("wrong-number");
    stage.says(decision, { code: "code_locked", until: UNTIL }, 429);
    await press("Approve");
    await text("Too many wrong numbers");
    await looksRight("number-locked");
    for (const [button, title, name] of [
      ["Approve", "Approved", "approved"],
      ["Decline", "Declined", "declined"],
      ["This was not me", "Declined and reported", "reported"],
    ] as const) {
      stage.says(decision, { state: "approved" });
      await stage.open(`#prompt=${prompt.id}`);
      await stage.page.getByLabel("Number on the other screen").fill("123456");
      await press(button);
      await heading(title);
      await looksRight(name);
    }
    stage.says("GET /approver/prompts", listed([]));
    stage.says(`GET /approver/prompts/${prompt.id}`, { state: "superseded" });
    await stage.open(`#prompt=${prompt.id}`);
    await heading("This request is over");
    await looksRight("over");
  });

  test("devices: the list, a name that is changed, one that is removed, a code for another one", async () => {
    stage.says("GET /approver/devices", { devices: DEVICES });
    await stage.open("#devices");
    await heading("Devices");
    await looksRight("devices");
    await press("Rename: Ana's phone");
    await press("Remove: Ana's tablet");
    await text("Remove Ana's tablet?");
    await looksRight("devices-open");
    const url = `https://sign.example.com/phone#add=${"t1ck3t".repeat(40)}`;
    stage.says("POST /approver/tickets", { ticket: "t", url, expires_at: inTwoMinutes() }, 201);
    await stage.open("#devices");
    await press("Add another phone");
    await stage.page.getByRole("img", { name: "Add another phone" }).waitFor();
    await looksRight("devices-code");
  });

  test("more, what happened, recovery codes, notifications, the code of another screen", async () => {
    await stage.open("#more");
    await heading("More");
    await looksRight("more");
    await press("Forget this phone here");
    await looksRight("more-leave");
    stage.says("GET /approver/activity", { events, next: "n" });
    await stage.open("#activity");
    await text("Reported: it was not you");
    await looksRight("activity");
    stage.says("GET /approver/recovery-codes", { left: 0 });
    const codes = Array.from({ length: 10 }, (_, index) => `abcd-efgh-jkmn-pqr${index}`);
    stage.says("POST /approver/recovery-codes", { codes }, 201);
    await stage.open("#codes");
    await press("Make ten new codes");
    await text("pqr9");
    await looksRight("codes");
    await stage.open("#notifications");
    await heading("Notifications");
    await looksRight("notifications");
    await stage.open("#code=WDJB-MJHT");
    await heading("Connect a device");
    stage.says("POST /approver/scans", { code: "unknown_prompt" }, 404);
    await press("Continue");
    await text("This code is not known");
    await looksRight("code");
  });

  test("offline: the list, and a request that is open", async () => {
    const { page } = stage;
    stage.says("GET /approver/prompts", listed([]));
    await stage.open("");
    await heading("Nothing to approve");
    await page.context().setOffline(true);
    await text("You are offline");
    await looksRight("offline");
    await page.context().setOffline(false);
    const prompt = request();
    stage.says("GET /approver/prompts", listed([prompt]));
    await stage.open(`#prompt=${prompt.id}`);
    await heading(IS_IT_YOU);
    await page.context().setOffline(true);
    await text("You are offline");
    await looksRight("prompt-offline");
    await page.context().setOffline(false);
  });

  test("the camera, where the browser reads codes by itself", async () => {
    await stage.page.addInitScript(() => {
      Object.assign(globalThis, { BarcodeDetector: { getSupportedFormats: async () => ["qr_code"] } });
    });
    stage.says("GET /approver/prompts", listed([]));
    await stage.open("");
    await stage.page.getByRole("link", { name: "Scan a QR code" }).waitFor();
    await looksRight("calm-camera");
    await stage.page.getByRole("link", { name: "Scan a QR code" }).click();
    await text("The camera may not be used here");
    await looksRight("camera");
  });

  test("a key that is gone leads to setting the phone up again", async () => {
    stage.says("GET /approver/prompts", { code: "session_over" }, 401);
    stage.says("POST /approver/sessions", { code: "not_a_device" }, 403);
    await stage.open("");
    await text("This phone was removed from your account");
    await looksRight("lost");
  });
});

const inTwoMinutes = (): string => new Date(Date.now() + 120_000).toISOString();

function addPhone() {
  const prompt = request({}, {}, "Countersign");
  return { ...prompt, payload: { ...prompt.payload, purpose: "add_phone" } };
}
