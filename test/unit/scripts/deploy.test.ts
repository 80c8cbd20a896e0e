import { spawn } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as plan from "../../../scripts/deploy-plan.ts";
import * as kept from "../../../scripts/kept-secrets.ts";
import { migrateLocal } from "../../../scripts/migrate-local.ts";

const root = resolve(import.meta.dirname, "../../..");
const toml = readFileSync(join(root, "wrangler.toml"), "utf8");
const realWrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
const ID = "11111111-2222-4333-8444-555555555555";
const notFound: plan.Run = { code: 1, out: '✘ [ERROR] Worker "countersign" not found.' };

type Finished = { readonly code: number; readonly stdout: string; readonly out: string };

function run(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Record<string, string>,
): Promise<Finished> {
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      WRANGLER_SEND_METRICS: "false",
      NO_COLOR: "1",
      NODE_COMPILE_CACHE: compiled,
      ...env,
    },
  });
  let stdout = "";
  let out = "";
  child.stdout.on("data", (chunk) => {
    stdout += chunk;
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    out += chunk;
  });
  return new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => done({ code: code ?? 1, stdout, out }));
  });
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-deploy-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

let compiled: string;
beforeAll(() => {
  compiled = mkdtempSync(join(tmpdir(), "countersign-compiled-"));
});
afterAll(() => rmSync(compiled, { recursive: true, force: true }));

describe("which secrets are made", () => {
  const listed = (...names: string[]): plan.Run => ({
    code: 0,
    out: JSON.stringify(names.map((name) => ({ name, type: "secret_text" }))),
  });

  test("all of them for a Worker that does not exist yet", () => {
    expect(plan.missingSecrets(notFound)).toEqual(plan.SECRETS);
  });
  test("only those that are not listed", () => {
    expect(plan.missingSecrets(listed("PEPPER", "ADMIN_TOKEN", "OTHER"))).toEqual([
      "KEY_ENCRYPTION_KEY",
      "HANDLE_KEY",
    ]);
    expect(plan.missingSecrets(listed(...plan.SECRETS))).toEqual([]);
  });
  test.each(["fetch failed", "Authentication error [code: 10000]", ""])(
    "none when listing failed: %s",
    (out) => {
      expect(() => plan.missingSecrets({ code: 1, out })).toThrow("could not be listed");
    },
  );
  test("each is 32 bytes of its own; keys that rotate carry a version", () => {
    let seed = 0;
    const made = kept.makeSecrets(plan.SECRETS, () => new Uint8Array(32).fill(++seed));
    expect(Object.keys(made)).toEqual([...plan.SECRETS]);
    expect(made.ADMIN_TOKEN).toMatch(/^[\w-]{43}$/);
    expect(made.KEY_ENCRYPTION_KEY).toMatch(/^1:[\w-]{43}$/);
    expect(made.HANDLE_KEY).toMatch(/^1:[\w-]{43}$/);
    expect(made.PEPPER).toMatch(/^[\w-]{43}$/);
    expect(new Set(Object.values(made)).size).toBe(4);
  });
});

