import { describe, expect, test } from "vitest";
import { Outage } from "../../../src/core/fault.ts";
import { type SubjectKey, userSubject } from "../../../src/core/ids.ts";
import { makeChallenges } from "../../../src/objects/challenges.ts";
import { makeInboxes } from "../../../src/objects/inboxes.ts";
import { approve, challenges, draft, proof, spec, USER } from "../support/challenges.ts";
import { namespaces } from "../support/namespaces.ts";

type Failure = { readonly overloaded?: boolean; readonly retryable?: boolean };
const platformError = (failure: Failure) => Object.assign(new Error("platform"), failure);

/**
 * The real namespace, whose stubs throw the failures in turn, one a call, before they answer. `afterwards`: the call is carried
 * out and only its answer is lost.
 */
function failing(whole: DurableObjectNamespace, failures: readonly Failure[], afterwards = false) {
  const left = [...failures];
  const calls = { stubs: 0, made: 0 };
  const fragile = (stub: DurableObjectStub) =>
    new Proxy(stub, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          calls.made += 1;
          const failure = left.shift();
          if (failure && !afterwards) throw platformError(failure);
          const answer = await Reflect.apply(method, target, args);
          if (failure) throw platformError(failure);
          return answer;
        };
      },
    });
  const namespace = new Proxy(whole, {
    get: (target, name) => {
      if (name !== "get") return Reflect.get(target, name).bind(target);
      return (id: DurableObjectId) => {
        calls.stubs += 1;
        return fragile(target.get(id));
      };
    },
  });
  return { namespace, calls };
}

const failingChallenges = (failures: readonly Failure[], afterwards = false) => {
  const { namespace, calls } = failing(namespaces.CHALLENGES, failures, afterwards);
  return { shaky: makeChallenges(namespace), calls };
};

const OVERLOADED: Failure = { overloaded: true, retryable: true };
const RETRYABLE: Failure = { retryable: true };

describe("a challenge's object that fails", () => {
  test("T103 overloaded is an outage at once and never retried", async () => {
    const { shaky, calls } = failingChallenges([OVERLOADED]);
    await expect(shaky.read(challenges.fresh())).rejects.toThrow(Outage);
    expect(calls).toEqual({ stubs: 1, made: 1 });
  });

  test("T103 overloaded without more is never retried either", async () => {
    const { shaky, calls } = failingChallenges([{ overloaded: true }]);
    const refused = await shaky.apply(challenges.fresh(), approve).catch((cause: unknown) => cause);
    expect(refused).toBeInstanceOf(Outage);
    expect((refused as Outage).retryAfter).toBeGreaterThan(0);
    expect(calls.made).toBe(1);
  });

  test("T103 retryable is tried once more, on a fresh stub", async () => {
    const begun = spec();
    await challenges.open(begun);
    const { shaky, calls } = failingChallenges([RETRYABLE]);
    expect((await shaky.read(begun.id))?.view.state).toBe("pending");
    expect(calls).toEqual({ stubs: 2, made: 2 });
  });

  test("T103 retryable twice is an outage after exactly one retry", async () => {
    const { shaky, calls } = failingChallenges([RETRYABLE, RETRYABLE, RETRYABLE]);
    await expect(shaky.read(challenges.fresh())).rejects.toThrow(Outage);
    expect(calls).toEqual({ stubs: 2, made: 2 });
  });

  test("whatever else is thrown is an outage, unretried, with its cause kept", async () => {
    const { shaky, calls } = failingChallenges([{}]);
    const refused = await shaky.read(challenges.fresh()).catch((cause: unknown) => cause);
    expect(refused).toBeInstanceOf(Outage);
    expect((refused as Outage).cause).toMatchObject({ message: "platform" });
    expect(calls.made).toBe(1);
  });

  test("sockets and waits meet the same policy", async () => {
    const begun = spec();
    await challenges.open(begun);
    await expect(failingChallenges([OVERLOADED]).shaky.socket(begun.id, undefined)).rejects.toThrow(Outage);
    await expect(failingChallenges([OVERLOADED]).shaky.wait(begun.id, 10)).rejects.toThrow(Outage);
    expect(await failingChallenges([RETRYABLE]).shaky.wait(begun.id, 10)).toMatchObject({ state: "pending" });
  });

  test("a start whose answer was lost is not refused by itself", async () => {
    const begun = spec();
    expect(await failingChallenges([RETRYABLE], true).shaky.open(begun)).toMatchObject({
      ok: true,
      value: { view: { state: "pending" } },
    });
    const other = { ...begun, nonce: "another" };
    expect(await failingChallenges([RETRYABLE], true).shaky.open(other)).toMatchObject({
      error: { code: "occupied" },
    });
    const whole = spec();
    const redemption = { waiterProof: "w", draft: draft() };
    const answer = await failingChallenges([RETRYABLE], true).shaky.openSettled(whole, proof(), redemption);
    expect(answer).toMatchObject({ ok: true, value: { changed: true, view: { state: "redeemed" } } });
    expect(answer.ok && answer.value.facts?.jti).toBe(redemption.draft.jti);
  });
});

