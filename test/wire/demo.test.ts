import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { expect, inject, test } from "vitest";
import { freePort } from "./server.ts";

const root = resolve(import.meta.dirname, "../..");

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

/** Runs the demo as `npm run demo -- …` does. */
function demo(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ended> {
  return new Promise((done) => {
    const child = execFile(
      process.execPath,
      [resolve(root, "scripts/demo.ts"), ...args],
      { cwd: root, env: { ...process.env, ...env }, timeout: 50_000 },
      (_error, stdout, stderr) => done({ code: child.exitCode, stdout, stderr }),
    );
  });
}

const lastLine = (text: string) => text.trimEnd().split("\n").at(-1);

test("the demo ends with 0, says that everything held, and prints no token", async () => {
  const ended = await demo(["--url", inject("origin")]);
  expect(ended.stderr).toBe("");
  expect(ended.code).toBe(0);
  expect(lastLine(ended.stdout)).toMatch(/^Everything held: 25 steps in \d+ ms\.$/);
  expect(ended.stdout).not.toMatch(/eyJ[A-Za-z0-9_-]{10,}\./);
  expect(ended.stdout).not.toMatch(/[0-9a-f]{64}\.[A-Za-z0-9_-]{43}/);
});

test("the demo names the step that failed, and ends with 1", async () => {
  const ended = await demo(["--url", inject("origin")], { ADMIN_TOKEN: "not-the-token" });
  expect(ended.code).toBe(1);
  expect(ended.stdout).toMatch(
    /FAILED {2}registers the app: expected status 201 of \/admin\/clients, but came .*401/,
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
