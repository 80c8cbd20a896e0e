import { describe, expect, test } from "vitest";
import { basic, newParty, send } from "../../support/ciba.ts";
import { type Answer, deployment } from "../../support/cotter.ts";

const at = deployment();
const FORM = "application/x-www-form-urlencoded";

/** An error as RFC 6749 §5.2 has it, whatever was sent. */
function expectRefusal(answer: Answer, statuses: readonly number[] = [400]) {
  expect(statuses).toContain(answer.status);
  expect(answer.body).toEqual({ error: expect.any(String), error_description: expect.any(String) });
  expect(String(answer.body.error_description)).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
}

const GOOD: Readonly<Record<string, string>> = {
  "/bc-authorize": "scope=openid&login_hint=a%40example.com",
  "/device_authorization": "scope=openid",
  "/token": "grant_type=urn%3Aopenid%3Aparams%3Agrant-type%3Aciba&auth_req_id=x",
};

describe.each(Object.entries(GOOD))("%s", (path, good) => {
  const sending = async (body: string, contentType = FORM) => {
    const party = await newParty(at);
    return await send(at, path, body, { "Content-Type": contentType, ...basic(party) });
  };

  test.each(["application/json", "text/plain", "multipart/form-data; boundary=x", "application/xml"])(
    "T107 a body of type %s is refused",
    async (contentType) => {
      expectRefusal(await sending(good, contentType));
      expectRefusal(await sending("{}", contentType));
    },
  );

  test.each([
    ["no body", ""],
    ["a repeated parameter", `${good}&scope=openid&scope=openid`],
    ["a repeated parameter that nobody knows", `${good}&x=1&x=2`],
    ["1 MB", `${good}&x=${"a".repeat(2 ** 20)}`],
    ["bad UTF-8", `${good}&x=%ff%fe`],
    ["half a surrogate pair", `${good}&x=%ed%a0%80`],
    ["two ways to authenticate", `${good}&client_secret=x`],
    ["another client's id", `${good}&client_id=another`],
    ["an assertion of no kind", `${good}&client_assertion=x`],
  ])("T107 %s is refused", async (name, body) => {
    const answer = await sending(body);
    // A device may ask for nothing at all, by its client's name alone.
    if (name === "no body" && path === "/device_authorization") return expect(answer.status).toBe(200);
    expectRefusal(answer, [400, 401]);
  });

  test.each(["scope", "login_hint", "resource", "authorization_details", "requested_expiry", "auth_req_id"])(
    "T107 odd values of %s are never a 5xx",
    async (name) => {
      const fields = new URLSearchParams(good);
      for (const value of [
        "\u0000",
        "\u202e",
        "a".repeat(15_000),
        "[".repeat(9_000),
        "__proto__",
        "-1",
        "\ud83d\ude00",
      ]) {
        fields.set(name, value);
        const answer = await sending(fields.toString());
        expect(answer.status).toBeLessThan(500);
        if (answer.status !== 200) expectRefusal(answer, [400]);
      }
    },
  );

  test("T107 another method is 405 in this door's shape", async () => {
    for (const method of ["GET", "PUT", "DELETE"]) {
      const answer = await at.call(method, `/oauth${path}`);
      expectRefusal(answer, [405]);
    }
  });

  test("T106 without a good secret it is 401, and says no more to whoever names a client than to others", async () => {
    const party = await newParty(at);
    const known = await send(at, path, good, {
      "Content-Type": FORM,
      ...basic({ ...party, secret: "wrong" }),
    });
    const ghost = { id: "nobody" as typeof party.id, secret: "wrong" };
    const unknown = await send(at, path, good, { "Content-Type": FORM, ...basic(ghost) });
    for (const answer of [known, unknown]) {
      expectRefusal(answer, [401]);
      expect(answer.headers.get("WWW-Authenticate")).toBe('Basic realm="oauth"');
    }
    expect(known.body).toEqual(unknown.body);
  });
});
