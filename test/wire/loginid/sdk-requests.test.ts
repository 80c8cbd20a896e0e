import { expect, test } from "vitest";
import { place } from "../support/place.ts";
import { play } from "../support/sdk-requests.ts";
import { makeContext, PLAYS } from "./sdk-requests.ts";

const titles = PLAYS.map((rows, index) => {
  const last = rows.findLast(({ sdk }) => sdk !== "the page's backend");
  return [`${last?.sdk} ${last?.version} (${index + 1})`, rows] as const;
});

test.each(titles)("what %s sends is answered as its decoder requires", async (_title, rows) => {
  expect(rows.length).toBeGreaterThan(2);
  await play(place().origin, rows, await makeContext(place()));
});
