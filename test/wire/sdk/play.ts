/** Plays one scenario in a runtime, and looks at what came of it from the operator's side. */
import { expect } from "vitest";
import type { FaultProxy } from "./fault-proxy.ts";
import type { Events, Order, Outcome } from "./program.ts";
import type { Moment, Scenario } from "./scenarios.ts";
import { grantsOf, newBackend, newPage, newUser, type Stage, type User } from "./stage.ts";

/** Where the library runs. */
export type Runtime = {
  readonly name: string;
  carryOut(order: Order, events: Events): Promise<Outcome>;
  stop(): Promise<void>;
};

export type Theatre = {
  readonly proxy: FaultProxy;
  readonly stage: Stage;
  readonly page: { readonly client_id: string };
  readonly backend: { readonly client_id: string; readonly client_secret: string };
};

const SCOPE = "openid offline_access";

/** A page and a backend whose issuer is the proxy. `over` goes to the page's client. */
export async function openTheatre(
  proxy: FaultProxy,
  adminToken: string,
  over: object = {},
): Promise<Theatre> {
  const stage = { origin: proxy.origin, adminToken };
  const [page, backend] = await Promise.all([newPage(stage, over), newBackend(stage)]);
  return { proxy, stage, page, backend };
}

function orderOf({ stage, page, backend }: Theatre, { order }: Scenario, email: string): Order {
  const isBackend = order.acts.includes("requestApproval");
  const who = isBackend
    ? { clientId: backend.client_id, clientSecret: backend.client_secret }
    : { clientId: page.client_id };
  return { identifier: email, options: { issuer: stage.origin, scope: SCOPE, ...who }, ...order };
}

const happened = (proxy: FaultProxy, moment: Moment | "redeem"): Promise<void> => {
  switch (moment) {
    case "prompt":
      return Promise.resolve();
    case "waiting":
      return proxy.reached(["hold", "frame"]);
    case "frame":
      return proxy.reached(["frame"]);
    case "two frames":
      return proxy.reached(["frame"], 2);
    case "redeem":
      return proxy.reached(["redeemed"]);
  }
};

/** Runs it: the runtime, the user, the caller's signal and the laptop's sleep. */
async function run(theatre: Theatre, runtime: Runtime, scenario: Scenario, user: User): Promise<Outcome> {
  const { proxy } = theatre;
  const { does, at = "prompt" } = scenario.user ?? { does: "approve" };
  let abort = () => {};
  let act: Promise<unknown> | undefined;
  const answer = async (matchCode: string | undefined) => {
    await happened(proxy, scenario.sleepsAt ?? at);
    if (scenario.sleepsAt) proxy.sleep();
    if (does === "approve") await user.approve(matchCode);
    if (does === "decline") await user.decline();
    if (scenario.wakesLate) await proxy.reached(["socket"], 2);
    proxy.wake();
  };
  const outcome = runtime.carryOut(orderOf(theatre, scenario, user.email), {
    onAbort: (fire) => {
      abort = fire;
    },
    prompt: ({ matchCode, qrText }) => {
      if (does === "scan" && qrText) act ??= user.approveScanned(qrText);
      if (does !== "scan") act ??= answer(matchCode);
    },
  });
  if (scenario.abortAt) void happened(proxy, scenario.abortAt).then(() => abort());
  const ended = await outcome;
  await act;
  return ended;
}

/** Every secret that has gone over the wire. */
function secretsOf({ proxy, backend }: Theatre): string[] {
  const members = ["access_token", "refresh_token", "id_token", "device_code", "auth_req_id"];
  const bodies = (["start", "redeem", "refresh"] as const).flatMap(proxy.answers);
  const told = bodies
    .flatMap((body) => members.map((member) => body[member]))
    .filter((text) => text !== undefined);
  // A token that is cut off at its end is one all the same.
  return [...told, backend.client_secret].map((text) => String(text).slice(0, -4));
}

function checkCounts({ proxy }: Theatre, { starts = 1, atLeast = {}, atMost = {} }: Scenario): void {
  const unmet = proxy.left().filter(({ times }) => times !== Number.POSITIVE_INFINITY);
  expect(unmet, "faults that nothing met").toEqual([]);
  expect(proxy.count("start"), "starts").toBe(starts);
  for (const [kind, least] of Object.entries(atLeast)) {
    expect(proxy.count(kind as "hold"), kind).toBeGreaterThanOrEqual(least);
  }
  for (const [kind, most] of Object.entries(atMost)) {
    expect(proxy.count(kind as "hold"), kind).toBeLessThanOrEqual(most);
  }
}

const refreshTokens = (bodies: readonly { readonly refresh_token?: string }[]): string[] => [
  ...new Set(bodies.map(({ refresh_token }) => refresh_token).filter((text) => text !== undefined)),
];

/** One grant, one token of each generation, and the client has the last one. */
async function checkGrants(
  theatre: Theatre,
  { fails, grants = 1, generations, order }: Scenario,
  user: User,
  { sessions, kept }: Outcome,
): Promise<void> {
  const found = await grantsOf(theatre.stage, user);
  expect(found, "grants").toHaveLength(grants);
  const redeemed = refreshTokens(theatre.proxy.answers("redeem"));
  expect(redeemed.length, "refresh tokens of the redemption").toBeLessThanOrEqual(1);
  const refreshed = refreshTokens(theatre.proxy.answers("refresh"));
  if (generations !== undefined) expect(refreshed, "refreshed tokens").toHaveLength(generations);
  if (fails !== undefined) return;
  for (const session of sessions) {
    if (grants > 0 && session) expect(session.claims?.sid).toBe(found[0].grant_id);
  }
  if (order.acts.includes("requestApproval") || order.acts.at(-1) === "signOut") return;
  const newest = refreshed.at(-1) ?? redeemed[0];
  expect(sessions.at(-1)?.refreshToken).toBe(newest);
  expect(JSON.parse(kept ?? "{}").refreshToken, "what is kept").toBe(newest);
}

function checkFailure({ fails, error = {} }: Scenario, { failures, sessions, kept }: Outcome): void {
  if (fails === undefined) {
    expect(failures).toEqual([]);
    expect(sessions.length).toBeGreaterThan(0);
    return;
  }
  expect(failures, "errors").toHaveLength(1);
  const typed = { name: "CountersignError", ...(fails ? { code: fails } : {}) };
  expect(failures[0]).toMatchObject({ ...typed, ...error });
  if (sessions.length === 0) expect(kept).toBeUndefined();
}

/** Whether everything is as it has to be. */
export async function play(theatre: Theatre, runtime: Runtime, scenario: Scenario): Promise<void> {
  const { proxy } = theatre;
  proxy.follow([]);
  const user = await newUser(theatre.stage);
  proxy.follow(scenario.faults ?? []);
  const outcome = await run(theatre, runtime, scenario, user);
  checkFailure(scenario, outcome);
  checkCounts(theatre, scenario);
  await checkGrants(theatre, scenario, user, outcome);
  const shown = [...outcome.failures.map((failure) => failure.shown), ...outcome.printed].join("\n");
  for (const secret of secretsOf(theatre)) expect(shown).not.toContain(secret);
}
