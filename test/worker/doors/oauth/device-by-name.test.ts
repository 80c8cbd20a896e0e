import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { userSubject } from "../../../../src/core/ids.ts";
import { SECOND } from "../../../../src/core/time.ts";
import { later, type Site, setStatus, site, stateOf, wrong } from "../../support/approver.ts";
import { askDevice, newParty, type Party, pollDevice, post, send } from "../../support/ciba.ts";
import { claimsOf } from "../../support/cotter.ts";
import { newOwner, newPhoneOf } from "../../support/phone.ts";

const at = site();
const NAMED = { device_login_hint: true } as const;
const refused = (error: string, status = 400) => ({ status, body: expect.objectContaining({ error }) });

/** A page of the client's own: anybody knows its id. */
const newPage = (settings = {}) => newParty(at, { ...NAMED, ...settings }, { kind: "public" });
const ask = (party: Party, name: string, over = {}, on: Site = at) =>
  askDevice(on, party, { scope: "openid", login_hint: name, ...over });
const idIn = ({ body }: Awaited<ReturnType<typeof ask>>) => String(body.device_code).split(".")[0] ?? "";

async function newUser() {
  const owner = await newOwner(at);
  return { ...owner, phone: await newPhoneOf(at, owner.id) };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a page asks a user by name", () => {
  test("the answer has a number to show and where to wait, and no code to type", async () => {
    const [party, user] = [await newPage(), await newUser()];
    const answer = await ask(party, user.address);
    const id = idIn(answer);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        device_code: expect.stringMatching(/^[0-9a-f]{64}\.[A-Za-z0-9_-]{43}$/),
        expires_in: 180,
        interval: 5,
        match_code: expect.stringMatching(/^\d{6}$/),
        wait_uri: `http://localhost:8787/challenges/${id}/wait`,
        socket_uri: `ws://localhost:8787/challenges/${id}/socket`,
      },
    });
    expect(Object.keys(answer.body)).toHaveLength(6);
  });

  test("the phone shows which browser asks, and the page gets tokens", async () => {
    const [party, user] = [await newPage(), await newUser()];
    const form = { client_id: party.id, scope: "openid", login_hint: user.address };
    const asked = await send(at, "/device_authorization", new URLSearchParams(form), {
      "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    });
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("authorization_pending"));
    const [prompt] = await user.phone.prompts();
    expect(prompt).toMatchObject({
      id: idIn(asked),
      match: "number",
      answers: ["deny", "approve"],
      payload: {
        client: { id: party.id, name: "Shop" },
        purpose: "sign_in",
        shown: { device: "Firefox, Linux" },
      },
    });
    const said = { decision: "approve", match_code: String(asked.body.match_code) };
    expect(await user.phone.decide(prompt, said)).toMatchObject({ status: 200, body: { state: "approved" } });
    later(5 * SECOND);
    const tokens = await pollDevice(at, party, asked);
    expect(tokens.status).toBe(200);
    expect(claimsOf(tokens.body.id_token)).toMatchObject({
      sub: user.id,
      aud: party.id,
      acr: "urn:signin:acr:device-match-uv",
    });
    expect(tokens.body).not.toHaveProperty("refresh_token");
  });

  test("without the number, and with a wrong one, nothing is approved", async () => {
    const [party, user] = [await newPage(), await newUser()];
    const asked = await ask(party, user.address);
    const [prompt] = await user.phone.prompts();
    expect(await user.phone.decide(prompt, { decision: "approve" })).toMatchObject({
      body: { code: "number_needed" },
    });
    const number = wrong(String(asked.body.match_code));
    expect(await user.phone.decide(prompt, { decision: "approve", match_code: number })).toMatchObject({
      status: 422,
    });
    expect(await stateOf(at, idIn(asked))).toBe("pending");
  });

  test("a decline ends it, and the page hears access_denied", async () => {
    const [party, user] = [await newPage(), await newUser()];
    const asked = await ask(party, user.address);
    const [prompt] = await user.phone.prompts();
    await user.phone.decide(prompt, { decision: "deny" });
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("access_denied"));
  });

  test("device_refresh_tokens keeps a page signed in that asks for it", async () => {
    const [party, user] = [await newPage({ device_refresh_tokens: true }), await newUser()];
    const asked = await ask(party, user.address, { scope: "openid offline_access" });
    const [prompt] = await user.phone.prompts();
    await user.phone.decide(prompt, { decision: "approve", match_code: String(asked.body.match_code) });
    expect((await pollDevice(at, party, asked)).body).toHaveProperty("refresh_token");
  });

  test("challenge_seconds says how long the user has", async () => {
    const [party, user] = [await newPage({ challenge_seconds: 30 }), await newUser()];
    const asked = await ask(party, user.address);
    expect(asked.body.expires_in).toBe(30);
    later(30 * SECOND);
    expect(await pollDevice(at, party, asked)).toMatchObject(refused("expired_token"));
  });
});

