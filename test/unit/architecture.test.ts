import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { importsIn, isCode, read, root, type Source, walk, withoutComments } from "./sources.ts";

/** Packages and challenges a room may import besides its own files; everything not listed is refused. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  store: ["core", "drizzle-orm"],
  objects: ["core", "cloudflare:workers", "@countersign/protocol"],
  keys: ["core", "jose", "@oslojs/asn1", "@scure/bip39"],
  phones: ["core", "libphonenumber-js"],
  delivery: ["core", "hono", "cloudflare:sockets"],
  http: ["core", "hono", "zod", "@hono/zod-validator", "@countersign/protocol"],
  pages: ["core", "hono"],
  hosted: ["core", "http", "pages", "hono", "zod", "@hono/zod-validator"],
  doors: ["core", "http", "pages", "hosted", "hono", "zod", "@hono/zod-validator", "@countersign/protocol"],
  "app.ts": ["core", "http", "doors/*/routes", "hosted/routes", "pages", "hono"],
  "openapi.ts": ["core", "http", "doors/*/openapi/description", "zod"],
  "env.ts": ["core", "zod"],
  "wiring.ts": ["core", "store", "objects", "keys", "delivery", "http", "phones", "doors/*/part", "env.ts"],
  "worker.ts": ["app.ts", "env.ts", "wiring.ts", "objects"],
};

/** The one file of a door that may use the database: the adapters of its own ports. */
const DOOR_STORE = /^src\/doors\/[^/]+\/store\.ts$/;
const FOR_DOOR_STORE: readonly string[] = ["store", "drizzle-orm"];

/** Single files of a room that another room may import, beside whole challenges. */
const ONE_FILE: Readonly<Record<string, RegExp>> = {
  "doors/*/routes": /^src\/doors\/[^/]+\/routes\.ts$/,
  "doors/*/part": /^src\/doors\/[^/]+\/part\.ts$/,
  "doors/*/openapi/description": /^src\/doors\/[^/]+\/openapi\/description\.ts$/,
  "hosted/routes": /^src\/hosted\/routes\.ts$/,
};

/** `doors/oauth/routes.ts` -> `doors/oauth`; undefined: no room. */
function roomOf(path: string): string | undefined {
  const [src, first, second, third] = path.split("/");
  if (src !== "src" || first === undefined) return undefined;
  if (second === undefined) return first.endsWith(".ts") && first in ALLOWED ? first : undefined;
  if (first === "doors") return third === undefined ? undefined : `doors/${second}`;
  return first in ALLOWED ? first : undefined;
}

/** A package's name without its subpath: `hono/jsx` -> `hono`. */
function packageOf(specifier: string): string {
  if (/^[a-z]+:/.test(specifier)) return specifier;
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

function isAllowed(from: string, specifier: string): boolean {
  const room = roomOf(from);
  if (room === undefined) return false;
  const kind = room.startsWith("doors/") ? "doors" : room;
  const allowed = [...(ALLOWED[kind] ?? []), ...(DOOR_STORE.test(from) ? FOR_DOOR_STORE : [])];
  if (!specifier.startsWith(".")) return allowed.includes(packageOf(specifier));
  const target = normalize(join(dirname(from), specifier));
  const targetRoom = roomOf(target);
  if (targetRoom === undefined) return false;
  if (targetRoom === room || allowed.includes(targetRoom)) return true;
  return Object.entries(ONE_FILE).some(([name, path]) => allowed.includes(name) && path.test(target));
}

function violations(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) => {
    if (roomOf(path) === undefined) return [`${path} belongs to no room`];
    return importsIn(text)
      .filter((specifier) => !isAllowed(path, specifier))
      .map((specifier) => `${path} may not import ${specifier}`);
  });
}

