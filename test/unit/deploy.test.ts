import { spawn } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as plan from "../../scripts/deploy-plan.ts";

const root = resolve(import.meta.dirname, "../..");
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
    const made = plan.makeSecrets(plan.SECRETS, () => new Uint8Array(32).fill(++seed));
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
    const after = plan.withDatabaseId(toml, ID).split("\n");
    const changed = after.filter((line, index) => line !== before[index]);
    expect(changed).toEqual([`database_id = "${ID}"`]);
    expect(after.length).toBe(before.length);
  });
  test("refuses a file without exactly one place for it, and an id that is none", () => {
    expect(() => plan.withDatabaseId("name = 'x'", ID)).toThrow("0 lines");
    expect(() => plan.withDatabaseId(`${toml}\n${toml}`, ID)).toThrow("2 lines");
    expect(() => plan.withDatabaseId(toml, '"\nname = "x')).toThrow("not a database id");
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

describe("the real wrangler", () => {
  let api: Server;
  let base = "";
  const absent = { "/secrets": [404, 10007], "/queues": [200, 0], "/d1/database": [200, 0] } as const;

  beforeAll(async () => {
    api = createServer((request, response) => {
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
    expect(plan.findDatabaseId(databases.out, plan.DATABASE)).toBeUndefined();
  });

  test("when unreachable, is not taken for an empty account", async () => {
    const nowhere = "http://127.0.0.1:9";
    const secrets = await ask(["secret", "list", "--format", "json"], nowhere);
    expect(() => plan.missingSecrets(secrets)).toThrow();
    expect(() => plan.isMissingQueue(secrets)).toThrow();
  });

  test("accepts the generated configuration and the secrets file (dry run)", async () => {
    mkdirSync(join(folder, "src"));
    writeFileSync(join(folder, "wrangler.deploy.toml"), plan.withDatabaseId(toml, ID));
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

describe("npm run deploy, against a recorded wrangler", () => {
  type Call = {
    readonly args: readonly string[];
    readonly secrets?: Record<string, string>;
    readonly mode?: number;
  };
  type World = {
    databases: readonly string[];
    queues: readonly string[];
    secrets: readonly string[] | null;
    deploy: number;
  };

  const stub = `#!${process.execPath}
const fs = require("node:fs");
const args = process.argv.slice(2);
const world = JSON.parse(fs.readFileSync(process.env.STUB_WORLD, "utf8"));
const call = { args };
const at = args.indexOf("--secrets-file");
if (at >= 0) {
  call.secrets = JSON.parse(fs.readFileSync(args[at + 1], "utf8"));
  call.mode = fs.statSync(args[at + 1]).mode & 0o777;
}
fs.appendFileSync(process.env.STUB_CALLS, JSON.stringify(call) + "\\n");
const save = () => fs.writeFileSync(process.env.STUB_WORLD, JSON.stringify(world));
const fail = (text) => { console.error(text); process.exit(1); };
const [a, b, c] = args;
if (a === "d1" && b === "list") console.log(JSON.stringify(world.databases.map((name) => ({ name, uuid: "${ID}" }))));
if (a === "d1" && b === "create") { world.databases.push(c); save(); }
if (a === "queues" && b === "info" && !world.queues.includes(c)) fail('Queue "' + c + '" does not exist. To create it, run');
if (a === "secret" && world.secrets === null) fail('Worker "countersign" not found.');
if (a === "secret") console.log(JSON.stringify(world.secrets.map((name) => ({ name, type: "secret_text" }))));
if (a === "deploy" && world.deploy !== 0) fail("upload refused");
`;

  const deploy = async (world: World, env: Record<string, string>): Promise<Finished & { calls: Call[] }> => {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    // Whatever lies in the folders above, the stub is no module.
    writeFileSync(join(bin, "package.json"), "{}");
    writeFileSync(join(bin, "wrangler"), stub);
    chmodSync(join(bin, "wrangler"), 0o755);
    writeFileSync(join(folder, "world.json"), JSON.stringify(world));
    writeFileSync(join(folder, "calls"), "");
    const finished = await run(process.execPath, [join(root, "scripts/deploy.ts")], root, {
      ...env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      TMPDIR: folder,
      STUB_WORLD: join(folder, "world.json"),
      STUB_CALLS: join(folder, "calls"),
    });
    const lines = readFileSync(join(folder, "calls"), "utf8").split("\n").filter(Boolean);
    return { ...finished, calls: lines.map((line) => JSON.parse(line) as Call) };
  };
  const verbs = (calls: readonly Call[]) => calls.map(({ args }) => args.slice(0, 2).join(" "));
  const secretsFileOf = (call: Call | undefined) => call?.args[call.args.indexOf("--secrets-file") + 1] ?? "";

  afterEach(() => rmSync(join(root, "wrangler.deploy.toml"), { force: true }));

  test("a first deployment makes everything once and shows the admin token", async () => {
    const empty: World = { databases: ["other"], queues: [], secrets: null, deploy: 0 };
    const { code, out, calls } = await deploy(empty, { ISSUER: "https://sign.example" });
    expect(code, out).toBe(0);
    expect(verbs(calls)).toEqual([
      ...["secret list", "d1 list", "d1 create", "d1 list"],
      ...["queues info", "queues create", "queues info", "queues create"],
      ...["d1 migrations", "deploy --config"],
    ]);
    expect(calls.at(-2)?.args).toContain("--remote");
    const release = calls.at(-1);
    expect(Object.keys(release?.secrets ?? {})).toEqual([...plan.SECRETS]);
    expect(release?.mode).toBe(0o600);
    expect(existsSync(secretsFileOf(release))).toBe(false);
    expect(release?.args.slice(-2)).toEqual(["--var", "ISSUER:https://sign.example"]);
    expect(out.split(release?.secrets?.ADMIN_TOKEN ?? "?").length - 1).toBe(1);
    for (const name of ["KEY_ENCRYPTION_KEY", "HANDLE_KEY", "PEPPER"]) {
      expect(out).not.toContain(release?.secrets?.[name] ?? "?");
    }
    expect(readFileSync(join(root, "wrangler.deploy.toml"), "utf8")).toContain(ID);
    expect(readFileSync(join(root, "wrangler.toml"), "utf8")).toBe(toml);
  });

  test("a second one makes nothing and shows no token", async () => {
    const full: World = { databases: [plan.DATABASE], queues: plan.QUEUES, secrets: plan.SECRETS, deploy: 0 };
    const { code, out, calls } = await deploy(full, {});
    expect(code, out).toBe(0);
    expect(verbs(calls).filter((verb) => verb.includes("create"))).toEqual([]);
    expect(calls.at(-1)?.args).not.toContain("--secrets-file");
    expect(out).not.toContain("ADMIN_TOKEN");
  });

  test("only the missing secret is sent", async () => {
    const secrets = plan.SECRETS.filter((name) => name !== "PEPPER");
    const world: World = { databases: [plan.DATABASE], queues: plan.QUEUES, secrets, deploy: 0 };
    const { code, out, calls } = await deploy(world, {});
    expect(code, out).toBe(0);
    expect(Object.keys(calls.at(-1)?.secrets ?? {})).toEqual(["PEPPER"]);
    expect(out).not.toContain("shown this once");
  });

  test("a refused upload fails, shows no token and leaves no secrets file", async () => {
    const world: World = { databases: [plan.DATABASE], queues: plan.QUEUES, secrets: [], deploy: 1 };
    const { code, out, calls } = await deploy(world, { ISSUER: "https://sign.example" });
    expect(code).toBe(1);
    expect(out).not.toContain("shown this once");
    expect(secretsFileOf(calls.at(-1))).not.toBe("");
    expect(existsSync(secretsFileOf(calls.at(-1)))).toBe(false);
  });

  test("without an issuer a first deployment changes nothing", async () => {
    const { code, out, calls } = await deploy({ databases: [], queues: [], secrets: null, deploy: 0 }, {});
    expect(code).toBe(1);
    expect(out).toContain("ISSUER=https://");
    expect(verbs(calls)).toEqual(["secret list"]);
  });
});
