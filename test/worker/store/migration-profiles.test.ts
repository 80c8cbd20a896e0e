import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";

const BEFORE = "0008_profiles.sql";

const run = (sql: string, ...values: readonly (string | number | null)[]) =>
  env.DB.prepare(sql)
    .bind(...values)
    .run();

async function user(id: string, by: string | null, client: string | null, askers: readonly string[] = []) {
  const name = by === null ? null : id;
  const owner = by === "admin" ? "*" : client;
  await run(
    "insert into users (id, realm, external_id, external_asserted_by, external_owner, external_client, status, created_at, updated_at) values (?, 'main', ?, ?, ?, ?, 'active', 1, 1)",
    ...[id, name, by, owner, client],
  );
  await run("insert into profiles values (?, ?, 5)", id, JSON.stringify({ displayName: id }));
  for (const asker of askers) {
    await run(
      "insert into actions (user_id, client_id, code, idempotency_key, state, state_at, created_at, context) values (?, ?, 'a', 'k', 'allow', 1, 1, '{}')",
      ...[id, asker],
    );
  }
}

beforeEach(async () => {
  await reset();
  await applyD1Migrations(
    env.DB,
    env.TEST_MIGRATIONS.filter(({ name }) => name < BEFORE),
  );
});

test("T206 a profile of the version before goes to the client that named the user, else to the only one that asked", async () => {
  await user("named", "client", "shop", ["blog"]);
  await user("by-id", null, null, ["blog"]);
  await user("operators", "admin", null, ["shop"]);
  await user("claimed", "anonymous", "shop", []);
  await user("shared", null, null, ["blog", "shop"]);
  await user("nobodys", null, null);
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  const { results } = await env.DB.prepare(
    "select client_id, json_extract(profile, '$.displayName') as who, updated_at from client_profiles order by who",
  ).all();
  expect(results).toEqual([
    { client_id: "blog", who: "by-id", updated_at: 5 },
    { client_id: "shop", who: "named", updated_at: 5 },
    { client_id: "shop", who: "operators", updated_at: 5 },
  ]);
});
