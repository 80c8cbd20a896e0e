import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as plan from "../../../scripts/deploy-plan.ts";
import { readKept } from "../../../scripts/kept-secrets.ts";
import { type Account, type Call, type Desk, emptyAccount, makeDesk } from "../../fakes/wrangler.ts";

const toml = readFileSync(resolve(import.meta.dirname, "../../../wrangler.toml"), "utf8");
const FIRST = { ISSUER: "https://sign.example" };

let folder: string;
let desk: Desk;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-account-"));
  desk = makeDesk(folder);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const verbs = (calls: readonly Call[]) => calls.map(({ args }) => args.slice(0, 2).join(" "));
const handedFile = ({ args }: Call) =>
  args.includes("--secrets-file") ? args[args.indexOf("--secrets-file") + 1] : args[2];
const kept = () =>
  readdirSync(join(desk.home, ".config/countersign")).map((name) =>
    join(desk.home, ".config/countersign", name),
  );
const secretsOf = (worker: string) => desk.account().workers[worker]?.secrets ?? {};
const key = (seed: number) =>
  Buffer.from(Uint8Array.from({ length: 32 }, (_, at) => (at * at * 7 + seed * 31 + at) % 256)).toString(
    "base64url",
  );
const KEYS = { KEY_ENCRYPTION_KEY: `1:${key(1)}`, HANDLE_KEY: `1:${key(2)}`, PEPPER: key(3) };

/** What a deployment that serves has: rows. */
const use = (database: string) =>
  desk.change(({ databases }) => {
    const found = databases[database];
    if (found) Object.assign(found.tables, { clients: 1, users: 3, signing_keys: 2 });
  });

async function deployed(env: Readonly<Record<string, string>> = FIRST) {
  const ended = await desk.run("deploy", [], env);
  expect(ended.code, ended.out).toBe(0);
  return ended;
}

