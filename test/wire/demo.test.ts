import { type ChildProcess, execFile, execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, test, vi } from "vitest";
import { freePort } from "./server.ts";

const root = resolve(import.meta.dirname, "../..");

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

type Run = { readonly child: ChildProcess; readonly ended: Promise<Ended>; said(): string };

/** Runs the demo as `npm run demo -- …` does. */
function start(args: readonly string[], env: Readonly<Record<string, string>> = {}, timeout = 50_000): Run {
  const ending = Promise.withResolvers<Ended>();
  let said = "";
  const child = execFile(
    process.execPath,
    [resolve(root, "scripts/demo.ts"), ...args],
    { cwd: root, env: { ...process.env, ...env }, timeout },
    (_error, stdout, stderr) => ending.resolve({ code: child.exitCode, stdout, stderr }),
  );
  child.stdout?.on("data", (text) => {
    said += text;
  });
  return { child, ended: ending.promise, said: () => said };
}

const demo = (args: readonly string[], env?: Readonly<Record<string, string>>) => start(args, env).ended;

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1);

/** All of it held, and nothing was printed that anybody could use. */
function expectHeld({ code, stdout, stderr }: Ended): void {
  // Which step it was stands in the other output.
  expect(stderr, stdout.slice(-600)).toBe("");
  expect(code).toBe(0);
  expect(lastLine(stdout)).toMatch(/^Everything held: 39 steps in \d+ ms\.$/);
  expect(stdout).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}\./);
  expect(stdout).not.toMatch(/[0-9a-f]{64}\.[A-Za-z0-9_-]{43}/);
}

test("the demo ends with 0, says that everything held, and prints no token", async () => {
  expectHeld(await demo(["--url", inject("origin")]));
});

test("the demo takes the server of the usual port", async () => {
  const { origin } = new URL(inject("origin"));
  const ended = await demo([], { PORT: new URL(origin).port, ADMIN_TOKEN: "not-the-token" });
  expect(ended.stdout).toMatch(`Countersign on ${origin}.`);
  expect(ended.code).toBe(1);
});

test("the demo names the step that failed, and ends with 1", async () => {
  const ended = await demo(["--url", inject("origin")], { ADMIN_TOKEN: "not-the-token" });
  expect(ended.code).toBe(1);
  expect(ended.stdout).toMatch(
    /FAILED {2}registers the phone's app: expected status 201 of \/admin\/clients, but came .*401/,
  );
  expect(lastLine(ended.stderr)).toBe("The demo stopped at the step above: not everything held.");
});

test("the demo says that no server is running, and ends with 1", async () => {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const ended = await demo(["--url", origin]);
  expect(ended.code).toBe(1);
  expect(ended.stdout).toBe("");
  expect(ended.stderr).toBe(`No server answers on ${origin}. Start one with: npm start\n`);
});

describe("where no server answers", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "countersign-demo-test-"));
  });
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  /** What `npm start` keeps beside the sources. */
  const kept = () =>
    [".dev.vars", ".wrangler/state", ".wrangler/state.lock"].map((name) => existsSync(join(root, name)));
  const processes = () =>
    execFileSync("ps", ["-A", "-o", "args"], { encoding: "utf8" })
      .split("\n")
      .filter((line) => line.includes(dir));

  async function own() {
    const port = String(await freePort());
    // Of the developer's environment the demo's server takes nothing.
    const env = { PORT: port, TMPDIR: dir, ADMIN_TOKEN: "another", ISSUER: "https://another.example" };
    return { usual: `http://127.0.0.1:${port}`, run: start([], env, 170_000) };
  }

  test("the demo starts a server of its own, and leaves neither it nor any state behind", async () => {
    const before = kept();
    const { usual, run } = await own();
    const ended = await run.ended;
    expectHeld(ended);
    expect(ended.stdout).toContain(`No server answers on ${usual}: the demo starts one of its own.\n`);
    const origin = /^Countersign on (http:\/\/127\.0\.0\.1:\d+)\./m.exec(ended.stdout)?.[1] ?? "";
    expect(origin).not.toBe(usual);
    await expect(fetch(`${origin}/healthz`)).rejects.toThrow("fetch failed");
    expect(readdirSync(dir)).toEqual([]);
    expect(processes()).toEqual([]);
    expect(kept()).toEqual(before);
  }, 180_000);

  test("the demo that is interrupted takes its server with it, also while that starts", async () => {
    const { run } = await own();
    await vi.waitFor(
      () => {
        const [own = ""] = readdirSync(dir);
        expect(existsSync(join(dir, own, "state"))).toBe(true);
      },
      { timeout: 90_000, interval: 50 },
    );
    run.child.kill("SIGINT");
    const ended = await run.ended;
    expect(ended.code).toBe(130);
    expect(ended.stdout).not.toContain("FAILED");
    expect(ended.stderr).toBe("");
    expect(readdirSync(dir)).toEqual([]);
    expect(processes()).toEqual([]);
  }, 180_000);
});
