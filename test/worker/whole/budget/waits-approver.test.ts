import { expect, test } from "vitest";
import * as ciba from "../../support/ciba.ts";
import {
  enrolPhone,
  newOwner,
  openByKey,
  openByPasskey,
  type Phone,
  post,
  ticketFor,
} from "../../support/phone.ts";
import { countingWaits } from "../../support/waits.ts";
import { WAITS } from "./counts.ts";

const { at, waitsOf } = countingWaits();

const open = async (id: Parameters<typeof openByPasskey>[1], { authenticator, key, deviceId }: Phone) =>
  authenticator ? (await openByPasskey(at, id, authenticator)).answer : await openByKey(at, key, deviceId);

test.each(["key", "passkey"] as const)("a phone that answers by a %s", async (kind) => {
  const party = await ciba.newParty(at, { approve_through: "own" });
  const waits = await waitsOf(async (step) => {
    const { id } = await newOwner(at);
    const ticket = await ticketFor(at, id);
    await step("a ticket is used", () => post(at, "/enrolments/begin", { ticket }));
    const { phone } = await step("the phone is enrolled", () => enrolPhone(at, ticket, kind));
    if (!phone) throw new Error("no phone");
    expect((await step("a session opens", () => open(id, phone))).status).toBe(201);
    const { body } = await ciba.start(at, party, id);
    const [prompt] = await step("the list", () => phone.prompts());
    await step("how a request stands", () => phone.call("GET", `/prompts/${prompt.id}`));
    const said = { decision: "approve", match_code: String(body.match_code) };
    const approved = await step("an approval with its number", () => phone.decide(prompt, said));
    expect(approved.body.state).toBe("approved");
    await ciba.start(at, party, id);
    const [second] = await phone.prompts();
    const denied = await step("a denial", () => phone.decide(second, { decision: "deny" }));
    expect(denied.body.state).toBe("denied");
  });
  expect(waits).toEqual(WAITS[`approver, a ${kind}`]);
});
