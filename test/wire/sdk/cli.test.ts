import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { newPage, newUser, operate } from "./stage.ts";

const root = resolve(import.meta.dirname, "../../..");
const BIN = resolve(root, "packages/countersign/bin/countersign.js");
const origin = inject("origin");
const stage = { origin, adminToken: inject("adminToken") };
let home: string;

beforeAll(() => {
  execFileSync(process.execPath, [resolve(root, "scripts/build-cli.ts")]);
  home = mkdtempSync(join(tmpdir(), "countersign-cli-test-"));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

/** The Node of these tests, and an older one where this machine has it: the package promises Node 20. */
const old = "/usr/bin/node";
const isOld = existsSync(old) && /^v2[02]\./.test(execFileSync(old, ["--version"], { encoding: "utf8" }));
const NODES = [process.execPath, ...(isOld ? [old] : [])];

type Run = {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly out: string; readonly err: string }>;
  out(): string;
  err(): string;
};

function start(args: readonly string[], env: NodeJS.ProcessEnv = {}, node = process.execPath): Run {
  const { COUNTERSIGN_ADMIN_TOKEN: _token, ...rest } = process.env;
  const child = spawn(node, [BIN, ...args], {
    cwd: home,
    env: { ...rest, XDG_CONFIG_HOME: home, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.on("data", (text) => {
    out += text;
  });
  child.stderr.on("data", (text) => {
    err += text;
  });
  const ended = new Promise<{ code: number | null; out: string; err: string }>((done) =>
    child.once("close", (code) => done({ code, out, err })),
  );
  return { child, ended, out: () => out, err: () => err };
}
const run = (...args: Parameters<typeof start>) => start(...args).ended;

describe("what the command line refuses", () => {
  test.each([
    [[], /A command is missing/],
    [["constructor"], /Unknown command/],
    [["clients", "create", "--nam", "Shop"], /Unknown flag --nam\. Did you mean --name\?/],
    [["clients", "create"], /--name is missing/],
    [["clients", "create", "--name", "Shop", "--kind", "open"], /--kind must be/],
    [["clients", "create", "--name", "Shop", "--settings", "{"], /--settings must be JSON/],
    [["clients", "list", "--url", "http://sign.example"], /--url must be https/],
    [["clients", "list", "--url", "https://sign.example"], /Set COUNTERSIGN_ADMIN_TOKEN/],
    [["users", "create"], /--email, --phone or --username is needed/],
    [["login", "--client", "cli"], /--issuer is missing/],
    [["login", "--issuer", "http://sign.example", "--client", "cli"], /issuer must be an https origin/],
    [["dev", "--port", "99999"], /--port is no port/],
    [["token", "now"], /a word too many/],
  ])("%j ends with 2", async (args, words) => {
    const { code, out, err } = await run(args);
    expect(err).toMatch(words);
    expect({ code, out }).toEqual({ code: 2, out: "" });
  });

  test("docs/cli.md: each command that it shows is one, with flags that it has", async () => {
    const page = readFileSync(resolve(root, "docs/cli.md"), "utf8");
    const blocks = [...page.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
    const lines = blocks.flatMap((text) =>
      [...text.matchAll(/^npx countersign (.+)$/gm)].map(([, line = ""]) => line),
    );
    expect(lines.length).toBeGreaterThan(7);
    const said = lines.map(async (line) => {
      // With --help a command reads all its flags, and does nothing.
      const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, word = ""]) => quoted ?? word);
      const { code, err } = await run([...words, "--help"]);
      expect(code, `${line}: ${err}`).toBe(0);
    });
    await Promise.all(said);
  });

  test("a token as an argument: it is not repeated", async () => {
    const { code, err } = await run(["clients", "list", "--token=very-secret-word"]);
    expect(code).toBe(2);
    expect(err).toMatch(/A token is never an argument/);
    expect(err).not.toMatch("very-secret-word");
  });

  test("a wrong admin token ends with 1 and the server's words, without the token", async () => {
    const env = { COUNTERSIGN_ADMIN_TOKEN: "very-secret-word" };
    const { code, out, err } = await run(["clients", "list", "--url", origin], env);
    expect(code).toBe(1);
    expect(err).toMatch(/The server refused \(401\)/);
    expect(out + err).not.toMatch("very-secret-word");
  });

  test("a server that does not answer ends with 1", async () => {
    const { code, err } = await run(["tail", "--url", "http://127.0.0.1:1"]);
    expect(code).toBe(1);
    expect(err).toMatch(/No answer from http:\/\/127\.0\.0\.1:1/);
  });

  test("a redirect is not followed: the admin token goes to no other server", async () => {
    const met: (string | undefined)[] = [];
    const server = createServer((request, response) => {
      met.push(request.url);
      response.writeHead(307, { Location: "/elsewhere" }).end();
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const { code } = await run(["clients", "list", "--url", `http://127.0.0.1:${port}`]);
    server.close();
    expect(code).toBe(1);
    expect(met).toEqual(["/admin/clients"]);
  });
});

test.each(["dev", "demo", "login", "token", "clients create", "clients list", "users create", "tail"])(
  "%s has help",
  async (name) => {
    const { code, out } = await run([...name.split(" "), "--help"]);
    expect(code).toBe(0);
    expect(out.startsWith(`countersign ${name}`)).toBe(true);
  },
);

test.each(NODES)("clients and users are made by %s", async (node) => {
  const id = `cli-${randomUUID()}`;
  const made = await run(
    ["clients", "create", "--url", origin, "--name", "Shop\u009b2J", "--id", id],
    {},
    node,
  );
  expect(made.code, made.err).toBe(1);
  const args = [
    "clients",
    "create",
    "--url",
    origin,
    "--name",
    "Shop",
    "--id",
    id,
    "--grant",
    "ciba",
    "--json",
  ];
  const client = await run(args, {}, node);
  expect(client.code, client.err).toBe(0);
  expect(JSON.parse(client.out)).toMatchObject({
    client_id: id,
    grant_types: ["urn:openid:params:grant-type:ciba"],
    client_secret: expect.stringMatching(/^.{43}$/),
  });
  expect(client.err).toMatch(/shown this once/);
  const again = await run(args, {}, node);
  expect(again.code).toBe(1);
  expect(again.err).toMatch(/The server refused \(409\)/);
  const listed = await run(["clients", "list", "--url", origin], {}, node);
  expect(listed.out).toMatch(`${id}  confidential  Shop`);
  expect(listed.out).not.toMatch(JSON.parse(client.out).client_secret);
  const email = `${id}@example.com`;
  const user = await run(["users", "create", "--url", origin, "--email", email, "--verified"], {}, node);
  expect(user.code, user.err).toBe(0);
  expect(user.out).toMatch(`${email} (verified)`);
});

test.each(NODES)("login, token and logout by %s", async (node) => {
  const [page, user] = await Promise.all([newPage(stage), newUser(stage)]);
  const env = { XDG_CONFIG_HOME: join(home, randomUUID()) };
  const login = start(["login", "--issuer", origin, "--client", page.client_id, "--json"], env, node);
  await vi.waitFor(() => expect(login.err()).toMatch(/enter the code \S+/), 20_000);
  const [, code = ""] = /enter the code (\S+)/.exec(login.err()) ?? [];
  await user.decideCode(code, "approve");
  const ended = await login.ended;
  expect(ended.code, ended.err).toBe(0);
  expect(ended.err).toMatch(/[█▀▄]{10}/);
  expect(JSON.parse(ended.out)).toMatchObject({ issuer: origin, sub: user.id });

  const file = join(env.XDG_CONFIG_HOME, "countersign/session.json");
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const kept = JSON.parse(JSON.parse(readFileSync(file, "utf8")).session);
  for (const secret of [kept.accessToken, kept.refreshToken, kept.idToken]) {
    expect(secret).toEqual(expect.any(String));
    expect(ended.out + ended.err).not.toMatch(secret);
  }
  const token = await run(["token"], env, node);
  expect(token).toMatchObject({ code: 0, out: `${kept.accessToken}\n`, err: "" });
  const out = await run(["login", "--logout"], env, node);
  expect(out).toMatchObject({ code: 0, out: "Signed out.\n" });
  expect(existsSync(file)).toBe(false);
  expect((await run(["token"], env, node)).code).toBe(1);
});

test("a login that is declined ends with 1, and one that is stopped with 130", async () => {
  const [page, user] = await Promise.all([newPage(stage), newUser(stage)]);
  const args = ["login", "--issuer", origin, "--client", page.client_id];
  const [declined, stopped] = [start(args), start(args)];
  for (const each of [declined, stopped]) {
    await vi.waitFor(() => expect(each.err()).toMatch(/enter the code \S+/), 20_000);
  }
  await user.decideCode(/enter the code (\S+)/.exec(declined.err())?.[1] ?? "", "deny");
  stopped.child.kill("SIGINT");
  expect((await stopped.ended).code).toBe(130);
  const { code, err } = await declined.ended;
  expect(code).toBe(1);
  expect(err).toMatch("The user declined");
});

test("tail shows each event once, and the admin token is in no process list", async () => {
  const { user_id: id } = await operate(stage, "POST", "/admin/users", { username: `t-${randomUUID()}` });
  const env = { COUNTERSIGN_ADMIN_TOKEN: stage.adminToken };
  const tail = start(["tail", "--url", origin, "--user", id, "--json"], env);
  await vi.waitFor(() => expect(tail.err()).toMatch(/Waiting for events/), 20_000);
  for (const status of ["locked", "active", "locked"]) {
    await operate(stage, "PATCH", `/admin/users/${id}`, { status });
  }
  const trail = async () => (await operate(stage, "GET", `/admin/audit?user_id=${id}`)).events;
  await vi.waitFor(() => expect(tail.out().trim().split("\n").length).toBeGreaterThanOrEqual(3), 20_000);
  if (existsSync("/proc")) {
    expect(readFileSync(`/proc/${tail.child.pid}/cmdline`, "utf8")).not.toMatch(stage.adminToken);
  }
  tail.child.kill("SIGINT");
  const { code, out } = await tail.ended;
  expect(code).toBe(130);
  const shown = out
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line).id);
  const known = (await trail()).map((event: { id: string }) => event.id);
  expect(new Set(shown).size).toBe(shown.length);
  expect(known).toEqual(expect.arrayContaining(shown));
  expect(out).not.toMatch(stage.adminToken);
});

test("tail shows what happened while it was not looking, however many pages, in order", async () => {
  const { user_id: id } = await operate(stage, "POST", "/admin/users", { username: `t-${randomUUID()}` });
  const env = { COUNTERSIGN_ADMIN_TOKEN: stage.adminToken };
  const tail = start(["tail", "--url", origin, "--user", id, "--json"], env);
  await vi.waitFor(() => expect(tail.err()).toMatch(/Waiting for events/), 20_000);
  tail.child.kill("SIGSTOP");
  // A page holds 50.
  const states = Array.from({ length: 120 }, (_, index) => (index % 2 === 0 ? "locked" : "active"));
  for (const status of states) await operate(stage, "PATCH", `/admin/users/${id}`, { status });
  tail.child.kill("SIGCONT");
  const lines = () =>
    tail
      .out()
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line));
  await vi.waitFor(() => expect(lines().length).toBeGreaterThanOrEqual(states.length), 20_000);
  tail.child.kill("SIGINT");
  expect((await tail.ended).code).toBe(130);
  const shown = lines();
  expect(shown.map(({ type }) => type)).toEqual(states.map((status) => `user.${status}`));
  expect(new Set(shown.map((event) => event.id)).size).toBe(states.length);
});
