import { fromBase64Url } from "../core/base64.ts";
import { Outage } from "../core/fault.ts";
import type { Grant } from "../core/grant/state.ts";
import type { ChallengeId, GrantId } from "../core/ids.ts";
import { parseChallengeId } from "../core/ids.ts";
import type { Handles } from "../core/ports/secrets.ts";
import { MAC_LENGTH, type Mac, makeMac } from "./mac.ts";
import { joinParts, sha256 } from "./parts.ts";
import type { SecretKeys } from "./secret-keys.ts";

type VersionedMac = { readonly version: number; readonly mac: Mac };

/** Handles, refresh tokens and keyed hashes over HANDLE_KEY and PEPPER (settled questions 1-5, 10). */
export function makeHandles(secretKeys: SecretKeys): Handles {
  const [current, ...older] = secretKeys.handle.map(
    ({ version, bytes }): VersionedMac => ({ version, mac: makeMac(bytes) }),
  ) as [VersionedMac, ...VersionedMac[]];
  const macs = [current, ...older];
  const pepper = makeMac(secretKeys.pepper);

  return {
    keyVersion: current.version,
    mint: async (id, kind) => `${id}.${await current.mac.sign("handle", [id, kind])}`,
    async read(handle, kind) {
      const parsed = split(handle);
      if (parsed === undefined) return undefined;
      const { id, mac } = parsed;
      return (await anyMatches(macs, mac, "handle", [id, kind])) ? id : undefined;
    },
    numberNames: (door, clientId, number) =>
      Promise.all(macs.map(({ mac }) => mac.sign("number", [door, clientId, number]))),
    async refreshToken(grant) {
      const key = macs.find(({ version }) => version === grant.keyVersion);
      if (key === undefined) throw new Outage(`HANDLE_KEY has no version ${grant.keyVersion}`);
      const mac = await key.mac.sign("refresh", refreshParts(grant, grant.generation));
      return `${grant.id}.${mac}${grant.generation.toString(BASE)}`;
    },
    grantIdOf: (token): GrantId | undefined => splitRefresh(token)?.id,
    async generationOf(token, grant) {
      const parsed = splitRefresh(token);
      if (parsed === undefined || parsed.id !== grant.id) return undefined;
      const named = parsed.generation;
      // None is given out ahead of its time; one of the old form names none, and is the current one or the one before.
      const possible = named === undefined ? [grant.generation, grant.generation - 1] : [named];
      const candidates = possible.filter((generation) => generation >= 1 && generation <= grant.generation);
      const found = await Promise.all(
        candidates.map((generation) =>
          anyMatches(macs, parsed.mac, "refresh", refreshParts(grant, generation)),
        ),
      );
      return candidates[found.indexOf(true)];
    },
    waiterProof: (parts) => sha256(joinParts("waiter-proof", parts)),
    pepper: (context, secret) => pepper.sign("pepper", [...context, secret]),
    digest: (parts) => sha256(joinParts("digest", parts)),
  };
}

/** `<64 hex digits>.<43 characters of base64url>`, the second part canonical. */
function split(text: string): { readonly id: ChallengeId; readonly mac: Uint8Array } | undefined {
  const [head, tail, ...rest] = text.split(".", 3);
  if (head === undefined || tail === undefined || rest.length > 0) return undefined;
  const id = parseChallengeId(head);
  const mac = fromBase64Url(tail);
  return id === undefined || mac?.length !== MAC_LENGTH ? undefined : { id, mac };
}

const BASE = 36;
const REFRESH = /^([0-9a-f]{64}\.[A-Za-z0-9_-]{43})([1-9a-z][0-9a-z]{0,10})?$/;

/** A handle with its generation in base 36 behind it; without one in the form before that. */
function splitRefresh(text: string) {
  const [, handle = "", digits] = REFRESH.exec(text) ?? [];
  const parsed = split(handle);
  return (
    parsed && { ...parsed, generation: digits === undefined ? undefined : Number.parseInt(digits, BASE) }
  );
}

const refreshParts = (grant: Grant, generation: number): readonly string[] => [
  grant.id,
  String(generation),
  grant.salt,
];

async function anyMatches(
  macs: readonly VersionedMac[],
  given: Uint8Array,
  label: string,
  parts: readonly string[],
): Promise<boolean> {
  const matches = await Promise.all(macs.map(({ mac }) => mac.matches(given, label, parts)));
  return matches.includes(true);
}
