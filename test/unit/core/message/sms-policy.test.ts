import { describe, expect, test } from "vitest";
import { type SmsRules, smsCounts } from "../../../../src/core/message/sms-policy.ts";
import { phones } from "../../../../src/phones/read-phone.ts";

const rules = (countries: readonly string[], over: Partial<SmsRules> = {}): SmsRules => ({
  countries: new Set(countries),
  perRange: 30,
  perCountry: 1_000,
  ...over,
});
const ask = (number: string, given: SmsRules) => {
  const read = phones.read(number);
  if (!read) throw new Error(`${number} is no number`);
  return smsCounts(read, given);
};

describe("T71 where texts may go", () => {
  test.each([
    ["+4915112345678", "DE"],
    ["+12125550123", "US"],
    ["+447911123456", "GG"],
    ["+33612345678", "FR"],
    ["+18765551234", "JM"],
  ])("T71 %s only when %s is on the list", (number, country) => {
    expect(ask(number, rules([country])).ok).toBe(true);
    expect(ask(number, rules(["AT"]))).toMatchObject({ ok: false, error: { code: "not_allowed" } });
    expect(ask(number, rules([]))).toMatchObject({ ok: false, error: { code: "not_allowed" } });
  });

  test.each([
    ["premium rate", "+19005551234", "US"],
    ["premium rate", "+449012345678", "GB"],
    ["premium rate", "+49900123456", "DE"],
    ["shared cost", "+33899123456", "FR"],
    ["personal number", "+447011234567", "GB"],
    ["fixed line", "+4930123456", "DE"],
  ])("T71 no %s number, in a listed country either: %s", (_kind, number, country) => {
    expect(ask(number, rules([country]))).toMatchObject({ ok: false, error: { code: "not_allowed" } });
  });

  test("T71 a number of no country is on no list of countries", () => {
    const satellite = { e164: "+881612345678", mobile: true };
    expect(smsCounts(satellite, rules(["US", "DE"])).ok).toBe(false);
    expect(smsCounts(satellite, rules(["*"])).ok).toBe(true);
  });

  test("* lets every number through, and still counts it", () => {
    expect(ask("+15555555555", rules(["*"]))).toEqual({
      ok: true,
      value: [
        { name: "range:+1555555", limit: 30, window: 3_600_000 },
        { name: "country:none", limit: 1_000, window: 3_600_000 },
      ],
    });
  });

  test("T71 numbers that differ in the last four digits only share a count; 0 is no limit", () => {
    const counts = (number: string, over: Partial<SmsRules> = {}) => {
      const asked = ask(number, rules(["DE"], over));
      return asked.ok ? asked.value.map(({ name }) => name) : [];
    };
    expect(counts("+4915112345678")).toEqual(counts("+4915112340000"));
    expect(counts("+4915112345678")).not.toEqual(counts("+4915112355678"));
    expect(counts("+4915112345678", { perRange: 0 })).toEqual(["country:DE"]);
    expect(counts("+4915112345678", { perRange: 0, perCountry: 0 })).toEqual([]);
  });
});
