import type { Http } from "../load/http.ts";
import type { Way } from "./doors.ts";

/** What the client of one sign-in saw. */
export type Seen = {
  readonly way: Way;
  readonly user: string;
  /** Whether the phone's yes was answered: from then on it must not get lost. */
  approved: boolean;
  /** Results that were answered for it: one, however often it was asked. */
  readonly results: Set<string>;
};

/** What the server has of each user, held against what their client saw; each difference in words. */
export async function reconcile(http: Http, adminToken: string, ledger: readonly Seen[]): Promise<string[]> {
  const headers = { authorization: `Bearer ${adminToken}` };
  const wrong: string[] = [];
  for (const { way, user, approved, results } of ledger) {
    const id = await idOf(http, headers, user);
    const { body: grants } = await http.read(`/admin/users/${id}/grants`, 200, { headers });
    const path = `/admin/audit?user_id=${id}&type=${way.type}`;
    const { body: audit } = await http.read(path, 200, { headers });
    const [granted, recorded] = [grants.grants.length, audit.events.length];
    const say = (what: string) =>
      wrong.push(`${way.name} ${user}: ${what}, ${granted} grants, ${recorded} on record`);
    if (approved && results.size === 0) say("an approval whose result never came");
    if (results.size > 1) say(`${results.size} different results of one approval`);
    if (recorded > 1) say("redeemed more than once");
    if (results.size === 1 && recorded === 0) say("a result that is not on record");
    if (granted !== (way.opensGrant ? recorded : 0)) say("grants and records differ");
  }
  return wrong;
}

async function idOf(http: Http, headers: Readonly<Record<string, string>>, user: string): Promise<string> {
  if (user.startsWith("user_id=")) return user.slice("user_id=".length);
  const { body } = await http.read(`/admin/users?${user}`, 200, { headers });
  return body.users[0].user_id;
}
