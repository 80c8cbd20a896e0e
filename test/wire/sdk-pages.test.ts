import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { place } from "./support/place.ts";

const PAGES = ["cotter", "loginid", "authsignal"] as const;
const SHELL = /```sh\n([\s\S]*?)```/;
const run = promisify(execFile);

/** The paths of all members, so that two answers can be compared without their values. */
const members = (value: unknown, path = ""): readonly string[] =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.entries(value).flatMap(([name, inner]) => [
        `${path}${name}`,
        ...members(inner, `${path}${name}.`),
      ])
    : [];

describe("the bare sign-in of each vendor's page", () => {
  test.each(PAGES)("%s: runs as it stands, and answers what is shown", async (page) => {
    const text = await readFile(new URL(`../../docs/sdks/${page}.md`, import.meta.url), "utf8");
    const script = SHELL.exec(text)?.[1] ?? "";
    const shown = [...script.matchAll(/^# (\{.*)$/gm)].map(([, line = ""]) => JSON.parse(line));
    expect(shown.length).toBeGreaterThan(2);
    const { origin, adminToken } = place();
    const folder = await mkdtemp(join(tmpdir(), "countersign-page-"));
    try {
      const { stdout } = await run("bash", ["-euo", "pipefail", "-c", script], {
        cwd: folder,
        env: { ...process.env, O: origin, ADMIN: adminToken },
      });
      const came = stdout
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line));
      expect(came).toHaveLength(shown.length);
      for (const [index, answer] of shown.entries()) {
        expect(members(came[index])).toEqual(expect.arrayContaining([...members(answer)]));
      }
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
