import { expect, test } from "vitest";
import { place } from "../support/place.ts";
import { play } from "../support/sdk-requests.ts";
import { makeContext, PLAYS } from "./sdk-requests.ts";

const OTHERS = new Set(["the page's backend", "@authsignal/browser"]);
const titles = PLAYS.map((rows) => {
  const own = rows.find(({ sdk }) => !OTHERS.has(sdk)) ?? rows.findLast(() => true);
  return [`${own?.sdk} ${own?.version}`, rows] as const;
});

test.each(titles)("A1 A10 what %s sends is answered as its decoder requires", async (_title, rows) => {
  expect(rows.length).toBeGreaterThan(10);
  await play(place().origin, rows, await makeContext(place()));
});
