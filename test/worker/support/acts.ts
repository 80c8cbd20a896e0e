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

/** What can be used of a user, as D1 has it: each as one text. */
export async function usable(userId: UserId): Promise<ReadonlySet<string>> {
  const texts = [
    `select 'device ' || id || ' ' || kind from devices where user_id = ?1 and revoked_at is null`,
    `select 'address ' || id from authenticators where user_id = ?1 and kind <> 'device' and verified_at is not null`,
    `select 'name ' || kind || ' ' || normal || ' ' || owner || ' ' || coalesce(verified_at, '') from identifiers where user_id = ?1`,
    `select 'code ' || code_hash from user_codes where user_id = ?1`,
    `select 'grant ' || id from grants where user_id = ?1`,
    `select 'met ' || code || ' ' || idempotency_key from actions where user_id = ?1 and state = 'challenge_succeeded'`,
  ];
  return await textsOf(texts, userId);
}

/** Every row that a deleted user must not leave behind; the audit trail and codes that run out by themselves stay. */
export const remains = (userId: UserId): Promise<ReadonlySet<string>> =>
  textsOf(
    [
      "users where id",
      ...["devices", "identifiers", "authenticators", "actions", "profiles", "client_profiles", "grants"].map(
        (table) => `${table} where user_id`,
      ),
    ].map((from) => `select '${from.split(" ")[0]}' from ${from} = ?1`),
    userId,
  );

async function textsOf(selects: readonly string[], userId: UserId): Promise<ReadonlySet<string>> {
  const results = await env.DB.batch<Record<string, string>>(
    selects.map((select) => env.DB.prepare(select).bind(userId)),
  );
  return new Set(results.flatMap(({ results: rows }) => rows.flatMap((row) => Object.values(row))));
}
