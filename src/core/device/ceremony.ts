import { fromBase64Url, toBase64Url } from "../base64.ts";
import type { PasskeyCeremony } from "../ports/secrets.ts";
import type { Services } from "../ports/services.ts";
import { type Instant, MINUTE, type Millis } from "../time.ts";

/** How long a browser may take over one ceremony. */
export const CEREMONY: Millis = 5 * MINUTE;

/** What a ceremony is good for, and in which browser: anywhere else its challenge is none. */
export type Bound = {
  readonly kind: "sign_in" | "enrol" | "phone";
  /** The secret of the browser. */
  readonly browser: string;
  /** Of a sign-in its client and place, of an enrolment its session. */
  readonly about: readonly string[];
};

export type Ceremony = {
  /** Random, and of this ceremony alone. */
  readonly id: string;
  readonly challenge: string;
  readonly began: Instant;
};

const BASE = 36;
const TEXT = /^([0-9a-f-]{36})\.([0-9a-z]{1,10})\.([A-Za-z0-9_-]{43})$/;

const macOf = (
  { handles }: Pick<Services, "handles">,
  { kind, browser, about }: Bound,
  id: string,
  began: string,
): Promise<string> => handles.pepper(["oauth-passkey", kind, browser, ...about, id], began);

/** A challenge that carries its own beginning under our MAC: nothing is kept of a ceremony that nobody finishes. */
export async function beginCeremony(
  powers: Pick<Services, "handles" | "clock" | "chance">,
  bound: Bound,
): Promise<Ceremony> {
  const id = powers.chance.uuid();
  const began = powers.clock.now();
  const at = began.toString(BASE);
  const text = `${id}.${at}.${await macOf(powers, bound, id, at)}`;
  return { id, began, challenge: toBase64Url(new TextEncoder().encode(text)) };
}

/** The ceremony of a challenge that was made for this, in this browser, in the last five minutes. */
export async function readCeremony(
  powers: Pick<Services, "handles" | "clock" | "secrets">,
  bound: Bound,
  challenge: string,
): Promise<Ceremony | undefined> {
  const bytes = fromBase64Url(challenge);
  const [, id, at, mac] = TEXT.exec(bytes === undefined ? "" : new TextDecoder().decode(bytes)) ?? [];
  if (id === undefined || at === undefined || mac === undefined) return undefined;
  if (!(await powers.secrets.equal(mac, await macOf(powers, bound, id, at)))) return undefined;
  const began = Number.parseInt(at, BASE);
  return powers.clock.now() < began + CEREMONY ? { id, challenge, began } : undefined;
}

/** The rp id of our own pages; undefined where they stand at a bare address, which cannot be one (WebAuthn §5.1.2). */
export function ownRpId({ config }: Pick<Services, "config">): string | undefined {
  const { hostname } = new URL(config.issuer);
  return /^[\d.]+$|^\[/.test(hostname) ? undefined : hostname;
}

/** What a passkey of our own pages signs: this challenge, on this origin and no other. */
export function ownCeremony(
  powers: Pick<Services, "config">,
  { challenge }: Pick<Ceremony, "challenge">,
): PasskeyCeremony | undefined {
  const rpId = ownRpId(powers);
  return rpId === undefined
    ? undefined
    : { challenge, rpId, origins: [new URL(powers.config.issuer).origin] };
}
