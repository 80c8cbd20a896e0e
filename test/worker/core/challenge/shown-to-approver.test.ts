import { describe, expect, test } from "vitest";
import { admin } from "../../support/admin.ts";
import {
  answer,
  basic,
  bearer,
  enrol,
  newTenant,
  type Phone,
  phoneCall,
  server,
  track,
} from "../../support/authsignal.ts";
import {
  deployment,
  fresh,
  newClient,
  newPerson,
  newPhone,
  poll,
  prompt,
  respond,
  start,
} from "../../support/cotter.ts";

const at = deployment();
const STRANGERS = "Security check by your bank. Press approve to keep your account.";

describe("S6 free text of an anonymous call", () => {
  test("S6 a stranger's event name is not shown and not signed; the waiter hears its own again", async () => {
    const client = await newClient(at);
    const person = await newPerson(at, client);
    const waiter = (await start(at, client, person, STRANGERS)).body;
    expect(waiter.event).toBe(STRANGERS);
    const shown = (await prompt(at, client, person)) ?? {};
    expect(shown.event).toBe("LOGIN");
    expect((await respond(at, client, person, { ...shown, event: STRANGERS }, true)).status).toBe(403);
    const answered = await respond(at, client, person, shown, true);
    expect([answered.status, answered.body.event]).toEqual([200, "LOGIN"]);
    expect((await poll(at, client, waiter)).body).toMatchObject({ event: STRANGERS, approved: true });
  });

  test.each([
    ["LOGIN", {}, "LOGIN"],
    ["LOGIN_WITH_DEVICE", {}, "LOGIN_WITH_DEVICE"],
    ["Pay 5 EUR", {}, "LOGIN"],
    ["Pay 5 EUR", { event_names: ["Pay 5 EUR"] }, "Pay 5 EUR"],
    ["pay 5 eur", { event_names: ["Pay 5 EUR"] }, "LOGIN"],
    ["LOGIN_WITH_DEVICE", { event_names: ["Pay 5 EUR"] }, "LOGIN"],
    ["LOGIN_WITH_DEVICE", { event_names: [] }, "LOGIN"],
  ])("T180 asked by %s with %j a user is shown %s", async (event, settings, name) => {
    const client = await newClient(at, settings);
    const person = await newPerson(at, client);
    expect((await start(at, client, person, event)).body.event).toBe(event);
    expect((await prompt(at, client, person))?.event).toBe(name);
  });

  test.each([
    [["ENROLL_NEW_TRUSTED_DEVICE"]],
    [["x ENROLL_NEW_TRUSTED_DEVICE"]],
    [["a".repeat(65)]],
    [["a;b"]],
    [[""]],
    ["LOGIN"],
    [Array(51).fill("a")],
  ])("T180 event_names %j is refused", async (event_names) => {
    const made = await admin("POST", "/clients", { name: "x", kind: "public", settings: { event_names } });
    expect(made.status).toBe(400);
  });

  test("T180 approve_through, event_names and prompt_place are kept as they are given", async () => {
    const settings = {
      approve_through: ["bank", "news"],
      event_names: ["LOGIN", "Pay 5.00"],
      prompt_place: true,
    };
    const made = await admin("POST", "/clients", { name: "x", kind: "public", settings });
    expect(made.body.settings).toEqual(settings);
    for (const approve_through of ["all", [1], ["two words"], Array(51).fill("a")]) {
      const wrong = { name: "x", kind: "public", settings: { approve_through } };
      expect((await admin("POST", "/clients", wrong)).status).toBe(400);
    }
  });
});

const claim = async (phone: Phone, challengeId: string) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(challengeId),
  });

