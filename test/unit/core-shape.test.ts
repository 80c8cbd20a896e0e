import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { importsIn, isCode, read, root, type Source, walk, withoutComments } from "./sources.ts";

type Graph = ReadonlyMap<string, { readonly imports: readonly string[]; readonly isVerb: boolean }>;

/** A file that is given powers is a verb; the others of core are states, rules and ports. */
const isVerb = ({ path, text }: Source): boolean =>
  path.startsWith("src/core/") &&
  !path.startsWith("src/core/ports/") &&
  /\bServices\b|\bParameters<typeof /.test(withoutComments(text));

/** Every source file with the files of ours that it imports. */
function graphOf(sources: readonly Source[]): Graph {
  return new Map(
    sources.map((source) => {
      const own = importsIn(source.text).filter((specifier) => specifier.startsWith("."));
      const imports = own.map((specifier) => normalize(join(dirname(source.path), specifier)));
      return [source.path, { imports, isVerb: isVerb(source) }];
    }),
  );
}

const sources = walk(join(root, "src")).filter(isCode).map(read);
const graph = graphOf(sources);

/** The first circle of imports, as its files in order; types count too. */
function circleIn(files: Graph): readonly string[] | undefined {
  const done = new Set<string>();
  function from(path: string, way: readonly string[]): readonly string[] | undefined {
    if (way.includes(path)) return [...way.slice(way.indexOf(path)), path];
    if (done.has(path)) return undefined;
    for (const next of files.get(path)?.imports ?? []) {
      const found = from(next, [...way, path]);
      if (found) return found;
    }
    done.add(path);
    return undefined;
  }
  for (const path of files.keys()) {
    const found = from(path, []);
    if (found) return found;
  }
  return undefined;
}

/**
 * The floors of core, the lowest first. States, rules and ports stand below all of them. A verb imports verbs of its own folder and of
 * the floors below it, and of no other folder on its floor.
 */
const FLOORS: readonly (readonly string[])[] = [
  ["audit"],
  ["challenge"],
  ["client", "code", "grant", "keys"],
  ["device", "message"],
  ["user", "upkeep.ts"],
];

const placeOf = (path: string): string => path.split("/")[2] ?? "";
const floorOf = (path: string): number => FLOORS.findIndex((floor) => floor.includes(placeOf(path)));

/** Imports of core that run up, or across, or from a state to a verb, or from a port to one. */
function arrowsUp(files: Graph): string[] {
  return [...files].flatMap(([path, { imports, isVerb }]) => {
    if (!path.startsWith("src/core/")) return [];
    const verbs = imports.filter((target) => files.get(target)?.isVerb);
    if (!isVerb) return verbs.map((target) => `${path} is no verb and imports ${target}`);
    if (floorOf(path) === -1) return [`${path} stands on no floor`];
    return verbs
      .filter((target) => placeOf(target) !== placeOf(path) && floorOf(target) >= floorOf(path))
      .map((target) => `${path} imports ${target}, which is not below it`);
  });
}

/** The same sources with one more import in one of them, or with one more file. */
function planted(path: string, specifier: string): Graph {
  const own = sources.find((source) => source.path === path) ?? { path, text: "" };
  const changed = { path, text: `import type { X } from "${specifier}";\n${own.text}` };
  return graphOf([...sources.filter((source) => source.path !== path), changed]);
}

describe("the shape of core", () => {
  test("no file imports itself by way of others", () => {
    expect(circleIn(graph)).toBeUndefined();
    const circle = circleIn(planted("src/core/ids.ts", "./challenge/state.ts"));
    expect(circle).toEqual(expect.arrayContaining(["src/core/ids.ts", "src/core/challenge/state.ts"]));
  });

  test("every verb imports only what stands below it", () => {
    expect([...graph.values()].filter((file) => file.isVerb).length).toBeGreaterThan(25);
    expect(arrowsUp(graph)).toEqual([]);
  });

  test.each([
    ["src/core/challenge/start.ts", "../grant/end.ts"],
    ["src/core/grant/end.ts", "../code/send.ts"],
    ["src/core/device/manage.ts", "../user/update.ts"],
    ["src/core/challenge/state.ts", "./start.ts"],
    ["src/core/ports/challenges.ts", "../challenge/redeem.ts"],
  ])("an arrow that runs up is found, planted in %s: %s", (path, specifier) => {
    expect(arrowsUp(planted(path, specifier))).toHaveLength(1);
  });

  test("with states and ports the floors are seven at most", () => {
    // The states and rules are one floor, the ports another.
    expect(FLOORS.length + 2).toBeLessThanOrEqual(7);
    expect(FLOORS.flat().every((place) => [...graph.keys()].some((path) => placeOf(path) === place))).toBe(
      true,
    );
  });
});

