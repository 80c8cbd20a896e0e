import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/min";
import type { Phones } from "../core/ports/phones.ts";

const LONGEST = 40;

/** Numbers by the plans of libphonenumber, in their smallest form: lengths and leading digits, not every carrier's ranges. */
export const phones: Phones = {
  read(text, country) {
    if (text.length > LONGEST) return undefined;
    const region: CountryCode | undefined =
      country !== undefined && isSupportedCountry(country) ? country : undefined;
    const number = parsePhoneNumberFromString(text, {
      ...(region === undefined ? {} : { defaultCountry: region }),
      // Nothing but a number: no number is picked out of a sentence.
      extract: false,
    });
    if (!number?.isPossible() || number.ext) return undefined;
    return { e164: number.number, ...(number.country === undefined ? {} : { country: number.country }) };
  },
};
