/**
 * The keys of a deployment, after its first day. Their file is `SECRETS_FILE`, else the one that `npm run deploy` named.
 *
 *   npm run secrets -- rotate HANDLE_KEY      puts a new key in front (also KEY_ENCRYPTION_KEY), in the file and on the Worker
 *   npm run secrets -- drop HANDLE_KEY 1      takes version 1 out again
 *   npm run secrets -- put                    gives the Worker what the file holds, as it is
 *
 * Environment: WORKER and DATABASE as for `npm run deploy`.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import * as plan from "./deploy-plan.ts";
import * as kept from "./kept-secrets.ts";
import { finish, must, root, withSecretsFile } from "./wrangler.ts";

const USAGE = "npm run secrets -- rotate NAME | drop NAME VERSION | put";

type Place = {
  readonly names: plan.Names;
  readonly id: string;
  readonly config: string;
  readonly file: string;
};

function place(): Place {
  const toml = readFileSync(resolve(root, "wrangler.toml"), "utf8");
  const names = plan.namesOf(toml, { worker: process.env.WORKER, database: process.env.DATABASE });
  const config = resolve(root, plan.configFile(toml, names));
  const id = existsSync(config) ? plan.inToml(readFileSync(config, "utf8"), "database_id") : undefined;
  if (id === undefined) throw new Error(`${config} is missing: run npm run deploy once on this machine`);
  return { names, id, config, file: kept.keptFile(process.env, names.worker, id) };
}

function keysIn({ file }: Place): plan.Secrets {
  const secrets = kept.readKept(file);
  if (Object.keys(secrets).length === 0) throw new Error(`there are no keys in ${file}: say SECRETS_FILE=…`);
  return secrets;
}

/** The Worker runs with them within seconds; nothing else of it changes. */
async function upload({ names, file }: Place, secrets: plan.Secrets): Promise<void> {
  try {
    await withSecretsFile(secrets, (json) => must(["secret", "bulk", json, "--name", names.worker]));
  } catch (cause) {
    throw new Error(
      `${cause instanceof Error ? cause.message : cause}\n${file} holds the keys as they should be. Once that is mended: npm run secrets -- put`,
    );
  }
}

/** The file first: a key that the Worker seals with must never be in the Worker alone. */
async function change(at: Place, name: plan.SecretName, next: (value: string) => string): Promise<void> {
  const before = keysIn(at);
  const value = before[name];
  if (value === undefined) throw new Error(`${at.file} holds no ${name}`);
  const changed = { ...before, [name]: next(value) };
  kept.writeKept(at.file, at.names.worker, at.id, changed);
  await upload(at, { [name]: changed[name] });
  const versions = (changed[name] ?? "").split(",").map((entry) => entry.slice(0, entry.indexOf(":")));
  console.log(
    `${name} has the versions ${versions.join(", ")} now, the first one current. Kept in ${at.file}`,
  );
}

/** How much is still closed with a version of KEY_ENCRYPTION_KEY. */
async function sealedBy({ config }: Place, version: number): Promise<number> {
  const query = `SELECT (SELECT count(*) FROM signing_keys WHERE wrapped_by = ${version}) + (SELECT count(*) FROM clients WHERE secret_sealed LIKE '${version}.%' OR old_secret_sealed LIKE '${version}.%') AS n`;
  const asked = ["d1", "execute", "DB", "--remote", "--json", "--config", config, "--command", query];
  return plan.rowsOf<{ n: number }>(await must(asked, true))[0]?.n ?? 0;
}

async function drop(at: Place, name: plan.SecretName, version: number): Promise<void> {
  if (name === "KEY_ENCRYPTION_KEY") {
    const sealed = await sealedBy(at, version);
    if (sealed > 0) {
      throw new Error(
        `${sealed} keys and client secrets are still closed with version ${version} (docs/operating.md, "Rotating")`,
      );
    }
  }
  await change(at, name, (value) => kept.without(value, version));
}

function readName(text: string | undefined): plan.SecretName {
  const name = plan.SECRETS.find((one) => one === text);
  if (name === undefined) throw new Error(`usage: ${USAGE}`);
  if (!kept.isRotated(name)) throw new Error(`${name} has no versions (docs/operating.md, "Rotating")`);
  return name;
}

async function main(): Promise<void> {
  const [verb, text, version] = process.argv.slice(2);
  if (verb === "put" && text === undefined) {
    const at = place();
    return await upload(at, keysIn(at));
  }
  if (verb === "rotate" && version === undefined) {
    const name = readName(text);
    return await change(place(), name, (value) => kept.rotated(value, randomBytes(32)));
  }
  if (verb === "drop" && /^[1-9]\d{0,8}$/.test(version ?? "")) {
    const name = readName(text);
    return await drop(place(), name, Number(version));
  }
  throw new Error(`usage: ${USAGE}`);
}

await finish(main);
