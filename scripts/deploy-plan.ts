/** The decisions of `npm run deploy`, as functions of text: what exists already, what is missing, what to write. */

export const DATABASE = "countersign";
export const QUEUES = ["countersign-events", "countersign-events-dead"] as const;
export const SECRETS = ["ADMIN_TOKEN", "KEY_ENCRYPTION_KEY", "HANDLE_KEY", "PEPPER"] as const;

export type SecretName = (typeof SECRETS)[number];
export type Run = { readonly code: number; readonly out: string };

/** The id that `wrangler d1 list --json` gives for a database; undefined when there is none of that name. */
export function findDatabaseId(listing: string, name: string): string | undefined {
  const rows = JSON.parse(listing) as ReadonlyArray<{ uuid: string; name: string }>;
  return rows.find((row) => row.name === name)?.uuid;
}

/** wrangler.toml with the real database id in the place of the placeholder. Throws unless there is exactly one. */
export function withDatabaseId(toml: string, id: string): string {
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(id)) throw new Error(`not a database id: ${id}`);
  const placeholder = /^database_id = "[^"]*"$/gm;
  const found = toml.match(placeholder)?.length ?? 0;
  if (found !== 1) throw new Error(`wrangler.toml holds ${found} lines database_id = "…", expected 1`);
  return toml.replace(placeholder, `database_id = "${id}"`);
}

/**
 * Which secrets to make. Only wrangler's own "Worker not found" counts as "none yet": taking any other failure for an
 * empty list would overwrite the keys that everything at rest is sealed with.
 */
export function missingSecrets(listed: Run): readonly SecretName[] {
  if (isNewWorker(listed)) return SECRETS;
  if (listed.code !== 0) throw new Error(`the secrets could not be listed\n${listed.out}`);
  const present = (JSON.parse(listed.out) as ReadonlyArray<{ name: string }>).map((row) => row.name);
  return SECRETS.filter((name) => !present.includes(name));
}

export function isNewWorker(listed: Run): boolean {
  return listed.code !== 0 && /Worker "[^"]+" not found\./.test(listed.out);
}

/** Whether a queue is to be made, from `wrangler queues info`. */
export function isMissingQueue(info: Run): boolean {
  if (info.code === 0) return false;
  if (/Queue "[^"]+" does not exist/.test(info.out)) return true;
  throw new Error(`the queue could not be looked up\n${info.out}`);
}

/** 32 random bytes each, in base64url; those that can be rotated carry their version in front. */
export function makeSecrets(
  names: readonly SecretName[],
  random: () => Uint8Array,
): Partial<Record<SecretName, string>> {
  const versioned: readonly SecretName[] = ["KEY_ENCRYPTION_KEY", "HANDLE_KEY"];
  return Object.fromEntries(
    names.map((name) => {
      const value = Buffer.from(random()).toString("base64url");
      return [name, versioned.includes(name) ? `1:${value}` : value];
    }),
  );
}

/** The variables to give with the deployment. A first one must name its issuer: tokens carry it for good. */
export function issuerArguments(issuer: string | undefined, toml: string, isNew: boolean): readonly string[] {
  if (issuer) {
    // The Worker itself refuses everything else (src/env.ts).
    if (!URL.canParse(issuer) || !issuer.startsWith("https://") || new URL(issuer).origin !== issuer) {
      throw new Error("ISSUER must be an https origin: scheme and host, no path and no slash at its end");
    }
    return ["--var", `ISSUER:${issuer}`];
  }
  if (isNew && !/^ISSUER = "/m.test(toml)) {
    throw new Error("a first deployment needs its address: ISSUER=https://sign.example npm run deploy");
  }
  return [];
}
