import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { describe, expect, test, vi } from "vitest";
import { changeHeaders } from "../../../src/http/answer-headers.ts";

const app = new Hono();
app.use(async (c, next) => {
  await next();
  changeHeaders(c, (headers) => {
    headers.set("X-Late", "1");
    headers.append("Vary", "Origin");
  });
});
app.get("/own", (c) => c.json({ own: true }, 201, { Vary: "Accept", "X-Late": "0" }));
// An object's answer: nobody may change its headers.
app.get("/object", async () => {
  const objects = env.CHALLENGES;
  return await objects.get(objects.newUniqueId()).fetch("https://object/");
});

describe("headers on an answer that is made", () => {
  test("are put on the answer itself, which is not built anew", async () => {
    const built = vi.spyOn(globalThis, "Response");
    const answer = await app.request("/own");
    expect(built).toHaveBeenCalledTimes(1);
    built.mockRestore();
    expect([answer.status, answer.headers.get("X-Late"), answer.headers.get("Vary")]).toEqual([
      201,
      "1",
      "Accept, Origin",
    ]);
    expect(await answer.json()).toEqual({ own: true });
  });

  test("are put on a copy of an answer that takes none, once each", async () => {
    const objects = env.CHALLENGES;
    const bare = await objects.get(objects.newUniqueId()).fetch("https://object/");
    expect(() => bare.headers.set("X-Late", "1")).toThrow(TypeError);
    const answer = await app.request("/object");
    expect([answer.status, answer.headers.get("X-Late"), answer.headers.get("Vary")]).toEqual([
      bare.status,
      "1",
      "Origin",
    ]);
    expect(await answer.text()).toBe(await bare.text());
  });
});
