import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { makeApp } from "../../../src/app.ts";
import type { ChallengeSpec, JsonObject } from "../../../src/core/challenge/state.ts";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { ok } from "../../../src/core/result.ts";
import { sharesBrowser } from "../../../src/hosted/browser.ts";
import type { AppEnv } from "../../../src/http/context.ts";
import type { Door } from "../../../src/http/door.ts";
import { newContext } from "../support/contexts.ts";
import { fresh } from "../support/cotter.ts";
import { authorizePath, newRp } from "../support/oauth.ts";
import { type Browser, browser, ORIGIN, type PageDeployment, pageDeployment } from "../support/page.ts";

/** A door elsewhere than the pages: it says whether its caller is the browser behind the posted context. */
function plantedDoor(): Door {
  const routes = new Hono<AppEnv>();
  routes.post("/", async (c) => c.json(await sharesBrowser(c, await c.req.json<JsonObject>())));
  return { prefix: "/approver/planted", routes, renderFault: (c) => c.json({}, 500) };
}
const app = makeApp([plantedDoor()]);

async function shares(at: PageDeployment, cookie: string, context: JsonObject): Promise<unknown> {
  const headers = { "Content-Type": "application/json", ...(cookie === "" ? {} : { Cookie: cookie }) };
  const request = new Request(`${ORIGIN}/approver/planted`, {
    method: "POST",
    headers,
    body: JSON.stringify(context),
  });
  return await (await app.fetch(request, ok(at.services), newContext())).json();
}

/** A sign-in page that waits for a phone, in this browser. */
async function waiting(
  at: PageDeployment,
  person: Browser,
  settings: ClientSettings = {},
): Promise<ChallengeSpec> {
  const to = await authorizePath(await newRp(at, { settings }));
  await person.get(to);
  const identifier = `${fresh("ana")}@example.com`;
  const begun = await person.post("/oauth/sign-in", { to, identifier, way: "device" });
  expect(begun.status).toBe(303);
  const id = at.services.challenges.parse(begun.location.split(/[/?]/)[3] ?? "");
  const snapshot = id && (await at.services.challenges.read(id));
  if (!snapshot) throw new Error(`no challenge at ${begun.location}`);
  return snapshot.spec;
}

describe.each([
  ["http", {}],
  ["https", { ISSUER: "https://sign.example" }],
])("the browser that began a sign-in, over %s", (_, over) => {
  const at = pageDeployment(over);

  test("T31 is known again elsewhere than on the pages, and another one is not", async () => {
    const [laptop, phone] = [browser(at), browser(at)];
    const { context } = await waiting(at, laptop);
    const other = await waiting(at, phone);
    expect(await shares(at, laptop.cookie(), context)).toBe(true);
    expect(await shares(at, phone.cookie(), context)).toBe(false);
    expect(await shares(at, laptop.cookie(), other.context)).toBe(false);
    expect(await shares(at, "", context)).toBe(false);
  });

  test("T31 a challenge that no page of ours began is of no browser, whatever its context holds", async () => {
    const laptop = browser(at);
    const { context } = await waiting(at, laptop);
    const digest = (context.oauth as JsonObject).browser ?? "";
    const cookie = laptop.cookie();
    const contexts: readonly JsonObject[] = [
      {},
      { oauth: { kind: "ciba" } },
      { oauth: null },
      { oauth: [digest] },
      { oauth: { browser: [digest] } },
      { browser: digest },
      { custom: { browser: digest } },
    ];
    for (const one of contexts) expect([one, await shares(at, cookie, one)]).toEqual([one, false]);
    expect(await shares(at, cookie, { verification: { browser: digest } })).toBe(true);
  });
});

describe("a client that steps up an approval from far away", () => {
  const at = pageDeployment();

  test.each([
    [{}, true],
    [{ match_code: "off" }, false],
    [{ insecure_tap: true }, false],
    [{ match_code: "off", proximity: "deny" }, false],
    [{ match_code: "off", proximity: "step_up" }, true],
    [{ insecure_tap: true, proximity: "step_up" }, true],
  ] as const)("T30 %j: a number at the start is %s", async (settings, hasNumber) => {
    const spec = await waiting(at, browser(at), settings);
    expect(spec.matchCodeHash !== undefined).toBe(hasNumber);
    // Whoever is asked by a vendor's phone typed nothing, so the tokens must not say that they did.
    const isAsked = !("match_code" in settings) && !("insecure_tap" in settings);
    expect(spec.subject).toEqual(isAsked ? { matched: true } : {});
  });
});
