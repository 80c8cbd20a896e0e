import { env } from "cloudflare:workers";
import type { ClientId, DeviceId, UserId } from "../../../src/core/ids.ts";
import { type Answer, deployment } from "./cotter.ts";

/** The operator's own isolate: it knows nothing of what another one remembers. */
export const operator = deployment();
const ADMIN = { Authorization: "Bearer dev-admin-token" };

/** A call of the admin API. */
export const admin = (method: string, path: string, body?: unknown): Promise<Answer> =>
  operator.call(method, `/admin${path}`, body, ADMIN);

async function done(method: string, path: string, body?: unknown): Promise<void> {
  const answer = await admin(method, path, body);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`);
}

/** The acts on a user; each answers the devices that it has removed by themselves. */
export async function lock(userId: UserId): Promise<readonly DeviceId[]> {
  await done("PATCH", `/users/${userId}`, { status: "locked" });
  return [];
}

export async function signOut(userId: UserId): Promise<readonly DeviceId[]> {
  // It ends what began in an earlier millisecond.
  await scheduler.wait(2);
  await done("DELETE", `/users/${userId}/grants`);
  return [];
}

export async function remove(userId: UserId): Promise<readonly DeviceId[]> {
  await done("DELETE", `/users/${userId}`);
  return [];
}

export async function removeDevices(userId: UserId): Promise<readonly DeviceId[]> {
  const devices = await operator.services.devices.ofUser(userId);
  for (const { id } of devices) await done("DELETE", `/users/${userId}/devices/${id}`);
  return devices.map(({ id }) => id);
}

export const unlock = (userId: UserId): Promise<void> =>
  done("PATCH", `/users/${userId}`, { status: "active" });

export const disable = (clientId: ClientId): Promise<void> => done("DELETE", `/clients/${clientId}`);

const USABLE = [
  `'device ' || id || ' ' || kind from devices where user_id = ?1 and revoked_at is null`,
  `'address ' || id from authenticators where user_id = ?1 and kind <> 'device' and verified_at is not null`,
  `'name ' || kind || ' ' || normal || ' ' || owner || ' ' || coalesce(verified_at, '') from identifiers where user_id = ?1`,
  `'code ' || code_hash from user_codes where user_id = ?1`,
  `'grant ' || id from grants where user_id = ?1`,
  `'met ' || code || ' ' || idempotency_key from actions where user_id = ?1 and state = 'challenge_succeeded'`,
];
const REMAINS = [
  "'users' from users where id = ?1",
  ...["devices", "identifiers", "authenticators", "actions", "profiles", "client_profiles", "grants"].map(
    (table) => `'${table}' from ${table} where user_id = ?1`,
  ),
];

/** Of a user, as D1 has it, each as one text. */
export type Left = {
  /** What can be used. */
  readonly usable: ReadonlySet<string>;
  /** The table of every row that a deleted user must not leave behind; the audit trail and codes that run out by themselves stay. */
  readonly remains: ReadonlySet<string>;
};

/** One statement: the walks ask this thousands of times. */
const LEFT = [USABLE, REMAINS]
  .map((texts) =>
    texts.map(
      (text) => `json((select json_group_array(t) from (select ${text.replace(" from ", " as t from ")})))`,
    ),
  )
  .map((arrays) => `json_array(${arrays.join(", ")})`);
const left = env.DB.prepare(`select ${LEFT[0]} as usable, ${LEFT[1]} as remains`);

export async function leftOf(userId: UserId): Promise<Left> {
  const row = await left.bind(userId).first<Record<keyof Left, string>>();
  if (row === null) throw new Error("D1 answered no row");
  const textsOf = (json: string) => new Set((JSON.parse(json) as string[][]).flat());
  return { usable: textsOf(row.usable), remains: textsOf(row.remains) };
}
