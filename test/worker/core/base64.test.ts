import { describe, expect, test } from "vitest";
import {
  fromBase64,
  fromBase64Url,
  fromLenientBase64,
  textOfBase64,
  toBase64Url,
} from "../../../src/core/base64.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

describe("canonical base64", () => {
  test.each([
    ["", bytes()],
    ["+/8=", bytes(0xfb, 0xff)],
    ["AA==", bytes(0)],
    ["AQID", bytes(1, 2, 3)],
  ])("%j is read", (text, expected) => {
    expect(fromBase64(text)).toEqual(expected);
    expect(expected.toBase64()).toBe(text);
  });

  test.each([
    ["the other alphabet", "-_8="],
    ["no padding", "+/8"],
    ["half of the padding", "AA="],
    ["more padding", "+/8=="],
    ["padding behind whole bytes", "AQID="],
    ["padding alone", "="],
    ["padding in the middle", "AA==AA=="],
    ["bits that belong to no byte", "+/9="],
    ["bits that belong to no byte, twice padded", "AB=="],
    ["a digit over", "AQIDA"],
    ["white space in front", " AQID"],
    ["white space behind", "AQID\n"],
    ["white space in the middle", "AQ\tID"],
    ["a form feed", "AQID\f"],
    ["a sign of no alphabet", "AQI*"],
    ["a letter of another script", "AQIÐ"],
    ["NUL", "AQI\0"],
  ])("%s is refused", (_, text) => {
    expect(fromBase64(text)).toBeUndefined();
  });
});

describe("canonical base64url", () => {
  test.each([
    ["", bytes()],
    ["-_8", bytes(0xfb, 0xff)],
    ["AA", bytes(0)],
    ["AQID", bytes(1, 2, 3)],
  ])("%j is read", (text, expected) => {
    expect(fromBase64Url(text)).toEqual(expected);
    expect(toBase64Url(expected)).toBe(text);
  });

  test.each([
    ["the other alphabet", "+/8"],
    ["padding", "-_8="],
    ["padding alone", "="],
    ["bits that belong to no byte", "-_9"],
    ["bits that belong to no byte, one byte", "AB"],
    ["a digit over", "AQIDA"],
    ["white space in front", " AQID"],
    ["white space behind", "AQID\n"],
    ["white space in the middle", "AQ ID"],
    ["a sign of no alphabet", "AQ.D"],
  ])("%s is refused", (_, text) => {
    expect(fromBase64Url(text)).toBeUndefined();
  });
});

describe("base64 as SDKs write it", () => {
  test.each(["+/8=", "-_8=", "+_8", "-/8===", "-_9"])("%j is read", (text) => {
    expect(fromLenientBase64(text)).toEqual(bytes(0xfb, 0xff));
  });

  test.each(["A", "AQIDA", "AA=A", " AQID", "AQID\n", "AQ ID", "AQ*D", "=AA"])("%j is refused", (text) => {
    expect(fromLenientBase64(text)).toBeUndefined();
    expect(textOfBase64(text)).toBeUndefined();
  });

  test("its text is UTF-8, and a byte order mark is not dropped from it", () => {
    expect(textOfBase64("w6TDtg")).toBe("äö");
    expect(textOfBase64("77u_YQ")).toBe("\ufeffa");
    expect(textOfBase64("_w==")).toBe("\ufffd");
  });
});
