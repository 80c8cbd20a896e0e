import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type GrantId, parseChallengeId } from "../../../../src/core/ids.ts";
import { SECOND } from "../../../../src/core/time.ts";
import { everythingAtRest } from "../../support/at-rest.ts";
import {
  askDevice,
  CIBA,
  DEVICE,
  decide,
  newHolder,
  newParty,
  type Party,
  poll,
  pollDevice,
  post,
  press,
  start,
} from "../../support/ciba.ts";
import { type Answer, claimsOf, type Deployment, deployment } from "../../support/cotter.ts";
import { newAda } from "../../support/loginid.ts";

const at = deployment();
const later = (by: number) => vi.setSystemTime(Date.now() + by);
const refused = (error: string, status = 400) => ({ status, body: expect.objectContaining({ error }) });
const errorOf = ({ body }: Answer) => body.error ?? "tokens";

/** One request of either grant: how it is polled and decided. */
type Flow = {
  readonly party: Party;
  readonly handle: string;
  readonly id: GrantId;
  poll(over?: { readonly party?: Party; readonly at?: Deployment }): Promise<Answer>;
  decide(approved?: boolean): Promise<unknown>;
};

async function cibaFlow(on: Deployment = at, party?: Party): Promise<Flow> {
  const client = party ?? (await newParty(on));
  const holder = await newHolder(on);
  const started = await start(on, client, holder.id, { scope: "openid offline_access" });
  const handle = String(started.body.auth_req_id);
  return {
    party: client,
    handle,
    id: parseChallengeId(handle.split(".")[0] ?? "") as GrantId,
    poll: (over = {}) => poll(over.at ?? on, over.party ?? client, started),
    decide: (approved = true) => decide(on, holder, approved),
  };
}

