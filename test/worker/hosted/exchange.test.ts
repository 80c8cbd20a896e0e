import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ClientId, parseChallengeId } from "../../../src/core/ids.ts";
import { admin } from "../support/acts.ts";
import { fresh, newPhone } from "../support/cotter.ts";
import {
  browser,
  enter,
  exchange,
  handed,
  newPageClient,
  type PageDeployment,
  pageDeployment,
  REDIRECT,
  readable,
  s256,
  signedUp,
  VERIFIER,
  verified,
} from "../support/page.ts";
import { havingName, mainUser, withId } from "../support/people.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() });
});
afterEach(() => {
  vi.useRealTimers();
});

const email = () => `${fresh("ana")}@example.com`;
const later = (milliseconds: number) => vi.setSystemTime(Date.now() + milliseconds);
/** Of VERIFIER, as React Native sends it. */
const CHALLENGE = "rV_uKoNSoqAz2sq68RWO8z3pKJ9ijzDmnql2pPfKv8s";
const MSG = { msg: "Authorization code is not valid" };

describe("the code is for whoever asked, once", () => {
  test("T197 a sign-out everywhere in the middle of the exchange leaves no session", async () => {
    let act: (() => Promise<unknown>) | undefined;
    const at = pageDeployment({}, ({ challenges }) => ({
      challenges: {
        ...challenges,
        apply: async (...asked: Parameters<typeof challenges.apply>) => {
          const now = asked[1].name === "redeem" ? act : undefined;
          act = now ? undefined : act;
          await now?.();
          return await challenges.apply(...asked);
        },
      },
    }));
    const client = await newPageClient(at);
    const address = email();
    const first = await exchange(at, client, await verified(at, client, address));
    const given = await verified(at, client, address);
    later(1_000);
    act = async () => {
      await admin("DELETE", `/users/${first.body.user.ID}/grants`);
      later(1_000);
    };
    expect((await exchange(at, client, given)).status).toBe(403);
    expect(act).toBeUndefined();
  });

  test("T197 a sign-out everywhere while a proof's device is enrolled leaves neither device nor session", async () => {
    let act: (() => Promise<unknown>) | undefined;
    const at = pageDeployment({}, ({ devices }) => ({
      devices: {
        ...devices,
        byFingerprint: async (...asked: Parameters<typeof devices.byFingerprint>) => {
          const now = act;
          act = undefined;
          await now?.();
          return await devices.byFingerprint(...asked);
        },
      },
    }));
    const client = await newPageClient(at);
    const { body, key } = await exchange(at, client, await verified(at, client, email()));
    const { publicKey: code } = await newPhone();
    later(1_000);
    act = async () => {
      await admin("DELETE", `/users/${body.user.ID}/grants`);
      later(1_000);
    };
    const enrolled = await at.ask(`/api/v0/user/methods?cotter_user_id=${body.user.ID}&oauth_token=true`, {
      method: "PUT",
      headers: { "Content-Type": "application/json", API_KEY_ID: client, Cookie: `enrol=${key}` },
      body: JSON.stringify({ method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" }),
    });
    expect([enrolled.status, act]).toEqual([403, undefined]);
    expect(await at.services.devices.ofUser(body.user.ID)).toEqual([]);
  });

  test.each([
    ["the verifier omitted", { code_verifier: undefined }, true],
    ["null for a verifier", { code_verifier: null }, true],
    ["an empty verifier", { code_verifier: "" }, true],
    ["an array for a verifier", { code_verifier: [VERIFIER] }, false],
    ["the challenge for a verifier, as plain would have it", { code_verifier: CHALLENGE }, true],
    ["a wrong verifier", { code_verifier: `${VERIFIER}x` }, true],
    ["another redirect address", { redirect_url: "myapp://other" }, true],
    ["a redirect address with a slash more", { redirect_url: `${REDIRECT}/` }, true],
    ["another number", { challenge_id: 1 }, true],
  ])(
    "T80 T81 %s is refused; a body that cannot be read names no code, any other burns it",
    async (_name, over, burns) => {
      const at = pageDeployment();
      const client = await newPageClient(at);
      const given = await verified(at, client, email());
      const refused = await exchange(at, client, given, over);
      expect(refused.status).toBe(400);
      expect(refused.body.msg).toMatch(
        burns ? /^Authorization code is not valid$/ : /^Request is not valid: code_verifier/,
      );
      expect((await exchange(at, client, given)).status).toBe(burns ? 400 : 200);
    },
  );

  test("T80 an empty verifier is none, also when the challenge is its hash", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const given = await verified(at, client, email(), { code_challenge: await s256("") });
    expect(await exchange(at, client, given, { code_verifier: "" })).toEqual({ status: 400, body: MSG });
  });

  test("T46 another client's exchange is refused and burns the code", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const other = await newPageClient(at);
    const given = await verified(at, client, email());
    expect(await exchange(at, other, given)).toEqual({ status: 400, body: MSG });
    expect(await exchange(at, client, given)).toEqual({ status: 400, body: MSG });
    expect(JSON.stringify(at.queued)).toContain("authorization_code_misused");
  });

  test("T46 a code that was used and comes with another verifier takes its tokens back", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const given = await verified(at, client, email());
    const first = await exchange(at, client, given);
    expect(first.status).toBe(200);
    expect((await exchange(at, client, given, { code_verifier: "wrong" })).status).toBe(400);
    expect(await exchange(at, client, given)).toEqual({ status: 400, body: MSG });
    const refreshed = await at.ask("/api/v0/token", {
      method: "POST",
      headers: { "Content-Type": "application/json", API_KEY_ID: client },
      body: JSON.stringify({ refresh_token: first.body.oauth_token.refresh_token }),
    });
    expect(refreshed.status).toBe(400);
    expect(await refreshed.json()).toEqual({ msg: "Refresh token is not valid" });
  });

  test("T46 a forged code does nothing: the right one still works", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const given = await verified(at, client, email());
    const id = given.code.split(".")[0] ?? "";
    for (const code of [
      `${id}.${"A".repeat(43)}`,
      id,
      await at.services.handles.mint(parseChallengeId(id) as never, "wait"),
      "x",
    ]) {
      expect(await exchange(at, client, { ...given, code })).toEqual({ status: 400, body: MSG });
    }
    expect((await exchange(at, client, given)).status).toBe(200);
  });

  const refresh = (at: PageDeployment, client: ClientId, refresh_token: string) =>
    at.ask("/api/v0/token", {
      method: "POST",
      headers: { "Content-Type": "application/json", API_KEY_ID: client },
      body: JSON.stringify({ refresh_token }),
    });

  test.each([
    ["at once", 0],
    ["an hour later", 3_600_000],
  ])(
    "T210 C16 the same exchange again, %s, is refused and ends the session of the first",
    async (_when, after) => {
      const at = pageDeployment();
      const client = await newPageClient(at);
      const given = await verified(at, client, email());
      const first = await exchange(at, client, given);
      expect(first.status).toBe(200);
      later(after);
      expect(await exchange(at, client, given)).toEqual({ status: 400, body: MSG });
      expect((await refresh(at, client, first.body.oauth_token.refresh_token)).status).toBe(400);
      const told = at.queued.filter((one) => (one as { kind: string }).kind === "grant_ended");
      expect(told).toHaveLength(1);
      expect(JSON.stringify(at.queued)).toContain("authorization_code_misused");
      // Once more changes nothing, and writes nothing more.
      expect((await exchange(at, client, given)).status).toBe(400);
      expect(at.queued.filter((one) => (one as { kind: string }).kind === "grant_ended")).toHaveLength(1);
    },
  );

  test("T210 C16 of twenty exchanges at once one is answered, and its session does not live", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const given = await verified(at, client, email());
    const answers = await Promise.all(Array.from({ length: 20 }, () => exchange(at, client, given)));
    const answered = answers.filter(({ status }) => status === 200);
    expect(answered.length).toBeLessThanOrEqual(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(20 - answered.length);
    for (const { body } of answered) {
      expect((await refresh(at, client, body.oauth_token.refresh_token)).status).toBe(400);
    }
  });

  test("T210 C16 the tokens go out when the window for a device cannot be opened: the code is used up", async () => {
    const at = pageDeployment({}, ({ inboxes }) => ({
      inboxes: {
        ...inboxes,
        openEnrolment: async () => {
          throw new Error("the object is away");
        },
      },
    }));
    const client = await newPageClient(at);
    const answered = await exchange(at, client, await verified(at, client, email()));
    expect(answered.status).toBe(200);
    expect(answered.key).toBeUndefined();
    expect((await refresh(at, client, answered.body.oauth_token.refresh_token)).status).toBe(200);
  });

  test("a code is good for five minutes", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const early = await verified(at, client, email());
    later(299_000);
    expect((await exchange(at, client, early)).status).toBe(200);
    const late = await verified(at, client, email());
    later(300_000);
    expect(await exchange(at, client, late)).toEqual({ status: 400, body: MSG });
  });

  test.each([
    ["RN: 44 characters of standard base64", "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRW+/8="],
    ["WEB and the guide: 56 hex digits", "0123456789abcdef".repeat(3).padEnd(56, "0")],
    ["FL: 128 characters", "Aa0-._~".repeat(19).slice(0, 128)],
    ["AND: 86 characters", "abcDEF123_-".repeat(8).slice(0, 86)],
    ["IOS and PY: 43 characters", "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"],
    ["other writing", "ünïcödé ✓ 日本"],
  ])("a verifier of any alphabet is compared by its hash alone: %s", async (_name, verifier) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const given = await verified(at, client, email(), { code_challenge: await s256(verifier) });
    expect((await exchange(at, client, given, { code_verifier: verifier })).status).toBe(200);
  });

  test("RN's own vector", async () => {
    expect(await s256(VERIFIER)).toBe(CHALLENGE);
  });

  test("T11 a user who was locked meanwhile gets nothing", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const first = await exchange(at, client, await verified(at, client, address));
    const given = await verified(at, client, address);
    await at.services.users.update(mainUser(first.body.user.ID), { status: "locked" }, Date.now());
    expect(await exchange(at, client, given)).toEqual({ status: 403, body: { msg: "User is locked" } });
  });

  test("before the code was typed there is nothing to exchange", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const check = await enter(browser(at), client, email());
    const code = await at.services.handles.mint(check.split("/").at(-1) as never, "authorization_code");
    expect((await exchange(at, client, { code, state: "", challenge_id: "1" })).status).toBe(400);
  });
});

