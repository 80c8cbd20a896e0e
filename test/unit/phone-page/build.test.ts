import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import { words } from "../../../packages/phone/src/words.ts";
import { type Built, phoneFiles } from "../../../scripts/build-phone.ts";
import { isCode, read, root, walk, withoutComments } from "../sources.ts";

/** What a phone loads the first time, with all icons. */
const LIMIT = 60 * 1024;

let files: readonly Built[];
beforeAll(async () => {
  files = await phoneFiles();
});

const bytesOf = (path: string): Uint8Array => {
  const file = files.find((one) => one.path === path);
  if (!file) throw new Error(`${path} is not built`);
  return file.bytes;
};
const textOf = (path: string): string => new TextDecoder().decode(bytesOf(path));
const addressOf = ({ path }: Built): string => (path === "phone.html" ? "/phone" : `/${path}`);

const sources = ["packages/phone/src", "packages/phone/sw"]
  .flatMap((folder) => walk(join(root, folder)))
  .filter(isCode)
  .map(read);

describe("the files of the phone page", () => {
  test("are under 60 KiB in sum, gzipped", () => {
    const size = files.reduce((sum, { bytes }) => sum + gzipSync(bytes).length, 0);
    expect(size).toBeGreaterThan(10 * 1024);
    expect(size).toBeLessThan(LIMIT);
  });

  test("are the same bytes from the same sources", async () => {
    const again = await phoneFiles();
    expect(again.map(({ path }) => path)).toEqual(files.map(({ path }) => path));
    for (const { path, bytes } of again) expect(Buffer.compare(bytes, bytesOf(path)), path).toBe(0);
  });

  test("name their build, which is what a decision names: it is over every byte of them", () => {
    const [, build = ""] = /="([0-9a-f]{12})"/.exec(textOf("phone/app.js")) ?? [];
    const hash = createHash("sha256");
    for (const { path, bytes } of files) {
      const text = Buffer.from(bytes).toString("latin1");
      const unnamed = Buffer.from(path.endsWith(".js") ? text.replaceAll(build, "@build@") : text, "latin1");
      hash.update(`${path}\0${unnamed.length}\0`).update(unnamed);
    }
    expect(build).toBe(hash.digest("hex").slice(0, 12));
    expect(textOf("phone/sw.js")).toContain(`countersign-phone-${build}`);
  });

  test("no script and no style stands in the page, and it loads nothing of another origin", () => {
    const page = textOf("phone.html");
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:|https?:/);
    expect([...page.matchAll(/<script[^>]*>([^<]*)</g)].map(([, text]) => text)).toEqual([""]);
    const loaded = [...page.matchAll(/\s(?:src|href)="([^"#]+)"/g)].map(([, address]) => address);
    const served = files.map(addressOf);
    expect(loaded.length).toBeGreaterThan(4);
    expect(loaded.filter((address) => !served.includes(address ?? ""))).toEqual([]);
    expect(textOf("phone/app.css")).not.toMatch(/url\(|@import/);
  });

  test("the service worker keeps files that are there", () => {
    const kept = [...textOf("phone/sw.js").matchAll(/"(\/phone[a-z./-]*)"/g)].map(([, address]) => address);
    const served = files.map(addressOf);
    expect(kept).toContain("/phone");
    expect(kept.filter((address) => !served.includes(address ?? ""))).toEqual([]);
  });

  test("the manifest's icons are there, as large as it says, one of them for a mask", () => {
    const { icons, start_url: start, scope } = JSON.parse(textOf("phone/manifest.webmanifest"));
    expect([start, scope]).toEqual(["/phone", "/phone"]);
    for (const { src, sizes, type } of icons) {
      const bytes = bytesOf(src.slice(1));
      if (type !== "image/png") continue;
      // Width and height stand at the start of a PNG's header.
      const view = new DataView(bytes.buffer, bytes.byteOffset);
      expect(`${view.getUint32(16)}x${view.getUint32(20)}`, src).toBe(sizes);
    }
    expect(icons.some(({ purpose }: { purpose?: string }) => purpose === "maskable")).toBe(true);
  });
});

/** What makes markup or a program of a text (T14). */
const MAKERS =
  /innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|createContextualFragment|srcdoc|\beval\b|\bFunction\(|javascript:/;

describe("the sources of the phone page", () => {
  test("T14 make text of what others say, and no markup", () => {
    expect(sources.length).toBeGreaterThan(15);
    const makers = sources.filter(({ text }) => MAKERS.test(withoutComments(text))).map(({ path }) => path);
    expect(makers).toEqual([]);
  });

  test("take their words from the catalogue", () => {
    const own = sources
      .filter(({ path }) => !/words\.ts$|sw\.ts$/.test(path))
      .flatMap(({ path, text }) =>
        [...withoutComments(text).matchAll(/"([A-Z][a-z]+(?: [^"]+|\.))"/g)].map(
          ([, said]) => `${path}: ${said}`,
        ),
      );
    expect(own).toEqual([]);
  });

  test("the page's own words are those of the catalogue", () => {
    const page = textOf("phone.html");
    const links = [...page.matchAll(/<a href="[^"]*">([^<]*)</g)].map(([, text]) => text);
    expect(links).toEqual([words.nav.requests, words.nav.devices, words.nav.more]);
    expect(page).toContain(`<title>${words.title}</title>`);
    expect(page).toContain(`>${words.loading}<`);
    expect(page).toContain(`<noscript><p>${words.noScript}</p></noscript>`);
  });

  test("use each word of the catalogue", () => {
    const code = [...sources.filter(({ path }) => !path.endsWith("words.ts")).map(({ text }) => text)].join(
      "\n",
    );
    const page = readFileSync(join(root, "packages/phone/static/phone.html"), "utf8");
    /** Groups from which a word is taken by the server's word. */
    const byName = new Set(["gone", "whyNot", "types", "kinds"]);
    const unused = (group: object, way: string): string[] =>
      Object.entries(group).flatMap(([name, value]) => {
        if (typeof value !== "string") return byName.has(name) ? [] : unused(value, `${way}${name}.`);
        const isUsed = new RegExp(`\\.${name}\\b|\\b${name}[,}\\s].*= (?:words|start)`).test(code);
        return isUsed || page.includes(value) || isLost(way, name) ? [] : [`${way}${name}`];
      });
    /** `start[app.lost]`. */
    const isLost = (way: string, name: string) =>
      way === "start." && ["over", "removed", "locked"].includes(name);
    expect(unused(words, "")).toEqual([]);
  });
});