/** What a folder holds, without the folders in it. */
const sizes = (): ReadonlyMap<string, number> => {
  const counted = new Map<string, number>();
  for (const path of graph.keys()) counted.set(dirname(path), (counted.get(dirname(path)) ?? 0) + 1);
  return counted;
};

/** Folders of more than fifteen files, each with its reason. */
const LARGE: Readonly<Record<string, string>> = {
  "src/core/challenge": "its state and rules, and one file for each verb",
  "src/core/device": "its rules, and one file for each way in which a device comes, changes and goes",
  "src/core/inbox": "one file for each thing that an inbox remembers, counts or compares",
  "src/core/ports": "one file for each thing that the verbs ask for",
  "src/http": "small manners of requests and answers, each on its own",
  "src/keys": "one file for each kind of key, mark or proof",
  "src/store": "one adapter for each port, with the statements that they share",
  "src/pages/verify": "one file for each page and its words",
};

test("no folder holds more than fifteen files without a reason", () => {
  const large = [...sizes()].filter(([, files]) => files > 15).map(([folder]) => folder);
  expect(large.sort()).toEqual(Object.keys(LARGE).sort());
});

/** The door or room of a file outside core; `undefined` for core itself. */
function sideOf(path: string): string | undefined {
  const [, first = "", second = ""] = path.split("/");
  if (first === "core") return undefined;
  return first === "doors" ? `${first}/${second}` : first;
}

/** Files of core that one door alone leads to, with the door. */
function ofOneDoor(files: Graph): readonly string[] {
  const sides = new Map<string, Set<string>>();
  for (const start of files.keys()) {
    const side = sideOf(start);
    if (side === undefined) continue;
    const seen = new Set<string>();
    const left = [start];
    for (let path = left.pop(); path !== undefined; path = left.pop()) {
      for (const next of files.get(path)?.imports ?? []) {
        if (!next.startsWith("src/core/") || seen.has(next)) continue;
        seen.add(next);
        left.push(next);
      }
    }
    for (const path of seen) sides.set(path, (sides.get(path) ?? new Set()).add(side));
  }
  return [...sides]
    .filter(([, found]) => found.size === 1 && [...found].every((side) => side.startsWith("doors/")))
    .map(([path]) => path)
    .sort();
}

/** What one door alone uses today and is core's all the same, each with its reason. */
const ONE_DOORS: Readonly<Record<string, string>> = {
  "src/core/challenge/proximity.ts": "where both sides are is known of every challenge, whatever its wire",
  "src/core/client/manage.ts": "the operator's verbs; clients are every door's",
  "src/core/device/enrol-by-device.ts": "a trusted device adds another one; nothing of it is the wire's",
  "src/core/device/enrol-first.ts": "the window of a first device is the person's, whichever door it is in",
  "src/core/device/recovery-codes.ts": "the user's way back is none of a wire's, whichever page takes it",
  "src/core/keys/rotate.ts": "the operator's verb; keys are every door's",
  "src/core/user/personal-data.ts": "the operator's verbs; people are every door's",
};

test("core holds what at least two doors share", () => {
  expect(ofOneDoor(graph)).toEqual(Object.keys(ONE_DOORS).sort());
  expect(ofOneDoor(planted("src/doors/cotter/routes.ts", "../../core/planted.ts"))).toContain(
    "src/core/planted.ts",
  );
});

/** Names of services that one function may be given by name; what it passes on comes by the types of those whom it calls. */
const MOST_POWERS = 11;

const powersIn = (text: string): readonly number[] =>
  [...text.matchAll(/Pick<\s*Services,([^>]*)>/g)]
    .map(([, names = ""]) => names.match(/"/g)?.length ?? 0)
    .map((quotes) => quotes / 2);

test("nobody takes twelve powers", () => {
  const counted = sources.flatMap(({ path, text }) => powersIn(text).map((powers) => ({ path, powers })));
  expect(counted.length).toBeGreaterThan(100);
  expect(counted.filter(({ powers }) => powers > MOST_POWERS)).toEqual([]);
  expect(
    powersIn(`Pick<Services, ${Array.from({ length: 12 }, (_, at) => `"p${at}"`).join(" | ")}>`),
  ).toEqual([12]);
});
