/** Bundles the phone page and its service worker (packages/phone) into `assets/phone.html` and `assets/phone/`, which are not kept in git. */
import { createHash, randomUUID } from "node:crypto";
import { globSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { build, transform } from "esbuild";
import { PHONE_STYLE } from "../packages/phone/style.ts";
import { STYLE } from "../src/pages/style.ts";

const root = resolve(import.meta.dirname, "..");

/** A file below `assets/` with what is in it. */
export type Built = { readonly path: string; readonly bytes: Uint8Array };

/** Stands in the scripts for the build, until all files are there. */
const UNKNOWN = "@build@";

/** Which build of the page these files are: 12 hex digits that all that is signed on it names. Over the files themselves, so that a library counts too. */
function buildOf(files: readonly Built[]): string {
  const hash = createHash("sha256");
  for (const { path, bytes } of files) hash.update(`${path}\0${bytes.length}\0`).update(bytes);
  return hash.digest("hex").slice(0, 12);
}

const named = ({ path, bytes }: Built, build: string): Built =>
  path.endsWith(".js")
    ? { path, bytes: Buffer.from(Buffer.from(bytes).toString().replaceAll(UNKNOWN, build)) }
    : { path, bytes };

/** The licence of what is bundled asks for it. */
const BANNER = "/*! with uqr, MIT License, (c) Project Nayuki, (c) 2023 Anthony Fu */";

async function bundle(entry: string, format: "esm" | "iife"): Promise<Uint8Array> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    minify: true,
    format,
    target: ["es2022"],
    charset: "utf8",
    legalComments: "none",
    ...(entry.endsWith("main.ts") ? { banner: { js: BANNER } } : {}),
    define: { BUILD: JSON.stringify(UNKNOWN) },
  });
  const [file] = outputFiles;
  if (!file) throw new Error(`${entry} came to nothing`);
  return file.contents;
}

async function styleSheet(): Promise<Uint8Array> {
  const { code } = await transform(STYLE + PHONE_STYLE, { loader: "css", minify: true });
  return new TextEncoder().encode(code);
}

const copied = (from: string, to: string): Built => ({ path: to, bytes: readFileSync(join(root, from)) });

/** All files of the phone page. */
export async function phoneFiles(): Promise<readonly Built[]> {
  const icons = globSync("packages/phone/icons/*", { cwd: root }).sort();
  const files = [
    copied("packages/phone/static/phone.html", "phone.html"),
    copied("packages/phone/static/manifest.webmanifest", "phone/manifest.webmanifest"),
    { path: "phone/app.css", bytes: await styleSheet() },
    { path: "phone/app.js", bytes: await bundle("packages/phone/src/main.ts", "esm") },
    { path: "phone/sw.js", bytes: await bundle("packages/phone/sw/sw.ts", "iife") },
    ...icons.map((path) => copied(path, `phone/${relative("packages/phone/icons", path)}`)),
  ];
  const build = buildOf(files);
  return files.map((file) => named(file, build));
}

function isWritten(path: string, bytes: Uint8Array): boolean {
  try {
    return Buffer.compare(readFileSync(path), bytes) === 0;
  } catch {
    return false;
  }
}

/** Nothing is written while it is as it was. Several servers may start at once: a file is there whole or as it was. */
function write({ path, bytes }: Built): void {
  const target = join(root, "assets", path);
  if (isWritten(target, bytes)) return;
  mkdirSync(dirname(target), { recursive: true });
  const made = `${target}.${randomUUID()}`;
  writeFileSync(made, bytes);
  renameSync(made, target);
}

export async function buildPhone(): Promise<void> {
  const files = await phoneFiles();
  for (const file of files) write(file);
  const kept = new Set(files.map(({ path }) => path));
  for (const path of globSync("phone/*", { cwd: join(root, "assets") })) {
    // A file that is being written by another build has a name of its own, and goes with it.
    if (!kept.has(path) && !/[0-9a-f-]{36}$/.test(path)) rmSync(join(root, "assets", path));
  }
}
