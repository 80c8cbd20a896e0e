import { execFile } from "node:child_process";
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);

/** Files that name doors, one line for each thing that a door brings. */
const NAMING = ["src/app.ts", "src/openapi.ts", "src/wiring.ts"];
const DOORS = ["admin", "approver", "authsignal", "cotter", "loginid", "oauth"];

const planted = (door: string) => `export * from "../doors/${door}/routes.ts";\n`;
/** A port of a door is no part of the services without it. */
const PLANTED: Readonly<Record<string, string>> = {
  authsignal:
    'import type { Services } from "./ports/services.ts";\nexport type Planted = Services["actions"];\n',
};

let copy: string;

/** The lines in which the compiler complains about the copy. */
async function complaints(): Promise<readonly string[]> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  const incremental = ["--incremental", "--tsBuildInfoFile", join(copy, "kept.tsbuildinfo")];
  // Several checkers answer sooner, each having checked much of the same.
  const options = ["-p", join(copy, "tsconfig.json"), "--checkers", "1", ...incremental];
  const said = await run(process.execPath, [tsc, ...options]).then(
    () => "",
    ({ stdout }: { stdout: string }) => stdout,
  );
  return said.split("\n").filter((line) => line !== "");
}

beforeAll(async () => {
  copy = await mkdtemp(join(tmpdir(), "countersign-doors-"));
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  for (const config of ["tsconfig.json", "tsconfig.base.json"])
    await cp(join(root, config), join(copy, config));
});
afterAll(() => rm(copy, { recursive: true, force: true }));

/** A fresh copy of the sources without one door: without its folder, and without the lines that name it. */
async function without(door: string): Promise<{ readonly linesGone: number }> {
  await rm(join(copy, "src"), { recursive: true, force: true });
  await cp(join(root, "src"), join(copy, "src"), { recursive: true });
  await rm(join(copy, "src/doors", door), { recursive: true });
  let linesGone = 0;
  for (const path of NAMING) {
    const lines = (await readFile(join(copy, path), "utf8")).split("\n");
    const left = lines.filter((line) => !new RegExp(`doors/${door}/|\\b${door}[A-Z]\\w*\\b`).test(line));
    linesGone += lines.length - left.length;
    await writeFile(join(copy, path), left.join("\n"));
  }
  return { linesGone };
}

describe("a door can be deleted", () => {
  test("these are the doors", async () => {
    const folders = await readdir(join(root, "src/doors"));
    expect(folders.sort()).toEqual(DOORS);
  });

  test.each(DOORS)(
    "%s: its folder and its lines go, and the rest compiles",
    { timeout: 120_000 },
    async (door) => {
      const { linesGone } = await without(door);
      expect(linesGone).toBeGreaterThanOrEqual(4);
      expect(linesGone).toBeLessThanOrEqual(8);
      // One planted use of the door in core, so that an answer without complaints is none.
      await writeFile(join(copy, "src/core/planted.ts"), PLANTED[door] ?? planted(door));
      const said = await complaints();
      expect(said).toHaveLength(1);
      expect(said[0]).toContain("src/core/planted.ts");
    },
  );
});
