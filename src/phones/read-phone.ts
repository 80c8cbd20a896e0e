import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/mobile";
import type { Phones } from "../core/ports/edge.ts";
import { plainPhone } from "../core/typed-text.ts";

const LONGEST = 40;

/** Numbers by the plans of libphonenumber: lengths of all numbers, and the ranges that belong to mobiles. */
export const phones: Phones = {
  read(given, country) {
    if (given.length > 2 * LONGEST) return undefined;
    const text = plainPhone(given);
    if (text.length > LONGEST) return undefined;
    const region: CountryCode | undefined =
      country !== undefined && isSupportedCountry(country) ? country : undefined;
    const number = parsePhoneNumberFromString(text, {
      ...(region === undefined ? {} : { defaultCountry: region }),
      // Nothing but a number: no number is picked out of a sentence.
      extract: false,
    });
    if (!number?.isPossible() || number.ext) return undefined;
    const { number: e164, country: of } = number;
    return { e164, ...(of === undefined ? {} : { country: of }), mobile: number.isValid() };
  },
};
