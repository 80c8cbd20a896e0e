import { describe, expect, test } from "vitest";
import type { ChallengeId, ClientId, DeviceId, UserId } from "../../../src/core/ids.ts";
import {
  disable,
  type Left,
  leftOf,
  lock,
  operator,
  remove,
  removeDevices,
  signOut,
  unlock,
} from "./acts.ts";
import type { Json } from "./cotter.ts";
import type { Flow, Ready } from "./flows/flow.ts";
import { type Point, type Stage, stage } from "./in-flight.ts";

/** What an act has ended. */
type Ended = { readonly userId?: UserId | undefined; readonly removed: readonly DeviceId[] };
type Act = { readonly on: "person" | "client"; readonly run: (ready: Ready) => Promise<Ended> };

const onPerson = (act: (userId: UserId) => Promise<readonly DeviceId[]>): Act => ({
  on: "person",
  async run(ready) {
    const userId = await ready.who();
    return { userId, removed: userId === undefined ? [] : await act(userId) };
  },
});

const ACTS = {
  "the person is locked": onPerson(lock),
  "the devices are removed": onPerson(removeDevices),
  "the person is deleted": onPerson(remove),
  "the person is signed out": onPerson(signOut),
  "the client is disabled": {
    on: "client",
    async run(ready) {
      await Promise.all(ready.clients.map((client: ClientId) => disable(client)));
      return { userId: await ready.who(), removed: [] };
    },
  },
} satisfies Record<string, Act>;
type ActName = keyof typeof ACTS;

/**
 * The points at which an act is another thing than at the one behind it: not between the end of a call and the beginning of the next one, when
 * nothing happens anywhere, not in front of a call that has nothing to do with whom the act is on, and not in requests that another flow
 * begins with.
 */
const momentsFor = (points: readonly Point[], on: Act["on"], from = 1): readonly string[] =>
  points
    .filter((point, at) => {
      if (point.request < from) return false;
      const isBefore = (one: Point | undefined) => one?.name.endsWith(" before") === true;
      return isBefore(point) ? point[on] : !isBefore(points[at + 1]);
    })
    .map(({ name }) => name);

/** Everything under these names, however deep. */
function under(names: ReadonlySet<string>, value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    names.has(name) && inner ? [inner] : under(names, inner),
  );
}

const TOKENS = new Set(["oauth_token", "jwt", "accessToken", "token", "access_token"]);
const REFRESH = new Set(["refresh_token"]);

/** The grants that were begun there for this user and live. */
async function livingOf(at: Stage, userId: UserId) {
  const snapshots = await Promise.all([...at.begun].map((id) => operator.services.challenges.read(id)));
  const grants = snapshots.flatMap((snapshot) => (snapshot?.grant ? [snapshot.grant] : []));
  return grants.filter((grant) => grant.userId === userId && !grant.ended);
}

type Ran = {
  readonly flow: Flow;
  readonly ready: Ready;
  readonly at: Stage;
  readonly out: Json;
  readonly userId: UserId;
  readonly removed: readonly DeviceId[];
  /** What could be used of the user when the act was over, and which challenges had begun. */
  readonly before: ReadonlySet<string>;
  readonly begun: ReadonlySet<ChallengeId>;
};

/** One run with the act at this point; throws what is wrong. */
async function runWith(flow: Flow, name: ActName, point: string): Promise<void> {
  const ready = await flow.ready(ACTS[name].on === "client");
  const at = stage();
  let ended: Ended | undefined;
  let before: ReadonlySet<string> = new Set();
  let begun: ReadonlySet<ChallengeId> = new Set();
  at.at(point, async () => {
    ended = await ACTS[name].run(ready);
    if (ended.userId) before = (await leftOf(ended.userId)).usable;
    begun = new Set(at.begun);
  });
  const out = await ready.run(at);
  expect([at.acted(), at.faults], "the act was done, and no fault came of it").toEqual([true, []]);
  const { userId, removed } = ended as Ended;
  if (userId !== undefined) await check(name, { flow, ready, at, out, userId, removed, before, begun });
}

