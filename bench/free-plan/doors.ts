import { textOf } from "../../scripts/demo/api.ts";
import { expect } from "../../scripts/demo/expect.ts";
import { makePerson, makeShop, pushed } from "../authsignal.ts";
import { makeLoginid } from "../loginid.ts";
import type { Scene } from "./steps.ts";

/** A code that a backend approves before its device asks what became of it. */
export const loginidScene: Scene = async (place, steps) => {
  const { newUser, generate, authorize, wait } = await makeLoginid(place);
  return async () => {
    const { userId, username } = await newUser();
    const code = await steps.fetched(["LoginID: a code is made"], () => generate(userId));
    await steps.fetched(["LoginID: the backend approves"], () => authorize(userId, code));
    await steps.one("LoginID: the wait that collects", () => wait(username, code));
  };
};

/** A push challenge of an action, polled and validated. */
export const authsignalScene: Scene = async (place, steps) => {
  const shop = await makeShop(place);
  const send = <T>(step: string, act: () => Promise<T>) => steps.fetched([`Authsignal: ${step}`], act);
  return async () => {
    const person = await makePerson(shop, "push");
    const token = await send("track", () => shop.track(person.user, "signIn"));
    const challengeId = await send("challenge/push", () => pushed(shop, token));
    const verify = { method: "POST", body: { challengeId } } as const;
    const poll = () => shop.page(token).read("/verify/push", 200, verify);
    await send("a poll that waits", poll);
    await send("the phone approves", () => person.post("/challenge", challengeId, { approved: true }));
    const verified = await send("the poll that collects", poll);
    const { state } = await send("validate", () => shop.validate(textOf(verified, "accessToken")));
    expect(state === "CHALLENGE_SUCCEEDED", "a challenge that succeeded", state);
  };
};
