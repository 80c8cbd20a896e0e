import { describe, expect, test } from "vitest";
import { readEndpoint } from "../../../../src/delivery/web-push/hosts.ts";
import { REFUSED_CALLBACKS } from "../../../vectors/callback-targets.ts";

const strict = { more: [], allowPrivate: false };

describe("T97 which push services are called", () => {
  test.each([
    "https://fcm.googleapis.com/fcm/send/abc:def",
    "https://FCM.googleapis.com:443/fcm/send/abc",
    "https://updates.push.services.mozilla.com/wpush/v2/abc",
    "https://autopush.stage.push.services.mozilla.com/wpush/v2/abc",
    "https://web.push.apple.com/QAbc",
    "https://eu.push.apple.com/3/device/abc",
    "https://wns2-am3p.notify.windows.com/w/?token=abc%3d",
  ])("T97 those of the browsers: %s", (text) => {
    expect(readEndpoint(text, strict)?.protocol).toBe("https:");
  });

  test.each([
    ["another host", "https://push.example/send/abc"],
    ["a name that ends alike", "https://evil-fcm.googleapis.com/fcm/send/abc"],
    ["a name that ends alike, after a dot", "https://fcm.googleapis.com.push.example/abc"],
    ["a neighbour at the same owner", "https://storage.googleapis.com/bucket/abc"],
    ["a name below one that stands alone", "https://x.fcm.googleapis.com/abc"],
    ["the domain that a pattern is below", "https://notify.windows.com/abc"],
    ["a name that merely ends like a pattern", "https://evilpush.apple.com/abc"],
    ["http", "http://fcm.googleapis.com/fcm/send/abc"],
    ["another port", "https://fcm.googleapis.com:8443/fcm/send/abc"],
    ["credentials", "https://fcm.googleapis.com@push.example/abc"],
    ["credentials before the right host", "https://a:b@fcm.googleapis.com/abc"],
    ["a fragment", "https://fcm.googleapis.com/abc#x"],
    ["a dot at the end", "https://fcm.googleapis.com./abc"],
    ["a backslash", "https://push.example\\.fcm.googleapis.com/abc"],
    ["a line break that the parser drops", "https://push.example/\n.fcm.googleapis.com"],
    ["no URL", "fcm.googleapis.com"],
    ["too long an address", `https://fcm.googleapis.com/${"a".repeat(2_048)}`],
  ])("T97 not %s", (_, text) => {
    expect(readEndpoint(text, strict)).toBeUndefined();
  });

  test.each(REFUSED_CALLBACKS)("T97 no private address, also where it is listed: %j", (text) => {
    const host = URL.parse(text)?.host ?? "";
    expect(readEndpoint(text, { more: [host], allowPrivate: false })).toBeUndefined();
  });

  test("T97 others where the operator has listed them, on that port alone", () => {
    const listed = { more: ["push.example", "ntfy.example:8443"], allowPrivate: false };
    const isTaken = (text: string) => readEndpoint(text, listed) !== undefined;
    expect(isTaken("https://push.example/abc")).toBe(true);
    expect(isTaken("https://ntfy.example:8443/abc")).toBe(true);
    expect(isTaken("https://ntfy.example/abc")).toBe(false);
    expect(isTaken("https://push.example:8443/abc")).toBe(false);
    expect(isTaken("https://a.push.example/abc")).toBe(false);
    expect(isTaken("http://push.example/abc")).toBe(false);
  });

  test("T97 one's own machine in development, where it is listed", () => {
    const local = { more: ["127.0.0.1:9999"], allowPrivate: true };
    expect(readEndpoint("http://127.0.0.1:9999/abc", local)?.host).toBe("127.0.0.1:9999");
    expect(readEndpoint("http://127.0.0.1:9998/abc", local)).toBeUndefined();
    expect(readEndpoint("http://fcm.googleapis.com/abc", local)).toBeUndefined();
    expect(readEndpoint("http://169.254.169.254/abc", local)).toBeUndefined();
    expect(readEndpoint("http://127.0.0.1:9999/abc", { ...local, allowPrivate: false })).toBeUndefined();
  });
});