/** What would stop an object from hibernating: timers, a socket it holds itself, a call it waits for. */
const KEEPS_AWAKE = [
  /\bset(?:Timeout|Interval)\b/,
  /\.accept\s*\(/,
  /(?<![\w.$])fetch\s*\(/,
  /\bglobalThis\s*\.\s*fetch\b/,
];

/** The Worker's side of the room: it may hold a waiter's socket, since a Worker does not hibernate. */
const STUB_CALLERS = [
  "src/objects/challenges.ts",
  "src/objects/follow.ts",
  "src/objects/inboxes.ts",
  "src/objects/wait.ts",
];

function wakefulness({ path, text }: Source): string[] {
  // The object's own handler is called fetch too.
  const code = withoutComments(text).replace(
    /^\s*(?:override\s+)?(?:async\s+)?(?:override\s+)?fetch\s*\(.*\{\s*$/gm,
    "",
  );
  return KEEPS_AWAKE.filter((pattern) => pattern.test(code)).map((pattern) => `${path} matches ${pattern}`);
}

describe("who may import whom", () => {
  const files = walk(join(root, "src"));
  const sources = files.filter(isCode).map(read);

  test("every source file belongs to a room and imports only what its room may", () => {
    expect(sources.length).toBeGreaterThan(10);
    expect(files.filter((path) => roomOf(path) === undefined)).toEqual([]);
    expect(violations(sources)).toEqual([]);
  });

  test("imports were found to be checked", () => {
    const relativeImports = sources.flatMap(({ text }) => importsIn(text));
    expect(relativeImports.length).toBeGreaterThan(sources.length / 2);
    for (const { path, text } of sources) {
      const lines = withoutComments(text).match(/^\s*(?:import|\} from|export .* from)\b.*["'];?$/gm) ?? [];
      expect(importsIn(text).length, path).toBeGreaterThanOrEqual(
        lines.filter((line) => /["']/.test(line)).length,
      );
    }
  });

  test.each([
    ["src/core/token/claims.ts", 'import { SignJWT } from "jose";'],
    ["src/core/token/claims.ts", 'import { x } from "../../store/clients.ts";'],
    ["src/core/token/claims.ts", 'export * from "../../http/body.ts";'],
    ["src/core/token/claims.ts", 'import { randomUUID } from "node:crypto";'],
    ["src/store/clients.ts", 'import { Hono } from "hono";'],
    ["src/objects/challenge-object.ts", 'import type { Clients } from "../store/clients.ts";'],
    ["src/objects/challenge-object.ts", 'import { eq } from "drizzle-orm";'],
    ["src/keys/signer.ts", 'import { env } from "cloudflare:workers";'],
    ["src/http/body.ts", 'const pages = await import("../pages/layout.tsx");'],
    ["src/pages/layout.tsx", 'import {\n  a,\n  b,\n} from "../http/no-store.ts";'],
    ["src/doors/oauth/routes.ts", 'import { x } from "../cotter/schema.ts";'],
    ["src/doors/oauth/routes.ts", 'import "../../store/clients.ts";'],
    ["src/doors/oauth/routes.ts", 'type X = import("../../keys/signer.ts").Signer;'],
    ["src/doors/oauth/routes.ts", 'import { y } from "../shared.ts";'],
    ["src/app.ts", 'import { x } from "./doors/oauth/errors.ts";'],
    ["src/app.ts", 'import { x } from "./store/clients.ts";'],
    ["src/app.ts", 'import { x } from "./hosted/check.ts";'],
    ["src/hosted/check.ts", 'import { x } from "../doors/cotter/errors.ts";'],
    ["src/doors/oauth/action/track.ts", 'import { x } from "../../../store/database.ts";'],
    ["src/doors/oauth/action/store.ts", 'import { eq } from "drizzle-orm";'],
    ["src/core/challenge/decide.ts", 'import { x } from "../../doors/cotter/errors.ts";'],
    ["src/wiring.ts", 'import { x } from "./doors/oauth/store.ts";'],
    ["src/wiring.ts", 'import { app } from "./app.ts";'],
    ["src/wiring.ts", 'import { routes } from "./doors/oauth/routes.ts";'],
    ["src/worker.ts", 'import { Hono } from "hono";'],
    ["src/worker.ts", 'import { x } from "../scripts/start.ts";'],
    ["src/doors/shared.ts", ""],
    ["src/app.ts", 'import { openApi } from "./openapi.ts";'],
    ["src/doors/oauth/routes.ts", 'import { oauthDescription } from "../cotter/openapi/description.ts";'],
    ["src/utils/strings.ts", ""],
    ["src/helpers.ts", ""],
  ])("refuses, planted in %s: %s", (path, text) => {
    expect(violations([{ path, text }])).toHaveLength(1);
  });

  test.each([
    ["src/core/token/claims.ts", 'import type { UserId } from "../ids.ts";'],
    [
      "src/doors/oauth/routes.ts",
      'import { zValidator } from "@hono/zod-validator";\nimport { c } from "hono/cors";',
    ],
    ["src/doors/oauth/routes.ts", 'import { noStore } from "../../http/no-store.ts";\nimport "./schema.ts";'],
    ["src/app.ts", 'import { oauth } from "./doors/oauth/routes.ts";'],
    ["src/doors/oauth/store.ts", 'import { eq } from "drizzle-orm";\nimport "../../store/rows.ts";'],
    ["src/wiring.ts", 'import { part } from "./doors/oauth/part.ts";'],
    ["src/worker.ts", 'export { ChallengeObject } from "./objects/challenge-object.ts";'],
    ["src/core/token/claims.ts", '// import { SignJWT } from "jose";\n/* import "hono"; */'],
  ])("allows, in %s: %s", (path, text) => {
    expect(violations([{ path, text }])).toEqual([]);
  });
});

describe("objects can hibernate", () => {
  test("no timer, no accept(), no outgoing fetch in src/objects", () => {
    const sources = walk(join(root, "src/objects"))
      .filter((path) => isCode(path) && !STUB_CALLERS.includes(path))
      .map(read);
    expect(sources.filter(({ text }) => /extends DurableObject\b/.test(text))).toHaveLength(2);
    expect(sources.flatMap(wakefulness)).toEqual([]);
    const imported = sources.flatMap(({ path, text }) =>
      importsIn(text).map((to) => join(dirname(path), to)),
    );
    expect(imported.filter((path) => STUB_CALLERS.includes(path))).toEqual([]);
  });

  test("T218 G6 one place makes proofs, and so looks whether who approves is locked", () => {
    const makers = walk(join(root, "src"))
      .filter(isCode)
      .map(read)
      .filter(({ text }) => /\bas (?:unknown as )?VerifiedProof\b/.test(text));
    expect(makers.map(({ path }) => path)).toEqual(["src/keys/proofs.ts"]);
  });

  test.each([
    "setTimeout(() => this.broom(), 1000);",
    "const timer = setInterval(tick, 1000);",
    "server.accept();",
    'const answer = await fetch("https://example.com");',
    "return globalThis.fetch(request);",
  ])("refuses a planted %s", (text) => {
    expect(wakefulness({ path: "src/objects/challenge-object.ts", text })).not.toEqual([]);
  });

  test.each([
    "  override async fetch(request: Request): Promise<Response> {",
    "const answer = await stub.fetch(request);",
    "this.ctx.acceptWebSocket(server);",
    "await this.ctx.storage.setAlarm(at); // no setTimeout here",
  ])("allows %s", (text) => {
    expect(wakefulness({ path: "src/objects/challenge-object.ts", text })).toEqual([]);
  });
});
