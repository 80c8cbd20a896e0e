import { describe, expect, test } from "vitest";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import { askDevice, newParty, pollDevice } from "../../support/ciba.ts";
import { claimsOf } from "../../support/cotter.ts";
import { authorizePath, newRp } from "../../support/oauth.ts";
import { browser, pageDeployment } from "../../support/page.ts";
import { newPhoneOwner, type Phone } from "../../support/phone.ts";

const BERLIN = { country: "DE", city: "Berlin", latitude: "52.52", longitude: "13.405" };
const POTSDAM = { country: "DE", city: "Potsdam", latitude: "52.39", longitude: "13.06" };
const LISBON = { country: "PT", city: "Lisbon", latitude: "38.72", longitude: "-9.14" };

type Place = Readonly<Record<string, string>> | undefined;

/** Where the next calls come from. */
let here: Place;
const plain = pageDeployment();
const at = {
  ...plain,
  ask: (path: string, init: RequestInit = {}) =>
    plain.ask(path, { ...init, ...(here ? { cf: here } : {}) } as RequestInit),
};
// biome-ignore lint/suspicious/noExplicitAny: the support of CIBA takes a deployment that can be asked
const deployed = at as any;

/** Somebody starts a sign-in on our own page from one place; their phone is at another. */
async function prompted(settings: ClientSettings, from: Place, to: Place) {
  here = to;
  const owner = await newPhoneOwner(at);
  const rp = await newRp(at, { settings });
  here = from;
  const person = browser(at);
  const path = await authorizePath(rp);
  await person.get(path);
  const led = await person.post("/oauth/sign-in", { to: path, identifier: owner.address, way: "device" });
  const number = new URL(led.location, "http://localhost").searchParams.get("n") ?? undefined;
  here = to;
  const [prompt] = await owner.phone.prompts();
  const answer = (phone: Phone = owner.phone) =>
    phone.decide(prompt, { decision: "approve", ...(number === undefined ? {} : { match_code: number }) });
  return { ...owner, prompt, number, answer, person };
}

describe("T30 who approves from far away", () => {
  test.each([
    ["near", BERLIN, POTSDAM, []],
    ["far", BERLIN, LISBON, ["far"]],
    ["from a place that nobody knows", undefined, BERLIN, ["far"]],
  ])("%s: is warned as it is, and may approve", async (_, from, to, warnings) => {
    const { prompt, answer } = await prompted({}, from, to);
    expect(prompt).toMatchObject({ warnings, answers: ["deny", "approve"] });
    expect((await answer()).status).toBe(200);
  });

  test("deny: approves nothing, and may decline", async () => {
    const { prompt, answer, phone } = await prompted({ proximity: "deny" }, BERLIN, LISBON);
    expect(prompt).toMatchObject({ answers: ["deny"], why_not: "far" });
    expect(await answer()).toMatchObject({ status: 403, body: { code: "not_allowed", why: "far" } });
    expect((await phone.decide(prompt, { decision: "deny" })).status).toBe(200);
  });

  test("step_up: types the number and unlocks the device, also where a bare tap would do", async () => {
    const settings = { proximity: "step_up", insecure_tap: true } as const;
    const near = await prompted(settings, BERLIN, POTSDAM);
    expect(near.prompt).toMatchObject({ match: "none", unlock: false });
    const far = await prompted(settings, BERLIN, LISBON);
    expect(far.prompt).toMatchObject({ match: "number", unlock: true, answers: ["deny", "approve"] });
    expect(await far.phone.decide(far.prompt, { decision: "approve" })).toMatchObject({
      status: 400,
      body: { code: "number_needed" },
    });
    expect((await far.answer()).status).toBe(200);
  });
});

describe("T31 one device on both sides", () => {
  /** The browser that began is the phone too: it sends the cookie of our pages along. */
  async function same(settings: ClientSettings) {
    const owner = await prompted(settings, BERLIN, BERLIN);
    const { phone } = owner;
    const withCookie: Phone = {
      ...phone,
      call: async (method, path, body) => {
        const answer = await at.ask(`/approver${path}`, {
          method,
          headers: {
            ...(await phone.headers(method, path)),
            Cookie: owner.person.cookie(),
            ...(body === undefined ? {} : { "Content-Type": "application/json" }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: answer.status, body: await answer.json(), headers: answer.headers };
      },
    };
    const { prompts } = (await withCookie.call("GET", "/prompts")).body;
    const said = { decision: "approve", match_code: String(owner.number) };
    const decide = async () =>
      await withCookie.call("POST", `/prompts/${prompts[0].id}/decision`, {
        ...said,
        ...(await phone.sign({ ...prompts[0].payload, ...said })),
      });
    return { prompt: prompts[0], decide };
  }

  test("is said above the question", async () => {
    const { prompt, decide } = await same({});
    expect(prompt).toMatchObject({ warnings: ["same_device"], answers: ["deny", "approve"] });
    expect((await decide()).status).toBe(200);
  });

  test("deny: approves nothing there", async () => {
    const { prompt, decide } = await same({ same_device: "deny" });
    expect(prompt).toMatchObject({ answers: ["deny"], why_not: "same_device" });
    expect(await decide()).toMatchObject({ status: 403, body: { why: "same_device" } });
  });
});

test("a device without a browser: whoever types its code on the phone page is asked there, and it has its tokens", async () => {
  here = BERLIN;
  const { phone, id } = await newPhoneOwner(at);
  const party = await newParty(deployed);
  const asked = await askDevice(deployed, party);
  const scanned = await phone.call("POST", "/scans", {
    user_code: String(asked.body.user_code).toLowerCase(),
  });
  expect(scanned).toMatchObject({
    status: 200,
    body: {
      prompt: {
        match: "none",
        answers: ["deny", "approve"],
        payload: {
          shown: {
            place: "Berlin, DE",
            scope: "openid",
            code: String(asked.body.user_code).replace("-", ""),
          },
        },
      },
    },
  });
  const { prompt, scan } = scanned.body;
  expect((await phone.decide(prompt, { decision: "approve", scan })).status).toBe(200);
  const polled = await pollDevice(deployed, party, asked);
  expect(polled.status).toBe(200);
  expect(claimsOf(polled.body.id_token)).toMatchObject({ sub: id, acr: "urn:signin:acr:device" });
});
