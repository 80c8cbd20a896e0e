import { describe, expect, test } from "vitest";
import type { Enroller } from "../../../../src/core/challenge/approvers.ts";
import type { ChallengeId, ClientId, DeviceId, Realm } from "../../../../src/core/ids.ts";
import { endAll, removeDevice } from "../../../../src/core/inbox/ending.ts";
import { noteDevice } from "../../../../src/core/inbox/enrolment.ts";
import { SPENT_MEMORY } from "../../../../src/core/inbox/limits.ts";
import { list, type PromptRequest, settlePrompt } from "../../../../src/core/inbox/prompts.ts";
import { EMPTY_INBOX, type InboxState, type Subscription } from "../../../../src/core/inbox/state.ts";
import { SUBSCRIBED_DEVICES, subscribe, unsubscribe } from "../../../../src/core/inbox/subscriptions.ts";

const NOW = 1_790_000_000_000;
const OWNER = noteDevice(EMPTY_INBOX);
const REALM: Enroller = { clientId: "countersign" as ClientId, reach: "realm" };

const deviceOf = (name: string) => name as unknown as DeviceId;
const web = (name: string) => ({
  endpoint: `https://fcm.googleapis.com/fcm/send/${name}`,
  p256dh: "p",
  auth: "a",
});
const of = (name: string, over: Partial<Subscription> = {}): Subscription => ({
  device: deviceOf(name),
  through: REALM,
  target: web(name),
  at: NOW,
  ...over,
});
const having = (...subscriptions: readonly Subscription[]): InboxState =>
  subscriptions.reduce((state, one) => subscribe(state, one, NOW).next, OWNER);
const namesIn = ({ subscriptions = [] }: InboxState) => subscriptions.map(({ device }) => String(device));

const asked = (over: Partial<PromptRequest> = {}): PromptRequest => ({
  challengeId: "c1" as ChallengeId,
  door: "oauth",
  clientId: "shop" as ClientId,
  clientName: "Shop",
  purpose: "sign_in",
  demands: { matchCode: true, claim: false, unlock: false },
  caller: { brought: "secret" },
  origin: {},
  context: {},
  respondNumber: 1,
  startedAt: NOW,
  expiresAt: NOW + 120_000,
  ...over,
});
const woken = (state: InboxState, over: Partial<PromptRequest> = {}) =>
  list(state, asked(over), NOW).value.push?.map(({ device }) => String(device));

describe("where a user's devices are woken", () => {
  test("each device says it once; the same again changes nothing", () => {
    const state = having(of("a"), of("b"));
    expect(namesIn(state)).toEqual(["a", "b"]);
    expect(subscribe(state, of("a", { at: NOW + 1 }), NOW)).toEqual({ next: state, value: true });
    const moved = subscribe(state, of("a", { target: web("a2") }), NOW).next;
    expect(moved.subscriptions?.map(({ target }) => target)).toEqual([web("b"), web("a2")]);
  });

  test("new keys at the same address are another subscription", () => {
    const target = { ...web("a"), p256dh: "p2" };
    expect(subscribe(having(of("a")), of("a", { target }), NOW).next.subscriptions).toMatchObject([
      { target },
    ]);
  });

  test("an address is one device's: a browser that enrolled anew is not woken twice", () => {
    expect(namesIn(having(of("old"), of("new", { target: web("old") })))).toEqual(["new"]);
    const app = { fcm: "registration" };
    expect(namesIn(having(of("old", { target: app }), of("new", { target: app })))).toEqual(["new"]);
  });

  test("one more than are kept takes the place of the first", () => {
    const names = Array.from({ length: SUBSCRIBED_DEVICES + 1 }, (_, at) => `d${at}`);
    const state = having(...names.map((name) => of(name)));
    expect(namesIn(state)).toEqual(names.slice(1));
  });

  test("a device takes it back; a dead address only while it is still its own", () => {
    const state = having(of("a"), of("b"));
    expect(namesIn(unsubscribe(state, deviceOf("a")))).toEqual(["b"]);
    expect(unsubscribe(state, deviceOf("a"), web("before").endpoint)).toBe(state);
    expect(unsubscribe(state, deviceOf("a"), web("b").endpoint)).toBe(state);
    expect(namesIn(unsubscribe(state, deviceOf("a"), web("a").endpoint))).toEqual(["b"]);
    expect(unsubscribe(state, deviceOf("c"))).toBe(state);
  });
});

describe("what ends with a device or a user", () => {
  test("a removed device is woken no more, and what it says on its way is not kept", () => {
    const removed = removeDevice(having(of("a"), of("b")), deviceOf("a"), NOW).next;
    expect(namesIn(removed)).toEqual(["b"]);
    expect(woken(removed)).toEqual(["b"]);
    const late = subscribe(removed, of("a"), NOW + SPENT_MEMORY - 1);
    expect(late).toEqual({ next: removed, value: false });
  });

  test("nobody is woken once the user is locked", () => {
    const ended = endAll(having(of("a"), of("b"))).next;
    expect(ended).not.toHaveProperty("subscriptions");
    expect(woken(ended)).toBeUndefined();
  });

  test("a user who was deleted meanwhile is not begun again", () => {
    expect(subscribe(EMPTY_INBOX, of("a"), NOW)).toEqual({ next: EMPTY_INBOX, value: false });
  });
});

describe("whom a prompt wakes", () => {
  test("every device before which it stands, also where its start's answer was lost", () => {
    const { next, value } = list(having(of("a"), of("b")), asked(), NOW);
    expect(value.push?.map(({ device }) => String(device))).toEqual(["a", "b"]);
    expect(list(next, asked(), NOW).value.push).toEqual(value.push);
  });

  test("nobody for one that is answered, kept back, or that nobody subscribed for", () => {
    const { next } = list(having(of("a")), asked(), NOW);
    const denial = { challengeId: asked().challengeId, decision: "deny", digest: "d" } as const;
    const denied = settlePrompt(next, denial, NOW).next;
    expect(woken(denied)).toBeUndefined();
    const yielding = { challengeId: "c2" as ChallengeId, caller: { brought: "nothing" } as const };
    expect(list(next, asked(yielding), NOW).value).toMatchObject({ outcome: "suppressed" });
    expect(woken(next, yielding)).toBeUndefined();
    expect(woken(OWNER)).toBeUndefined();
  });

  test("the one device alone that may answer", () => {
    const demands = { ...asked().demands, device: deviceOf("b") };
    expect(woken(having(of("a"), of("b")), { demands })).toEqual(["b"]);
    expect(woken(having(of("a")), { demands })).toBeUndefined();
  });

  test("no device before which it does not stand", () => {
    const neighbour = of("neighbour", { through: { clientId: "other" as ClientId } });
    const elsewhere = of("elsewhere", { through: { ...REALM, realm: "eu" as Realm } });
    const own = of("own", { through: { clientId: "shop" as ClientId } });
    expect(woken(having(neighbour, elsewhere, own))).toEqual(["own"]);
  });
});