describe("npm run deploy, against a stand-in for wrangler", () => {
  test("O1 a first deployment makes everything once, shows the admin token and keeps the keys", async () => {
    const { out, calls } = await deployed();
    expect(verbs(calls)).toEqual([
      ...["secret list", "d1 list", "d1 create", "d1 list"],
      ...["queues info", "queues create", "queues info", "queues create"],
      ...["d1 migrations", "deploy --config"],
    ]);
    expect(calls.at(-2)?.args).toContain("--remote");
    const release = calls.at(-1) as Call;
    expect(Object.keys(release.secrets ?? {})).toEqual([...plan.SECRETS]);
    expect(release.mode).toBe(0o600);
    expect(existsSync(handedFile(release) ?? "")).toBe(false);
    expect(release.args.slice(-2)).toEqual(["--var", "ISSUER:https://sign.example"]);
    expect(out.split(release.secrets?.ADMIN_TOKEN ?? "?").length - 1).toBe(1);
    for (const name of plan.KEYS) expect(out).not.toContain(release.secrets?.[name] ?? "?");
    expect(readFileSync(join(desk.checkout, "wrangler.toml"), "utf8")).toBe(toml);

    const [file = ""] = kept();
    expect(out).toContain(file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const { ADMIN_TOKEN: _, ...keys } = release.secrets ?? {};
    expect(readKept(file)).toEqual(keys);
  });

  test("a second one makes nothing, shows no token and leaves the kept file alone", async () => {
    await deployed();
    const [file = ""] = kept();
    const before = readFileSync(file, "utf8");
    const { out, calls } = await deployed({});
    expect(verbs(calls).filter((verb) => verb.includes("create"))).toEqual([]);
    expect(calls.at(-1)?.args).not.toContain("--secrets-file");
    expect(out).not.toContain("shown this once");
    expect(out).toContain(file);
    expect(readFileSync(file, "utf8")).toBe(before);
  });

  test("only the missing secret is sent", async () => {
    await deployed();
    desk.change(({ workers }) => void delete workers.countersign?.secrets.ADMIN_TOKEN);
    use("countersign");
    const { calls } = await deployed({});
    expect(Object.keys(calls.at(-1)?.secrets ?? {})).toEqual(["ADMIN_TOKEN"]);
    expect(secretsOf("countersign").PEPPER).toBe(readKept(kept()[0] ?? "").PEPPER);
  });

  test("O1 a refused upload shows no token, leaves no secrets file, and the next try has the same keys", async () => {
    desk.change(({ fails }) => void fails.push("deploy"));
    const { code, out, calls } = await desk.run("deploy", [], FIRST);
    expect(code).toBe(1);
    expect(out).not.toContain("shown this once");
    expect(existsSync(handedFile(calls.at(-1) as Call) ?? "")).toBe(false);
    desk.change((account) => {
      account.fails = [];
    });
    await deployed();
    const { ADMIN_TOKEN: _, ...keys } = secretsOf("countersign");
    expect(keys).toEqual(readKept(kept()[0] ?? ""));
    expect(calls.at(-1)?.secrets?.PEPPER).toBe(keys.PEPPER);
  });

  test("without an issuer a first deployment changes nothing", async () => {
    const { code, out, calls } = await desk.run("deploy");
    expect(code).toBe(1);
    expect(out).toContain("ISSUER=https://");
    expect(verbs(calls)).toEqual(["secret list"]);
    expect(desk.account()).toEqual(emptyAccount());
  });

  test("O1 keys of the environment are sent as they are, and written nowhere", async () => {
    const { out, calls } = await deployed({
      ...FIRST,
      ...KEYS,
      ADMIN_TOKEN: "0123456789abcdef0123456789abcdef",
    });
    expect(secretsOf("countersign")).toMatchObject(KEYS);
    expect(existsSync(join(desk.home, ".config"))).toBe(false);
    expect(out).not.toContain("0123456789abcdef");
    expect(calls.filter((call) => "leaked" in call)).toEqual([]);
    const again = await deployed({ PEPPER: key(9) });
    expect(again.out).toContain("Not sent, because the Worker has one: PEPPER");
    expect(secretsOf("countersign").PEPPER).toBe(KEYS.PEPPER);
  });

  test("O1 a bad key of the environment is refused by its name before anything is made", async () => {
    const { code, out, calls } = await desk.run("deploy", [], { ...FIRST, HANDLE_KEY: key(2) });
    expect(code).toBe(1);
    expect(out).toContain("HANDLE_KEY of the environment");
    expect(out).not.toContain(key(2));
    expect(verbs(calls)).not.toContain("deploy --config");
  });

  test("O1 a machine that is thrown away makes no keys", async () => {
    const { code, out } = await desk.run("deploy", [], { ...FIRST, CI: "true" });
    expect(code).toBe(1);
    expect(out).toContain("CI is set");
    expect(desk.account().workers).toEqual({});
    await deployed({ ...FIRST, CI: "true", SECRETS_FILE: join(folder, "vault.env") });
    expect(readKept(join(folder, "vault.env")).PEPPER).toBe(secretsOf("countersign").PEPPER);
  });

  test("O1 keys are not kept in the repository", async () => {
    const { code, out } = await desk.run("deploy", [], {
      ...FIRST,
      SECRETS_FILE: join(desk.checkout, "keys.env"),
    });
    expect(code).toBe(1);
    expect(out).toContain("inside the repository");
  });

  test("O5 says what is not configured yet, and how to ask the deployment", async () => {
    const { out } = await deployed();
    expect(out).toMatch(/Not configured: DELIVERY/);
    expect(out).toMatch(/Not configured: wrangler\.toml names no route/);
    expect(out).toContain("https://sign.example/healthz");
  });
});

describe("O2 two deployments in one account", () => {
  test("share neither database nor queue nor counter", async () => {
    await deployed();
    await deployed({ ...FIRST, ISSUER: "https://eu.example", WORKER: "sign-eu" });
    const account = desk.account();
    expect(Object.keys(account.databases)).toEqual(["countersign", "sign-eu"]);
    expect(account.queues).toEqual([
      "countersign-events",
      "countersign-events-dead",
      "sign-eu-events",
      "sign-eu-events-dead",
    ]);
    const ids = (worker: string) =>
      [
        ...(account.workers[worker]?.config ?? "").matchAll(/^(?:database_id|namespace_id|queue) = "(.*)"/gm),
      ].map(([, id]) => id);
    const ours = new Set(ids("countersign"));
    expect(ids("sign-eu").filter((id) => ours.has(id))).toEqual([]);
    expect(secretsOf("countersign").PEPPER).not.toBe(secretsOf("sign-eu").PEPPER);
    expect(kept()).toHaveLength(2);
  });

  test("a new Worker on a database that is in use is refused before it is migrated", async () => {
    await deployed();
    use("countersign");
    const { code, out, calls } = await desk.run("deploy", [], {
      ...FIRST,
      WORKER: "second",
      DATABASE: "countersign",
    });
    expect(code).toBe(1);
    expect(out).toContain("ADOPT_DATABASE=countersign");
    expect(verbs(calls)).not.toContain("d1 migrations");
    expect(Object.keys(desk.account().workers)).toEqual(["countersign"]);
  });

  test("so is one on a database of something else, whatever its name", async () => {
    desk = makeDesk(mkdtempSync(join(folder, "other-")), {
      ...emptyAccount(),
      databases: { countersign: { id: "99999999-2222-4333-8444-555555555555", tables: { posts: 7 } } },
    } satisfies Account);
    const { code, out } = await desk.run("deploy", [], FIRST);
    expect(code).toBe(1);
    expect(out).toContain("is in use");
  });

  test("one that an operator made beforehand and left bare is taken", async () => {
    desk.change(({ databases }) => {
      databases.countersign = { id: "99999999-2222-4333-8444-555555555555", tables: { d1_migrations: 0 } };
    });
    await deployed();
    expect(desk.account().workers.countersign?.config).toContain("99999999-");
  });

  test("ADOPT_DATABASE of another name does not count, and without its keys the right one does not either", async () => {
    await deployed();
    use("countersign");
    rmSync(kept()[0] ?? "");
    const asked = { ...FIRST, WORKER: "second", DATABASE: "countersign" };
    expect((await desk.run("deploy", [], { ...asked, ADOPT_DATABASE: "yes" })).code).toBe(1);
    const { code, out } = await desk.run("deploy", [], { ...asked, ADOPT_DATABASE: "countersign" });
    expect(code).toBe(1);
    expect(out).toContain("Give KEY_ENCRYPTION_KEY, HANDLE_KEY, PEPPER");
    await deployed({ ...asked, ADOPT_DATABASE: "countersign", ...KEYS });
    expect(secretsOf("second")).toMatchObject(KEYS);
  });

  test("a Worker whose database has another name gets no empty one by itself", async () => {
    await deployed();
    desk.change(({ databases }) => {
      Object.assign(databases, { people: databases.countersign });
      delete databases.countersign;
    });
    const { code, out, calls } = await desk.run("deploy");
    expect(code).toBe(1);
    expect(out).toContain("DATABASE=");
    expect(verbs(calls)).not.toContain("d1 create");
    await deployed({ DATABASE: "people" });
  });

  test("one that was restored on another database does not fall back to the first", async () => {
    await deployed();
    desk.change(({ databases }) => {
      databases.restored = { id: "88888888-2222-4333-8444-555555555555", tables: { clients: 1 } };
    });
    await deployed({ DATABASE: "restored" });
    const { code, out, calls } = await desk.run("deploy");
    expect(code).toBe(1);
    expect(out).toContain('database_name = "restored"');
    expect(verbs(calls)).toEqual(["secret list"]);
    const written = readFileSync(join(desk.checkout, "wrangler.toml"), "utf8");
    writeFileSync(
      join(desk.checkout, "wrangler.toml"),
      written.replace('database_name = "countersign"', 'database_name = "restored"'),
    );
    await deployed({});
    expect(desk.account().workers.countersign?.config).toContain("88888888-");
  });
});

describe("O1 the keys of a deployment that serves", () => {
  beforeEach(async () => {
    await deployed();
    use("countersign");
  });
  const secrets = (...args: string[]) => desk.run("secrets", args);
  const versions = (name: string) =>
    (secretsOf("countersign")[name] ?? "").split(",").map((entry) => entry.split(":")[0]);

  test("a lost key is never replaced by a new one", async () => {
    desk.change(({ workers }) => void delete workers.countersign?.secrets.KEY_ENCRYPTION_KEY);
    const file = kept()[0] ?? "";
    const text = readFileSync(file, "utf8");
    rmSync(file);
    const { code, out, calls } = await desk.run("deploy");
    expect(code).toBe(1);
    expect(out).toContain("Give KEY_ENCRYPTION_KEY");
    expect(verbs(calls)).not.toContain("deploy --config");
    writeFileSync(file, text);
    await deployed({});
    expect(secretsOf("countersign").KEY_ENCRYPTION_KEY).toBe(readKept(file).KEY_ENCRYPTION_KEY);
  });

  test("rotating puts a new key in front, in the file and on the Worker", async () => {
    const old = secretsOf("countersign").HANDLE_KEY ?? "";
    const { code, out } = await secrets("rotate", "HANDLE_KEY");
    expect(code, out).toBe(0);
    const now = secretsOf("countersign").HANDLE_KEY ?? "";
    expect(now).toMatch(/^2:[\w-]{43},1:[\w-]{43}$/);
    expect(now.endsWith(old)).toBe(true);
    expect(readKept(kept()[0] ?? "").HANDLE_KEY).toBe(now);
    expect(out).toContain("versions 2, 1");
    expect(out).not.toContain(now.slice(2, 20));
    expect((await secrets("drop", "HANDLE_KEY", "1")).code).toBe(0);
    expect(versions("HANDLE_KEY")).toEqual(["2"]);
  });

  test("the old KEY_ENCRYPTION_KEY stays while something is closed with it", async () => {
    expect((await secrets("rotate", "KEY_ENCRYPTION_KEY")).code).toBe(0);
    desk.change(({ databases }) => Object.assign(databases.countersign?.tables ?? {}, { "sealed by 1": 4 }));
    const refused = await secrets("drop", "KEY_ENCRYPTION_KEY", "1");
    expect(refused.code).toBe(1);
    expect(refused.out).toContain("4 keys and client secrets");
    expect(versions("KEY_ENCRYPTION_KEY")).toEqual(["2", "1"]);
    desk.change(({ databases }) => void delete databases.countersign?.tables["sealed by 1"]);
    expect((await secrets("drop", "KEY_ENCRYPTION_KEY", "1")).code).toBe(0);
    expect(versions("KEY_ENCRYPTION_KEY")).toEqual(["2"]);
  });

  test("a rotation that is cut short is finished by `put`, with the same key", async () => {
    desk.change(({ fails }) => void fails.push("secret bulk"));
    const cut = await secrets("rotate", "HANDLE_KEY");
    expect(cut.code).toBe(1);
    expect(cut.out).toContain("npm run secrets -- put");
    expect(cut.out).not.toContain(readKept(kept()[0] ?? "").HANDLE_KEY?.slice(2, 20) ?? "?");
    desk.change((account) => {
      account.fails = [];
    });
    expect((await secrets("put")).code).toBe(0);
    expect(versions("HANDLE_KEY")).toEqual(["2", "1"]);
    expect(secretsOf("countersign").HANDLE_KEY).toBe(readKept(kept()[0] ?? "").HANDLE_KEY);
  });

  test.each([
    ["rotate", "PEPPER"],
    ["rotate", "ADMIN_TOKEN"],
    ["rotate"],
    ["drop", "HANDLE_KEY"],
    ["drop", "HANDLE_KEY", "1"],
    ["put", "x"],
    [],
  ])("%s %s %s is refused and changes nothing", async (...args) => {
    const before = desk.account();
    expect((await secrets(...args.filter((arg) => arg !== undefined))).code).toBe(1);
    expect(desk.account()).toEqual(before);
  });

  test("a Worker that was deleted is restored on its database with its keys", async () => {
    const before = secretsOf("countersign");
    desk.change(({ workers }) => void delete workers.countersign);
    expect((await desk.run("deploy", [], FIRST)).code).toBe(1);
    await deployed({ ...FIRST, ADOPT_DATABASE: "countersign" });
    const { ADMIN_TOKEN: _, ...keys } = before;
    expect(secretsOf("countersign")).toMatchObject(keys);
  });

  test("a backup in a database of another name is taken with the kept file", async () => {
    const { ADMIN_TOKEN: _, ...keys } = secretsOf("countersign");
    const [file = ""] = kept();
    desk.change((account) => {
      delete account.workers.countersign;
      account.databases.restored = {
        id: "88888888-2222-4333-8444-555555555555",
        tables: { clients: 1, users: 3, signing_keys: 2 },
      };
    });
    await deployed({ ...FIRST, DATABASE: "restored", ADOPT_DATABASE: "restored", SECRETS_FILE: file });
    expect(secretsOf("countersign")).toMatchObject(keys);
    expect(desk.account().workers.countersign?.config).toContain('database_name = "restored"');
  });
});
