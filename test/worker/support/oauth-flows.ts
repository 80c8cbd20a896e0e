import { operator } from "./acts.ts";
import { askDevice, newParty, poll, pollDevice, press, start } from "./ciba.ts";
import { type Answer, newClient, prompt, respond } from "./cotter.ts";
import { cotterPhone } from "./devices.ts";
import type { Flow } from "./flows/flow.ts";
import { newAda } from "./loginid.ts";

const hasTokens = (out: Record<string, unknown>) => out.access_token !== undefined;
const scope = "openid offline_access";

const ciba: Flow = {
  name: "CIBA: a backend asks, a phone approves, the backend collects",
  byDevice: true,
  works: hasTokens,
  async ready() {
    const [party, through, { id }] = await Promise.all([
      newParty(operator),
      newClient(operator),
      newAda(operator),
    ]);
    const phone = await cotterPhone(operator, { userId: id, through: { id: through } });
    const person = { id, identifier: "", phone };
    let started: Answer | undefined;
    return {
      clients: [party.id],
      who: async () => id,
      async run(at) {
        started = await start(at, party, id, { scope });
        const shown = await prompt(at, through, person);
        if (shown?.ID) await respond(at, through, person, shown, true);
        return (await poll(at, party, started)).body;
      },
      again: async (at) => (started ? (await poll(at, party, started)).body : {}),
    };
  },
};

const device: Flow = {
  name: "the device grant: a device asks, its user types and presses, the device collects",
  ofNobody: true,
  works: hasTokens,
  async ready() {
    const [party, { id }] = await Promise.all([
      newParty(operator, { device_refresh_tokens: true }),
      newAda(operator),
    ]);
    let asked: Answer | undefined;
    return {
      clients: [party.id],
      who: async () => id,
      async run(at) {
        asked = await askDevice(at, party, { scope });
        if (asked.status === 200) await press(at, { id }, asked);
        return (await pollDevice(at, party, asked)).body;
      },
      again: async (at) => (asked ? (await pollDevice(at, party, asked)).body : {}),
    };
  },
};

export const OAUTH: readonly Flow[] = [ciba, device];
