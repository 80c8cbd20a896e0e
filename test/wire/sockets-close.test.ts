import { beforeAll, expect, inject, test } from "vitest";
import { newPage, newUser, type Stage } from "./sdk/stage.ts";

let stage: Stage;
beforeAll(() => {
  stage = { origin: inject("origin"), adminToken: inject("adminToken") };
});

/** Closes a socket once it has told something; how that ended. A close that is not answered ends as 1006, after ten seconds. */
async function closed(socket: WebSocket, code?: number): Promise<{ code: number; wasClean: boolean }> {
  await new Promise((told, fail) => {
    socket.addEventListener("message", told, { once: true });
    socket.addEventListener("error", fail, { once: true });
  });
  const end = new Promise<CloseEvent>((done) => socket.addEventListener("close", done, { once: true }));
  socket.close(code);
  const { code: heard, wasClean } = await end;
  return { code: heard, wasClean };
}

async function waiter(): Promise<WebSocket> {
  const page = await newPage(stage);
  const asked = await fetch(`${stage.origin}/oauth/device_authorization`, {
    method: "POST",
    body: new URLSearchParams({ client_id: page.client_id, scope: "openid" }),
  });
  const { device_code, socket_uri } = (await asked.json()) as { device_code: string; socket_uri: string };
  return new WebSocket(socket_uri, ["countersign.v1", `countersign.handle.${device_code}`]);
}

test.each([[1000], [3001], [undefined]])("a waiter that closes with %s is answered", async (code) => {
  expect(await closed(await waiter(), code)).toEqual({ code: code ?? 1000, wasClean: true });
});

test.each([[1000], [undefined]])("a phone that closes with %s is answered", async (code) => {
  const user = await newUser(stage);
  expect(await closed(await user.socket(), code)).toEqual({ code: code ?? 1000, wasClean: true });
});
