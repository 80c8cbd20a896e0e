import { applyD1Migrations, reset } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";

const BEFORE = "0005_realms.sql";

const earlier = () => env.TEST_MIGRATIONS.filter(({ name }) => name < BEFORE);

async function put(table: string, row: Readonly<Record<string, string | number | null>>): Promise<void> {
  const names = Object.keys(row);
  const holes = names.map(() => "?").join(", ");
  const values = Object.values(row);
  await env.DB.prepare(`insert into ${table} (${names.join(", ")}) values (${holes})`)
    .bind(...values)
    .run();
}

const client = (id: string) =>
  put("clients", {
    id,
    name: id,
    kind: "public",
    redirect_uris: "[]",
    allowed_origins: "[]",
    grant_types: "[]",
    public_keys: "[]",
    settings: "{}",
    created_at: 1,
    updated_at: 1,
  });

async function user(id: string, externalId: string | null, by: string | null, madeBy?: string) {
  await put("users", {
    id,
    external_id: externalId,
    external_asserted_by: by,
    status: "active",
    created_at: 1,
    updated_at: 1,
  });
  if (!madeBy) return;
  const event = { id: `a-${id}`, at: 1, type: "user.created", actor: `client:${madeBy}`, user_id: id };
  await put("audit_events", event);
}

const identifier = (userId: string, normal: string, by: string, verifiedAt: number | null = null) =>
  put("identifiers", {
    kind: "email",
    normal,
    value: normal,
    user_id: userId,
    asserted_by: by,
    verified_at: verifiedAt,
    created_at: 1,
  });

const rows = async (sql: string) => (await env.DB.prepare(sql).all()).results;

beforeEach(async () => {
  await reset();
  await applyD1Migrations(env.DB, earlier());
  expect(await rows("select name from pragma_table_info('users') where name = 'realm'")).toEqual([]);
});

test("T112 names of the version before get the owner whose word they were", async () => {
  await client("shop");
  await client("blog");
  await user("u-proved", null, null, "shop");
  await identifier("u-proved", "proved@example.com", "proof", 5);
  await user("u-backend", "42", "client", "shop");
  await identifier("u-backend", "backend@example.com", "client");
  await identifier("u-backend", "vouched@example.com", "client", 6);
  await user("u-both", null, null, "shop");
  await identifier("u-both", "both@example.com", "client", 7);
  const redeemed = { at: 2, type: "verify_identifier.redeemed", actor: "client:shop", user_id: "u-both" };
  await put("audit_events", { id: "b", ...redeemed });
  await user("u-claimed", "ada", "anonymous", "blog");
  await identifier("u-claimed", "claimed@example.com", "anonymous");
  await user("u-operator", "op", "admin");
  await identifier("u-operator", "operator@example.com", "admin");
  await user("u-unknown", "lost", "client");
  await identifier("u-unknown", "lost@example.com", "client");

  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);

  const names = "select normal, owner, client_id, verified_at, vouched_at from identifiers order by normal";
  const row = (normal: string, owner: string, clientId: string | null, verified = 0, vouched = 0) => ({
    normal: `${normal}@example.com`,
    owner,
    client_id: clientId,
    verified_at: verified || null,
    vouched_at: vouched || null,
  });
  expect(await rows(names)).toEqual([
    row("backend", "shop", "shop"),
    // A proof of the address cannot be told from the backend's word any more: they prove it once more.
    row("both", "shop", "shop", 0, 7),
    row("claimed", "?blog", "blog"),
    row("lost", "?", null),
    row("operator", "*", null),
    row("proved", "", "shop", 5),
    row("vouched", "shop", "shop", 0, 6),
  ]);
  expect(
    await rows(
      "select external_id, external_owner, external_client from users where external_id is not null order by 1",
    ),
  ).toEqual([
    { external_id: "42", external_owner: "shop", external_client: "shop" },
    { external_id: "ada", external_owner: "?blog", external_client: "blog" },
    { external_id: "lost", external_owner: "?", external_client: null },
    { external_id: "op", external_owner: "*", external_client: null },
  ]);
  expect(await rows("select distinct realm from users union select realm from identifiers")).toEqual([
    { realm: "main" },
  ]);
});

test("where there is one client alone, a word without a known giver is that client's", async () => {
  await client("shop");
  await user("u-1", "7", "client");
  await identifier("u-1", "one@example.com", "client");
  await applyD1Migrations(env.DB, env.TEST_MIGRATIONS);
  expect(await rows("select owner from identifiers")).toEqual([{ owner: "shop" }]);
  expect(await rows("select external_owner from users")).toEqual([{ external_owner: "shop" }]);
});
