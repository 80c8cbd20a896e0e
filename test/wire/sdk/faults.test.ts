import { afterAll, beforeAll, describe, test } from "vitest";
import { type Server, startServer } from "../server.ts";
import { type FaultProxy, startFaultProxy } from "./fault-proxy.ts";
import { openTheatre, play, type Runtime, type Theatre } from "./play.ts";
import { startNode } from "./runtimes/node.ts";
import { startWorkerd } from "./runtimes/workerd.ts";
import { SCENARIOS } from "./scenarios.ts";

let proxy: FaultProxy;
let server: Server;
let theatre: Theatre;

beforeAll(async () => {
  proxy = await startFaultProxy();
  server = await startServer({ vars: { ISSUER: proxy.origin } });
  proxy.serve(server.port);
  theatre = await openTheatre(proxy, "dev-admin-token");
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
  server.remove();
});

const RUNTIMES = [
  ["Node", startNode],
  ["workerd", startWorkerd],
] as const;

describe.each(RUNTIMES)("a sign-in in %s", (name, start) => {
  let runtime: Runtime;
  beforeAll(async () => {
    runtime = await start();
  });
  afterAll(async () => {
    await runtime.stop();
  });

  const scenarios = SCENARIOS.filter(({ only }) => only?.includes(name) ?? true);
  test.each(scenarios)("$name", async (scenario) => {
    await play(theatre, runtime, scenario);
  });
});