describe("whose address it is", () => {
  test("a squatter's device, sessions and other names do not reach whoever proves the address", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const squatter = await signedUp(at, client, { identifier: address });
    const proven = await exchange(at, client, await verified(at, client, address));
    expect(proven.body.user.ID).not.toBe(squatter.id);
    expect(proven.body.user.enrolled).toEqual([]);
    expect((await havingName(at, address))?.user.id).toBe(proven.body.user.ID);
    // Nothing is left of a user without a name: no device, no session.
    expect(await withId(at, squatter.id)).toBeUndefined();
    const refreshed = await at.ask("/api/v0/token", {
      method: "POST",
      headers: { "Content-Type": "application/json", API_KEY_ID: client },
      body: JSON.stringify({ refresh_token: squatter.refreshToken }),
    });
    expect(refreshed.status).toBe(400);
  });

  test("what cannot be ended at once goes through the queue: the owner does not wait for it", async () => {
    const at = pageDeployment({}, (services) => ({
      users: {
        ...services.users,
        remove: async () => {
          throw new Error("D1 is away");
        },
      },
    }));
    const client = await newPageClient(at);
    const address = email();
    const squatter = await signedUp(at, client, { identifier: address });
    const proven = await exchange(at, client, await verified(at, client, address));
    expect(proven.body.user.ID).not.toBe(squatter.id);
    expect(at.queued).toContainEqual(
      expect.objectContaining({
        kind: "revoke_grants",
        userId: squatter.id,
        reason: "identifier_taken_over",
      }),
    );
  });

  test("who has another name left keeps user and devices, but no session that speaks of the address", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const other = await signedUp(at, client, { client_user_id: fresh("own"), identifiers: [address] });
    const proven = await exchange(at, client, await verified(at, client, address));
    expect(proven.body.user.ID).not.toBe(other.id);
    const left = await withId(at, other.id);
    expect(left?.identifiers).toEqual([]);
  });

  test.each([
    [true, "is the same person's"],
    [false, "is the prover's, and the operator's user goes on under its other names"],
  ])("an address that the operator gave, verified: %s, %s", async (isVerified) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const made = await at.ask("/admin/users", {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: "Bearer dev-admin-token" },
      body: JSON.stringify({ email: address, username: fresh("ana"), verified: isVerified }),
    });
    const { user_id } = (await made.json()) as { user_id: string };
    const proven = await exchange(at, client, await verified(at, client, address));
    expect(proven.body.user.ID === user_id).toBe(isVerified);
    expect((await havingName(at, address))?.user.id).toBe(proven.body.user.ID);
    expect((await withId(at, user_id))?.identifiers).toHaveLength(2);
  });

  test("race: two proofs of one new address make one user", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const [a, b] = [browser(at), browser(at)];
    const checkA = await enter(a, client, address);
    const codeA = at.last().code ?? "";
    const checkB = await enter(b, client, address);
    const codeB = at.last().code ?? "";
    const [doneA, doneB] = await Promise.all([
      a.post(checkA, { code: codeA }),
      b.post(checkB, { code: codeB }),
    ]);
    const [idA, idB] = await Promise.all(
      [doneA, doneB].map(async ({ location }) => (await exchange(at, client, handed(location))).body.user.ID),
    );
    expect(idA).toBe(idB);
  });

  test("race: two proofs of one claimed address make one user", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    await signedUp(at, client, { identifier: address });
    const [a, b] = [browser(at), browser(at)];
    const checkA = await enter(a, client, address);
    const codeA = at.last().code ?? "";
    const checkB = await enter(b, client, address);
    const codeB = at.last().code ?? "";
    const [doneA, doneB] = await Promise.all([
      a.post(checkA, { code: codeA }),
      b.post(checkB, { code: codeB }),
    ]);
    const [idA, idB] = await Promise.all(
      [doneA, doneB].map(async ({ location }) => (await exchange(at, client, handed(location))).body.user.ID),
    );
    expect(idA).toBe(idB);
    expect((await havingName(at, address))?.user.id).toBe(idA);
  });

  test("an app that names the user gets that user or nobody", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const address = email();
    const owner = await exchange(at, client, await verified(at, client, address));
    const same = await verified(at, client, address, { cotter_user_id: owner.body.user.ID });
    expect((await exchange(at, client, same)).body.user.ID).toBe(owner.body.user.ID);
    const stranger = browser(at);
    const check = await enter(stranger, client, email(), { cotter_user_id: owner.body.user.ID });
    const refused = await stranger.post(check, { code: at.last().code ?? "" });
    expect(refused.location).toBe(`${check}?e=theirs`);
    expect(readable((await stranger.get(refused.location)).text)).toContain("not the one of your account");
  });

  test("the page asks before it forgets: what an outage cut short goes on with the same code", async () => {
    let broken = true;
    const at = pageDeployment({}, ({ users }) => ({
      users: {
        ...users,
        insert: async (...args) => {
          if (broken) throw new Error("D1 is away");
          return users.insert(...args);
        },
      },
    }));
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    expect((await person.post(check, { code })).status).toBe(500);
    broken = false;
    const done = await person.post(check, { code });
    expect((await exchange(at, client, handed(done.location))).status).toBe(200);
  });
});