describe("what a stranger gets out of it", () => {
  test("without the setting the name is ignored: a code is shown and nobody is asked", async () => {
    const [party, user] = [await newParty(at, {}, { kind: "public" }), await newUser()];
    const asked = await ask(party, user.address);
    expect(asked.body).toMatchObject({ user_code: expect.any(String) });
    expect(asked.body).not.toHaveProperty("match_code");
    expect(await user.phone.prompts()).toEqual([]);
  });

  test("T09 nobody, somebody and who is locked are answered alike", async () => {
    const [party, user, locked] = [await newPage(), await newUser(), await newUser()];
    await setStatus(at, locked.id, "locked");
    const names = [user.address, locked.address, "nobody@example.com", "nobody"];
    const answers = [];
    for (const name of names) answers.push(await ask(party, name));
    for (const { status, body } of answers) {
      expect(status).toBe(200);
      expect(Object.keys(body).sort()).toEqual(Object.keys(answers[0]?.body ?? {}).sort());
      expect(body.expires_in).toBe(180);
    }
    for (const asked of answers.slice(1)) {
      expect(await pollDevice(at, party, asked)).toMatchObject(refused("authorization_pending"));
    }
    const { prompts } = await at.services.inboxes.view(userSubject(locked.id));
    expect(prompts).toEqual([]);
  });

  test("no words of a stranger reach the phone", async () => {
    const [party, user] = [await newPage(), await newUser()];
    await ask(party, user.address, {
      binding_message: "Call 555",
      authorization_details: JSON.stringify([{ type: "gift" }]),
    });
    const [prompt] = await user.phone.prompts();
    expect(prompt.payload.shown).not.toHaveProperty("message");
    expect(prompt.payload.shown).not.toHaveProperty("details");
  });

  test.each([[" "], ["\u0000"], ["a".repeat(300)]])(
    "a hint that names nobody is refused: %j",
    async (name) => {
      expect(await ask(await newPage(), name)).toMatchObject(refused("invalid_request"));
    },
  );

  test("a client that the grant is not named for asks nobody", async () => {
    const user = await newUser();
    const party = await newParty(at, NAMED, { kind: "public", grantTypes: ["refresh_token"] });
    expect(await ask(party, user.address)).toMatchObject(refused("unauthorized_client"));
    expect(await user.phone.prompts()).toEqual([]);
  });

  test("T44 its device code is no other client's, and no auth_req_id", async () => {
    const [party, other, user] = [await newPage(), await newPage(), await newUser()];
    const asked = await ask(party, user.address);
    expect(await pollDevice(at, other, asked)).toMatchObject(refused("invalid_grant"));
    const backend = await newParty(at);
    const asCiba = await post(at, backend, "/token", {
      grant_type: "urn:openid:params:grant-type:ciba",
      auth_req_id: String(asked.body.device_code),
    });
    expect(asCiba).toMatchObject(refused("invalid_grant"));
  });

  test("strangers cannot take the start limit that the client's backend has", async () => {
    const [page, user] = [await newPage({ starts_per_minute: 2 }), await newUser()];
    for (const _ of [1, 2]) expect((await ask(page, user.address)).status).toBe(200);
    expect(await ask(page, user.address)).toMatchObject({ status: 429 });
    const limited = await at.services.clients.find(page.id);
    if (!limited) throw new Error("no client");
    const counted = await at.services.inboxes.countStart(`client:${page.id}` as never, 2, { key: "x" });
    expect(counted.allowed).toBe(true);
  });

  test("T60 of five prompts a minute strangers cannot take the last", async () => {
    const user = await newUser();
    for (let n = 0; n < 6; n++) await ask(await newPage(), user.address);
    const { prompts } = await at.services.inboxes.view(userSubject(user.id));
    expect(prompts.length).toBeLessThan(5);
    expect(prompts.length).toBeGreaterThan(0);
    const backend = await newParty(at);
    await post(at, backend, "/bc-authorize", { scope: "openid", login_hint: user.address });
    const after = await at.services.inboxes.view(userSubject(user.id));
    expect(after.prompts.map(({ clientId }) => clientId)).toContain(backend.id);
  });
});
