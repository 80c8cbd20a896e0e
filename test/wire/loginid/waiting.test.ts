import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type Answer, type Json, makeApi } from "../support/api.ts";
import { freshEmail, makeApp as makeCotterApp } from "../support/app.ts";
import { answerNewest, newest } from "../support/events.ts";
import { makePerson } from "../support/people.ts";
import { place } from "../support/place.ts";

/** A plain client of the door: no vendor's code, only what goes over the wire. */
async function makeBackend() {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { origin, adminToken } = place();
  const admin = makeApi(origin, { Authorization: `Bearer ${adminToken}` });
  const register = async (client: Json): Promise<string> =>
    String((await admin("POST", "/admin/clients", { json: client })).body.client_id);
  const clientId = await register({
    name: "Shop",
    kind: "confidential",
    public_keys: [publicKey.export({ type: "spki", format: "pem" })],
    // The phones here are another app's.
    settings: { approve_through: "realm" },
  });
  const tokenFor = (type: string): string => {
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { client_id: clientId, type, nonce: randomUUID(), iat: Math.floor(Date.now() / 1_000) };
    const input = `${encoded({ alg: "ES256", typ: "JWT" })}.${encoded(claims)}`;
    const signature = sign("sha256", Buffer.from(input), { key: privateKey, dsaEncoding: "ieee-p1363" });
    return `${input}.${signature.toString("base64url")}`;
  };
  const api = makeApi(`${origin}/api/native`);
  const call = (path: string, scope: string, json?: Json, method = "POST"): Promise<Answer> =>
    api(method, path, {
      ...(json === undefined ? {} : { json }),
      headers: { Authorization: `Bearer ${tokenFor(scope)}` },
    });
  return { admin, register, api, call, clientId };
}

type Backend = Awaited<ReturnType<typeof makeBackend>>;

/** Somebody with a phone of the Cotter door; the operator vouches for the address that was only claimed there. */
async function withPhone({ admin }: Backend) {
  const phone = await makeCotterApp(place());
  const ada = await makePerson(phone);
  await admin("PATCH", `/admin/users/${ada.userId}`, { json: { email: ada.identifier } });
  return { phone, ada };
}

/** Somebody who is the backend's alone. */
async function ofBackend({ call }: Backend) {
  const identifier = freshEmail();
  const made = await call("/manage/users", "users.create", { username: identifier });
  return { ada: { userId: String(made.body.id), identifier } };
}

async function scene(waitSeconds = 10) {
  return sceneOf(await makeBackend(), withPhone, waitSeconds);
}

async function sceneOf<Who extends Awaited<ReturnType<typeof ofBackend>>>(
  backend: Backend,
  person: (backend: Backend) => Promise<Who>,
  waitSeconds = 10,
) {
  const { register, call, api, clientId } = backend;
  const settings = { wait_seconds: waitSeconds, names_from: [clientId] };
  const web = await register({ name: "Web", kind: "public", settings });
  const who = await person(backend);
  const { ada } = who;
  const about: Json = { client_id: clientId, user_id: ada.userId, purpose: "temporary_authentication" };
  const codes = (verb: string, scope: string, more: Json = {}) =>
    call(`/codes/short/${verb}`, scope, { ...about, ...more });
  const made = await codes("generate", "codes.generate");
  expect(made.status).toBe(200);
  const code = String(made.body.code);
  const wait = (more: Json = {}): Promise<Answer> =>
    api("POST", "/authenticate/code/wait", {
      json: {
        client_id: web,
        username: ada.identifier,
        authentication_code: { code, type: "short" },
        ...more,
      },
    });
  return { ...who, code, wait, codes, web, call };
}

/** A wait that has begun to be held, as far as a caller can know: the one before it was pushed out. */
async function held(wait: () => Promise<Answer>): Promise<Promise<Answer>[]> {
  const first = wait();
  const second = wait();
  const pushed = await Promise.race([first.then(() => 0), second.then(() => 1)]);
  return pushed === 0 ? [first, second] : [second, first];
}

