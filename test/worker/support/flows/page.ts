import { operator } from "../acts.ts";
import { type Json, newPhone } from "../cotter.ts";
import { type Stage, stage } from "../in-flight.ts";
import { browser, enter, exchange, type Handed, handed, newPageClient } from "../page.ts";
import { always, email, type Flow, has, put, ROOMY, read, shared } from "./flow.ts";

const { services } = operator;

const pages = shared(() => newPageClient(stage(), ROOMY));

const page = (method: "code" | "link"): Flow => ({
  name: `hosted page: a ${method}, and its exchange`,
  ofNobody: true,
  works: has("oauth_token"),
  async ready(apart) {
    const client = await pages(apart);
    const address = email();
    const proof = { ...read(address), assertedBy: "proof", client, verifiedAt: Date.now() } as const;
    const id = await put({ identifiers: [proof] });
    let given: Handed | undefined;
    let key: string | undefined;
    return {
      clients: [client],
      who: always(id),
      async run(at) {
        const person = browser(at);
        const how = method === "link" ? { auth_method: "MAGIC_LINK" } : {};
        const check = await enter(person, client, address, how).catch(() => undefined);
        if (check === undefined) return {};
        const done = await (method === "code"
          ? person.post(check, { code: at.last().code ?? "" })
          : confirmed(at, check, person));
        if (done.status !== 303 || !done.location.includes("code=")) return {};
        given = handed(done.location);
        const exchanged = await exchange(at, client, given);
        key = exchanged.key;
        return exchanged.body;
      },
      // The code is worth nothing, and neither is the key of the window for a first device.
      async again(at) {
        if (!given) return {};
        const exchanged = await exchange(at, client, given);
        if (key === undefined) return exchanged.body;
        const device = { code: (await newPhone()).publicKey, algorithm: "ED25519" };
        const body = { method: "TRUSTED_DEVICE", enrolled: true, ...device };
        const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
        const enrolled = await at.call("PUT", path, body, { API_KEY_ID: client, Cookie: `enrol=${key}` });
        return { exchanged: exchanged.body, enrolled: enrolled.body };
      },
    };
  },
});

const claimed: Flow = {
  name: "hosted page: an address that was claimed, proven by its claimer",
  ofNobody: true,
  works: (out) => has("oauth_token", "user")(out) && (out.user as Json).enrolled !== undefined,
  async ready(apart) {
    const [client, phone] = await Promise.all([pages(apart), newPhone()]);
    const address = email();
    const claim = { ...read(address), assertedBy: "anonymous", client } as const;
    const device = { door: "cotter", kind: "phone", clientId: client, text: phone.publicKey } as const;
    const id = await put({ identifiers: [claim] }, device);
    const until = (Date.now() + 600_000).toString(36);
    const mac = await services.handles.pepper(["claimer", client, until], id);
    const shown = { Cookie: `claimed=${id}.${until}.${mac}` };
    let given: Handed | undefined;
    return {
      clients: [client],
      who: always(id),
      async run(at) {
        const person = browser(at);
        const check = await enter(person, client, address).catch(() => undefined);
        if (check === undefined) return {};
        const done = await person.post(check, { code: at.last().code ?? "" });
        if (done.status !== 303 || !done.location.includes("code=")) return {};
        given = handed(done.location);
        return (await exchange(at, client, given, {}, shown)).body;
      },
      again: async (at) => (given ? (await exchange(at, client, given, {}, shown)).body : {}),
    };
  },
};

async function confirmed(at: Stage, check: string, person: ReturnType<typeof browser>) {
  const link = new URL(at.last().link ?? "");
  const secret = link.searchParams.get("t") ?? "";
  await browser(at).post(link.pathname, { secret, decision: "approve" });
  return await person.get(`${check}/done`);
}

export const HOSTED: readonly Flow[] = [page("code"), page("link"), claimed];
