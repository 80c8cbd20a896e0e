import { type ClientSettings, proximityOf, sameDeviceOf } from "../client/settings.ts";
import type { Origin } from "./state.ts";

/** A point on the earth, in degrees. */
export type Point = { readonly latitude: number; readonly longitude: number };

/** Beyond this two addresses are not at one place. Addresses are located by their network, to a city at best (docs/decisions/0089). */
export const NEAR_KM = 500;

/** Cloudflare's word for the Tor network, which is nowhere. */
const TOR = "T1";

const EARTH_RADIUS_KM = 6_371;

const radians = (degrees: number): number => (degrees * Math.PI) / 180;

/** The way over the ground between two points, in kilometres, by the haversine formula; 0.5 % wrong at most, as the earth is no ball. */
export function distanceKm(a: Point, b: Point): number {
  const [latA, latB] = [radians(a.latitude), radians(b.latitude)];
  const across = Math.sin((latB - latA) / 2) ** 2;
  const along = Math.sin(radians(b.longitude - a.longitude) / 2) ** 2;
  const chord = across + Math.cos(latA) * Math.cos(latB) * along;
  return 2 * EARTH_RADIUS_KM * Math.asin(Math.min(1, Math.sqrt(chord)));
}

const pointOf = ({ latitude, longitude }: Origin): Point | undefined =>
  latitude === undefined || longitude === undefined ? undefined : { latitude, longitude };

/**
 * Whether who asks and who approves are at one place. Where coordinates are missing, the country stands for them. What is unknown is far
 * (RFC 10027 §6.1.1; T30).
 */
export function nearness(start: Origin, here: Origin): "near" | "far" {
  if (start.country === TOR || here.country === TOR) return "far";
  const [from, to] = [pointOf(start), pointOf(here)];
  if (from && to) return distanceKm(from, to) <= NEAR_KM ? "near" : "far";
  return start.country !== undefined && start.country === here.country ? "near" : "far";
}

export type JudgedNearness = {
  /** To be shown above the question. */
  readonly warnings: readonly "far"[];
  /** The approval takes the number on the waiting screen and the device's own unlock, whatever else is set. */
  readonly stepUp: boolean;
  /** It cannot be approved from here. */
  readonly denied: boolean;
};

/** What the client's `proximity` makes of the two places (T30). */
export function judgeNearness(settings: ClientSettings, start: Origin, here: Origin): JudgedNearness {
  const rule = proximityOf(settings);
  const isFar = rule !== "ignore" && nearness(start, here) === "far";
  return {
    warnings: isFar ? ["far"] : [],
    stepUp: isFar && rule === "step_up",
    denied: isFar && rule === "deny",
  };
}

export type JudgedSameDevice = {
  /** To be shown above the question. */
  readonly warnings: readonly "same_device"[];
  /** The approval says so in its `amr` (`amrOfSameDevice`). */
  readonly marked: boolean;
  /** It cannot be approved from here. */
  readonly denied: boolean;
};

/** What the client's `same_device` makes of one device on both sides: then the phone proves nothing that the browser did not (T31). */
export function judgeSameDevice(settings: ClientSettings, sameDevice: boolean): JudgedSameDevice {
  const rule = sameDeviceOf(settings);
  const counts = sameDevice && rule !== "ignore";
  return {
    warnings: counts ? ["same_device"] : [],
    marked: counts && rule === "mark",
    denied: counts && rule === "deny",
  };
}

/** `amr` of an approval on the device that began: a key of the same device is no second thing that somebody has (RFC 8176 §2). */
export const amrOfSameDevice = (amr: readonly string[]): readonly string[] =>
  amr.filter((method) => method !== "hwk");
