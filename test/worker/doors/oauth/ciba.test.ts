import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { auditEvent } from "../../../../src/core/audit/record.ts";
import { parseChallengeId, type UserId, userSubject } from "../../../../src/core/ids.ts";
import { DAY, MINUTE, SECOND } from "../../../../src/core/time.ts";
import { everythingAtRest } from "../../support/at-rest.ts";
import { decide, newHolder, newParty, poll, post, shown, start } from "../../support/ciba.ts";
import { type Answer, claimsOf, deployment, fresh } from "../../support/cotter.ts";
import { counting, withoutBackground } from "../../support/counting.ts";
import { newAda, newSigning } from "../../support/loginid.ts";
import { called, mainUser } from "../../support/people.ts";

const at = deployment();
const later = (by: number) => vi.setSystemTime(Date.now() + by);
const idOf = ({ body }: Answer) => {
  const id = parseChallengeId(String(body.auth_req_id).split(".")[0] ?? "");
  if (!id) throw new Error(`no request began: ${JSON.stringify(body)}`);
  return id;
};
const stateOf = async (answer: Answer) => (await at.services.challenges.read(idOf(answer)))?.view.state;
const refused = (error: string, status = 400) => ({ status, body: expect.objectContaining({ error }) });

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a start", () => {
  test("answers as CIBA Core, section 7.3, has it, with the two ways to wait", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const answer = await start(at, party, holder.id);
    const id = idOf(answer);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        auth_req_id: expect.stringMatching(/^[A-Za-z0-9._-]{80,}$/),
        expires_in: 180,
        interval: 5,
        wait_uri: `http://localhost:8787/challenges/${id}/wait`,
        socket_uri: `ws://localhost:8787/challenges/${id}/socket`,
        match_code: expect.stringMatching(/^\d{6}$/),
      },
    });
    expect(Object.keys(answer.body)).toHaveLength(6);
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
  });

  test.each([
    [{}, true],
    [{ match_code: "required" }, true],
    [{ match_code: "off" }, false],
    [{ insecure_tap: true }, false],
    [{ insecure_tap: true, proximity: "step_up" }, true],
  ] as const)("with %j it has a number: %j", async (settings, has) => {
    const [party, holder] = [await newParty(at, settings), await newHolder(at)];
    expect("match_code" in (await start(at, party, holder.id)).body).toBe(has);
  });

  test("its handle waits, and no token comes that way", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const answer = await start(at, party, holder.id);
    await decide(at, holder);
    const waited = await at.call("GET", `/challenges/${idOf(answer)}/wait`, undefined, {
      Authorization: `Bearer ${answer.body.auth_req_id}`,
    });
    expect(waited.body).toEqual({
      id: idOf(answer),
      state: "approved",
      expires_at: expect.any(String),
    });
  });

  test.each([
    [{ requested_expiry: "30" }, {}, 30],
    [{ requested_expiry: "4000000000" }, {}, 600],
    [{}, { challenge_seconds: 90 }, 90],
    [{}, { challenge_seconds: 3_600 }, 600],
  ])("%j with %j lives %d s", async (over, settings, seconds) => {
    const [party, holder] = [await newParty(at, settings), await newHolder(at)];
    const answer = await start(at, party, holder.id, over);
    expect(answer.body.expires_in).toBe(seconds);
    later(seconds * SECOND);
    expect(await poll(at, party, answer)).toMatchObject(refused("expired_token"));
  });

  test.each([
    ["no scope", { scope: undefined }, "invalid_scope"],
    ["no openid", { scope: "email" }, "invalid_scope"],
    ["an unknown scope", { scope: "openid admin" }, "invalid_scope"],
    ["a message of another kind", { binding_message: "<b>TILL</b>" }, "invalid_binding_message"],
    ["a life of no seconds", { requested_expiry: "0" }, "invalid_request"],
    ["a life that is no number", { requested_expiry: "1e3" }, "invalid_request"],
    ["a user code", { user_code: "1234" }, "invalid_request"],
    ["a signed request", { request: "e30.e30.AA" }, "invalid_request"],
    ["a resource of nobody's", { resource: "https://api.example" }, "invalid_target"],
    ["a resource with a fragment", { resource: "https://api.example/#a" }, "invalid_target"],
    ["details that are no JSON", { authorization_details: "[" }, "invalid_authorization_details"],
    ["details without a type", { authorization_details: "[{}]" }, "invalid_authorization_details"],
    ["no details at all", { authorization_details: "[]" }, "invalid_authorization_details"],
  ])("with %s is refused", async (_name, over, error) => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    expect(await start(at, party, holder.id, over)).toMatchObject(refused(error));
    expect(await shown(at, holder)).toBeNull();
  });

  test("details of more than 2 KB are refused, however short they are spelt", async () => {
    const party = await newParty(at);
    const details = (size: number) => JSON.stringify([{ type: "a".repeat(size) }]);
    const fits = await start(at, party, "nobody", { authorization_details: details(2_048 - 13) });
    expect(fits).toMatchObject(refused("unknown_user_id"));
    const over = await start(at, party, "nobody", { authorization_details: details(2_048 - 12) });
    expect(over).toMatchObject(refused("invalid_authorization_details"));
  });

  test("acr_values are a hint, and so is what nobody knows", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const answer = await start(at, party, holder.id, { acr_values: "urn:other", claims_locales: "de" });
    expect(answer.status).toBe(200);
  });

  test("with a number to compare tells it to the waiting side alone", async () => {
    const [party, holder] = [await newParty(at, { match_code: "required" }), await newHolder(at)];
    const answer = await start(at, party, holder.id);
    expect(answer.body.match_code).toMatch(/^\d{6}$/);
    const { prompts } = await at.services.inboxes.view(userSubject(holder.id as UserId));
    expect(prompts).toMatchObject([{ demands: { matchCode: true } }]);
    expect(JSON.stringify(prompts)).not.toContain(String(answer.body.match_code));
  });

  test("T10 a public client is refused at the start and at the grant, also where both are named for it", async () => {
    const open = await newParty(at, {}, { kind: "public" });
    const holder = await newHolder(at);
    expect(await start(at, open, holder.id)).toMatchObject(refused("unauthorized_client"));
    const own = await start(at, await newParty(at), holder.id);
    expect(await poll(at, open, own)).toMatchObject(refused("unauthorized_client"));
  });

  test("T10 a client that the grant is not named for is refused, and one that proves nothing is no client", async () => {
    const holder = await newHolder(at);
    const unnamed = await newParty(at, {}, { grantTypes: ["authorization_code"] });
    expect(await start(at, unnamed, holder.id)).toMatchObject(refused("unauthorized_client"));
    const party = await newParty(at);
    const bare = await post(at, { ...party, secret: "" }, "/bc-authorize", {
      scope: "openid",
      login_hint: holder.id,
    });
    expect(bare).toMatchObject(refused("invalid_client", 401));
    expect(await shown(at, holder)).toBeNull();
  });
});

