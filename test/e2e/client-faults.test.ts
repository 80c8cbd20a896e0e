import { afterAll, beforeAll, expect, test } from "vitest";
import { type FaultProxy, startFaultProxy } from "../wire/sdk/fault-proxy.ts";
import { openTheatre, play, type Runtime, type Theatre } from "../wire/sdk/play.ts";
import type { Events, Order } from "../wire/sdk/program.ts";
import { SCENARIOS } from "../wire/sdk/scenarios.ts";
import { grantsOf, newUser } from "../wire/sdk/stage.ts";
import { type Server, startServer } from "../wire/server.ts";
import { openTabs, type Tabs } from "./client-chromium.ts";

let proxy: FaultProxy;
let server: Server;
let theatre: Theatre;
let tabs: Tabs;
let tab: Runtime;

beforeAll(async () => {
  proxy = await startFaultProxy();
  [server, tabs] = await Promise.all([startServer({ vars: { ISSUER: proxy.origin } }), openTabs()]);
  proxy.serve(server.port);
  theatre = await openTheatre(proxy, "dev-admin-token", { allowed_origins: [tabs.origin] });
  tab = await tabs.open();
});
afterAll(async () => {
  await tabs.close();
  await server.stop();
  await proxy.stop();
  server.remove();
});

const scenarios = SCENARIOS.filter(({ only }) => only?.includes("Chromium") ?? true);
test.each(scenarios)("in a page of another origin: $name", async (scenario) => {
  await play(theatre, tab, scenario);
});

const silent: Events = { prompt: () => {}, onAbort: () => {} };

test("a secret in a page is refused before anything is sent", async () => {
  const { stage, backend } = theatre;
  proxy.follow([]);
  const options = { issuer: stage.origin, clientId: backend.client_id, clientSecret: backend.client_secret };
  const { failures } = await tab.carryOut({ options, acts: ["requestApproval"], identifier: "ada" }, silent);
  expect(failures).toMatchObject([{ name: "CountersignError", code: "invalid_argument" }]);
  expect(failures[0]?.shown).not.toContain(backend.client_secret);
  expect(proxy.count("discovery") + proxy.count("start")).toBe(0);
});

test("two tabs that refresh at once send one refresh, also when its answer gets lost", async () => {
  const { stage, page } = theatre;
  const user = await newUser(stage);
  const second = await tabs.open();
  proxy.follow([{ on: "refresh", do: "lose" }]);
  const options = { issuer: stage.origin, clientId: page.client_id, scope: "openid offline_access" };
  const order: Order = { options, shared: true, identifier: user.email, acts: ["signIn"] };
  let answered: Promise<unknown> | undefined;
  await tab.carryOut(order, {
    ...silent,
    prompt: ({ matchCode }) => {
      answered ??= user.approve(matchCode);
    },
  });
  await answered;
  const refresh: Order = { ...order, acts: ["refresh"] };
  const outcomes = await Promise.all([tab.carryOut(refresh, silent), second.carryOut(refresh, silent)]);
  expect(outcomes.flatMap(({ failures }) => failures)).toEqual([]);
  const [first, other] = outcomes.map(({ sessions }) => sessions[0]?.refreshToken);
  const tokens = new Set(proxy.answers("refresh").map((body) => body.refresh_token));
  // The second tab waits for the lock, and finds what the first one got: or it begins after it, and refreshes in its turn.
  expect(tokens.size).toBe(new Set([first, other]).size);
  const again = await second.carryOut(refresh, silent);
  expect(again.failures).toEqual([]);
  expect(await grantsOf(stage, user)).toHaveLength(1);
  expect(again.sessions[0]?.claims?.sub).toBe(user.id);
});
