import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type GrantId, MAIN, parseRealm } from "../../../../src/core/ids.ts";
import { DEVICE_GUESSES, GUESSES } from "../../../../src/core/inbox/limits.ts";
import { SECOND } from "../../../../src/core/time.ts";
import {
  challengeOfCode,
  drawUserCode,
  LENGTH,
  LETTERS,
  readUserCode,
} from "../../../../src/doors/oauth/device/user-code.ts";
import {
  claimedBy,
  claimUserCode,
  decideByUser,
  findByUserCode,
} from "../../../../src/doors/oauth/device/verification.ts";
import { everythingAtRest } from "../../support/at-rest.ts";
import {
  askDevice,
  bareSession,
  newParty,
  newSession,
  type Party,
  pollDevice,
  post,
  press,
  send,
} from "../../support/ciba.ts";
import { type Answer, claimsOf, deployment } from "../../support/cotter.ts";
import { newAda } from "../../support/loginid.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();
const later = (by: number) => vi.setSystemTime(Date.now() + by);
const refused = (error: string, status = 400) => ({ status, body: expect.objectContaining({ error }) });
const no = (code: string) => ({ ok: false, error: expect.objectContaining({ code }) });
const idIn = ({ body }: Answer) => String(body.device_code).split(".")[0] as GrantId;
const stateOf = async (asked: Answer) => (await at.services.challenges.read(idIn(asked)))?.view.state;
const newUser = async () => mainUser((await newAda(at)).id);
type User = Awaited<ReturnType<typeof newUser>>;

const typing = (user: User, typed: unknown, ip?: string) =>
  findByUserCode(at.services, { user, typed: String(typed), ...(ip === undefined ? {} : { ip }) });
const record = async ({ id }: User) => {
  const found = await at.services.users.byId(id, MAIN);
  if (!found) throw new Error("no such user");
  return found.user;
};
/** The request as this user has claimed it. */
async function claim(user: User, asked: Answer) {
  const found = await typing(user, asked.body.user_code);
  if (!found.ok) throw new Error(found.error.code);
  const { snapshot, client } = found.value;
  const session = await newSession(at, user, client.id);
  const claimed = await claimUserCode(at.services, {
    snapshot,
    user: await record(user),
    sessionId: session.sessionId,
  });
  return { claimed, snapshot, session };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a device asks", () => {
  test("the answer is RFC 8628 §3.2's, with the two ways to wait", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    const code = String(asked.body.user_code);
    expect(asked).toMatchObject({
      status: 200,
      body: {
        device_code: expect.stringMatching(/^[0-9a-f]{64}\.[A-Za-z0-9_-]{43}$/),
        user_code: expect.stringMatching(/^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/),
        verification_uri: "http://localhost:8787/oauth/device",
        verification_uri_complete: `http://localhost:8787/oauth/device?user_code=${code}`,
        expires_in: 600,
        interval: 5,
        wait_uri: `http://localhost:8787/challenges/${idIn(asked)}/wait`,
        socket_uri: `ws://localhost:8787/challenges/${idIn(asked)}/socket`,
      },
    });
    expect(asked.headers.get("Cache-Control")).toBe("no-store");
  });

  test("a public client asks by its name alone, and its pages may read the answer", async () => {
    const party = await newParty(at, {}, { kind: "public", allowedOrigins: ["https://tv.example"] });
    const answer = await send(at, "/device_authorization", new URLSearchParams({ client_id: party.id }), {
      Origin: "https://tv.example",
    });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("https://tv.example");
  });

  test("T94 a client that the grant is not named for is refused, at the start and at the grant", async () => {
    const unnamed = await newParty(at, {}, { grantTypes: ["authorization_code", "refresh_token"] });
    expect(await askDevice(at, unnamed)).toMatchObject(refused("unauthorized_client"));
    const asked = await askDevice(at, await newParty(at));
    expect(await pollDevice(at, unnamed, asked)).toMatchObject(refused("unauthorized_client"));
  });

  test.each([
    ["an unknown scope", { scope: "admin" }, "invalid_scope"],
    ["a resource of nobody's", { resource: "https://api.example" }, "invalid_target"],
  ])("with %s is refused", async (_name, fields, error) => {
    expect(await askDevice(at, await newParty(at), fields)).toMatchObject(refused(error));
  });

  test("a client without its secret is no client", async () => {
    const party = await newParty(at);
    expect(await askDevice(at, { ...party, secret: "" })).toMatchObject(refused("invalid_client", 401));
  });

  test("a code that is live is drawn for nobody else, and a code that is over is free again", async () => {
    const drawn = ["CCCCCCCC", "CCCCCCCC", "DDDDDDDD"];
    const letters = "BCDFGHJKLMNPQRSTVWXZ";
    const queue = [...drawn.join("")].map((letter) => letters.indexOf(letter) + 1);
    const rigged = deployment({}, ({ chance }) => ({
      chance: { ...chance, number: (limit) => (limit === 21 ? (queue.shift() ?? 1) : chance.number(limit)) },
    }));
    const party = await newParty(rigged);
    expect((await askDevice(rigged, party)).body.user_code).toBe("CCCC-CCCC");
    expect((await askDevice(rigged, party)).body.user_code).toBe("DDDD-DDDD");
  });

  test("T67 neither code is at rest anywhere, and nobody who only asks leaves a row", async () => {
    const before = await everythingAtRest();
    const asked = await askDevice(at, await newParty(at));
    const code = String(asked.body.user_code);
    const { text } = await everythingAtRest();
    expect(before.text).not.toContain(idIn(asked));
    for (const secret of [code, code.replace("-", ""), asked.body.device_code]) {
      expect(text).not.toContain(String(secret));
    }
    const rows = await at.services.userCodes.lookUp(
      await at.services.handles.pepper(["device-user-code"], code.replace("-", "")),
    );
    expect(rows).toEqual({ ok: true, value: undefined });
  });
});

