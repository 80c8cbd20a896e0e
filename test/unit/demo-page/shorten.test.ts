import { describe, expect, test } from "vitest";
import { shortBody, shortPath } from "../../../packages/demo/src/shorten.ts";

const id = "e5b53d10f62b4bbc0e5b53d10f62b4bbc0";

describe("what the demo shows of a body", () => {
  test("has each token by its ends, at any depth, and all else as it is", () => {
    const body = JSON.stringify({
      auth_req_id: `${id}.x_y-z`,
      expires_in: 180,
      more: [{ sub: id }],
      scope: "openid email",
    });
    expect(JSON.parse(shortBody(body))).toEqual({
      auth_req_id: "e5b53d…_y-z",
      expires_in: 180,
      more: [{ sub: "e5b53d…bbc0" }],
      scope: "openid email",
    });
  });

  test("has no secret whole, however short it is", () => {
    const shown = shortBody(
      JSON.stringify({ client_secret: "hunter2hunter2", frame: "T5BCAjdwFfw5bwvEdycoHg" }),
    );
    expect(shown).not.toContain("hunter2hunter2");
    expect(shown).not.toContain("T5BCAjdwFfw5bwvEdycoHg");
  });

  test("has a form by its members", () => {
    const form = new URLSearchParams({
      grant_type: "urn:openid:params:grant-type:ciba",
      auth_req_id: id,
    }).toString();
    expect(JSON.parse(shortBody(form, true))).toEqual({
      grant_type: "urn:openid:params:grant-type:ciba",
      auth_req_id: "e5b53d…bbc0",
    });
  });

  test("has an address without what is secret in it", () => {
    const body = JSON.stringify({
      url: `https://sign.example/phone#add=${id}.${id}`,
      issuer: "https://sign.example",
    });
    expect(JSON.parse(shortBody(body))).toEqual({
      url: "https://sign.example/phone#add=e5b53d…bbc0",
      issuer: "https://sign.example",
    });
  });

  test("leaves words, and cuts a bare token", () => {
    expect(shortBody("qr")).toBe("qr");
    expect(shortBody(id)).toBe("e5b53d…bbc0");
  });
});

test("a path keeps its words and loses the length of its ids", () => {
  expect(shortPath(`/approver/prompts/${id}/decision?x=${id}`)).toBe(
    "/approver/prompts/e5b53d…bbc0/decision?x=e5b53d…bbc0",
  );
  expect(shortPath("/.well-known/openid-configuration")).toBe("/.well-known/openid-configuration");
});
