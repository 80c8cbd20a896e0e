import { describe, expect, test } from "vitest";
import { parseRealm, type UserId, userSubject } from "../../../../src/core/ids.ts";
import * as authsignal from "../../support/authsignal.ts";
import { decide, newHolder, newParty, type Party, poll, shown, start } from "../../support/ciba.ts";
import * as cotter from "../../support/cotter.ts";
import { type Answer, claimsOf, deployment, type Json } from "../../support/cotter.ts";
import { authsignalPhone } from "../../support/devices.ts";
import { newAda } from "../../support/loginid.ts";

const at = deployment();
const refused = (error: string) => ({ status: 400, body: expect.objectContaining({ error }) });
const promptsOf = async (id: string) => (await at.services.inboxes.view(userSubject(id as UserId))).prompts;

/** A user with a phone of each door, at a client of each door. */
async function newPair() {
  const holder = await newHolder(at);
  const tenant = await authsignal.newTenant(at, { approve_through: "realm" });
  const push = await authsignalPhone(at, { userId: holder.id, through: tenant });
  return { holder, tenant, push };
}

type Push = Awaited<ReturnType<typeof newPair>>["push"];

/** What the phone of the Authsignal door is shown. */
const pending = async (push: Push): Promise<Json> =>
  (await authsignal.phoneCall(at, push, "GET", `/challenge?publicKey=${authsignal.inQuery(push.key)}`)).body;

const idOf = ({ body }: Answer) => String(body.auth_req_id).split(".")[0];

describe("one inbox", () => {
  test("a phone that was enrolled over the Cotter door approves a CIBA request, which it is shown as LOGIN", async () => {
    const [party, holder] = [await newParty(at), await newHolder(at)];
    const started = await start(at, party, holder.id);
    expect(await shown(at, holder)).toMatchObject({ event: "LOGIN", issuer: party.id, new: true });
    expect((await decide(at, holder)).body).toMatchObject({ approved: true });
    const { body } = await poll(at, party, started);
    expect(claimsOf(body.id_token)).toMatchObject({ sub: holder.id, aud: party.id });
  });

  test.each([true, false])("a phone of the Authsignal door answers one: %s", async (approved) => {
    const [party, { holder, push }] = [await newParty(at), await newPair()];
    const started = await start(at, party, holder.id);
    expect(await pending(push)).toMatchObject({
      challengeId: idOf(started),
      actionCode: "sign_in",
      requestedBy: { tenantId: party.id, name: "Shop" },
    });
    await authsignal.answer(at, push, String(idOf(started)), approved);
    const polled = await poll(at, party, started);
    if (approved) expect(claimsOf(polled.body.id_token)).toMatchObject({ sub: holder.id });
    else expect(polled).toMatchObject(refused("access_denied"));
    expect(await shown(at, holder)).toBeNull();
  });

  test("a Cotter event is approved by the phone of another door, and a CIBA request stands beside it", async () => {
    const { holder, push } = await newPair();
    const client = await cotter.newClient(at, { approve_through: "realm" });
    const party = await newParty(at);
    const event = (await cotter.start(at, client, holder)).body;
    const started = await start(at, party, holder.id);
    // The newest first, whichever door asked.
    expect(await promptsOf(holder.id)).toMatchObject([{ door: "oauth" }, { door: "cotter" }]);
    expect(await pending(push)).toMatchObject({ challengeId: idOf(started) });
    await authsignal.answer(at, push, String(idOf(started)), true);
    const next = await pending(push);
    expect(next).toMatchObject({ actionCode: "LOGIN", requestedBy: { tenantId: client } });
    await authsignal.answer(at, push, String(next.challengeId), true);
    expect((await cotter.poll(at, client, event)).body.oauth_token).toBeDefined();
    expect((await poll(at, party, started)).status).toBe(200);
    expect(await promptsOf(holder.id)).toEqual([]);
  });

  test("of two phones that answer at once one decides", async () => {
    const [party, { holder, push }] = [await newParty(at), await newPair()];
    const started = await start(at, party, holder.id);
    const event = await shown(at, holder);
    await Promise.all([
      cotter.respond(at, holder.through, holder, event ?? {}, true),
      authsignal.answer(at, push, String(idOf(started)), false),
    ]);
    const { timeline } = (await at.services.challenges.read(idOf(started) as never)) ?? { timeline: [] };
    expect(timeline.filter(({ what }) => what === "approved" || what === "denied")).toHaveLength(1);
  });

  test("a number to compare is typed where a wire can carry it, and is not asked for where it cannot", async () => {
    const [party, { holder, push }] = [await newParty(at, { match_code: "required" }), await newPair()];
    const started = await start(at, party, holder.id);
    expect(await shown(at, holder)).toBeNull();
    expect(await pending(push)).toMatchObject({ challengeId: idOf(started) });
    const typed = (code: unknown) =>
      authsignal.answer(at, push, String(idOf(started)), true, { verificationCode: code });
    await typed("000000");
    expect(await poll(at, party, started)).toMatchObject(refused("authorization_pending"));
    await typed(started.body.match_code);
    expect(claimsOf((await poll(at, party, started)).body.id_token)).toMatchObject({
      acr: "urn:signin:acr:device-match",
    });
  });

  test("T03 a bare tap approves nothing where the number on the screen is asked for", async () => {
    const [party, { holder, push }] = [await newParty(at, { match_code: "required" }), await newPair()];
    const started = await start(at, party, holder.id);
    const tap = (change: object) => authsignal.answer(at, push, String(idOf(started)), true, { ...change });
    for (const change of [{}, { verificationCode: "" }, { verificationCode: null }]) {
      const { status } = await tap(change);
      expect(status).toBeGreaterThanOrEqual(400);
      expect(status).toBeLessThan(500);
      expect(await poll(at, party, started)).toMatchObject({ status: 400 });
    }
    expect((await tap({ verificationCode: started.body.match_code })).status).toBe(200);
    expect((await poll(at, party, started)).status).toBe(200);
  });
});