describe("who is meant", () => {
  /** Who is asked by this hint: the only one of these users who has a prompt. */
  const subjectOf = async (answer: Answer) => (await at.services.challenges.read(idOf(answer)))?.spec.userId;

  test("a user id, an address by the operator's word, and the client's own name", async () => {
    const party = await newParty(at);
    const ada = await newAda(at);
    expect(await subjectOf(await start(at, party, ada.id.toUpperCase()))).toBe(ada.id);
    expect(await subjectOf(await start(at, party, `  ${ada.username.toUpperCase()}`))).toBe(ada.id);
    const name = fresh("customer");
    const event = auditEvent(at.services, { type: "user.created", actor: "admin" });
    await at.services.users.insert(
      {
        ...mainUser(crypto.randomUUID()),
        externalId: name,
        assertedBy: "client",
        client: party.id,
        identifiers: [],
      },
      event,
      event.at,
    );
    expect(await subjectOf(await start(at, party, name))).toBe((await called(at, name))?.user.id);
    const other = await newParty(at);
    expect(await start(at, other, name)).toMatchObject(refused("unknown_user_id"));
  });

  test("a telephone number, however it is spelt", async () => {
    const party = await newParty(at);
    const number = `+43664${Math.floor(1e6 + Math.random() * 8e6)}`;
    const ada = await newAda(at, number);
    const spaced = number.replace("+43664", "+43 664 ");
    expect(await subjectOf(await start(at, party, spaced))).toBe(ada.id);
  });

  test("T12 nobody is found by what an anonymous call has claimed", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    expect(await start(at, party, holder.identifier)).toMatchObject(refused("unknown_user_id"));
  });

  test("the client's word goes before anybody's proof, and is no other client's", async () => {
    const [party, other] = [await newParty(at), await newParty(at)];
    const address = `${fresh("both")}@example.com`;
    const own = await newAda(at, address, "client", party.id);
    const proven = await newAda(at, address, "proof");
    expect(await subjectOf(await start(at, party, address))).toBe(own.id);
    expect(await subjectOf(await start(at, other, address))).toBe(proven.id);
  });

  test("the client's own name for somebody goes before another one's proof of it, unless it names by our ids alone", async () => {
    const address = `${fresh("named")}@example.com`;
    const [party, bySubject] = [await newParty(at), await newParty(at, { user_ids: "subject" })];
    const event = auditEvent(at.services, { type: "user.created", actor: "admin" });
    const names = [party, bySubject].map(async ({ id: client }) => {
      const user = mainUser(crypto.randomUUID());
      const named = { externalId: address, assertedBy: "client", client, identifiers: [] } as const;
      await at.services.users.insert({ ...user, ...named }, event, event.at);
      return user.id;
    });
    const [own] = await Promise.all(names);
    const proven = await newAda(at, address, "proof");
    expect(await subjectOf(await start(at, party, address))).toBe(own);
    expect(await subjectOf(await start(at, bySubject, address))).toBe(proven.id);
    expect(await subjectOf(await start(at, await newParty(at), address))).toBe(proven.id);
  });

  test.each([
    ["no hint", { login_hint: undefined }],
    ["two hints", { id_token_hint: "a.b.c" }],
    ["another two", { login_hint_token: "a.b.c" }],
    ["three hints", { id_token_hint: "a.b.c", login_hint_token: "a.b.c" }],
  ])("T12 %s", async (_name, over) => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    expect(await start(at, party, holder.id, over)).toMatchObject(refused("invalid_request"));
    expect(await shown(at, holder)).toBeNull();
  });

  const byIdToken = (party: Parameters<typeof start>[1], token: unknown) =>
    start(at, party, "", { login_hint: undefined, id_token_hint: String(token) });

  test("an ID token of this client names its user, also once it has expired", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const first = await start(at, party, holder.id);
    await decide(at, holder);
    const { id_token: token } = (await poll(at, party, first)).body;
    expect(await subjectOf(await byIdToken(party, token))).toBe(holder.id);
    later(2 * DAY);
    expect(await subjectOf(await byIdToken(party, token))).toBe(holder.id);
  });

  test("T12 an ID token of another client, a spoiled one, an access token and one without a signature are refused", async () => {
    const [party, other, holder] = [await newParty(at), await newParty(at), await newHolder(at)];
    const first = await start(at, party, holder.id);
    await decide(at, holder);
    const tokens = (await poll(at, party, first)).body;
    const [header = "", body = "", signature = ""] = String(tokens.id_token).split(".");
    const none = btoa(JSON.stringify({ alg: "none", typ: "JWT" })).replaceAll("=", "");
    const bad = [
      [other, tokens.id_token],
      [party, tokens.access_token],
      [party, `${none}.${body}.`],
      [party, `${none}.${body}.${signature}`],
      [party, `${header}.${body}.${signature.split("").reverse().join("")}`],
      [party, "a.b.c"],
    ] as const;
    for (const [who, token] of bad) {
      expect(await byIdToken(who, token)).toMatchObject(refused("invalid_request"));
    }
    expect(await shown(at, holder)).toBeNull();
  });

  describe("by a token that the client signs", () => {
    const encoded = (value: unknown) =>
      btoa(JSON.stringify(value)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

    async function scene() {
      const signing = await newSigning();
      const party = await newParty(at, {}, { publicKeys: [signing.pem] });
      const holder = await newHolder(at);
      const good = {
        iss: party.id as string,
        aud: "http://localhost:8787",
        exp: Math.floor(Date.now() / 1000) + 60,
        sub: holder.id,
      };
      const token = async (claims: object, header: object = { alg: "ES256" }) => {
        const input = `${encoded(header)}.${encoded({ ...good, ...claims })}`;
        const bytes = await crypto.subtle.sign(
          { name: "ECDSA", hash: "SHA-256" },
          signing.pair.privateKey,
          new TextEncoder().encode(input),
        );
        const signature = btoa(String.fromCharCode(...new Uint8Array(bytes)));
        return `${input}.${signature.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
      };
      const by = (text: string) => start(at, party, "", { login_hint: undefined, login_hint_token: text });
      return { party, holder, token, by };
    }

    test("a sub or a login_hint in it names the user", async () => {
      const { holder, token, by } = await scene();
      expect(await subjectOf(await by(await token({})))).toBe(holder.id);
      const named = await by(await token({ sub: undefined, login_hint: holder.id }));
      expect(await subjectOf(named)).toBe(holder.id);
    });

    test("T12 its signature, issuer, audience and end are looked at, and nothing of a bad one", async () => {
      const { party, holder, token, by } = await scene();
      const bad = [
        await token({ iss: "another" }),
        await token({ aud: "https://elsewhere.example" }),
        await token({ aud: ["http://localhost:8787", "https://elsewhere.example"] }),
        await token({ exp: undefined }),
        await token({ sub: party.id }),
        await token({ sub: undefined }),
        await token({ login_hint: holder.id }),
        await token({}, { alg: "none" }),
        await token({}, { alg: "ES256", jwk: {} }),
        `${(await token({})).slice(0, -8)}AAAAAAAA`,
      ];
      for (const text of bad) expect(await by(text)).toMatchObject(refused("invalid_request"));
      const unsigned = `${(await token({ exp: 1 })).slice(0, -8)}AAAAAAAA`;
      expect(await by(unsigned)).toMatchObject(refused("invalid_request"));
      const over = await by(await token({ exp: Math.floor(Date.now() / 1000) - 61 }));
      expect(over).toMatchObject(refused("expired_login_hint_token"));
      expect(await shown(at, holder)).toBeNull();
    });

    test("T12 a client without keys has none of these", async () => {
      const { token } = await scene();
      const party = await newParty(at);
      const text = await token({ iss: party.id });
      const answer = await start(at, party, "", { login_hint: undefined, login_hint_token: text });
      expect(answer).toMatchObject(refused("invalid_request"));
    });
  });
});

describe("T09 a start about nobody", () => {
  const counter = counting(env);
  const watched = deployment(counter.bindings, withoutBackground);

  async function costOf(work: () => Promise<Answer>) {
    await watched.settled();
    counter.take();
    const answer = await work();
    await watched.settled();
    const { waits, d1Calls, objects } = counter.take();
    return { answer, cost: { waits, d1Calls, objects } };
  }

  test("T09 is told so unless the client wants decoys", async () => {
    const party = await newParty(at);
    expect(await start(at, party, "nobody@example.com")).toMatchObject(refused("unknown_user_id"));
  });

  test("T09 with decoys answers alike, costs as much, and stays pending until it expires", async () => {
    const party = await newParty(watched, { decoy_unknown_users: true });
    const ada = await newAda(watched);
    // Caches are warm from here on.
    await poll(watched, party, await start(watched, party, ada.username));
    const known = await costOf(() => start(watched, party, ada.username));
    const unknown = await costOf(() => start(watched, party, `${fresh("nobody")}@example.com`));
    expect(unknown.answer.status).toBe(known.answer.status);
    expect(Object.keys(unknown.answer.body)).toEqual(Object.keys(known.answer.body));
    const headersOf = ({ headers }: Answer) => [...headers.keys()].sort();
    expect(headersOf(unknown.answer)).toEqual(headersOf(known.answer));
    expect(String(unknown.answer.body.auth_req_id)).toHaveLength(
      String(known.answer.body.auth_req_id).length,
    );
    expect(unknown.cost).toEqual(known.cost);

    const polls = async (answer: Answer) => (await costOf(() => poll(watched, party, answer))).cost;
    expect(await polls(unknown.answer)).toEqual(await polls(known.answer));
    expect(await poll(watched, party, unknown.answer)).toMatchObject(refused("slow_down"));
    later(180 * SECOND);
    expect(await poll(watched, party, unknown.answer)).toMatchObject(refused("expired_token"));
  });

  test("T09 a locked user is answered alike too, and asked nothing", async () => {
    const party = await newParty(watched, { decoy_unknown_users: true });
    const [ada, locked] = [await newAda(watched), await newAda(watched)];
    await watched.services.users.update(mainUser(locked.id), { status: "locked" }, Date.now());
    await start(watched, party, ada.username);
    const known = await costOf(() => start(watched, party, ada.username));
    const shut = await costOf(() => start(watched, party, locked.username));
    expect(shut.cost).toEqual(known.cost);
    expect((await at.services.inboxes.view(userSubject(locked.id))).prompts).toEqual([]);
  });

  test("T09 is counted as one about somebody is", async () => {
    const party = await newParty(at, { decoy_unknown_users: true });
    const ada = await newAda(at);
    const outcomes = async (hint: string) => {
      const answers: number[] = [];
      for (let index = 0; index < 11; index++) answers.push((await start(at, party, hint)).status);
      return answers;
    };
    const known = await outcomes(ada.username);
    expect(known).toEqual([...Array<number>(10).fill(200), 429]);
    expect(await outcomes(`${fresh("nobody")}@example.com`)).toEqual(known);
  });

  test("T09 is counted for the address, however it is spelt", async () => {
    const party = await newParty(at);
    const address = `${fresh("nobody")}@example.com`;
    const spellings = [address, address.toUpperCase(), ` ${address}`];
    const statuses: number[] = [];
    for (let index = 0; index < 11; index++) {
      statuses.push((await start(at, party, spellings[index % 3] ?? "")).status);
    }
    expect(statuses).toEqual([...Array<number>(10).fill(400), 429]);
  });

  test("T09 leaves nothing that names the address", async () => {
    const party = await newParty(at, { decoy_unknown_users: true });
    const address = `${fresh("nobody")}@example.com`;
    const started = await start(at, party, address);
    later(180 * SECOND);
    await poll(at, party, started);
    const { text } = await everythingAtRest();
    expect(text).toContain(idOf(started));
    for (const name of [address, address.split("@")[0]]) expect(text).not.toContain(name);
  });
});

describe("the prompt policy through this door", () => {
  test("T01 of six starts in a minute, from six addresses and three clients, five are put before the user", async () => {
    const holder = await newHolder(at);
    const parties = [await newParty(at), await newParty(at), await newParty(at)] as const;
    const answers: Answer[] = [];
    for (const party of [...parties, ...parties]) answers.push(await start(at, party, holder.id));
    const last = answers.at(-1) as Answer;
    expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
    const shapes = answers.map(({ body }) => Object.keys(body).join());
    expect(new Set(shapes).size).toBe(1);
    const { prompts, blocked } = await at.services.inboxes.view(userSubject(holder.id as UserId));
    expect(blocked.count).toBe(1);
    expect(prompts.map(({ challengeId }) => challengeId)).not.toContain(idOf(last));
    expect(await poll(at, parties[2], last)).toMatchObject(refused("authorization_pending"));
  });

  test("T02 three denials silence the client that asked: its next start is answered as ever, and nobody is shown it", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    for (let index = 0; index < 3; index++) {
      const answer = await start(at, party, holder.id);
      await decide(at, holder, false);
      expect(await poll(at, party, answer)).toMatchObject(refused("access_denied"));
      later(61 * SECOND);
    }
    const silent = await start(at, party, holder.id);
    expect(silent.status).toBe(200);
    expect(await shown(at, holder)).toBeNull();
    expect(await poll(at, party, silent)).toMatchObject(refused("authorization_pending"));
    const other = await newParty(at);
    await start(at, other, holder.id);
    expect(await shown(at, holder)).toMatchObject({ issuer: other.id });
    later(10 * MINUTE);
    await start(at, party, holder.id);
    expect(await shown(at, holder)).toMatchObject({ issuer: party.id });
  });

  test("T05 a client's limit ends its prompts for many users at once, and nobody gets two", async () => {
    const party = await newParty(at, { starts_per_minute: 3 });
    const people = await Promise.all(Array.from({ length: 5 }, () => newAda(at)));
    const statuses = [];
    for (const { id } of people) statuses.push((await start(at, party, id)).status);
    expect(statuses).toEqual([200, 200, 200, 429, 429]);
    const refusal = await start(at, party, people[4]?.id ?? "");
    expect(refusal).toMatchObject(refused("temporarily_unavailable", 429));
    expect(Number(refusal.headers.get("Retry-After"))).toBeGreaterThan(0);
    const counts = await Promise.all(
      people.map(async ({ id }) => (await at.services.inboxes.view(userSubject(id))).prompts.length),
    );
    expect(counts).toEqual([1, 1, 1, 0, 0]);
  });

  test("T06 a new start takes the place of the old one, which nobody can approve any more", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const first = await start(at, party, holder.id);
    const old = await shown(at, holder);
    const second = await start(at, party, holder.id);
    const { prompts } = await at.services.inboxes.view(userSubject(holder.id as UserId));
    expect(prompts.map(({ challengeId }) => challengeId)).toEqual([idOf(second)]);
    expect((await shown(at, holder))?.ID).not.toBe(old?.ID);
    expect(await stateOf(first)).toBe("pending");
    await decide(at, holder);
    expect(await poll(at, party, first)).toMatchObject(refused("authorization_pending"));
    expect((await poll(at, party, second)).status).toBe(200);
  });

  test("T07 a denial is told at the next poll, for good, and nothing is sent again", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const answer = await start(at, party, holder.id);
    await decide(at, holder, false);
    expect(await poll(at, party, answer)).toMatchObject(refused("access_denied"));
    expect(await poll(at, party, answer)).toMatchObject(refused("access_denied"));
    expect(await shown(at, holder)).toBeNull();
    later(2 * MINUTE);
    expect(await shown(at, holder)).toBeNull();
    expect(await stateOf(answer)).toBe("denied");
  });

  test("T08 an approval is for one request: the next asks anew", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const first = await start(at, party, holder.id);
    await decide(at, holder);
    expect((await poll(at, party, first)).status).toBe(200);
    const second = await start(at, party, holder.id);
    expect(await poll(at, party, second)).toMatchObject(refused("authorization_pending"));
    expect(await shown(at, holder)).not.toBeNull();
  });

  test("T11 a locked user is asked nothing, and the client is answered as ever", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    await at.services.users.update(mainUser(holder.id), { status: "locked" }, Date.now());
    const answer = await start(at, party, holder.id);
    expect(answer.status).toBe(200);
    expect((await at.services.inboxes.view(userSubject(holder.id as UserId))).prompts).toEqual([]);
    expect(await poll(at, party, answer)).toMatchObject(refused("authorization_pending"));
  });

  test("T11 a user who is locked between approval and redemption gives no token", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const answer = await start(at, party, holder.id);
    await decide(at, holder);
    later(SECOND);
    await at.services.users.update(mainUser(holder.id), { status: "locked" }, Date.now());
    expect(await poll(at, party, answer)).toMatchObject(refused("access_denied"));
    await at.services.users.update(mainUser(holder.id), { status: "active" }, Date.now());
    expect(await poll(at, party, answer)).toMatchObject(refused("access_denied"));
  });
});

describe("what the tokens say", () => {
  test("an approval by a device, with what was asked for", async () => {
    const resource = "https://api.example/v1";
    const [party, holder] = [await newParty(at, { resources: [resource] }), await newHolder(at)];
    const answer = await start(at, party, holder.id, { scope: "openid email offline_access", resource });
    later(2 * SECOND);
    await decide(at, holder);
    const { status, body } = await poll(at, party, answer);
    expect(status).toBe(200);
    expect(body).toMatchObject({ token_type: "Bearer", scope: "openid email offline_access" });
    expect(claimsOf(body.access_token)).toMatchObject({
      aud: resource,
      sub: holder.id,
      client_id: party.id,
      acr: "urn:signin:acr:device",
      scope: "openid email offline_access",
    });
    expect(claimsOf(body.id_token)).toMatchObject({ aud: party.id, sub: holder.id });
    expect(body.refresh_token).toEqual(expect.any(String));
  });

  test("without offline_access there is no refresh token, and the grant ends with its access token", async () => {
    const [party, holder] = [await newParty(at, { access_token_seconds: 300 }), await newHolder(at)];
    const answer = await start(at, party, holder.id);
    await decide(at, holder);
    const { body } = await poll(at, party, answer);
    expect(body).not.toHaveProperty("refresh_token");
    const grant = (await at.services.challenges.read(idOf(answer)))?.grant;
    expect((grant?.expiresAt ?? 0) - (grant?.createdAt ?? 0)).toBe(300 * SECOND);
  });
});
