import type { Http } from "../load/http.ts";
import type { Way } from "./way.ts";

/** What the clients of one sign-in saw. */
export type Seen = {
  readonly way: Way;
  readonly user: string;
  /** What the phone was told has been taken: from then on it must not get lost. */
  decision?: "approved" | "denied";
  /** How it ended by the socket of the one who waited. */
  heard?: string;
  /** Results that were answered for it: one, however often it was asked. */
  readonly results: Set<string>;
  /** Whether a lost answer was asked for again too late, or could not be: its result may be gone then. */
  isLate: boolean;
};

/** What the server has of one user: rows of the audit trail by their ends, and the grants that it lists. */
export type Kept = {
  readonly redeemed: number;
  readonly denied: number;
  readonly reused: number;
  readonly granted: number;
};

/** What does not fit between the two, in words. */
export function differencesOf(seen: Seen, { redeemed, denied, reused, granted }: Kept): readonly string[] {
  const { way, decision, heard, results, isLate } = seen;
  const most = 1 + way.sessions;
  const differences: readonly (readonly [boolean, string])[] = [
    [decision === "approved" && results.size === 0 && !isLate, "a yes whose result never came"],
    [decision === "approved" && denied > 0, "a yes that is on record as a no"],
    [decision === "denied" && denied !== 1, "a no that is not on record once"],
    [decision === "denied" && (results.size > 0 || redeemed > 0), "a result after a no"],
    [results.size > 1, `${results.size} different results of one yes`],
    [results.size > 0 && redeemed < most, "a result that is not on record"],
    [redeemed > most, "redeemed more than once"],
    [granted !== (way.opensGrant ? redeemed : 0), "grants and records differ"],
    [reused > 0, "a refresh token that was taken for stolen"],
    [heard !== undefined && decision !== undefined && heard !== decision, `its socket heard ${heard}`],
  ];
  return differences.filter(([isWrong]) => isWrong).map(([, what]) => what);
}

export type Difference = { readonly seen: Seen; readonly says: string };

const AT_ONCE = 6;

/** What the server has of each user, held against what their clients saw. */
export async function reconcile(
  http: Http,
  adminToken: string,
  ledger: readonly Seen[],
): Promise<readonly Difference[]> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const found: Difference[] = [];
  const left = ledger.values();
  const reader = async () => {
    for (const seen of left) {
      const kept = await keptOf(http, headers, seen);
      const counts = JSON.stringify(kept);
      for (const what of differencesOf(seen, kept)) {
        found.push({ seen, says: `${seen.way.name} ${seen.user}: ${what}, ${counts}` });
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, reader));
  return found;
}

type Headers = Readonly<Record<string, string>>;

async function keptOf(http: Http, headers: Headers, { way, user }: Seen): Promise<Kept> {
  const id = await idOf(http, headers, user);
  const [{ body: grants }, { body: audit }] = await Promise.all([
    http.read(`/admin/users/${id}/grants`, 200, { headers }),
    http.read(`/admin/audit?user_id=${id}`, 200, { headers }),
  ]);
  const rows = (wanted: string): number =>
    audit.events.filter(({ type }: { readonly type: string }) => type === wanted).length;
  return {
    redeemed: rows(`${way.purpose}.redeemed`),
    denied: rows(`${way.purpose}.denied`),
    reused: rows("refresh_reused"),
    granted: grants.grants.length,
  };
}

async function idOf(http: Http, headers: Headers, user: string): Promise<string> {
  if (user.startsWith("user_id=")) return user.slice("user_id=".length);
  const { body } = await http.read(`/admin/users?${user}`, 200, { headers });
  return body.users[0].user_id;
}