describe("every ending of a wait", () => {
  test("approved by the backend", async () => {
    const { code, wait, codes, ada } = await scene();
    const [pushed, waiting] = await held(wait);
    expect((await pushed)?.body.code).toBe("remote_session_in_progress");
    expect((await codes("authorize", "codes.authorize", { code })).body.is_authorized).toBe(true);
    const answer = await waiting;
    expect(answer?.status).toBe(200);
    expect(answer?.body).toMatchObject({ user: { id: ada.userId }, is_authenticated: true });
  });

  test("approved by a device that was enrolled over another door, where the prompt stands", async () => {
    const { phone, ada, wait } = await scene();
    expect(await newest(phone, ada.userId)).toMatchObject({ event: "LOGIN", ip: "unknown" });
    const [, waiting] = await held(wait);
    await answerNewest(phone, ada, true);
    expect((await waiting)?.body).toMatchObject({ is_authenticated: true, user: { id: ada.userId } });
    expect(await newest(phone, ada.userId)).toBeNull();
  });

  test("denied by that device", async () => {
    const { phone, ada, wait } = await scene();
    const [, waiting] = await held(wait);
    await answerNewest(phone, ada, false);
    expect(await waiting).toMatchObject({ status: 400, body: { code: "invalid_verification_code" } });
  });

  test("invalidated by the backend, which closes the prompt too", async () => {
    const { phone, ada, wait, codes } = await scene();
    const [, waiting] = await held(wait);
    await codes("invalidate-all", "codes.invalidate");
    expect(await waiting).toMatchObject({ status: 400, body: { code: "invalid_verification_code" } });
    expect(await newest(phone, ada.userId)).toBeNull();
    expect((await wait()).body.code).toBe("verification_code_not_found");
  });

  test("timed out, and repeated to its result", async () => {
    const { code, wait, codes } = await scene(1);
    expect(await wait()).toMatchObject({ status: 400, body: { code: "remote_session_timeout" } });
    expect((await wait({ no_wait: true })).body.code).toBe("remote_session_in_progress");
    await codes("authorize", "codes.authorize", { code });
    expect((await wait({ no_wait: true })).body.is_authenticated).toBe(true);
  });

  test("the user is deactivated, or deleted", async () => {
    const locked = await sceneOf(await makeBackend(), ofBackend);
    const [, waiting] = await held(locked.wait);
    await locked.call(`/manage/users/${locked.ada.userId}/deactivate`, "users.deactivate", undefined, "PUT");
    expect(await waiting).toMatchObject({ status: 403, body: { code: "account_deactivated" } });
    const gone = await sceneOf(await makeBackend(), ofBackend);
    const [, last] = await held(gone.wait);
    await gone.call(`/manage/users/${gone.ada.userId}`, "users.delete", undefined, "DELETE");
    expect(await last).toMatchObject({ status: 404, body: { code: "user_not_found" } });
  });

  test("a code that is wrong, used, of another user or of nobody is one answer", async () => {
    const { code, wait, codes, ada } = await scene(1);
    const about = (username: string, given: string) =>
      wait({ username, authentication_code: { code: given, type: "short" } });
    const wrong = await about(ada.identifier, code === "000000" ? "111111" : "000000");
    expect([wrong.status, wrong.body.code]).toEqual([404, "verification_code_not_found"]);
    const strange = [
      await about(`nobody-${randomUUID()}@example.com`, code),
      await about((await scene()).ada.identifier, code),
      await wait({ authentication_code: { code, type: "phrase" } }),
    ];
    await codes("invalidate-all", "codes.invalidate");
    strange.push(await wait());
    for (const { status, text } of strange) expect([status, text]).toEqual([404, wrong.text]);
  });

  test("locked out: after a stranger's fifth wrong guess he is told what he was told before, and the code lives on", async () => {
    const { code, wait, codes } = await scene(1);
    const guesses = Array.from({ length: 6 }, (_, by) =>
      String((Number(code) + by + 1) % 1_000_000).padStart(6, "0"),
    );
    const answers = [];
    for (const guess of guesses)
      answers.push(await wait({ authentication_code: { code: guess, type: "short" } }));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect((await wait()).text).toBe(answers[0]?.text);
    expect((await codes("authorize", "codes.authorize", { code })).status).toBe(200);
  });

  test("T50 a refused wait carries no token and no user", async () => {
    const { wait, web, ada } = await scene(1);
    const { text, status } = await wait();
    expect(status).toBe(400);
    for (const secret of [ada.userId, ada.identifier, web, "eyJ"]) expect(text).not.toContain(secret);
  });
});

test("T47 a result whose answer was lost comes again for the identical request, with the same claims", async () => {
  const { code, wait, codes } = await scene();
  await codes("authorize", "codes.authorize", { code });
  const claims = (answer: Answer) => String(answer.body.jwt).split(".")[1];
  const first = await wait();
  expect(first.status).toBe(200);
  expect(claims(await wait())).toBe(claims(first));
  expect(
    (await wait({ client_id: await (await makeBackend()).register({ name: "Other", kind: "public" }) }))
      .status,
  ).toBe(404);
});
