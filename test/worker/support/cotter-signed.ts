import type { ClientId } from "../../../src/core/ids.ts";
import type { Answer, Json, Person, Phone } from "./cotter.ts";

/** Where the calls go: a deployment, or what sends them on. */
type Door = {
  call(method: string, path: string, body: unknown, headers: Record<string, string>): Promise<Answer>;
};
type Signer = Pick<Person, "id" | "phone">;

const METHOD = "TRUSTED_DEVICE";
const ENROL = "ENROLL_NEW_TRUSTED_DEVICE";

const texts = new Set<string>();

/** Behind the seconds of prompts that are answered now: the text of an answer signs nobody in. */
const BEHIND = 60;

/** The text of the newest second that was not signed before: the same text again would be a repeat, not another call. */
function newText(textAt: (timestamp: string) => string): {
  readonly timestamp: string;
  readonly text: string;
} {
  for (let second = Math.floor(Date.now() / 1000) - BEHIND; ; second--) {
    const text = textAt(String(second));
    if (texts.has(text)) continue;
    texts.add(text);
    return { timestamp: String(second), text };
  }
}

const create = async (
  at: Door,
  client: ClientId,
  person: Signer,
  event: string,
  { query = "", ...more }: Json & { readonly query?: string } = {},
): Promise<Answer> => {
  const key = more.new_device_public_key ?? "";
  const { timestamp, text } = newText((at) => `${person.id}${client}${event}${at}${METHOD}true${key}`);
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
      code: await person.phone.sign(text),
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
