import { fromBase64Url, toBase64Url } from "../../../core/base64.ts";
import type { Client } from "../../../core/client/client.ts";
import type { UserId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import { type Instant, MINUTE } from "../../../core/time.ts";

/** How long a browser may take over one ceremony. */
export const CEREMONY = 5 * MINUTE;

/** What a ceremony is for: a code that lets a passkey in, or a code that a passkey asks for. */
export type CeremonyKind = "add" | "generate";

export type Ceremony = {
  readonly kind: CeremonyKind;
  /** The challenge id of the code, or the kind and purpose of the code that is wanted. */
  readonly ticket: string;
  readonly credentialUuid: string;
  readonly expiresAt: Instant;
  readonly rpId: string;
};

/** What a browser is given to sign: the challenge, the credential that it will be, and how long there is. */
export type BegunCeremony = {
  readonly challenge: string;
  readonly credentialUuid: string;
  readonly timeout: number;
};

type Whose = { readonly client: Client; readonly userId: UserId };
type Powers = Pick<Services, "handles" | "clock" | "chance">;

const toText = (words: string): string => toBase64Url(new TextEncoder().encode(words));

/** A byte order mark stays: without it the text would be another challenge with the same MAC. */
function fromText(text: string): string | undefined {
  const bytes = fromBase64Url(text);
  return bytes && new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes);
}

const macOf = (powers: Powers, { client, userId }: Whose, words: string): Promise<string> =>
  powers.handles.pepper(["passkey_ceremony", client.id, userId], words);

/**
 * A challenge for a browser that carries its own context under our MAC, so that a stranger's request for one leaves nothing behind.
 * It is good for five minutes and once: whoever takes it spends it in the user's inbox.
 */
export async function beginCeremony(
  powers: Powers,
  whose: Whose,
  asked: Pick<Ceremony, "kind" | "ticket" | "rpId"> & { readonly until?: Instant },
): Promise<BegunCeremony> {
  const credentialUuid = powers.chance.uuid();
  const now = powers.clock.now();
  const expiresAt = Math.min(now + CEREMONY, asked.until ?? Number.POSITIVE_INFINITY);
  const words = JSON.stringify([asked.kind, asked.ticket, credentialUuid, expiresAt, asked.rpId]);
  const challenge = toText(`${words}${await macOf(powers, whose, words)}`);
  return { challenge, credentialUuid, timeout: expiresAt - now };
}

const MAC_TEXT = 43;

/** The ceremony of a challenge that was made for this user at this client, and that is not over. */
export async function readCeremony(
  powers: Powers & Pick<Services, "secrets">,
  whose: Whose,
  kind: CeremonyKind,
  challenge: string,
): Promise<Ceremony | undefined> {
  const text = fromText(challenge);
  if (text === undefined) return undefined;
  const words = text.slice(0, -MAC_TEXT);
  if (!(await powers.secrets.equal(await macOf(powers, whose, words), text.slice(-MAC_TEXT))))
    return undefined;
  const [madeFor, ticket, credentialUuid, expiresAt, rpId] = JSON.parse(words) as [
    CeremonyKind,
    string,
    string,
    Instant,
    string,
  ];
  if (madeFor !== kind || powers.clock.now() >= expiresAt) return undefined;
  return { kind, ticket, credentialUuid, expiresAt, rpId };
}

/** A page that may hold passkeys: https, or this machine's own name while developing. */
function rpIdOf(origin: string, { environment }: Services["config"]): string | undefined {
  const url = URL.parse(origin);
  if (url?.protocol === "https:") return url.hostname;
  return environment === "development" && url?.protocol === "http:" && url.hostname === "localhost"
    ? url.hostname
    : undefined;
}

/** The client's pages of this rp id. `*` lists none: a passkey belongs to a site that the operator has named. */
export const originsOf = (client: Client, config: Services["config"], rpId: string): readonly string[] =>
  client.allowedOrigins.filter((origin) => rpIdOf(origin, config) === rpId);

/** The host of the page that asks, when the client lists it; of the first listed page when none asks. */
export function chooseRpId(
  client: Client,
  config: Services["config"],
  origin: string | undefined,
): string | undefined {
  const listed = client.allowedOrigins.filter((one) => rpIdOf(one, config) !== undefined);
  const chosen = origin === undefined ? listed[0] : listed.find((one) => one === origin);
  return chosen === undefined ? undefined : rpIdOf(chosen, config);
}
