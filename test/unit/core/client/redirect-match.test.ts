import { describe, expect, test } from "vitest";
import { isRegisteredRedirect } from "../../../../src/core/client/redirect-match.ts";

const REGISTERED = [
  "https://shop.example/cb",
  "https://shop.example/cb?app=1",
  "https://shop.example",
  "myapp://auth_callback",
  "yourapp://",
  "com.example.app:redirect_uri_path",
];

describe("redirect addresses", () => {
  test.each(REGISTERED)("T82 %s passes as it was registered", (uri) => {
    expect(isRegisteredRedirect(REGISTERED, uri)).toBe(true);
  });

  test.each([
    ["a suffix", "https://shop.example/cb/x"],
    ["a slash more", "https://shop.example/cb/"],
    ["a slash for nothing", "https://shop.example/"],
    ["a prefix", "https://shop.example/c"],
    ["a longer host", "https://shop.example.evil.example/cb"],
    ["a host in front", "https://evil.shop.example/cb"],
    ["userinfo", "https://shop.example@evil.example/cb"],
    ["userinfo with the right host", "https://x@shop.example/cb"],
    ["a path that climbs", "https://shop.example/x/../cb"],
    ["an encoded slash", "https://shop.example%2fcb"],
    ["an encoded path", "https://shop.example/%63b"],
    ["a fragment", "https://shop.example/cb#x"],
    ["an empty fragment", "https://shop.example/cb#"],
    ["an upper-case host", "https://SHOP.example/cb"],
    ["an upper-case scheme", "HTTPS://shop.example/cb"],
    ["another script's letters", "https://ѕhop.example/cb"],
    ["punycode", "https://xn--hop-2ib.example/cb"],
    ["a trailing dot", "https://shop.example./cb"],
    ["a port", "https://shop.example:443/cb"],
    ["a backslash", "https://shop.example\\cb"],
    ["a wildcard", "https://*.example/cb"],
    ["another query", "https://shop.example/cb?app=2"],
    ["a query more", "https://shop.example/cb?app=1&x=1"],
    ["a query where none is", "https://shop.example/cb?"],
    ["http for https", "http://shop.example/cb"],
    ["no scheme", "//shop.example/cb"],
    ["a blank in front", " https://shop.example/cb"],
    ["a line break behind", "https://shop.example/cb\n"],
    ["another scheme's end", "myapp2://auth_callback"],
    ["a scheme in other case", "MyApp://auth_callback"],
    ["script", "javascript:alert(1)"],
    ["data", "data:text/html,x"],
    ["nothing", ""],
    ["the word undefined", "undefined"],
  ])("T82 %s is refused", (_name, uri) => {
    expect(isRegisteredRedirect(REGISTERED, uri)).toBe(false);
  });

  test("T82 what could not be registered is refused even where it is in the list", () => {
    for (const uri of ["javascript:alert(1)", "https://shop.example/cb#x", "https://x@shop.example/"]) {
      expect(isRegisteredRedirect([uri], uri)).toBe(false);
    }
  });
});

describe("loopback addresses", () => {
  const LOOPBACK = [
    "http://127.0.0.1/cb",
    "http://[::1]/cb",
    "http://127.0.0.1:9000/other",
    "http://127.0.0.1",
  ];

  test.each([
    "http://127.0.0.1/cb",
    "http://127.0.0.1:1/cb",
    "http://127.0.0.1:52123/cb",
    "http://127.0.0.1:65535/cb",
    "http://[::1]:8080/cb",
    "http://127.0.0.1/other",
    "http://127.0.0.1:1234",
  ])("T83 %s passes: the port is the app's", (uri) => {
    expect(isRegisteredRedirect(LOOPBACK, uri)).toBe(true);
  });

  test.each([
    "http://127.0.0.1@evil.example/cb",
    "http://127.0.0.1:80@evil.example/cb",
    "http://127.0.0.1.evil.example/cb",
    "http://localhost/cb",
    "http://localhost.evil.example/cb",
    "http://0.0.0.0/cb",
    "http://127.1/cb",
    "http://127.0.1/cb",
    "http://2130706433/cb",
    "http://0x7f000001/cb",
    "http://127.0.0.2/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://[0:0:0:0:0:0:0:1]/cb",
    "https://127.0.0.1/cb",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:99999/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:80/cb/x",
    "http://127.0.0.1:80/CB",
    "http://127.0.0.1:80/cb?x",
    "http://127.0.0.1:80/cb#x",
    "http://[::1]:80/other",
  ])("T83 %s is refused", (uri) => {
    expect(isRegisteredRedirect(LOOPBACK, uri)).toBe(false);
  });

  test.each([
    ["http://localhost:8080", "http://localhost:8080", true],
    ["http://localhost:8080", "http://localhost:51004", true],
    ["http://localhost:8080", "http://localhost", true],
    ["http://localhost/cb", "http://localhost:1/cb", true],
    ["http://localhost:8080", "http://localhost:8080/", false],
    ["http://localhost:8080/cb", "http://localhost:8080/cb/x", false],
    ["http://localhost:8080/cb", "http://localhost:8080/CB", false],
    ["http://localhost/cb", "http://127.0.0.1/cb", false],
    ["http://127.0.0.1/cb", "http://localhost/cb", false],
    ["http://localhost/cb", "http://[::1]/cb", false],
    ["http://localhost/cb", "https://localhost/cb", false],
    ["http://localhost/cb", "http://LOCALHOST/cb", false],
    ["http://localhost/cb", "http://localhost./cb", false],
    ["http://localhost/cb", "http://localhost:0/cb", false],
    ["http://localhost/cb", "http://localhost:65536/cb", false],
    ["http://localhost/cb", "http://localhost:80@evil.example/cb", false],
    ["http://localhost/cb", "http://localhost@evil.example/cb", false],
    ["http://localhost/cb", "http://localhost.evil.example/cb", false],
    ["http://localhost/cb", "http://localhost:80.evil.example/cb", false],
  ])("T211 C3 registered %s, given %s: %s", (registered, given, matches) => {
    expect(isRegisteredRedirect([registered], given)).toBe(matches);
  });
});