describe("an inbox that fails", () => {
  const inboxes = (failures: readonly Failure[], afterwards = false) => {
    const { namespace, calls } = failing(namespaces.INBOXES, failures, afterwards);
    return { shaky: makeInboxes(namespace), calls };
  };
  const who = (): SubjectKey => userSubject(crypto.randomUUID() as typeof USER);

  test("T103 overloaded is an outage at once, retryable is tried once more", async () => {
    const heavy = inboxes([OVERLOADED]);
    await expect(heavy.shaky.view(who())).rejects.toThrow(Outage);
    expect(heavy.calls).toEqual({ stubs: 1, made: 1 });
    const light = inboxes([RETRYABLE]);
    expect(await light.shaky.view(who())).toMatchObject({ prompts: [] });
    expect(light.calls).toEqual({ stubs: 2, made: 2 });
  });

  test("a listing whose answer was lost is listed once and does not supersede itself", async () => {
    const { id, clientId, door, purpose, origin } = spec();
    const subject = who();
    const { shaky } = inboxes([RETRYABLE], true);
    const listed = await shaky.list(subject, {
      challengeId: id,
      clientId,
      door,
      purpose,
      origin,
      clientName: "Shop",
      demands: { matchCode: false, claim: false, unlock: false },
      context: {},
      respondNumber: 7,
      startedAt: Date.now(),
      expiresAt: Date.now() + 60_000,
    });
    expect(listed).toMatchObject({ outcome: "listed" });
    expect(listed.superseded).toBeUndefined();
    expect((await shaky.view(subject)).prompts).toMatchObject([
      { challengeId: id, status: { name: "live" } },
    ]);
  });
});

describe("ids", () => {
  test("a fresh id is parsed back, a forged one is not, and neither wakes anything", () => {
    const { namespace, calls } = failing(namespaces.CHALLENGES, []);
    const { fresh, named, parse } = makeChallenges(namespace);
    const id = fresh();
    expect(parse(id)).toBe(id);
    expect(parse(named("cotter 1"))).toBe(named("cotter 1"));
    expect(named("cotter 1")).not.toBe(named("cotter 2"));
    const forged = [...id].reverse().join("");
    expect(parse(forged)).toBeUndefined();
    expect(parse(id.toUpperCase())).toBeUndefined();
    expect(parse(id.slice(1))).toBeUndefined();
    expect(parse("")).toBeUndefined();
    expect(calls).toEqual({ stubs: 0, made: 0 });
  });

  test("an inbox's id is no challenge's", () => {
    expect(challenges.parse(namespaces.INBOXES.idFromName(userSubject(USER)).toString())).toBeUndefined();
  });
});
