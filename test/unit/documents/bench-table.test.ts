import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";

const root = resolve(import.meta.dirname, "../../..");
const results = resolve(root, "bench/results");

type Result = {
  readonly date: string;
  readonly isQuick: boolean;
  readonly outcomes: readonly Readonly<Record<"figure" | "says" | "bar", string> & { met: boolean }>[];
};

/** The run that README shows: whoever measures again has newer files, which nobody has published yet. */
const [, shown = ""] =
  /results\/(\d{4}-\d{2}-\d{2})\.svg/.exec(readFileSync(resolve(root, "README.md"), "utf8")) ?? [];
const { date, isQuick, outcomes }: Result = JSON.parse(
  readFileSync(resolve(results, `${shown}.json`), "utf8"),
);
const rows = outcomes.map(
  ({ figure, says, bar, met }) => `| ${figure} | ${says} | ${bar} | ${met ? "met" : "**short**"} |`,
);
const written = new Intl.DateTimeFormat("en-GB", { dateStyle: "long", timeZone: "UTC" }).format(
  new Date(date),
);

describe("the figures in the documents", () => {
  test("every figure of the plan was measured, in a whole run", () => {
    expect(isQuick).toBe(false);
    const plan = ["B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8"];
    expect(plan.filter((name) => !outcomes.some(({ figure }) => figure.startsWith(name)))).toEqual([]);
    expect(outcomes.filter(({ says }) => says.includes("not measured"))).toEqual([]);
  });

  test.each(["README.md", "bench/README.md"])(
    "%s shows the table of that run, its date and its chart",
    (file) => {
      const text = readFileSync(resolve(root, file), "utf8");
      expect(text).toContain(rows.join("\n"));
      expect(text).toContain(`\`npm run bench\` `);
      expect(text).toContain(written);
      expect(text).toContain(`results/${date}.svg)`);
      expect(existsSync(resolve(results, `${date}.svg`))).toBe(true);
    },
  );
});
