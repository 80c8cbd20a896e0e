import { ownClientId } from "../../../src/core/client/own-client.ts";
import { MAIN } from "../../../src/core/ids.ts";
import { operator } from "./acts.ts";
import { newParty, poll, start } from "./ciba.ts";
import type { Answer } from "./cotter.ts";
import type { Flow } from "./flows/flow.ts";
import { type Stage, stage } from "./in-flight.ts";
import { enrolPhone, newPhoneOwner, type Phone, phoneOf } from "./phone.ts";

const scope = "openid offline_access";

/** The same phone, calling there. */
const calling = (at: Stage, { key, deviceId, token, authenticator }: Phone): Phone =>
  phoneOf(at, key, { device: { id: deviceId }, token }, authenticator);

const approval: Flow = {
  name: "the phone page: a backend asks, a phone of our pages signs, the backend collects",
  byDevice: true,
  works: (out) => out.access_token !== undefined,
  async ready() {
    const [party, { id, phone }] = await Promise.all([newParty(operator), newPhoneOwner(stage(), "key")]);
    let started: Answer | undefined;
    return {
      clients: [party.id],
      who: async () => id,
      async run(at) {
        started = await start(at, party, id, { scope });
        const own = calling(at, phone);
        const [prompt] = (await own.prompts()) ?? [];
        const number = String(started.body.match_code);
        if (prompt) await own.decide(prompt, { decision: "approve", match_code: number });
        return (await poll(at, party, started)).body;
      },
      again: async (at) => (started ? (await poll(at, party, started)).body : {}),
    };
  },
};

const letIn: Flow = {
  name: "the phone page: a phone lets another one in",
  byDevice: true,
  ofNoClient: true,
  works: (out) => out.token !== undefined,
  async ready() {
    const { id, phone } = await newPhoneOwner(stage(), "key");
    let ticket: string | undefined;
    return {
      clients: [ownClientId(MAIN)],
      who: async () => id,
      async run(at) {
        const given = await calling(at, phone).act("/tickets", "let_in_device");
        ticket = given.body.ticket;
        return ticket === undefined ? {} : (await enrolPhone(at, ticket, "key")).answer.body;
      },
      again: async (at) => (ticket === undefined ? {} : (await enrolPhone(at, ticket, "key")).answer.body),
    };
  },
};

export const APPROVER: readonly Flow[] = [approval, letIn];