describe("the configuration to deploy", () => {
  test("differs from wrangler.toml in the database id alone", () => {
    const before = toml.split("\n");
    const after = plan.deployConfig(toml, plan.namesOf(toml), ID).split("\n");
    const changed = after.filter((line, index) => line !== before[index]);
    expect(changed).toEqual([`database_id = "${ID}"`]);
    expect(after.length).toBe(before.length);
  });
  test("O2 another Worker has a database, queues and counters of its own", () => {
    const names = plan.namesOf(toml, { worker: "sign-eu" });
    expect(names).toEqual({
      worker: "sign-eu",
      database: "sign-eu",
      queue: "sign-eu-events",
      deadQueue: "sign-eu-events-dead",
    });
    const config = plan.deployConfig(toml, names, ID);
    const values = (text: string, key: string) =>
      [...text.matchAll(new RegExp(`^${key} = "(.*)"`, "gm"))].map(([, value]) => value);
    expect(values(config, "name")[0]).toBe("sign-eu");
    expect(values(config, "queue")).toEqual(["sign-eu-events", "sign-eu-events"]);
    const [ours, theirs] = [values(toml, "namespace_id"), values(config, "namespace_id")];
    expect(theirs).toHaveLength(ours.length);
    expect(new Set([...ours, ...theirs]).size).toBe(2 * ours.length);
    for (const id of theirs) expect(id).toMatch(/^[1-9]\d{0,9}$/);
    expect(config.replace(/^[#;].*$/gm, "")).not.toMatch(/"countersign/);
    expect(plan.configFile(toml, names)).toBe("wrangler.deploy.sign-eu.toml");
    expect(plan.configFile(toml, plan.namesOf(toml))).toBe("wrangler.deploy.toml");
  });
  test("O2 the same holds when the name stands in wrangler.toml; names that an operator wrote stay", () => {
    const renamed = toml.replace('name = "countersign"', 'name = "shop"');
    expect(plan.namesOf(renamed)).toEqual({
      worker: "shop",
      database: "shop",
      queue: "shop-events",
      deadQueue: "shop-events-dead",
    });
    const own = renamed.replace('database_name = "countersign"', 'database_name = "people"');
    expect(plan.namesOf(own).database).toBe("people");
    expect(plan.namesOf(own, { worker: "other" }).database).toBe("other");
    expect(plan.namesOf(own, { database: "third" }).database).toBe("third");
  });
  test.each(["Sign", "sign_eu", "-sign", "sign-", "s".repeat(52), 'a"b'])(
    "O2 refuses the Worker's name %s",
    (worker) => {
      expect(() => plan.namesOf(toml, { worker })).toThrow("lower-case");
    },
  );
  test("refuses a file without exactly one place for it, and an id that is none", () => {
    const names = plan.namesOf(toml);
    expect(() => plan.deployConfig("name = 'x'", names, ID)).toThrow("0 lines");
    expect(() => plan.deployConfig(`${toml}\n${toml}`, names, ID)).toThrow("2 lines");
    expect(() => plan.deployConfig(toml, names, '"\nname = "x')).toThrow("not a database id");
  });
  test.each([
    "http://sign.example",
    "https://sign.example/",
    "https://sign.example?x=1",
    "https://sign.example/sub",
    "sign.example",
  ])("refuses the issuer %s", (issuer) => {
    expect(() => plan.issuerArguments(issuer, toml, false)).toThrow();
  });
  test("a first deployment names its issuer; a later one may leave it as it is", () => {
    expect(() => plan.issuerArguments(undefined, toml, true)).toThrow("ISSUER=");
    expect(plan.issuerArguments(undefined, toml, false)).toEqual([]);
    expect(plan.issuerArguments(undefined, `${toml}\nISSUER = "https://a.example"`, true)).toEqual([]);
    expect(plan.issuerArguments("https://a.example", toml, true)).toEqual([
      "--var",
      "ISSUER:https://a.example",
    ]);
  });
});

describe("the keys that are kept", () => {
  const key = (seed: number) => Buffer.from(new Uint8Array(32).fill(seed)).toString("base64url");

  test("O1 a new key goes in front, and an old one leaves by its version", () => {
    const first = `1:${key(1)}`;
    const second = kept.rotated(first, new Uint8Array(32).fill(2));
    expect(second).toBe(`2:${key(2)},1:${key(1)}`);
    expect(kept.rotated(`1:${key(1)},7:${key(7)}`, new Uint8Array(32).fill(8))).toMatch(/^8:/);
    expect(kept.without(second, 1)).toBe(`2:${key(2)}`);
    expect(() => kept.without(second, 2)).toThrow("current");
    expect(() => kept.without(second, 3)).toThrow("no version 3");
    expect(() => kept.without(first, 1)).toThrow("current");
  });
  test("O1 a key that the Worker would refuse is refused by its name, and is not repeated", () => {
    const bad: Array<[plan.KeyName, string]> = [
      ["PEPPER", `1:${key(1)}`],
      ["PEPPER", "short"],
      ["HANDLE_KEY", key(1)],
      ["HANDLE_KEY", `0:${key(1)}`],
      ["KEY_ENCRYPTION_KEY", `1:${key(1)},`],
      ["PEPPER", "aMnHBG6ZDPOyuP_vVq563JdA7yg6c9gUIOrFDHlDiek"],
    ];
    for (const [name, value] of bad) {
      const refused = () => kept.checkKey(name, value, "the environment");
      expect(refused).toThrow(name);
      expect(refused).not.toThrow(value);
    }
  });
  test("O1 the file is for its owner, outside the repository, and keeps lines that are not ours", () => {
    const at = { HOME: folder };
    const file = kept.keptFile(at, "sign", ID);
    expect(file).toBe(join(folder, ".config/countersign", `sign-${ID}.env`));
    expect(() => kept.keptFile({ SECRETS_FILE: join(root, "keys.env") }, "sign", ID)).toThrow(
      "inside the repository",
    );
    kept.writeKept(file, "sign", ID, { PEPPER: key(3) });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(kept.readKept(file)).toEqual({ PEPPER: key(3) });
    writeFileSync(file, `${readFileSync(file, "utf8")}SMTP_PASSWORD=x\n`);
    kept.writeKept(file, "sign", ID, { PEPPER: key(3), HANDLE_KEY: `1:${key(4)}` });
    expect(kept.readKept(file)).toEqual({ PEPPER: key(3), HANDLE_KEY: `1:${key(4)}` });
    expect(readFileSync(file, "utf8")).toContain("SMTP_PASSWORD=x\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

describe("O5 what is said not to be configured", () => {
  const routed = 'routes = [{ pattern = "sign.example", custom_domain = true }]\n';
  test.each([
    ["as checked out", toml, [], 2],
    ["a sender as a variable", `${toml}\nDELIVERY = "send"`, [], 1],
    ["a sender as a secret", toml, ["DELIVERY"], 1],
    ["with a route", routed + toml, ["DELIVERY"], 0],
  ] as const)("%s", (_, text, secrets, count) => {
    expect(plan.unconfigured(text, secrets, "https://sign.example")).toHaveLength(count);
  });
  test("an address of workers.dev needs no route", () => {
    expect(plan.unconfigured(toml, ["DELIVERY"], "https://sign.me.workers.dev")).toEqual([]);
  });
});

describe("the real wrangler", () => {
  let api: Server;
  let base = "";
  const absent = { "/secrets": [404, 10007], "/queues": [200, 0], "/d1/database": [200, 0] } as const;
  const rows = [{ results: [{ n: 3 }], success: true, meta: {} }];

  beforeAll(async () => {
    api = createServer((request, response) => {
      if (request.url?.includes("/query")) {
        response.writeHead(200, { "content-type": "application/json" });
        response.end(JSON.stringify({ success: true, result: rows, errors: [], messages: [] }));
        return;
      }
      const found = Object.entries(absent).find(([path]) => request.url?.includes(path));
      const [status, code] = found?.[1] ?? [500, 1];
      response.writeHead(status, { "content-type": "application/json" });
      const errors = code === 0 ? [] : [{ code, message: "refused" }];
      response.end(
        JSON.stringify({ success: code === 0, result: code === 0 ? [] : null, errors, messages: [] }),
      );
    });
    await new Promise<void>((done) => api.listen(0, "127.0.0.1", done));
    const address = api.address();
    base = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
  });
  afterAll(() => api.close());

  const ask = async (args: readonly string[], url = base): Promise<plan.Run> => {
    const env = { CLOUDFLARE_API_BASE_URL: url, CLOUDFLARE_ACCOUNT_ID: "a", CLOUDFLARE_API_TOKEN: "t" };
    const { code, stdout, out } = await run(process.execPath, [realWrangler, ...args], root, {
      ...env,
      WRANGLER_HIDE_BANNER: "true",
      XDG_CONFIG_HOME: folder,
    });
    return { code, out: code === 0 ? stdout : out };
  };

  test("says of a missing Worker, queue and database what the plan reads", async () => {
    const [secrets, queue, databases] = await Promise.all([
      ask(["secret", "list", "--format", "json"]),
      ask(["queues", "info", "countersign-events"]),
      ask(["d1", "list", "--json"]),
    ]);
    expect(plan.missingSecrets(secrets)).toEqual(plan.SECRETS);
    expect(plan.isMissingQueue(queue)).toBe(true);
    expect(plan.findDatabaseId(databases.out, "countersign")).toBeUndefined();
  });

  test("answers a query of a deployment's database as the plan reads it", async () => {
    const config = join(folder, "wrangler.deploy.toml");
    writeFileSync(config, plan.deployConfig(toml, plan.namesOf(toml), ID));
    const asked = ["d1", "execute", "DB", "--remote", "--json", "--config", config];
    const { code, out } = await ask([...asked, "--command", plan.ROWS_QUERY]);
    expect(code, out).toBe(0);
    expect(plan.rowsOf(out)).toEqual([{ n: 3 }]);
  });

  // Four starts of the real wrangler.
  test("finds no tables in a bare database, ours in a migrated one, and counts its rows", {
    timeout: 120_000,
  }, async () => {
    const local = ["--local", "--persist-to", folder];
    const query = async <Row>(command: string) => {
      const { code, out } = await ask(["d1", "execute", "DB", ...local, "--json", "--command", command]);
      expect(code, out).toBe(0);
      return plan.rowsOf<Row>(out);
    };
    const tables = async () => (await query<{ name: string }>(plan.TABLES_QUERY)).map(({ name }) => name);
    expect(plan.tablesAre(await tables())).toBe("bare");
    await migrateLocal(root, folder, realWrangler);
    const missing = await ask(["d1", "migrations", "list", "DB", ...local]);
    expect(missing.out, "what wrangler itself would still apply").toMatch("No migrations to apply");
    const made = await tables();
    expect(plan.tablesAre(made)).toBe("ours");
    expect(await query(plan.ROWS_QUERY)).toEqual([{ n: 0 }]);
    expect(plan.tablesAre([...made.slice(0, 2), "posts"])).toBe("foreign");
  });

  test("when unreachable, is not taken for an empty account", async () => {
    const nowhere = "http://127.0.0.1:9";
    const secrets = await ask(["secret", "list", "--format", "json"], nowhere);
    expect(() => plan.missingSecrets(secrets)).toThrow();
    expect(() => plan.isMissingQueue(secrets)).toThrow();
  });

  test("accepts the generated configuration and the secrets file (dry run)", async () => {
    mkdirSync(join(folder, "src"));
    mkdirSync(join(folder, "scripts"));
    writeFileSync(join(folder, "scripts/run.mjs"), "");
    cpSync(resolve(root, "assets"), join(folder, "assets"), { recursive: true });
    writeFileSync(join(folder, "wrangler.deploy.toml"), plan.deployConfig(toml, plan.namesOf(toml), ID));
    const objects = "export class ChallengeObject {}\nexport class InboxObject {}\n";
    const handlers = "export default { fetch: () => new Response(), queue() {}, scheduled() {} };\n";
    writeFileSync(join(folder, "src/worker.ts"), objects + handlers);
    writeFileSync(join(folder, "secrets.json"), JSON.stringify({ ADMIN_TOKEN: "x" }));
    const args = [
      "deploy",
      "--dry-run",
      "--config",
      "wrangler.deploy.toml",
      "--secrets-file",
      "secrets.json",
    ];
    const { code, out } = await run(
      process.execPath,
      [realWrangler, ...args, "--var", "ISSUER:https://a.example"],
      folder,
      {
        XDG_CONFIG_HOME: folder,
      },
    );
    expect(code, out).toBe(0);
    for (const name of ["DB", "CHALLENGES", "INBOXES", "EVENTS", "LIMIT_START", "ADMIN_TOKEN", "ISSUER"]) {
      expect(out).toContain(`env.${name}`);
    }
    expect(out).not.toMatch(/warning/i);
  });
});
