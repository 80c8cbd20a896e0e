import { env } from "cloudflare:workers";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { makeApp } from "../../../src/app.ts";
import { ok } from "../../../src/core/result.ts";
import { readEnv } from "../../../src/env.ts";
import type { AppEnv } from "../../../src/http/context.ts";
import { readForm } from "../../../src/http/form.ts";
import { wiring } from "../../../src/wiring.ts";
import { newContext } from "../support/contexts.ts";

const app = makeApp();
const PIECE = 16 * 1024;
const WHOLE = 50 * 1024 * 1024;
/** The largest body that any route takes is 64 KiB; some pieces may be on their way already. */
const MOST_READ = 128 * 1024;

/** Sends a body in pieces, without a length, and says how much of it was taken before the answer came. */
async function sent(method: string, path: string, type: string) {
  const read = readEnv(env);
  if (!read.ok) throw new Error(read.error.join(", "));
  const piece = new TextEncoder().encode(`a=${"x".repeat(PIECE - 2)}`);
  let taken = 0;
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (taken >= WHOLE) return controller.close();
        taken += piece.length;
        controller.enqueue(piece);
      },
    },
    { highWaterMark: 0 },
  );
  const request = new Request(`http://localhost:8787${path}`, {
    method,
    redirect: "manual",
    body,
    headers: { "Content-Type": type, Authorization: "Bearer dev-admin-token", API_KEY_ID: "nobody" },
  });
  const context = newContext();
  const answer = await app.fetch(request, ok(wiring(read.value, context)), context);
  await answer.arrayBuffer();
  return { status: answer.status, taken };
}

const WRITES = ["POST", "PUT", "PATCH", "DELETE"];
const UUID = "7b6d7a3e-6b6b-4a55-9d5e-2f3c4f1f0a11";
const routes = new Map(
  app.routes
    .filter(({ method, path }) => WRITES.includes(method) && !path.includes("*"))
    .map(({ method, path }) => [
      `${method} ${path}`,
      { method, path: path.replaceAll(/:\w+(?:\{[^}]*\})?\??/g, UUID) },
    ]),
);

describe("T236 no body is read whole before it is refused", () => {
  test("T236 every door has routes that are tried", () => {
    const prefixes = ["/admin", "/api/v0", "/v1", "/api/native", "/codes", "/app"];
    for (const prefix of prefixes) {
      expect([...routes.values()].some(({ path }) => path.startsWith(prefix))).toBe(true);
    }
  });

  test.each([...routes.keys()])("T236 %s: fifty megabytes in pieces", async (name) => {
    const { method, path } = routes.get(name) ?? { method: "", path: "" };
    for (const type of ["application/json", "application/x-www-form-urlencoded"]) {
      const { status, taken } = await sent(method, path, type);
      expect(taken).toBeLessThanOrEqual(MOST_READ);
      expect(status).toBeGreaterThanOrEqual(300);
      expect(status).toBeLessThan(500);
    }
  });
});

describe("G4 the longest form that is read", () => {
  const forms = new Hono<AppEnv>();
  forms.post("/", async (c) => c.json({ read: (await readForm(c))?.a?.length ?? null }));
  const post = async (length: number, inPieces: boolean) => {
    const text = `a=${"x".repeat(length - 2)}`;
    const body = inPieces ? new Response(text).body : text;
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    return (await (await forms.request("/", { method: "POST", body, headers })).json()) as object;
  };

  test.each([true, false])("G4 is 8 KiB, in pieces: %s", async (inPieces) => {
    expect(await post(8_192, inPieces)).toEqual({ read: 8_190 });
    expect(await post(8_193, inPieces)).toEqual({ read: null });
  });
});
