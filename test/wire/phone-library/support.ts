import {
  createPhone,
  type KeyStore,
  memoryStorage,
  type Phone,
  type PhoneOptions,
  type Prompt,
  webCryptoKeys,
} from "../../../packages/countersign/src/phone/phone.ts";
import { type Api, type Json, makeApi } from "../support/api.ts";
import { freshEmail } from "../support/app.ts";
import { place } from "../support/place.ts";

export const CIBA = "urn:openid:params:grant-type:ciba";
export const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

export const operator = (): Api => makeApi(place().origin, { Authorization: `Bearer ${place().adminToken}` });

export const memoryKeys = (): KeyStore => webCryptoKeys(memoryStorage());

/** Somebody who has proven an address, and leave for one phone of theirs. */
export async function newOwner() {
  const email = freshEmail();
  const made = await operator()("POST", "/admin/users", { json: { email, verified: true } });
  const userId = String(made.body.user_id);
  const ticket = async () =>
    String((await operator()("POST", "/demo/ticket", { json: { user_id: userId } })).body.ticket);
  return { userId, email, ticket };
}
export type Owner = Awaited<ReturnType<typeof newOwner>>;

/** What a line does to the calls that go over it; the newest word counts. */
export type Line = {
  readonly fetch: typeof fetch;
  /** `METHOD /path` of each call that was sent. */
  readonly calls: string[];
  /** Does something with the next call of this path, which goes on by `send`. */
  once(path: RegExp, how: (send: () => Promise<Response>) => Promise<Response>): void;
};

export function newLine(): Line {
  const calls: string[] = [];
  const faults: { path: RegExp; how: (send: () => Promise<Response>) => Promise<Response> }[] = [];
  return {
    calls,
    once: (path, how) => void faults.push({ path, how }),
    async fetch(input, init) {
      const call = `${init?.method} ${new URL(String(input)).pathname}`;
      calls.push(call);
      const at = faults.findIndex(({ path }) => path.test(call));
      const [fault] = at < 0 ? [] : faults.splice(at, 1);
      const send = () => fetch(input, init);
      return fault ? await fault.how(send) : await send();
    },
  };
}

/** The service has done its work, and nobody hears of it. */
export async function lost(send: () => Promise<Response>): Promise<Response> {
  await (await send()).text();
  throw new TypeError("the connection was cut");
}

export const refusedAs = (status: number, code: string) => async (): Promise<Response> =>
  Response.json({ status, code }, { status });

/** A phone that is enrolled for this person. */
export async function newPhone(owner: Owner, options: Partial<PhoneOptions> = {}): Promise<Phone> {
  const phone = createPhone({ issuer: place().origin, keys: memoryKeys(), ...options });
  await phone.enrol(await owner.ticket(), { name: "Ana's phone", confirm: () => true });
  return phone;
}

/** A shop with a backend, which asks people by CIBA and devices by codes. */
export async function newShop(settings: Json = {}) {
  const made = await operator()("POST", "/admin/clients", {
    json: { name: "Shop", kind: "confidential", grant_types: [CIBA, DEVICE], settings },
  });
  const basic = Buffer.from(`${made.body.client_id}:${made.body.client_secret}`).toString("base64");
  const post = async (path: string, form: Record<string, string>) => {
    const answer = await fetch(place().origin + path, {
      method: "POST",
      headers: { Authorization: `Basic ${basic}` },
      body: new URLSearchParams(form),
    });
    return { status: answer.status, body: (await answer.json()) as Readonly<Record<string, string>> };
  };
  return {
    ask: async (userId: string, form: Record<string, string> = {}) =>
      (await post("/oauth/bc-authorize", { scope: "openid", login_hint: userId, ...form })).body,
    askDevice: async () => (await post("/oauth/device_authorization", { scope: "openid" })).body,
    collect: (started: Readonly<Record<string, string>>) =>
      started.device_code
        ? post("/oauth/token", { grant_type: DEVICE, device_code: started.device_code })
        : post("/oauth/token", { grant_type: CIBA, auth_req_id: started.auth_req_id ?? "" }),
  };
}

/** The one request that waits. */
export async function theOne(phone: Phone): Promise<Prompt> {
  const { prompts } = await phone.prompts();
  const [prompt] = prompts;
  if (!prompt || prompts.length !== 1) throw new Error(`${prompts.length} requests wait`);
  return prompt;
}

export const wrongNumber = (number: string | undefined): string =>
  number === "000000" ? "111111" : "000000";