describe("somebody types the code", () => {
  test("it is found however it is typed, with the client that asks", async () => {
    const party = await newParty(at, {}, { name: "Television" });
    const asked = await askDevice(at, party);
    const user = await newUser();
    const code = String(asked.body.user_code);
    for (const typed of [code, code.toLowerCase(), code.replace("-", " "), ` ${code.replace("-", "")}`]) {
      expect(await typing(user, typed)).toMatchObject({
        ok: true,
        value: { client: { id: party.id, name: "Television" }, snapshot: { spec: { id: idIn(asked) } } },
      });
    }
    expect(await typing(user, "WDJ8-MJHT")).toMatchObject(no("malformed"));
  });

  test("it signs the device in, once, by what the user pressed", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    const user = await newUser();
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("authorization_pending"));
    expect(await press(at, user, asked)).toMatchObject({ ok: true });
    const { status, body } = await pollDevice(at, party, asked);
    expect(status).toBe(200);
    expect(claimsOf(body.access_token)).toMatchObject({
      sub: user.id,
      client_id: party.id,
      amr: ["user", "hwk"],
    });
    expect(claimsOf(body.id_token)).toMatchObject({
      sub: user.id,
      auth_time: Math.floor((Date.now() - 60_000) / 1_000),
    });
    expect(await press(at, user, asked)).toMatchObject(no("unknown_challenge"));
  });

  test("T07 a denial is told at the next poll, for good", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    const user = await newUser();
    expect(await press(at, user, asked, "deny")).toMatchObject({ ok: true, value: { changed: true } });
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("access_denied"));
    expect(await press(at, user, asked)).toMatchObject(no("unknown_challenge"));
    const events = await at.services.records.events({ clientId: party.id, size: 5 });
    expect(events).toMatchObject([{ type: "sign_in.denied", actor: expect.stringMatching(/^session:/) }]);
  });

  test("a code that ran out says so, and one that is over is as good as none", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    later(600 * SECOND);
    expect(await typing(await newUser(), asked.body.user_code)).toMatchObject(no("expired"));
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("expired_token"));
  });

  test("T20 of two users who type one code the first has it; the other neither sees nor decides it", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    const [first, second] = [await newUser(), await newUser()];
    const seen = await typing(second, asked.body.user_code);
    const { snapshot } = await claim(first, asked);
    expect(await typing(second, asked.body.user_code)).toMatchObject(no("unknown_challenge"));
    if (!seen.ok) throw new Error("it was open");
    const late = {
      snapshot: seen.value.snapshot,
      user: await record(second),
      sessionId: bareSession().sessionId,
    };
    expect(await claimUserCode(at.services, late)).toMatchObject(no("unknown_challenge"));
    expect(await claimedBy(at.services, { challengeId: snapshot.spec.id, user: second })).toMatchObject(
      no("unknown_challenge"),
    );
    for (const decision of ["approve", "deny"] as const) {
      const tried = { snapshot, user: second, session: bareSession(), decision };
      expect(await decideByUser(at.services, tried)).toMatchObject(no("claimed_by_other"));
    }
    expect(await stateOf(asked)).toBe("claimed");
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("authorization_pending"));
    const own = {
      snapshot,
      user: first,
      session: await newSession(at, first, party.id),
      decision: "approve",
    } as const;
    expect(await decideByUser(at.services, own)).toMatchObject({ ok: true });
    expect(claimsOf((await pollDevice(at, party, asked)).body.id_token)).toMatchObject({ sub: first.id });
  });

  test("T20 of many users who type one code at once one has it", async () => {
    const asked = await askDevice(at, await newParty(at));
    const users = await Promise.all(Array.from({ length: 8 }, newUser));
    const found = await typing(users[0] as User, asked.body.user_code);
    if (!found.ok) throw new Error(found.error.code);
    const { snapshot } = found.value;
    const claims = await Promise.all(
      users.map(async (user) =>
        claimUserCode(at.services, {
          snapshot,
          user: await record(user),
          sessionId: bareSession().sessionId,
        }),
      ),
    );
    expect(claims.filter(({ ok }) => ok)).toHaveLength(1);
  });

  test("T21 nobody approves or denies what they have not claimed", async () => {
    const asked = await askDevice(at, await newParty(at));
    const user = await newUser();
    const found = await typing(user, asked.body.user_code);
    if (!found.ok) throw new Error(found.error.code);
    for (const decision of ["approve", "deny"] as const) {
      const tried = { snapshot: found.value.snapshot, user, session: bareSession(), decision };
      expect(await decideByUser(at.services, tried)).toMatchObject(no("not_claimed"));
    }
    expect(await stateOf(asked)).toBe("pending");
  });

  test("a page finds again what its user has claimed, and nothing else", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    const user = await newUser();
    const byId = (challengeId: string) => claimedBy(at.services, { challengeId, user });
    expect(await byId(idIn(asked))).toMatchObject(no("unknown_challenge"));
    await claim(user, asked);
    expect(await byId(idIn(asked))).toMatchObject({ ok: true, value: { client: { id: party.id } } });
    for (const id of ["", "a", "0".repeat(64), idIn(asked).toUpperCase()]) {
      expect(await byId(id)).toMatchObject(no("unknown_challenge"));
    }
  });

  test("T11 a locked user claims and approves nothing, nor one who was signed out everywhere since", async () => {
    const party = await newParty(at);
    const user = await newUser();
    const asked = await askDevice(at, party);
    const { snapshot, session } = await claim(user, asked);
    await at.services.users.update(user, { status: "locked" }, Date.now());
    const locked = { snapshot, user, session, decision: "approve" } as const;
    expect(await decideByUser(at.services, locked)).toMatchObject(no("user_locked"));
    expect(await claim(user, await askDevice(at, party))).toMatchObject({ claimed: no("user_locked") });
    await at.services.users.update(user, { status: "active" }, Date.now());
    expect(await decideByUser(at.services, locked)).toMatchObject(no("user_locked"));
    expect(await stateOf(asked)).toBe("claimed");
  });

  test("T11 a user who is locked after the approval gives no token", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    const user = await newUser();
    await press(at, user, asked);
    later(SECOND);
    await at.services.users.update(user, { status: "locked" }, Date.now());
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("access_denied"));
  });

  test("a code of another realm is as good as none", async () => {
    const realm = parseRealm("bank");
    const party = await newParty(at, {}, realm ? { realm } : {});
    const asked = await askDevice(at, party);
    expect(await typing(await newUser(), asked.body.user_code)).toMatchObject(no("unknown_challenge"));
  });

  test("a code of a disabled client is as good as none", async () => {
    const party = await newParty(at);
    const asked = await askDevice(at, party);
    await at.services.clients.disable(party.id, Date.now());
    expect(await typing(await newUser(), asked.body.user_code)).toMatchObject(no("unknown_challenge"));
  });
});

