import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { afterEach, expect, test } from "vitest";
import { type Server, startServer } from "../server.ts";
import { type Answer, type Json, makeApi } from "../support/api.ts";

let running: Server | undefined;
afterEach(async () => {
  await running?.stop();
  running?.remove();
  running = undefined;
});

const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A backend with its key, an app without a secret, and a user, at a server of their own. */
async function scene(origin: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const admin = makeApi(origin, { Authorization: "Bearer dev-admin-token" });
  const register = async (json: Json): Promise<string> =>
    String((await admin("POST", "/admin/clients", { json: { name: "Shop", ...json } })).body.client_id);
  const pem = publicKey.export({ type: "spki", format: "pem" });
  const clientId = await register({ kind: "confidential", public_keys: [pem] });
  const web = await register({ kind: "public", settings: { wait_seconds: 60, names_from: [clientId] } });
  const username = `ada-${randomUUID()}`;
  const person = await admin("POST", "/admin/users", { json: { username } });
  const userId = String(person.body.user_id);
  const api = makeApi(`${origin}/api/native`);
  const codes = (verb: string, more: Json = {}): Promise<Answer> => {
    const claims = { client_id: clientId, type: `codes.${verb}`, nonce: randomUUID() };
    const iat = Math.floor(Date.now() / 1_000);
    const input = `${encoded({ alg: "ES256", typ: "JWT" })}.${encoded({ ...claims, iat })}`;
    const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
    const token = `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
    const json = { client_id: clientId, user_id: userId, purpose: "temporary_authentication", ...more };
    return api("POST", `/codes/short/${verb}`, { json, headers: { Authorization: `Bearer ${token}` } });
  };
  const wait = (code: string): Promise<Answer> =>
    api("POST", "/authenticate/code/wait", {
      json: { client_id: web, username, authentication_code: { code, type: "short" } },
    });
  return { username, codes, wait };
}

/** A wait that is held, as far as a caller can know: of two, the one that was not pushed out by the other. */
async function held(wait: () => Promise<Answer>): Promise<{ readonly waiting: Promise<Answer> }> {
  const both = [wait(), wait()] as const;
  const pushed = await Promise.race(both.map((each, index) => each.then(({ body }) => ({ index, body }))));
  expect(pushed.body.code).toBe("remote_session_in_progress");
  return { waiting: pushed.index === 0 ? both[1] : both[0] };
}

test("a server killed in the middle of a wait: the repeated wait gets its answer on the same state", async () => {
  running = await startServer();
  const { origin, dir, port } = running;
  const { username, codes, wait } = await scene(origin);
  const code = String((await codes("generate")).body.code);
  const { waiting } = await held(() => wait(code));
  const ended = waiting.then(
    ({ status }) => `answered ${status}`,
    () => "cut",
  );
  await running.kill9();
  expect(await ended).toBe("cut");

  running = await startServer({ dir, port });
  expect(running.origin).toBe(origin);
  const again = await held(() => wait(code));
  expect((await codes("authorize", { code })).body.is_authorized).toBe(true);
  expect(await again.waiting).toMatchObject({
    status: 200,
    body: { is_authenticated: true, user: { username }, jwt: expect.any(String) },
  });
}, 180_000);