describe("S6 a QR code that anybody may show", () => {
  const begin = async (body: object, headers: Record<string, string>) =>
    String((await at.call("POST", "/v1/client/challenge/qr-code", body, headers)).body.challengeId);

  test.each([
    [{}, undefined],
    [{ actions: { other: "challenge" } }, undefined],
    [{ actions: { kiosk: "challenge" } }, "kiosk"],
  ] as const)("S6 with settings %j whoever scans is told the action %s", async (settings, shown) => {
    const tenant = await newTenant(at, settings);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user, "qr-code");
    const custom = { note: STRANGERS };
    const id = await begin({ action: "kiosk", custom }, basic(tenant.id));
    const claimed = await claim(phone, id);
    expect(claimed.status).toBe(200);
    expect([claimed.body.actionCode, claimed.body.custom]).toEqual([shown, undefined]);
    expect(JSON.stringify(claimed.body)).not.toContain(STRANGERS);
    expect((await answer(at, phone, id, true)).body).toEqual({ isVerified: true });
    const actions = await server(at, tenant, "GET", `/users/${user}/actions?codes=kiosk`);
    expect(actions.body).toMatchObject([{ actionCode: "kiosk", state: "CHALLENGE_SUCCEEDED" }]);
  });

  test("S6 names of the settings' own object are no actions of the client", async () => {
    const tenant = await newTenant(at, { actions: {} });
    const phone = await enrol(at, tenant, fresh("u"), "qr-code");
    const claimed = await claim(phone, await begin({ action: "constructor" }, basic(tenant.id)));
    expect([claimed.status, claimed.body.actionCode]).toEqual([200, undefined]);
  });

  test("S6 what the backend tracked is shown whole", async () => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user, "qr-code");
    const custom = { amount: 5, lines: Array.from({ length: 300 }, (_, line) => `line ${line}`) };
    const { token } = (await track(at, tenant, user, "pay", { custom, userAgent: "a\r\nb" })).body;
    const claimed = await claim(phone, await begin({ custom: { note: STRANGERS } }, bearer(token)));
    expect(claimed.body).toMatchObject({ actionCode: "pay", custom, userAgent: "a b" });
  });
});

describe("T181 O12 where a request comes from", () => {
  const PLACE = { "CF-Connecting-IP": "203.0.113.7" };
  const begin = (client: string, user: string) =>
    at.call(
      "POST",
      "/api/v0/event/create_pending",
      { client_user_id: user, event: "LOGIN", method: "TRUSTED_DEVICE", location: "?" },
      { API_KEY_ID: client, ...PLACE },
    );

  test("T181 is told to the one who waits and to who has signed, and to nobody else", async () => {
    const client = await newClient(at);
    const person = await newPerson(at, client);
    const waiter = (await begin(client, person.id)).body;
    expect(waiter.ip).toBe("203.0.113.7");
    const shown = (await prompt(at, client, person)) ?? {};
    expect([shown.ip, shown.location]).toEqual(["unknown", "unknown"]);
    expect((await poll(at, client, waiter)).body.ip).toBe("203.0.113.7");
    expect((await respond(at, client, person, shown, true)).body.ip).toBe("203.0.113.7");
  });

  test("T181 is told to everybody where the asking client says so", async () => {
    const client = await newClient(at, { prompt_place: true });
    const person = await newPerson(at, client);
    await begin(client, person.id);
    expect((await prompt(at, client, person))?.ip).toBe("203.0.113.7");
    // Another client's word does not count for it.
    const quiet = await newClient(at, { approve_through: [client] });
    await begin(quiet, person.id);
    const shown = await prompt(at, client, person);
    expect([shown?.ip, shown?.event]).toEqual(["unknown", "LOGIN"]);
  });
});

test.each(["Pixel\n7\u202e", "  Pixel 7 "])("T182 a device's name is one line: %j", async (device_name) => {
  const client = await newClient(at);
  const user = await at.call(
    "POST",
    "/api/v0/user/create",
    { identifier: `${fresh("x")}@example.com` },
    { API_KEY_ID: client },
  );
  const enrolled = {
    method: "TRUSTED_DEVICE",
    enrolled: true,
    code: (await newPhone()).publicKey,
    algorithm: "ED25519",
    device_name,
  };
  const path = `/api/v0/user/methods?cotter_user_id=${user.body.ID}`;
  expect((await at.call("PUT", path, enrolled, { API_KEY_ID: client })).status).toBe(200);
  expect((await at.services.devices.ofUser(user.body.ID as never))[0]?.name).toBe("Pixel 7");
});
