import type { ClientId } from "../../../src/core/ids.ts";
import type { Answer, Json, Person, Phone } from "./cotter.ts";

/** Where the calls go: a deployment, or what sends them on. */
type Door = {
  call(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer>;
};
type Signer = Pick<Person, "id" | "phone">;

const METHOD = "TRUSTED_DEVICE";
const ENROL = "ENROLL_NEW_TRUSTED_DEVICE";

let calls = 0;
/** Seconds back from now: one text is signed once, and phones' clocks may be off. */
const apart = (): number => calls++ % 200;

const create = async (
  at: Door,
  client: ClientId,
  person: Signer,
  event: string,
  { query = "", ...more }: Json & { readonly query?: string } = {},
): Promise<Answer> => {
  const timestamp = String(Math.floor(Date.now() / 1000) - apart());
  const key = more.new_device_public_key ?? "";
  const signed = `${person.id}${client}${event}${timestamp}${METHOD}true${key}`;
  return await at.call(
    "POST",
    `/api/v0/event/create${query}`,
    {
      client_user_id: person.id,
      issuer: client,
      event,
      timestamp,
      method: METHOD,
      ip: "unknown",
      location: "unknown",
      approved: true,
      public_key: person.phone.publicKey,
      code: await person.phone.sign(signed),
      ...more,
    },
    { API_KEY_ID: client },
  );
};

/** A trusted phone signs itself in, with tokens unless the query says otherwise. */
export const signInByPhone = (
  at: Door,
  client: ClientId,
  person: Signer,
  query = "?oauth_token=true",
): Promise<Answer> => create(at, client, person, "LOGIN", { query });

/** A trusted phone signs another one in among its user's own. */
export const enrolByPhone = (at: Door, client: ClientId, person: Signer, other: Phone): Promise<Answer> =>
  create(at, client, person, ENROL, {
    register_new_device: true,
    new_device_public_key: other.publicKey,
    new_device_algorithm: "ED25519",
  });
