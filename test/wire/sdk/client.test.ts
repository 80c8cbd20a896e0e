import { beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import {
  type Client,
  type ClientOptions,
  CountersignError,
  createClient,
  memoryStorage,
  newDpopKeys,
  type Prompt,
} from "../../../packages/countersign/src/client.ts";
import { createReceipts } from "../../../packages/countersign/src/verify/for/receipt.ts";
import { grantsOf, newBackend, newPage, newUser, type Stage, type User } from "./stage.ts";

let stage: Stage;
let user: User;
let page: { readonly client_id: string };
let backend: { readonly client_id: string; readonly client_secret: string };

beforeAll(async () => {
  stage = { origin: inject("origin"), adminToken: inject("adminToken") };
  [page, backend] = await Promise.all([newPage(stage), newBackend(stage)]);
});
// One of their own: five prompts a minute reach a user.
beforeEach(async () => {
  user = await newUser(stage);
});

const onPage = (over: Partial<ClientOptions> = {}): Client =>
  createClient({ issuer: stage.origin, clientId: page.client_id, ...over });
const onServer = (): Client =>
  createClient({ issuer: stage.origin, clientId: backend.client_id, clientSecret: backend.client_secret });

/** Calls once, at the first prompt. */
const atFirst = (act: (prompt: Prompt) => Promise<unknown>) => {
  let isFirst = true;
  return (prompt: Prompt) => {
    if (!isFirst) return;
    isFirst = false;
    act(prompt).catch((error) => console.error(error));
  };
};

describe("signIn", () => {
  test("asks the named user's phone, shows the number, and gives typed tokens", async () => {
    const client = onPage();
    const prompts: Prompt[] = [];
    const approve = atFirst(({ matchCode }) => user.approve(matchCode));
    const session = await client.signIn(user.email, {
      onPrompt: (prompt) => {
        prompts.push(prompt);
        approve(prompt);
      },
    });
    expect(prompts[0]).toEqual({
      state: "pending",
      matchCode: expect.stringMatching(/^\d{6}$/),
      expiresAt: expect.any(Date),
    });
    expect(session).toMatchObject({
      tokenType: "Bearer",
      scope: "openid",
      claims: { sub: user.id, iss: stage.origin, aud: page.client_id, acr: "urn:signin:acr:device-match" },
    });
    expect(await client.session()).toEqual(session);
  });

  test("shows a QR code that the phone may scan in place of the number", async () => {
    let scanned = false;
    const session = await onPage().signIn(user.email, {
      onPrompt: ({ qrText }) => {
        if (qrText === undefined || scanned) return;
        scanned = true;
        expect(qrText).toMatch(new RegExp(`^${stage.origin}/phone#scan=[0-9a-f]{64}\\.[A-Za-z0-9_-]{22}$`));
        void user.approveScanned(qrText);
      },
    });
    expect(session.claims?.sub).toBe(user.id);
  });

  test("a decline is denied, and nothing is kept", async () => {
    const client = onPage();
    const signedIn = client.signIn(user.email, { onPrompt: atFirst(() => user.decline()) });
    await expect(signedIn).rejects.toMatchObject({ name: "CountersignError", code: "denied" });
    expect(await client.session()).toBeUndefined();
  });

  test("an abort ends it at once", async () => {
    const control = new AbortController();
    const signedIn = onPage().signIn(user.email, {
      signal: control.signal,
      onPrompt: atFirst(async () => control.abort(new Error("enough"))),
    });
    await expect(signedIn).rejects.toMatchObject({ code: "aborted" });
  });

  test("a name that nobody has expires, as the server says", async () => {
    const short = await newPage(stage, { settings: { device_login_hint: true, challenge_seconds: 30 } });
    const client = onPage({ clientId: short.client_id });
    const control = new AbortController();
    const signedIn = client.signIn("nobody@example.com", {
      signal: control.signal,
      onPrompt: atFirst(async ({ expiresAt }) => {
        expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(30_000);
        control.abort();
      }),
    });
    await expect(signedIn).rejects.toMatchObject({ code: "aborted" });
  });

  test("by long-poll alone where there is no socket", async () => {
    const session = await onPage({ WebSocket: null }).signIn(user.email, {
      onPrompt: atFirst(({ matchCode }) => user.approve(matchCode)),
    });
    expect(session.claims?.sub).toBe(user.id);
  });

  test("a client that is not there is refused with the server's own error", async () => {
    const signedIn = onPage({ clientId: "nobody-at-all" }).signIn(user.email);
    await expect(signedIn).rejects.toMatchObject({ code: "refused", error: "invalid_client", status: 401 });
  });
});

describe("the session that is kept", () => {
  const signedIn = async (over: Partial<ClientOptions> = {}) => {
    const client = onPage({ scope: "openid offline_access email", ...over });
    await client.signIn(user.email, { onPrompt: atFirst(({ matchCode }) => user.approve(matchCode)) });
    return client;
  };

  test("is refreshed, many calls at once by one, and the claims stay", async () => {
    let refreshes = 0;
    const counting: typeof fetch = async (input, init) => {
      if (String(init?.body).includes("grant_type=refresh_token")) refreshes += 1;
      return await fetch(input, init);
    };
    const client = await signedIn({ fetch: counting });
    const before = await client.session();
    const [first, second] = await Promise.all([client.refresh(), client.refresh()]);
    expect(refreshes).toBe(1);
    expect(first).toEqual(second);
    expect(first.refreshToken).not.toBe(before?.refreshToken);
    expect(first.claims?.sub).toBe(user.id);
    expect(await client.session()).toEqual(first);
  });

  test("another client of the same storage does not refresh what was refreshed meanwhile", async () => {
    const storage = memoryStorage();
    const one = await signedIn({ storage });
    const two = onPage({ storage, scope: "openid offline_access" });
    const [a, b] = await Promise.all([one.refresh(), two.refresh()]);
    expect(a.claims?.sub).toBe(b.claims?.sub);
    await expect(one.refresh()).resolves.toMatchObject({ refreshToken: expect.any(String) });
  });

  test("ends with signOut, here and at the server", async () => {
    const storage = memoryStorage();
    const client = await signedIn({ storage });
    const kept = String(await storage.get());
    await client.signOut();
    expect(await client.session()).toBeUndefined();
    storage.set(kept);
    await expect(client.refresh()).rejects.toMatchObject({ code: "session_over" });
    expect(await storage.get()).toBeUndefined();
  });

  test("calls an API by its token, and userinfo answers", async () => {
    const client = await signedIn();
    const answer = await client.fetch(`${stage.origin}/oauth/userinfo`);
    expect(await answer.json()).toMatchObject({ sub: user.id, email: user.email });
    await client.signOut();
    await expect(client.fetch(`${stage.origin}/oauth/userinfo`)).rejects.toMatchObject({
      code: "session_over",
    });
  });

  test("bound to a key its token is good with proofs alone", async () => {
    const client = await signedIn({ dpop: await newDpopKeys() });
    const session = await client.session();
    expect(session?.tokenType).toBe("DPoP");
    const bare = await fetch(`${stage.origin}/oauth/userinfo`, {
      headers: { Authorization: `Bearer ${session?.accessToken}` },
    });
    expect(bare.status).toBe(401);
    expect((await client.fetch(`${stage.origin}/oauth/userinfo`)).status).toBe(200);
    await expect(client.refresh()).resolves.toMatchObject({ tokenType: "DPoP" });
  });
});

describe("requestApproval", () => {
  const details = [{ type: "payment", amount: "45.00", to: "Büro Müller" }];

  test("the phone shows the details, and the approval repeats them", async () => {
    const asked = onServer().requestApproval(
      { user: user.email, message: "Table 4", details },
      {
        onPrompt: atFirst(async ({ matchCode }) => {
          expect((await user.prompt()).payload.shown).toMatchObject({ message: "Table 4", details });
          await user.approve(matchCode);
        }),
      },
    );
    expect(await asked).toMatchObject({ details, claims: { sub: user.id } });
    expect(await onServer().session()).toBeUndefined();
  });

  test("an approval and a decline have a receipt, by their id, with what the phone has signed", async () => {
    const receipts = createReceipts({
      issuer: stage.origin,
      clientId: backend.client_id,
      clientSecret: backend.client_secret,
    });
    const asked = { user: user.email, message: "Table 4", details };
    const approval = await onServer().requestApproval(asked, {
      onPrompt: atFirst(({ matchCode }) => user.approve(matchCode)),
    });
    const receipt = await receipts.read(approval.id);
    expect(receipt).toMatchObject({
      decision: "approve",
      user: user.id,
      asked: { message: "Table 4", details },
      signed: { words: { id: approval.id, decision: "approve", shown: { details } } },
    });
    const declined: unknown = await onServer()
      .requestApproval(asked, { onPrompt: atFirst(() => user.decline()) })
      .catch((error) => error);
    if (!(declined instanceof CountersignError)) throw declined;
    expect(declined.code).toBe("denied");
    const refused = await receipts.read(String(declined.data.id));
    expect(refused).toMatchObject({
      decision: "deny",
      user: user.id,
      signed: { words: { decision: "deny" } },
    });
    // One phone, one key; and what was kept holds without a secret.
    expect(refused.signed?.thumbprint).toBe(receipt.signed?.thumbprint);
    const kept = createReceipts({ issuer: stage.origin, clientId: backend.client_id });
    expect((await kept.verify(receipt.token)).id).toBe(approval.id);
  });

  test("a user whom nobody knows, and a message that is none, are refused with the server's words", async () => {
    const client = onServer();
    await expect(client.requestApproval({ user: "nobody@example.com" })).rejects.toMatchObject({
      code: "refused",
      error: "unknown_user_id",
    });
    await expect(client.requestApproval({ user: user.email, message: "<b>" })).rejects.toMatchObject({
      error: "invalid_binding_message",
    });
  });

  test("a page without a secret is refused before anything is sent", async () => {
    const client = onPage({ fetch: () => Promise.reject(new Error("something was sent")) });
    await expect(client.requestApproval({ user: user.email })).rejects.toMatchObject({
      code: "invalid_argument",
    });
  });
});

test("deviceLogin shows a code to type and a link for a QR code", async () => {
  const client = onPage();
  const control = new AbortController();
  const shown: Prompt[] = [];
  const login = client.deviceLogin({
    signal: control.signal,
    onPrompt: (prompt) => {
      shown.push(prompt);
      control.abort();
    },
  });
  await expect(login).rejects.toMatchObject({ code: "aborted" });
  expect(shown).toHaveLength(1);
  expect(shown[0]).toMatchObject({
    userCode: expect.stringMatching(/^[B-Z]{4}-[B-Z]{4}$/),
    verificationUri: `${stage.origin}/oauth/device`,
    qrText: expect.stringContaining("user_code="),
  });
});

test("one sign-in is one grant", async () => {
  await onPage().signIn(user.email, { onPrompt: atFirst(({ matchCode }) => user.approve(matchCode)) });
  expect(await grantsOf(stage, user)).toHaveLength(1);
});
