import { canonicalJson, type JsonValue } from "@countersign/protocol/canonical";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

/** The double of these 64 bits. */
function numberOf(hex: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${hex}`));
  return view.getFloat64(0);
}

/** What the page, the server and an app in another language have to spell alike: the examples of RFC 8785. */
describe("JSON in its one spelling", () => {
  test("RFC 8785 §3.2.2: the sample of numbers, strings and literals", () => {
    const value = JSON.parse(`{
      "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
      "literals": [null, true, false]
    }`);
    expect(canonicalJson(value)).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  test("RFC 8785 §3.2.3: members by their UTF-16 code units, not by their code points", () => {
    const names = ["\u20ac", "\r", "\ufb33", "1", "\u{1f600}", "\u0080", "\u00f6"];
    const value = Object.fromEntries(names.map((name) => [name, 0]));
    // An object of JavaScript moves "1" to the front, so the text itself is read.
    const text = canonicalJson(value);
    const places = ["\r", "1", "\u0080", "\u00f6", "\u20ac", "\u{1f600}", "\ufb33"].map((name) =>
      text.indexOf(`${JSON.stringify(name)}:`),
    );
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places.every((place) => place > 0)).toBe(true);
  });

  // RFC 8785 Appendix B
  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("the number of the bits %s is %s", (hex, text) => {
    expect(canonicalJson(numberOf(hex))).toBe(text);
  });

  test.each([["7fffffffffffffff"], ["7ff0000000000000"], ["fff0000000000000"]])(
    "the bits %s are no number that JSON can say",
    (hex) => {
      expect(() => canonicalJson({ amount: numberOf(hex) })).toThrow(TypeError);
    },
  );

  test.each<[string, JsonValue]>([
    ["in a string", ["a\ud800b"]],
    ["in the name of a member", { "\udead": 1 }],
  ])("a lone surrogate %s is refused: two of them would have one spelling in UTF-8", (_, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  test("a member without a value is none, and __proto__ is a name like any other", () => {
    expect(canonicalJson({ b: undefined, a: [], c: {} })).toBe('{"a":[],"c":{}}');
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}');
  });

  test("one value has one spelling, in whichever order its members came, and it says the same", () => {
    const shuffled = (value: unknown): unknown => {
      if (typeof value !== "object" || value === null) return value;
      if (Array.isArray(value)) return value.map(shuffled);
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([name, member]) => [name, shuffled(member)]),
      );
    };
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        // -0 is 0 there (RFC 8785 §3.2.2.3).
        const plain = JSON.parse(JSON.stringify(value)) as JsonValue;
        const text = canonicalJson(plain);
        expect(JSON.parse(text)).toEqual(plain);
        expect(canonicalJson(shuffled(plain) as JsonValue)).toBe(text);
      }),
    );
  });
});