describe("T66 guesses at user codes", () => {
  const wrong = () => drawUserCode(at.services);

  test("T66 past five wrong ones of a user none is looked at for a while, right ones neither; then again", async () => {
    const asked = await askDevice(at, await newParty(at));
    const user = await newUser();
    for (let guess = 0; guess < GUESSES.limit; guess++) {
      expect(await typing(user, wrong())).toMatchObject(no("unknown_challenge"));
    }
    const locked = await typing(user, asked.body.user_code);
    expect(locked).toMatchObject(no("code_locked"));
    const again = await askDevice(at, await newParty(at));
    expect(await typing(await newUser(), again.body.user_code)).toMatchObject({ ok: true });
    later(GUESSES.window);
    const third = await askDevice(at, await newParty(at));
    expect(await typing(user, third.body.user_code)).toMatchObject({ ok: true });
  });

  test("T66 a hundred at once make five comparisons", async () => {
    const user = await newUser();
    const answers = await Promise.all(Array.from({ length: 100 }, () => typing(user, wrong())));
    const compared = answers.filter((answer) => !answer.ok && answer.error.code === "unknown_challenge");
    expect(compared).toHaveLength(GUESSES.limit);
  });

  test("T66 right codes are no guesses, nor is the same wrong one twice, nor what is no code", async () => {
    const user = await newUser();
    const asked = await askDevice(at, await newParty(at));
    const same = wrong();
    for (let guess = 0; guess < 8; guess++) {
      expect(await typing(user, asked.body.user_code)).toMatchObject({ ok: true });
      expect(await typing(user, same)).toMatchObject(no("unknown_challenge"));
      expect(await typing(user, "what?")).toMatchObject(no("malformed"));
    }
  });

  test("T66 one network has five as well, whoever types there", async () => {
    const limited = deployment({ IP_LIMITS: "on" });
    const from = async (ip: string) =>
      findByUserCode(limited.services, { user: await newUser(), typed: wrong(), ip });
    for (let guess = 0; guess < GUESSES.limit; guess++) {
      expect(await from("198.51.100.7")).toMatchObject(no("unknown_challenge"));
    }
    expect(await from("198.51.100.7")).toMatchObject(no("code_locked"));
    expect(await from("198.51.100.8")).toMatchObject(no("unknown_challenge"));
  });

  test("T66 all of them together are bounded too, and a refusal is counted nowhere", async () => {
    const full = deployment({}, ({ inboxes: real }) => ({
      inboxes: {
        ...real,
        countTogether: async (who, counts) =>
          String(who) === "guesses:device_codes"
            ? { allowed: false, full: "device_code", retryAt: Date.now() + DEVICE_GUESSES.window }
            : await real.countTogether(who, counts),
      },
    }));
    const user = await newUser();
    for (let guess = 0; guess <= GUESSES.limit; guess++) {
      expect(await findByUserCode(full.services, { user, typed: wrong() })).toMatchObject(no("code_locked"));
    }
    expect(await typing(user, wrong())).toMatchObject(no("unknown_challenge"));
  });

  test("T66 an outage uses up no guess", async () => {
    const down = deployment({}, ({ challenges }) => ({
      challenges: { ...challenges, read: () => Promise.reject(new Error("down")) },
    }));
    const user = await newUser();
    for (let guess = 0; guess <= GUESSES.limit; guess++) {
      await expect(findByUserCode(down.services, { user, typed: wrong() })).rejects.toThrow("down");
    }
    expect(await typing(user, wrong())).toMatchObject(no("unknown_challenge"));
  });

  test("T66 a code leads to its request by a keyed name alone", async () => {
    const asked = await askDevice(at, await newParty(at));
    const code = readUserCode(String(asked.body.user_code)) ?? "";
    expect((await challengeOfCode(at.services, code)).id).toBe(idIn(asked));
    expect(at.services.challenges.named(code)).not.toBe(idIn(asked));
  });
});

