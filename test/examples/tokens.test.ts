import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createClient } from "../../packages/countersign/src/client.ts";
import { newPage, newUser, type User } from "../wire/sdk/stage.ts";
import { type Running, stage, startExample } from "./example.ts";

let api: Running;
let user: User;
const folder = mkdtempSync(join(tmpdir(), "countersign-examples-"));
const SESSION_FILE = join(folder, "session");

beforeAll(async () => {
  [api, user] = await Promise.all([startExample("express-api"), newUser(stage())]);
  await api.says(/Call /);
});
afterAll(async () => {
  await api.stop();
  rmSync(folder, { recursive: true, force: true });
});

const tool = (...args: string[]) => startExample("cli-tool", { args, env: { SESSION_FILE } });

describe("cli-tool and express-api", () => {
  test("the tool shows a code, the phone approves, and the API takes the tool's token", async () => {
    const run = await tool("call", `${api.origin}/me`);
    const [, code = ""] = await run.says(/and type ([B-Z]{4}-[B-Z]{4})/);
    expect(run.output()).toMatch(/[▀▄█]{10}/);
    await user.decideCode(code, "approve");
    expect(await run.ended()).toBe(0);
    expect(run.output()).toContain(`Signed in as ${user.id}`);
    expect(run.output()).toContain(`{"user":"${user.id}","signed_in_by":"urn:signin:acr:device"`);
  });

  test("the session is kept, readable by its user alone, until logout", async () => {
    expect(statSync(SESSION_FILE).mode & 0o777).toBe(0o600);
    const again = await tool("call", `${api.origin}/orders`);
    expect(await again.ended()).toBe(0);
    expect(again.output()).toContain("Büro Müller");
    expect(again.output()).not.toContain("type ");
    expect(await (await tool("logout")).ended()).toBe(0);
    expect(() => statSync(SESSION_FILE)).toThrow("ENOENT");
  });

  test("a user who declines signs nobody in", async () => {
    const run = await tool("login");
    const [, code = ""] = await run.says(/and type ([B-Z]{4}-[B-Z]{4})/);
    await user.decideCode(code, "deny");
    expect(await run.ended()).toBe(1);
    expect(run.output()).toContain("denied");
  });

  test("the API refuses no token, a token of another client, and an ID token", async () => {
    const call = (token?: string) =>
      fetch(`${api.origin}/me`, token === undefined ? {} : { headers: { Authorization: `Bearer ${token}` } });
    const bare = await call();
    expect(bare.status).toBe(401);
    expect(bare.headers.get("WWW-Authenticate")).toContain("Bearer");
    const { client_id: clientId } = await newPage(stage());
    const other = createClient({ issuer: stage().origin, clientId });
    let isAsked = false;
    const session = await other.signIn(user.email, {
      onPrompt: ({ matchCode }) => {
        if (!isAsked) void user.approve(matchCode);
        isAsked = true;
      },
    });
    expect((await call(session.accessToken)).status).toBe(401);
    expect((await call(session.idToken)).status).toBe(401);
  });
});

describe("setup.ts", () => {
  test("refuses a server that is not of this machine", async () => {
    const run = await startExample("cli-tool", { env: { ISSUER: "https://sign.example" } });
    expect(await run.ended()).toBe(1);
    expect(run.output()).toContain("https://sign.example is not a server of this machine");
  });

  test("says what to do when no server is there", async () => {
    const run = await startExample("cli-tool", { env: { ISSUER: "http://127.0.0.1:9" } });
    expect(await run.ended()).toBe(1);
    expect(run.output()).toContain("npm start");
  });
});
