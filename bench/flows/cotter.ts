import type { Flow } from "../load/flow.ts";
import type { Http } from "../load/http.ts";
import { verifier } from "../load/tokens.ts";

/** A user is asked by strangers four times a minute at most; a run is over before the minute is. */
const EACH = 3;

type Phone = { readonly publicKey: string; sign(text: string): Promise<string> };
export type Person = { readonly userId: string; readonly phone: Phone };

const base64 = (bytes: ArrayBuffer) => Buffer.from(bytes).toString("base64");

async function newPhone(): Promise<Phone> {
  const { privateKey, publicKey } = (await crypto.subtle.generateKey("Ed25519", false, [
    "sign",
    "verify",
  ])) as CryptoKeyPair;
  return {
    publicKey: base64(await crypto.subtle.exportKey("raw", publicKey)),
    sign: async (text) =>
      base64(await crypto.subtle.sign("Ed25519", privateKey, new TextEncoder().encode(text))),
  };
}

/** An app of the Cotter door whose starts are counted, under a limit that no run comes near. */
export async function newApp(
  http: Http,
  adminToken: string,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Readonly<Record<string, string>>> {
  const { body } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: {
      name: "Bench",
      kind: "public",
      redirect_uris: ["com.example.bench:/proven"],
      settings: { starts_per_minute: 100_000, ...settings },
    },
  });
  return { api_key_id: body.client_id };
}

export async function newPerson(http: Http, headers: Readonly<Record<string, string>>): Promise<Person> {
  const identifier = `bench-${crypto.randomUUID()}@example.com`;
  const { body } = await http.read("/api/v0/user/create", 200, { headers, json: { identifier } });
  const phone = await newPhone();
  await http.read(`/api/v0/user/methods?cotter_user_id=${body.ID}`, 200, {
    method: "PUT",
    headers,
    json: {
      method: "TRUSTED_DEVICE",
      enrolled: true,
      code: phone.publicKey,
      algorithm: "ED25519",
      device_type: "MOBILE",
      device_name: "Bench",
    },
  });
  return { userId: body.ID, phone };
}

export const startCotter = async (http: Http, headers: Readonly<Record<string, string>>, userId: string) =>
  (
    await http.read("/api/v0/event/create_pending", 200, {
      headers,
      json: {
        client_user_id: userId,
        issuer: headers.api_key_id,
        event: "LOGIN",
        timestamp: "0",
        method: "TRUSTED_DEVICE",
        location: "unknown",
      },
    })
  ).body;

/** The phone asks what waits, and signs its yes; the answer sends it. */
export async function signCotter(
  http: Http,
  headers: Readonly<Record<string, string>>,
  { userId, phone }: Person,
): Promise<() => Promise<void>> {
  const { body: prompt } = await http.read(`/api/v0/event/new?cotter_user_id=${userId}`, 200, { headers });
  const text = [userId, headers.api_key_id, prompt.event, prompt.timestamp, "TRUSTED_DEVICE", "true"].join(
    "",
  );
  const json = {
    ...prompt,
    client_user_id: userId,
    issuer: headers.api_key_id,
    approved: true,
    public_key: phone.publicKey,
    algorithm: "ED25519",
    code: await phone.sign(text),
  };
  return async () => {
    await http.read(`/api/v0/event/respond/${prompt.ID}`, 200, { headers, json });
  };
}

export async function approveCotter(
  http: Http,
  headers: Readonly<Record<string, string>>,
  person: Person,
): Promise<void> {
  const send = await signCotter(http, headers, person);
  await send();
}

/** One Cotter sign-in: start, prompt, signed approval, redeem; both tokens are verified. Nobody here polls while it is pending, nor do the peers. */
export const cotter: Flow = async (http, { adminToken }, rounds) => {
  const headers = await newApp(http, adminToken);
  const verify = await verifier(http, "/api/v0/token/jwks");
  const people: Person[] = [];
  const wanted = Math.ceil(rounds / EACH);
  const workers = Array.from({ length: 16 }, async () => {
    while (people.length < wanted) people.push(await newPerson(http, headers));
  });
  await Promise.all(workers);
  return {
    async run(round) {
      const person = people[round % people.length] as Person;
      const { ID } = await startCotter(http, headers, person.userId);
      await approveCotter(http, headers, person);
      const { body } = await http.read(`/api/v0/event/get/${ID}?oauth_token=true`, 200, { headers });
      if (!body.oauth_token?.refresh_token)
        throw new Error(`no tokens: ${JSON.stringify(body).slice(0, 200)}`);
      await verify(body.oauth_token.access_token);
      await verify(body.oauth_token.id_token);
    },
  };
};