async function deviceFlow(on: Deployment = at, party?: Party): Promise<Flow> {
  const client = party ?? (await newParty(on, { device_refresh_tokens: true }));
  const user = await newAda(on);
  const asked = await askDevice(on, client, { scope: "openid offline_access" });
  const handle = String(asked.body.device_code);
  return {
    party: client,
    handle,
    id: parseChallengeId(handle.split(".")[0] ?? "") as GrantId,
    poll: (over = {}) => pollDevice(over.at ?? on, over.party ?? client, asked),
    decide: (approved = true) => press(on, user, asked, approved ? "approve" : "deny"),
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe.each([
  ["CIBA", cibaFlow],
  ["the device grant", deviceFlow],
])("a poll of %s", (_name, flow) => {
  const grantOf = async ({ id }: Flow) => (await at.services.challenges.read(id))?.grant;

  test("T40 one that comes too soon makes the interval 10 s, which is stored and never drops", async () => {
    const own = await flow();
    const said: unknown[] = [];
    for (const wait of [0, 2, 5, 3, 10, 10, 20]) {
      later(wait * SECOND);
      said.push(errorOf(await own.poll()));
    }
    const [pending, slow] = ["authorization_pending", "slow_down"];
    expect(said).toEqual([pending, slow, slow, pending, pending, pending, pending]);
    later(5 * SECOND);
    const answer = await own.poll();
    expect(answer).toMatchObject(refused("slow_down"));
    expect(answer.body.error_description).toBe("Polling too fast; wait 15 seconds between requests.");
    const { text } = await everythingAtRest();
    expect(text).toContain('"interval":15000');
  });

  test("T41 a steady poll with jitter is never slowed down", async () => {
    const own = await flow();
    const jitter = [0, 250, -250, 100, -100, 250, -249, -250];
    // 34 of them are as many as three minutes hold, which is how long a CIBA request lives.
    for (let turn = 0; turn < 34; turn++) {
      expect(await own.poll()).toMatchObject(refused("authorization_pending"));
      later(5 * SECOND + (jitter[turn % jitter.length] ?? 0));
    }
  });

  test("T41 a poll that came too soon does not move the time that the next is measured from", async () => {
    const own = await flow();
    await own.poll();
    later(4 * SECOND - 1);
    expect(await own.poll()).toMatchObject(refused("slow_down"));
    later(5 * SECOND + 1);
    expect(await own.poll()).toMatchObject(refused("authorization_pending"));
  });

  test("T42 the first, at once, is not too soon", async () => {
    expect(await (await flow()).poll()).toMatchObject(refused("authorization_pending"));
  });

  test("T43 what is decided is told at once, however soon that is", async () => {
    const [yes, no] = [await flow(), await flow()];
    for (const own of [yes, no]) {
      await own.poll();
      expect(await own.poll()).toMatchObject(refused("slow_down"));
    }
    await yes.decide(true);
    await no.decide(false);
    expect((await yes.poll()).status).toBe(200);
    expect(await no.poll()).toMatchObject(refused("access_denied"));
    expect(await no.poll()).toMatchObject(refused("access_denied"));
  });

  test("past its life it is expired_token, pending or approved", async () => {
    const [pending, approved] = [await flow(), await flow()];
    await approved.decide();
    later(60 * SECOND);
    expect(await approved.poll()).toMatchObject(refused("expired_token"));
    later(600 * SECOND);
    expect(await pending.poll()).toMatchObject(refused("expired_token"));
    expect(await pending.poll()).toMatchObject(refused("expired_token"));
  });

  test("T44 another client learns nothing and changes nothing, before and after the approval", async () => {
    const own = await flow();
    const other = await newParty(at);
    expect(await own.poll({ party: other })).toMatchObject(refused("invalid_grant"));
    expect(await own.poll()).toMatchObject(refused("authorization_pending"));
    await own.decide();
    expect(await own.poll({ party: other })).toMatchObject(refused("invalid_grant"));
    expect((await own.poll()).status).toBe(200);
  });

  test("T44 a handle is good for its own grant alone, and a forged one for none", async () => {
    const own = await flow();
    await own.decide();
    const asDevice = { grant_type: DEVICE, device_code: own.handle };
    const asCiba = { grant_type: CIBA, auth_req_id: own.handle };
    const wrong = flow === cibaFlow ? asDevice : asCiba;
    expect(await post(at, own.party, "/token", wrong)).toMatchObject(refused("invalid_grant"));
    const kind = flow === cibaFlow ? "auth_req_id" : "device_code";
    const right = flow === cibaFlow ? asCiba : asDevice;
    const forged = [
      `${own.handle.slice(0, -4)}AAAA`,
      `${"0".repeat(64)}.${own.handle.split(".")[1]}`,
      own.id,
      await at.services.handles.mint(own.id, "wait"),
      await at.services.handles.mint("f".repeat(64) as GrantId, kind),
      "x",
    ];
    for (const handle of forged) {
      const answer = await post(at, own.party, "/token", { ...right, [kind]: handle });
      expect(answer).toMatchObject(refused("invalid_grant"));
    }
    expect((await own.poll()).status).toBe(200);
  });

  test("without its handle it is invalid_request", async () => {
    const party = await newParty(at);
    for (const grant_type of [CIBA, DEVICE]) {
      expect(await post(at, party, "/token", { grant_type })).toMatchObject(refused("invalid_request"));
    }
  });

  test("T45 race: fifty polls with the replay window off, one has tokens", async () => {
    const off = deployment({}, ({ challenges }) => ({
      challenges: { ...challenges, open: (spec) => challenges.open({ ...spec, replayWindow: 0 }) },
    }));
    const own = await flow(off);
    await own.decide();
    const answers = await Promise.all(Array.from({ length: 50 }, () => own.poll()));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter((answer) => errorOf(answer) === "invalid_grant")).toHaveLength(49);
    expect((await grantOf(own))?.ended).toBeUndefined();
  });

  test("T45 race: fifty polls inside the replay window, one set of tokens", async () => {
    const own = await flow();
    await own.decide();
    const answers = await Promise.all(Array.from({ length: 50 }, () => own.poll()));
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200));
    const refreshTokens = new Set(answers.map(({ body }) => body.refresh_token));
    const claims = new Set(answers.map(({ body }) => JSON.stringify(claimsOf(body.access_token))));
    const idClaims = answers.map(({ body }) => {
      // The hash of the access token differs with its signature's bytes.
      const { at_hash: _, ...rest } = claimsOf(body.id_token);
      return JSON.stringify(rest);
    });
    expect([refreshTokens.size, claims.size, new Set(idClaims).size]).toEqual([1, 1, 1]);
    expect((await grantOf(own))?.ended).toBeUndefined();
  });

  test("T45 race: fifty polls, one of another client: it gets nothing, and after the redemption ends the grant", async () => {
    const own = await flow();
    const other = await newParty(at);
    await own.decide();
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, index) => own.poll(index === 25 ? { party: other } : {})),
    );
    expect(answers[25]).toMatchObject(refused("invalid_grant"));
    expect(await own.poll({ party: other })).toMatchObject(refused("invalid_grant"));
    expect((await grantOf(own))?.ended).toBeDefined();
    expect(await own.poll()).toMatchObject(refused("invalid_grant"));
    const [first] = answers.filter(({ status }) => status === 200);
    if (!first) return;
    const token = String(first.body.refresh_token);
    const refreshed = await post(at, own.party, "/token", {
      grant_type: "refresh_token",
      refresh_token: token,
    });
    expect(refreshed).toMatchObject(refused("invalid_grant"));
  });

  test("T47 a lost answer can be asked for again for 30 s: the same claims, the same refresh token", async () => {
    const own = await flow();
    await own.decide();
    const first = (await own.poll()).body;
    later(29 * SECOND);
    const again = (await own.poll()).body;
    expect(again.refresh_token).toBe(first.refresh_token);
    expect(claimsOf(again.access_token)).toEqual(claimsOf(first.access_token));
    later(SECOND);
    expect(await own.poll()).toMatchObject(refused("invalid_grant"));
    expect((await grantOf(own))?.ended).toBeUndefined();
  });

  test("T101 while its object is out it is 503 in this door's shape, and nothing is lost", async () => {
    const own = await flow();
    await own.decide();
    const gone = () => Promise.reject(new Error("Network connection lost."));
    const objects = new Proxy(env.CHALLENGES, {
      get(target, name) {
        if (name === "get") return () => ({ collect: gone });
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const down = deployment({ CHALLENGES: objects });
    const answer = await own.poll({ at: down });
    expect(answer).toMatchObject(refused("temporarily_unavailable", 503));
    expect(answer.headers.get("Retry-After")).toBe("2");
    expect(answer.headers.get("Content-Type")).toContain("application/json");
    expect((await own.poll()).status).toBe(200);
  });
});

test("T41 45 polls of a device code with 250 ms of jitter are not slowed down", async () => {
  const own = await deviceFlow();
  for (let turn = 0; turn < 45; turn++) {
    expect(await own.poll()).toMatchObject(refused("authorization_pending"));
    later(5 * SECOND + (turn % 2 === 0 ? 250 : -250));
  }
});

test("T67 no handle, code or refresh token of these grants is at rest", async () => {
  const flows = [await cibaFlow(), await deviceFlow()];
  for (const own of flows) {
    await own.decide();
    const { body } = await own.poll();
    const { text } = await everythingAtRest();
    const secrets = [
      own.handle,
      own.handle.split(".")[1],
      body.access_token,
      body.refresh_token,
      body.id_token,
    ];
    for (const secret of secrets) {
      expect(String(secret).length).toBeGreaterThan(40);
      expect(text).not.toContain(String(secret));
    }
  }
});
