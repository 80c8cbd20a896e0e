import { describe, expect, test } from "vitest";
import {
  amrOfSameDevice,
  distanceKm,
  judgeNearness,
  judgeSameDevice,
  NEAR_KM,
  nearness,
  type Point,
} from "../../../../src/core/challenge/proximity.ts";
import type { Origin } from "../../../../src/core/challenge/state.ts";

const at = (latitude: number, longitude: number): Point => ({ latitude, longitude });
const VIENNA = at(48.2, 16.4);
const GRAZ = at(47.1, 15.4);
const MADRID = at(40.4, -3.7);
const SYDNEY = at(-33.9, 151.2);

describe("the distance of two points", () => {
  test.each([
    ["one city", VIENNA, VIENNA, 0, 0],
    ["two cities of a country", VIENNA, GRAZ, 143, 3],
    ["two cities of a continent", VIENNA, MADRID, 1_808, 10],
    ["two halves of the earth", VIENNA, SYDNEY, 15_990, 60],
    ["across the antimeridian, in Fiji", at(-16.8, 179.9), at(-16.8, -179.9), 21.3, 0.2],
    ["around a pole", at(89.9, 0), at(89.9, 180), 22.2, 0.2],
    ["at a pole, whatever the meridian", at(90, 12), at(90, -170), 0, 0.001],
    ["from pole to pole", at(90, 0), at(-90, 0), 20_015, 1],
    ["antipodes", at(12.3, 45.6), at(-12.3, -134.4), 20_015, 1],
  ])("%s", (_, a, b, km, within) => {
    expect(Math.abs(distanceKm(a, b) - km)).toBeLessThanOrEqual(within);
    expect(distanceKm(b, a)).toBeCloseTo(distanceKm(a, b), 6);
  });
});

describe("near and far", () => {
  const origin = (point: Partial<Point>, country?: string): Origin => ({
    ...point,
    ...(country === undefined ? {} : { country }),
  });
  /** So many kilometres north of the equator. */
  const north = (km: number) => at((km / 6_371) * (180 / Math.PI), 0);

  test.each([
    ["the same city", origin(VIENNA, "AT"), origin(VIENNA, "AT"), "near"],
    ["just inside", north(0), north(NEAR_KM - 1), "near"],
    ["just outside", north(0), north(NEAR_KM + 1), "far"],
    ["another country next door", origin(VIENNA, "AT"), origin(at(48.1, 17.1), "SK"), "near"],
    ["one wide country, known places", origin(at(40.7, -74), "US"), origin(at(34.1, -118.2), "US"), "far"],
    ["one country, one place unknown", origin(VIENNA, "AT"), origin({}, "AT"), "near"],
    ["two countries, one place unknown", origin(VIENNA, "AT"), origin({}, "SK"), "far"],
    ["half a point is none", origin({ latitude: 48.2 }, "AT"), origin(VIENNA, "SK"), "far"],
    ["a country unknown", origin({}, "AT"), origin({}), "far"],
    ["the other country unknown", origin({}), origin({}, "AT"), "far"],
    ["nothing known", {}, {}, "far"],
    ["the same address, its place unknown", { ip: "192.0.2.1" }, { ip: "192.0.2.1" }, "far"],
    ["Tor at both ends", origin({}, "T1"), origin({}, "T1"), "far"],
    ["Tor with a place", origin(VIENNA, "T1"), origin(VIENNA, "AT"), "far"],
    ["null island is a point", at(0, 0), at(0, 0), "near"],
  ] as const)("T30 %s", (_, start, here, expected) => {
    expect(nearness(start, here)).toBe(expected);
    expect(nearness(here, start)).toBe(expected);
  });
});

describe("what the client makes of it", () => {
  const near = [VIENNA, GRAZ] as const;
  const far = [VIENNA, MADRID] as const;
  const nothing = { warnings: [], stepUp: false, denied: false };

  test.each([
    [{ proximity: "ignore" }, nothing],
    [{}, { ...nothing, warnings: ["far"] }],
    [{ proximity: "warn" }, { ...nothing, warnings: ["far"] }],
    [{ proximity: "step_up" }, { warnings: ["far"], stepUp: true, denied: false }],
    [{ proximity: "deny" }, { warnings: ["far"], stepUp: false, denied: true }],
  ] as const)("T30 %j: from far, and nothing from near", (settings, expected) => {
    expect(judgeNearness(settings, ...far)).toEqual(expected);
    expect(judgeNearness(settings, {}, {})).toEqual(expected);
    expect(judgeNearness(settings, ...near)).toEqual(nothing);
  });

  const unmarked = { warnings: [], marked: false, denied: false };
  test.each([
    [{ same_device: "ignore" }, unmarked],
    [{}, { warnings: ["same_device"], marked: true, denied: false }],
    [{ same_device: "mark" }, { warnings: ["same_device"], marked: true, denied: false }],
    [{ same_device: "deny" }, { warnings: ["same_device"], marked: false, denied: true }],
  ] as const)("T31 %j: on one device, and nothing on two", (settings, expected) => {
    expect(judgeSameDevice(settings, true)).toEqual(expected);
    expect(judgeSameDevice(settings, false)).toEqual(unmarked);
  });

  test("T31 an approval on one device is marked by the missing hwk", () => {
    expect(amrOfSameDevice(["hwk", "user"])).toEqual(["user"]);
    expect(amrOfSameDevice(["swk", "user"])).toEqual(["swk", "user"]);
    expect(amrOfSameDevice([])).toEqual([]);
  });
});
