import { exportPKCS8, generateKeyPair, jwtVerify } from "jose";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import type { ChallengeId } from "../../../../src/core/ids.ts";
import { readServiceAccount } from "../../../../src/core/message/push-sender.ts";
import { type Fcm, makeFcm } from "../../../../src/delivery/fcm/send.ts";
import { type ManualClock, manualClock } from "../../../fakes/signing-keys.ts";

const NOW = 1_790_000_000_000;
const MINUTE = 60_000;
const challengeId = "ab".repeat(32) as ChallengeId;
const note = { challengeId, expiresAt: NOW + 120_000 };

let file: Record<string, string>;
let publicKey: CryptoKey;
let clock: ManualClock;
let fcm: Fcm;

type Call = { readonly url: string; readonly headers: Headers; readonly body: string };
const calls: Call[] = [];
/** What FCM answers next; 200 else. */
let answers: (() => Response)[] = [];
let tokenAnswer: () => Response;

beforeAll(async () => {
  const pair = await generateKeyPair("RS256", { extractable: true });
  publicKey = pair.publicKey;
  file = {
    type: "service_account",
    project_id: "sign-example",
    private_key_id: "key-1",
    private_key: `${await exportPKCS8(pair.privateKey)}\n`,
    client_email: "push@sign-example.iam.gserviceaccount.com",
    token_uri: "https://evil.example/token",
  };
});

beforeEach(() => {
  clock = manualClock(NOW);
  const account = readServiceAccount(JSON.stringify(file));
  if (!account) throw new Error("not read");
  fcm = makeFcm({ account, url: "https://fcm.test", tokenUrl: "https://oauth2.test", clock });
  let tokens = 0;
  tokenAnswer = () => {
    tokens += 1;
    return Response.json({ access_token: `ya29.${tokens}`, expires_in: 3_600 });
  };
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    calls.push({ url: String(url), headers: new Headers(init.headers), body: String(init.body) });
    expect(init.redirect).toBe("manual");
    return String(url).startsWith("https://oauth2.test")
      ? tokenAnswer()
      : (answers.shift()?.() ?? Response.json({ name: "projects/sign-example/messages/1" }));
  });
});
afterEach(() => {
  calls.splice(0);
  answers = [];
  vi.unstubAllGlobals();
});

const sentTo = (host: string) => calls.filter(({ url }) => url.startsWith(host));

describe("a message to a native app by FCM", () => {
  test("names the request and says nothing else", async () => {
    expect(await fcm.send("registration", note)).toEqual({ kind: "sent" });
    const [call] = sentTo("https://fcm.test");
    expect(call?.url).toBe("https://fcm.test/v1/projects/sign-example/messages:send");
    expect(call?.headers.get("Authorization")).toBe("Bearer ya29.1");
    expect(JSON.parse(call?.body ?? "")).toEqual({
      message: {
        token: "registration",
        data: { prompt_id: challengeId, expires_at: new Date(note.expiresAt).toISOString() },
        notification: { title: "Sign-in request", body: "Open to see who asks." },
        android: { priority: "HIGH", ttl: "120s", notification: { tag: challengeId } },
        apns: { headers: { "apns-priority": "10", "apns-expiration": String(note.expiresAt / 1000) } },
      },
    });
  });

  test("goes by an access token that the account's key asks for, at Google's address and not the file's", async () => {
    await fcm.send("registration", note);
    const [asked] = sentTo("https://oauth2.test");
    expect(asked?.url).toBe("https://oauth2.test/token");
    const form = new URLSearchParams(asked?.body);
    expect(form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const read = await jwtVerify(form.get("assertion") ?? "", publicKey, {
      algorithms: ["RS256"],
      currentDate: new Date(NOW),
    });
    expect(read.protectedHeader).toEqual({ alg: "RS256", typ: "JWT", kid: "key-1" });
    expect(read.payload).toEqual({
      iss: file.client_email,
      scope: "https://www.googleapis.com/auth/firebase.messaging",
      aud: "https://oauth2.test/token",
      iat: NOW / 1000,
      exp: NOW / 1000 + 3_600,
    });
    expect(calls.some(({ url }) => url.includes("evil"))).toBe(false);
  });

  test("asks for a token once, until shortly before its end", async () => {
    await fcm.send("a", note);
    clock.at += 57 * MINUTE;
    await fcm.send("b", note);
    expect(sentTo("https://oauth2.test")).toHaveLength(1);
    clock.at += 2 * MINUTE;
    await fcm.send("c", note);
    expect(sentTo("https://oauth2.test")).toHaveLength(2);
    expect(sentTo("https://fcm.test").map(({ headers }) => headers.get("Authorization"))).toEqual([
      "Bearer ya29.1",
      "Bearer ya29.1",
      "Bearer ya29.2",
    ]);
  });

  test("asks for another token when FCM does not take it", async () => {
    answers = [() => new Response("", { status: 401 })];
    expect(await fcm.send("a", note)).toEqual({ kind: "retry", reason: "status 401" });
    expect(await fcm.send("a", note)).toEqual({ kind: "sent" });
    expect(sentTo("https://oauth2.test")).toHaveLength(2);
  });

  const unregistered = {
    error: {
      code: 404,
      status: "NOT_FOUND",
      details: [
        { "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", errorCode: "UNREGISTERED" },
      ],
    },
  };
  test.each([
    ["an app that is gone", 404, unregistered, { kind: "gone" }],
    ["a wrong project", 404, { error: { code: 404 } }, { kind: "refused", reason: "status 404" }],
    ["another sender", 403, {}, { kind: "refused", reason: "status 403" }],
    ["too many", 429, {}, { kind: "retry", reason: "status 429" }],
    ["an outage", 503, {}, { kind: "retry", reason: "status 503" }],
  ])("tells %s apart", async (_, status, body, outcome) => {
    answers = [() => Response.json(body, { status })];
    expect(await fcm.send("a", note)).toEqual(outcome);
  });

  test.each([
    ["an outage", () => new Response("", { status: 503 }), "retry"],
    [
      "a key that was taken back",
      () => Response.json({ error: "invalid_grant" }, { status: 400 }),
      "refused",
    ],
    ["no JSON", () => new Response("<html>"), "refused"],
    ["a token that is none", () => Response.json({ access_token: "a\r\nb", expires_in: 3_600 }), "refused"],
  ] as const)("is not sent where the token endpoint answers with %s", async (_, answer, kind) => {
    tokenAnswer = answer;
    expect(await fcm.send("a", note)).toMatchObject({
      kind,
      reason: expect.stringMatching(/^no access token: status \d+$/),
    });
    expect(sentTo("https://fcm.test")).toEqual([]);
  });
});

describe("a service account", () => {
  test.each([
    ["no JSON", () => "-----BEGIN PRIVATE KEY-----"],
    ["null", () => "null"],
    ["no key", ({ private_key: _, ...rest }: Record<string, string>) => JSON.stringify(rest)],
    ["a key that is no PEM", (whole) => JSON.stringify({ ...whole, private_key: "secret" })],
    ["a project with a path", (whole) => JSON.stringify({ ...whole, project_id: "a/../../b-project" })],
    ["an account of somebody else", (whole) => JSON.stringify({ ...whole, client_email: "a@b.example" })],
  ] as const satisfies readonly (readonly [string, (whole: Record<string, string>) => string])[])(
    "with %s is none",
    (_, made) => {
      expect(readServiceAccount(made(file))).toBeUndefined();
    },
  );
});
