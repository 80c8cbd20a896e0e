import { Outage } from "../core/fault.ts";
import type { Grant } from "../core/grant/state.ts";
import type { ChallengeId, GrantId } from "../core/ids.ts";
import { parseChallengeId } from "../core/ids.ts";
import type { Handles } from "../core/ports/secrets.ts";
import { fromBase64Url } from "./base64.ts";
import { MAC_LENGTH, type Mac, makeMac } from "./mac.ts";
import { joinParts, sha256 } from "./parts.ts";
import type { SecretKeys } from "./secret-keys.ts";

type VersionedMac = { readonly version: number; readonly mac: Mac };

/** Generations that a presented refresh token is looked for, counted back from the grant's own. */
const GENERATIONS_BACK = 1_000;
const CHUNK = 50;

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
      return `${grant.id}.${await key.mac.sign("refresh", refreshParts(grant, grant.generation))}`;
    },
    grantIdOf: (token): GrantId | undefined => split(token)?.id,
    async generationOf(token, grant) {
      const parsed = split(token);
      if (parsed === undefined || parsed.id !== grant.id) return undefined;
      return findGeneration(macs, parsed.mac, grant);
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

/** Newest first: the current token and the previous one are what honest clients present. */
async function findGeneration(
  macs: readonly VersionedMac[],
  given: Uint8Array,
  grant: Grant,
): Promise<number | undefined> {
  const oldest = Math.max(1, grant.generation - GENERATIONS_BACK);
  let newest = grant.generation;
  while (newest >= oldest) {
    const size = Math.min(newest === grant.generation ? 2 : CHUNK, newest - oldest + 1);
    const chunk = Array.from({ length: size }, (_, back) => newest - back);
    const matches = await Promise.all(
      chunk.map((generation) => anyMatches(macs, given, "refresh", refreshParts(grant, generation))),
    );
    const hit = matches.indexOf(true);
    if (hit >= 0) return chunk[hit];
    newest -= size;
  }
  return undefined;
}