describe("what a wire cannot show is not shown there", () => {
  /** The request waits in the inbox, and no phone of the vendors' doors is shown it or answers it. */
  async function expectKept(
    party: Party,
    started: Answer,
    { holder, push }: Awaited<ReturnType<typeof newPair>>,
  ) {
    expect(started.status).toBe(200);
    const prompts = await promptsOf(holder.id);
    expect(prompts.map(({ challengeId }) => challengeId)).toEqual([idOf(started)]);
    expect(await shown(at, holder)).toBeNull();
    expect(await pending(push)).not.toHaveProperty("challengeId");
    await authsignal.answer(at, push, String(idOf(started)), true);
    const [prompt] = prompts;
    const event = { ID: prompt?.respondNumber, event: "LOGIN", timestamp: String(prompt?.signingSecond) };
    expect((await cotter.respond(at, holder.through, holder, event, true)).status).toBe(404);
    expect(await poll(at, party, started)).toMatchObject(refused("authorization_pending"));
  }

  test("T13 a binding message", async () => {
    const [party, pair] = [await newParty(at), await newPair()];
    const started = await start(at, party, pair.holder.id, { binding_message: "TILL-7" });
    expect(await promptsOf(pair.holder.id)).toMatchObject([{ bindingMessage: "TILL-7" }]);
    await expectKept(party, started, pair);
  });

  test("authorization details", async () => {
    const [party, pair] = [await newParty(at), await newPair()];
    const details = [{ type: "payment", amount: "12.00" }];
    const started = await start(at, party, pair.holder.id, {
      authorization_details: JSON.stringify(details),
    });
    expect(await promptsOf(pair.holder.id)).toMatchObject([{ context: { details } }]);
    await expectKept(party, started, pair);
  });

  test("a request of a client that takes its own devices alone", async () => {
    const [party, pair] = [await newParty(at, { approve_through: "own" }), await newPair()];
    await expectKept(party, await start(at, party, pair.holder.id), pair);
  });

  test("a user of another realm is nobody", async () => {
    const realm = parseRealm("bank");
    const party = await newParty(at, {}, realm ? { realm } : {});
    const holder = await newHolder(at);
    expect(await start(at, party, holder.id)).toMatchObject(refused("unknown_user_id"));
    const ada = await newAda(at);
    expect(await start(at, party, ada.username)).toMatchObject(refused("unknown_user_id"));
  });
});