async function check(name: ActName, ran: Ran): Promise<void> {
  const { flow, at, userId, removed } = ran;
  const isByDevice = flow.byDevice === true && removed.length > 0;
  const isByAct = name !== "the person is signed out" && (name !== "the devices are removed" || isByDevice);
  const left = await leftOf(userId);
  if (isByAct) expect(added(left, ran), "nothing is written behind the act").toEqual([]);
  const alive = await livingOf(at, userId);
  switch (name) {
    case "the client is disabled":
      expect(
        alive.filter(({ id }) => !ran.before.has(`grant ${id}`)),
        "no unlisted family",
      ).toEqual([]);
      return;
    case "the devices are removed":
      expect(alive.filter(({ deviceId }) => deviceId && removed.includes(deviceId))).toEqual([]);
      break;
    case "the person is signed out":
      // What begins later is theirs again.
      expect(
        alive.filter(({ id }) => ran.begun.has(id)),
        "no family of before lives",
      ).toEqual([]);
      return;
    case "the person is locked":
    case "the person is deleted":
      expect(alive, "no family lives").toEqual([]);
      expect([...left.usable].filter((text) => text.startsWith("grant "))).toEqual([]);
  }
  if (isByAct) await expectDead(ran);
  if (name === "the person is deleted") await checkGone(ran, left);
  if (name === "the person is locked") await checkUnlocked(ran);
}

const added = ({ usable }: Left, { before }: Ran): string[] =>
  [...usable].filter((text) => !before.has(text));

/** No row is left, neither before the refresh tokens that came out were tried nor behind that. */
async function checkGone({ out, userId }: Ran, left: Left): Promise<void> {
  expect([...left.remains]).toEqual([]);
  if (under(REFRESH, out).length > 0) expect([...(await leftOf(userId)).remains]).toEqual([]);
}

/** What was under way stays ended when the user is active again; what of it was nobody's began perhaps only then. */
async function checkUnlocked(ran: Ran): Promise<void> {
  const { flow, ready, userId, begun } = ran;
  await unlock(userId);
  await expectDead(ran);
  if (!ready.again || (flow.ofNobody && begun.size === 0)) return;
  const later = stage();
  expect(under(TOKENS, await ready.again(later)), "nothing comes of it later").toEqual([]);
  expect(added(await leftOf(userId), ran), "and nothing is written later").toEqual([]);
  expect(await livingOf(later, userId)).toEqual([]);
}

/** No refresh token of this user that came out is good for anything. */
async function expectDead({ ready: { clients }, out, userId }: Ran): Promise<void> {
  const { challenges } = operator.services;
  for (const refresh_token of under(REFRESH, out)) {
    const id = challenges.parse(String(refresh_token).split(".")[0] ?? "");
    const grant = id && (await challenges.read(id))?.grant;
    // Whoever proves the address of somebody who was deleted is a new user.
    if (grant && grant.userId !== userId) continue;
    const body = { grant_type: "refresh_token", refresh_token };
    const answer = await operator.call("POST", "/api/v0/token", body, { API_KEY_ID: clients[0] });
    expect(answer.status, "the refresh token is dead").toBe(400);
  }
}

const ABREAST = 6;

/** All of them, some at once; throws with the point's name in front. */
async function forEach(points: readonly string[], work: (point: string) => Promise<void>): Promise<void> {
  const left = [...points];
  const worker = async () => {
    for (let point = left.shift(); point !== undefined; point = left.shift()) {
      const at = point;
      await work(at).catch((cause: unknown) => {
        throw new Error(`at ${at}: ${cause instanceof Error ? cause.message : cause}`, { cause });
      });
    }
  };
  await Promise.all(Array.from({ length: ABREAST }, worker));
}

/**
 * Runs each flow once for each moment between two of its calls to D1 and to objects, with the operator's act done to its end exactly there.
 * Whatever the flow does afterwards, nothing may come of it.
 */
export function testInFlight(flows: readonly Flow[]): void {
  describe.each(flows.map((flow) => [flow.name, flow] as const))("%s", (_, flow) => {
    let points: readonly Point[] = [];
    let hasDevice = false;

    test("works when nothing comes in between", async () => {
      const ready = await flow.ready(true);
      const at = stage();
      const out = await ready.run(at);
      expect([flow.works(out), at.faults], JSON.stringify(out)).toEqual([true, []]);
      const userId = await ready.who();
      expect(userId).toBeDefined();
      hasDevice = userId !== undefined && (await operator.services.devices.ofUser(userId)).length > 0;
      points = at.points;
    });

    test.each(Object.keys(ACTS) as ActName[])(
      "S5 nothing comes of it when %s on the way",
      async (name) => {
        // Who has no device at the end had none on the way: there is nothing to remove.
        if (name === "the devices are removed" && points.length > 0 && !hasDevice) return;
        if (flow.ofNoClient && ACTS[name].on === "client") return;
        const moments = momentsFor(points, ACTS[name].on, flow.from);
        expect(moments.length).toBeGreaterThan(1);
        await forEach(moments, (point) => runWith(flow, name, point));
      },
      180_000,
    );
  });
}
