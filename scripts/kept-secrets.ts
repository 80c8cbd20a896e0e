/** The keys that an operator keeps: their forms, their file, how a version is added and taken out. */
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { KEYS, type KeyName, type SecretName, type Secrets } from "./deploy-plan.ts";

const root = resolve(import.meta.dirname, "..");

/** 32 bytes in base64url, as `src/env.ts` demands: the last of 43 digits carries four bits. */
const KEY = "[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]";
const ONE_KEY = new RegExp(`^${KEY}$`);
const VERSIONED = new RegExp(`^[1-9]\\d{0,8}:${KEY}(?:,[1-9]\\d{0,8}:${KEY})*$`);

const ROTATED: readonly SecretName[] = ["KEY_ENCRYPTION_KEY", "HANDLE_KEY"];
/** Whether new keys of this name go in front of the old ones. */
export const isRotated = (name: SecretName): boolean => ROTATED.includes(name);

/** 32 random bytes each, in base64url; those that can be rotated carry their version in front. */
export function makeSecrets(names: readonly SecretName[], random: () => Uint8Array): Secrets {
  return Object.fromEntries(
    names.map((name) => {
      const value = Buffer.from(random()).toString("base64url");
      return [name, isRotated(name) ? `1:${value}` : value];
    }),
  );
}

const published = (): string => readFileSync(resolve(root, ".dev.vars.example"), "utf8");

/** Throws, naming the key and never its value, unless the Worker would take it. */
export function checkKey(name: KeyName, value: string, from: string): string {
  if (!(isRotated(name) ? VERSIONED : ONE_KEY).test(value)) {
    const form = isRotated(name) ? "<version>:<32 bytes in base64url>" : "32 bytes in base64url";
    throw new Error(`${name} of ${from} is not ${form}`);
  }
  const keys = value.split(",").map((entry) => entry.slice(entry.indexOf(":") + 1));
  const example = published();
  if (keys.some((key) => example.includes(key))) {
    throw new Error(`${name} of ${from} is the published one of .dev.vars.example`);
  }
  return value;
}

/** The keys among variables such as `process.env`. */
export function keysOf(variables: Readonly<Record<string, string | undefined>>, from: string): Secrets {
  const given = KEYS.filter((name) => variables[name]);
  return Object.fromEntries(given.map((name) => [name, checkKey(name, variables[name] ?? "", from)]));
}

/** What the environment gives: keys, and the admin's token. */
export function givenSecrets(variables: Readonly<Record<string, string | undefined>>): Secrets {
  const { ADMIN_TOKEN } = variables;
  if (!ADMIN_TOKEN) return keysOf(variables, "the environment");
  if (!/^[\x21-\x7e]{32,}$/.test(ADMIN_TOKEN)) {
    throw new Error("ADMIN_TOKEN of the environment is not 32 printable ASCII characters or more");
  }
  return { ADMIN_TOKEN, ...keysOf(variables, "the environment") };
}

/**
 * Where the keys of a deployment are kept: `SECRETS_FILE`, else a file outside the repository that is named after the Worker and the
 * database that its keys open.
 */
export function keptFile(
  variables: Readonly<Record<string, string | undefined>>,
  worker: string,
  databaseId: string,
): string {
  const config = variables.XDG_CONFIG_HOME || join(variables.HOME || homedir(), ".config");
  const file = variables.SECRETS_FILE
    ? resolve(variables.SECRETS_FILE)
    : join(config, "countersign", `${worker}-${databaseId}.env`);
  const place = relative(root, file);
  if (!place.startsWith("..") && resolve(place) !== place) {
    throw new Error(`keys are not kept inside the repository: SECRETS_FILE is ${file}`);
  }
  return file;
}

/** The keys of a kept file; none when there is no such file. */
export function readKept(file: string): Secrets {
  if (!existsSync(file)) return {};
  const lines = readFileSync(file, "utf8").split(/\r?\n/);
  const entries = lines.flatMap((line) => {
    const [, name, value] = /^([A-Z_]+)=(.*)$/.exec(line.trim()) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return keysOf(Object.fromEntries(entries), file);
}

/** Writes the file whole or not at all, for its owner alone. Lines that are no key of ours stay as they are. */
export function writeKept(file: string, worker: string, databaseId: string, secrets: Secrets): void {
  const note = `# Keys of the Worker ${worker} and its database ${databaseId}. Cloudflare shows them to nobody: keep a copy.`;
  const before = existsSync(file) ? readFileSync(file, "utf8").trimEnd().split(/\r?\n/) : [note];
  const others = before.filter((line) => !KEYS.some((name) => line.trim().startsWith(`${name}=`)));
  const lines = KEYS.flatMap((name) => (secrets[name] === undefined ? [] : [`${name}=${secrets[name]}`]));
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.new`;
  writeFileSync(draft, [...others, ...lines, ""].join("\n"), { mode: 0o600, flag: "wx" });
  renameSync(draft, file);
}

const entriesOf = (value: string): readonly string[] => value.split(",");
const versionOf = (entry: string): number => Number(entry.slice(0, entry.indexOf(":")));

/** The same keys with a new one in front: `2:<new>,1:<old>`. */
export function rotated(value: string, fresh: Uint8Array): string {
  const next = Math.max(...entriesOf(value).map(versionOf)) + 1;
  return `${next}:${Buffer.from(fresh).toString("base64url")},${value}`;
}

/** The same keys without one version; refused for the current one and for one that is not there. */
export function without(value: string, version: number): string {
  const [current, ...others] = entriesOf(value);
  if (current === undefined || versionOf(current) === version) {
    throw new Error(`version ${version} is the current one: put a new one in front first`);
  }
  const left = others.filter((entry) => versionOf(entry) !== version);
  if (left.length === others.length) throw new Error(`there is no version ${version}`);
  return [current, ...left].join(",");
}