describe("T95 refresh tokens of the device grant", () => {
  const tokensOf = async (party: Party, scope: string) => {
    const asked = await askDevice(at, party, { scope });
    await press(at, await newUser(), asked);
    return { asked, answer: await pollDevice(at, party, asked) };
  };
  const scope = "openid offline_access";

  test("T95 are for clients that are set to it, and for no other", async () => {
    const plain = await tokensOf(await newParty(at), scope);
    expect(plain.answer.status).toBe(200);
    expect(plain.answer.body).not.toHaveProperty("refresh_token");
    const grant = (await at.services.challenges.read(idIn(plain.asked)))?.grant;
    expect((grant?.expiresAt ?? 0) - (grant?.createdAt ?? 0)).toBe(3_600 * SECOND);

    const set = await newParty(at, { device_refresh_tokens: true });
    const { answer } = await tokensOf(set, scope);
    const token = String(answer.body.refresh_token);
    const refreshed = await post(at, set, "/token", { grant_type: "refresh_token", refresh_token: token });
    expect(refreshed.status).toBe(200);
  });

  test("T95 are not given unasked, nor without the grant that uses them", async () => {
    const unasked = await tokensOf(await newParty(at, { device_refresh_tokens: true }), "openid");
    expect(unasked.answer.body).not.toHaveProperty("refresh_token");
    const without = await newParty(
      at,
      { device_refresh_tokens: true },
      { grantTypes: ["urn:ietf:params:oauth:grant-type:device_code"] },
    );
    expect((await tokensOf(without, scope)).answer.body).not.toHaveProperty("refresh_token");
  });

  test("T95 another client cannot use a device code that is not its own, whatever its name", async () => {
    const [own, other] = [await newParty(at), await newParty(at, { device_refresh_tokens: true })];
    const asked = await askDevice(at, own, { scope });
    await press(at, await newUser(), asked);
    expect(await pollDevice(at, other, asked)).toMatchObject(refused("invalid_grant"));
    expect((await pollDevice(at, own, asked)).status).toBe(200);
  });
});

test("T65 a million letters of user codes: each is drawn as often, at each place", () => {
  const counts = Array.from({ length: LENGTH }, () => new Map<string, number>());
  const codes = 125_000;
  for (let drawn = 0; drawn < codes; drawn++) {
    [...drawUserCode(at.services)].forEach((letter, place) => {
      counts[place]?.set(letter, (counts[place]?.get(letter) ?? 0) + 1);
    });
  }
  const expected = codes / LETTERS.length;
  for (const place of counts) {
    expect([...place.keys()].sort().join("")).toBe(LETTERS);
    const chiSquare = [...place.values()].reduce((sum, seen) => sum + (seen - expected) ** 2 / expected, 0);
    // 19 degrees of freedom: one run in a million is above this.
    expect(chiSquare).toBeLessThan(65);
  }
});
