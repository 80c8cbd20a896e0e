import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { buildDemo } from "../../../scripts/build-demo.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "countersign-demo-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the demo's files", () => {
  test("are built for a development server, and the page runs nothing but them", async () => {
    await buildDemo(folder, "dev");
    expect(readdirSync(folder).sort()).toEqual(["demo.css", "demo.js", "index.html", "watch.js"]);
    const page = readFileSync(join(folder, "index.html"), "utf8");
    const scripts = [...page.matchAll(/<script([^>]*)>([^<]*)/g)];
    expect(
      scripts.map(([, attributes, text]) => [/src="([^"]*)"/.exec(attributes ?? "")?.[1], text]),
    ).toEqual([
      ["/qr.js", ""],
      ["/demo/demo.js", ""],
    ]);
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=/);
  });

  test.each(["deploy", "versions upload"])("are taken away by wrangler %s", async (command) => {
    await buildDemo(folder, "dev");
    await buildDemo(folder, command);
    expect(() => readdirSync(folder)).toThrow("ENOENT");
  });
});
