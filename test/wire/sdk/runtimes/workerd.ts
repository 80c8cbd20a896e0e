import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../server.ts";
import type { Runtime } from "../play.ts";
import type { Outcome } from "../program.ts";
import { bundle } from "./bundle.ts";

/** The binary that wrangler runs; its package has no types. */
const workerd: string = createRequire(import.meta.url)("workerd").default;

/** A Worker that carries out the order in a request, and tells line by line what happens. A second request aborts the first. */
const WORKER = `
import * as library from "countersign";
import { carryOut } from "../program.ts";

let abort = () => {};
export default {
  async fetch(request, env, ctx) {
    if (request.url.endsWith("/abort")) return new Response(String(abort()));
    const order = await request.json();
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    const say = (line) => writer.write(new TextEncoder().encode(JSON.stringify(line) + "\\n"));
    const events = { prompt: (prompt) => void say({ prompt }), onAbort: (fire) => { abort = fire; } };
    const work = async () => {
      await say({ outcome: await carryOut(library, order, events) });
      await writer.close();
    };
    ctx.waitUntil(work());
    return new Response(readable);
  },
};
`;

const config = (port: number) => `
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = (modules = [(name = "main.js", esModule = embed "main.js")], compatibilityDate = "2026-10-01")),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
`;

async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  let held = "";
  const decoder = new TextDecoder();
  for await (const piece of body) {
    held += decoder.decode(piece, { stream: true });
    const whole = held.split("\n");
    held = whole.pop() ?? "";
    yield* whole;
  }
}

/** A Worker with the built package, in a workerd of its own. */
export async function startWorkerd(): Promise<Runtime> {
  const folder = mkdtempSync(join(tmpdir(), "countersign-workerd-"));
  const port = await freePort();
  writeFileSync(join(folder, "main.js"), await bundle(WORKER));
  writeFileSync(join(folder, "config.capnp"), config(port));
  const child = spawn(workerd, ["serve", join(folder, "config.capnp")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (text) => (said += text));
  const ended = new Promise((done) => child.once("exit", done));
  const origin = `http://127.0.0.1:${port}`;
  while (
    !(await fetch(`${origin}/abort`)
      .then((answer) => answer.ok)
      .catch(() => false))
  ) {
    if (child.exitCode !== null) throw new Error(`workerd ended: ${said}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
  return {
    name: "workerd",
    async carryOut(order, events) {
      said = "";
      const { body } = await fetch(origin, { method: "POST", body: JSON.stringify(order) });
      if (!body) throw new Error("workerd answered nothing");
      events.onAbort(() => void fetch(`${origin}/abort`).then((answer) => answer.text()));
      for await (const line of lines(body)) {
        const { prompt, outcome } = JSON.parse(line);
        if (prompt) events.prompt(prompt);
        else return { ...(outcome as Outcome), printed: [...outcome.printed, said] };
      }
      throw new Error(`workerd was silent: ${said}`);
    },
    async stop() {
      child.kill("SIGKILL");
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
