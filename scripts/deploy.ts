/**
 * `ISSUER=https://sign.example npm run deploy`: makes what is missing (database, queues, secrets), migrates, deploys.
 * Running it again changes nothing but the code. wrangler finds the account by `wrangler login` or CLOUDFLARE_API_TOKEN.
 *
 * Environment: ISSUER; WORKER (another Worker of the account); DATABASE (its database, where the name differs); ADOPT_DATABASE (a new Worker
 * on a database that was used); KEY_ENCRYPTION_KEY, HANDLE_KEY, PEPPER, ADMIN_TOKEN or SECRETS_FILE (docs/operating.md, "The keys").
 *
 * Real ids and names go into a configuration that git ignores: wrangler.toml stays as it was checked out.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import * as plan from "./deploy-plan.ts";
import * as kept from "./kept-secrets.ts";
import { finish, must, root, withSecretsFile, wrangler } from "./wrangler.ts";

type Database = { readonly id: string; readonly isMade: boolean };
type Found = { readonly toml: string; readonly names: plan.Names; readonly isNew: boolean };

/** A deployment that was restored on another database must not fall back to the old one for want of a word. */
function refuseOther({ names, isNew }: Found, config: string): void {
  const before = existsSync(config) ? plan.inToml(readFileSync(config, "utf8"), "database_name") : undefined;
  if (isNew || before === undefined || before === names.database || process.env.DATABASE) return;
  throw new Error(
    `The last deployment from here was on the database ${before}, not ${names.database}. Write database_name = "${before}" into wrangler.toml, or say which one is meant: DATABASE=…`,
  );
}

async function database({ names, isNew }: Found): Promise<Database> {
  const find = async () => plan.findDatabaseId(await must(["d1", "list", "--json"], true), names.database);
  const existing = await find();
  if (existing) return { id: existing, isMade: false };
  if (!isNew && process.env.DATABASE !== names.database) {
    throw new Error(
      `The Worker ${names.worker} is there, but no database ${names.database}. Name its database (DATABASE=… npm run deploy), or have this one made: DATABASE=${names.database} npm run deploy`,
    );
  }
  await must(["d1", "create", names.database, "--update-config=false"]);
  const made = await find();
  if (!made) throw new Error(`the database ${names.database} was made but is not listed`);
  return { id: made, isMade: true };
}

/** Whether the database holds anything that a deployment without its keys could not read, or that is not ours. */
async function isUsed(config: string): Promise<boolean> {
  const ask = async <Row>(command: string) =>
    plan.rowsOf<Row>(
      await must(
        ["d1", "execute", "DB", "--remote", "--json", "--config", config, "--command", command],
        true,
      ),
    );
  const tables = plan.tablesAre((await ask<{ name: string }>(plan.TABLES_QUERY)).map(({ name }) => name));
  if (tables !== "ours") return tables === "foreign";
  return (await ask<{ n: number }>(plan.ROWS_QUERY)).some(({ n }) => n > 0);
}

async function queues({ queue, deadQueue }: plan.Names): Promise<void> {
  for (const name of [queue, deadQueue]) {
    if (plan.isMissingQueue(await wrangler(["queues", "info", name], true))) {
      await must(["queues", "create", name]);
    }
  }
}

/** The users of one deployment are not a second one's, unless that is said. */
function refuseUsed({ names }: Found): void {
  if (process.env.ADOPT_DATABASE === names.database) return;
  throw new Error(
    `The database ${names.database} is in use, and there is no Worker ${names.worker} with its keys. Another name makes a database of its own: WORKER=… npm run deploy. If this one is meant: ADOPT_DATABASE=${names.database} npm run deploy`,
  );
}

type Sources = { readonly given: plan.Secrets; readonly file: string; readonly inFile: plan.Secrets };

function sources(names: plan.Names, id: string): Sources {
  const given = kept.givenSecrets(process.env);
  const file = kept.keptFile(process.env, names.worker, id);
  return { given, file, inFile: kept.readKept(file) };
}

/**
 * A value for each missing secret: from the environment, the kept file, or made. Throws instead of making a key for a database that
 * another one has sealed, and where what is made would be lost with the machine.
 */
