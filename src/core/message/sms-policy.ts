import type { PhoneNumber } from "../ports/edge.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { HOUR, type Millis } from "../time.ts";

/** Where texts may go (T71). `countries` are ISO 3166-1 alpha-2; `*` is every country and every kind of number. */
export type SmsRules = {
  readonly countries: ReadonlySet<string>;
  /** Texts in an hour to one range of numbers: all that differ in the last four digits only. 0 is no limit. */
  readonly perRange: number;
  /** Texts in an hour to one country. 0 is no limit. */
  readonly perCountry: number;
};

/** One count that a text has to pass: under which name, and how many in how long. */
export type SmsCount = { readonly name: string; readonly limit: number; readonly window: Millis };

const RANGE_DIGITS = 4;
const EVERYWHERE = "*";

/**
 * Which counts a text to this number has to pass. Refused `not_allowed`: a country that is not on the list, and on a list of
 * countries whatever is no mobile number: premium-rate and shared-cost numbers are what pumping earns by. A number of no country
 * (satellites, international networks) is on no list.
 */
export function smsCounts(
  number: PhoneNumber,
  rules: SmsRules,
): Result<readonly SmsCount[], RefusalOf<"not_allowed">> {
  const { country, e164, mobile } = number;
  if (!rules.countries.has(EVERYWHERE)) {
    if (!mobile) return refused("a number that receives no text messages");
    if (country === undefined || !rules.countries.has(country)) return refused("a number of this country");
  }
  const range = e164.slice(0, -RANGE_DIGITS);
  const counts: readonly SmsCount[] = [
    { name: `range:${range}`, limit: rules.perRange, window: HOUR },
    { name: `country:${country ?? "none"}`, limit: rules.perCountry, window: HOUR },
  ];
  return ok(counts.filter(({ limit }) => limit > 0));
}

const refused = (what: string) =>
  no({ code: "not_allowed", detail: `no text messages are sent to ${what}` } as const);