function chosen(missing: readonly plan.SecretName[], from: Sources, used: boolean): plan.Secrets {
  const known = { ...from.inFile, ...from.given };
  const unknown = missing.filter((name) => known[name] === undefined);
  const keys = unknown.filter((name) => name !== "ADMIN_TOKEN");
  if (used && keys.length > 0) {
    throw new Error(
      `The database was sealed with other keys than new ones. Give ${keys.join(", ")} by the environment, or by SECRETS_FILE`,
    );
  }
  if (keys.length > 0 && process.env.CI && !process.env.SECRETS_FILE) {
    throw new Error(
      `CI is set, and a machine that is thrown away keeps no keys. Give ${keys.join(", ")} by the environment, or say where to keep them: SECRETS_FILE`,
    );
  }
  const made = kept.makeSecrets(unknown, () => randomBytes(32));
  return Object.fromEntries(missing.map((name) => [name, known[name] ?? made[name]]));
}

/** Puts keys that are nowhere else into the file, before anything is sealed with them. */
function keep(
  secrets: plan.Secrets,
  { given, file, inFile }: Sources,
  names: plan.Names,
  id: string,
): boolean {
  const fresh = plan.KEYS.filter((name) => secrets[name] !== undefined && given[name] === undefined);
  if (fresh.every((name) => inFile[name] === secrets[name])) return false;
  kept.writeKept(file, names.worker, id, { ...secrets, ...inFile });
  return true;
}

async function release(config: string, secrets: plan.Secrets, vars: readonly string[]): Promise<void> {
  if (Object.keys(secrets).length === 0) return void (await must(["deploy", "--config", config, ...vars]));
  await withSecretsFile(secrets, (file) =>
    must(["deploy", "--config", config, "--secrets-file", file, ...vars]),
  );
}

function tell(missing: readonly plan.SecretName[], secrets: plan.Secrets, from: Sources): void {
  const said = (lines: readonly string[]) => lines.forEach((line) => void console.log(line));
  if (missing.length > 0) said([`Secrets that the Worker was given: ${missing.join(", ")}`]);
  if (secrets.ADMIN_TOKEN && from.given.ADMIN_TOKEN === undefined) {
    said([`ADMIN_TOKEN, shown this once: ${secrets.ADMIN_TOKEN}`]);
  }
  if (existsSync(from.file)) {
    said([`Keys: ${from.file}. Keep a copy elsewhere: Cloudflare shows them to nobody.`]);
  }
  const unsent = plan.SECRETS.filter((name) => from.given[name] !== undefined && !missing.includes(name));
  if (unsent.length > 0) {
    said([
      `Not sent, because the Worker has one: ${unsent.join(", ")}. To change one: npm run secrets (docs/operating.md).`,
    ]);
  }
}

async function main(): Promise<void> {
  const toml = readFileSync(resolve(root, "wrangler.toml"), "utf8");
  const names = plan.namesOf(toml, { worker: process.env.WORKER, database: process.env.DATABASE });
  const listed = await wrangler(["secret", "list", "--name", names.worker, "--format", "json"], true);
  const missing = plan.missingSecrets(listed);
  const found: Found = { toml, names, isNew: plan.isNewWorker(listed) };
  const isFirst = missing.length === plan.SECRETS.length;
  const vars = plan.issuerArguments(process.env.ISSUER, toml, isFirst);

  const config = resolve(root, plan.configFile(toml, names));
  refuseOther(found, config);
  const { id, isMade } = await database(found);
  writeFileSync(config, plan.deployConfig(toml, names, id));
  const mustLook = !isMade && (isFirst || missing.some((name) => name !== "ADMIN_TOKEN"));
  const used = mustLook && (await isUsed(config));
  if (used && isFirst) refuseUsed(found);
  const from = sources(names, id);
  const secrets = chosen(missing, from, used);
  if (keep(secrets, from, names, id)) console.log(`The keys are kept in ${from.file}`);

  await queues(names);
  await must(["d1", "migrations", "apply", "DB", "--remote", "--config", config]);
  await release(config, secrets, vars);
  tell(missing, secrets, from);
  const issuer = process.env.ISSUER || plan.inToml(toml, "ISSUER");
  const open = plan.unconfigured(toml, plan.namesListed(listed), issuer);
  for (const line of open) console.log(`Not configured: ${line}`);
  if (open.length > 0) {
    console.log(
      `What the deployment says of itself: curl -H "Authorization: Bearer $ADMIN_TOKEN" ${issuer ?? "$ISSUER"}/healthz`,
    );
  }
}

await finish(main);
