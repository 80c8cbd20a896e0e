import { afterEach, describe, expect, test, vi } from "vitest";
import { userSubject } from "../../../../src/core/ids.ts";
import { ask } from "../../support/app.ts";
import { storedIn } from "../../support/challenges.ts";
import { claimsOf, deployment, type Json } from "../../support/cotter.ts";
import { codes, generated, newBackend, newScene, tokenOf, waitOn } from "../../support/loginid.ts";
import { assertionOf, passkeysAt } from "../../support/passkeys.ts";

const at = deployment();
afterEach(() => vi.useRealTimers());

const scene = () => newScene(at, { web: { settings: { wait_seconds: 5 } } });
const headerOf = (jwt: unknown): Json => JSON.parse(atob(String(jwt).split(".")[0] ?? "")) as Json;

describe("whose word it was", () => {
  test("an approval by a backend says so: the client approved, and no key was proven", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    const [shown] = (await at.services.inboxes.view(userSubject(ada.id))).prompts;
    await codes(at, backend, "authorize", ada, { body: { code } });
    expect((await waitOn(at, web, ada, code)).status).toBe(200);
    const snapshot = await at.services.challenges.read(shown!.challengeId);
    expect(snapshot?.view.approval?.approver).toEqual({ kind: "client", clientId: backend.id });
    await at.settled();
    const [row] = await at.services.records.events({ userId: ada.id, type: "sign_in.redeemed", size: 1 });
    expect(JSON.stringify(row?.data)).toContain(`client:${backend.id}`);
    expect(JSON.stringify(await storedIn(shown!.challengeId))).toContain('"amr":["client"]');
  });
});

describe("T88 the keys behind /certs", () => {
  const certOf = async (kid: string) => {
    const answer = await ask(`/certs?kid=${kid}`);
    const text = await answer.text();
    return { status: answer.status, is: text.startsWith("-----BEGIN PUBLIC KEY-----") ? "a key" : text };
  };
  const KEY = { status: 200, is: "a key" };

  test("a rotated key signs what comes next; the old one stays for a day, then it is gone and its results with it", async () => {
    const { backend, web, ada } = await scene();
    const signIn = async () => {
      const code = await generated(at, backend, ada);
      await codes(at, backend, "authorize", ada, { body: { code } });
      return String(headerOf((await waitOn(at, web, ada, code)).body.jwt).kid);
    };
    const old = await signIn();
    const { kid: next, activatesAt } = await at.services.keyring.rotate("standard");
    expect(await signIn()).toBe(old);
    expect([await certOf(old), await certOf(next)]).toEqual([KEY, KEY]);
    vi.useFakeTimers({ toFake: ["Date"], now: activatesAt });
    expect(await signIn()).toBe(next);
    expect([await certOf(old), await certOf(next)]).toEqual([KEY, KEY]);
    vi.setSystemTime(activatesAt + 86_400_000 + 61_000);
    expect(await certOf(old)).toEqual({ status: 404, is: expect.stringContaining("not_found") });
    expect(await certOf(next)).toEqual(KEY);
  });
});

describe("names that stand in for others (LoginID §0.11, §2.2)", () => {
  test("a wait by user id is the wait by name", async () => {
    const { backend, web, ada } = await scene();
    const code = await generated(at, backend, ada);
    await codes(at, backend, "authorize", ada, { body: { code } });
    const answer = await waitOn(at, web, ada, code, { username: undefined, user_id: ada.id });
    expect(answer.body).toMatchObject({
      user: { id: ada.id, username: ada.username },
      is_authenticated: true,
    });
    expect(claimsOf(answer.body.jwt)).toMatchObject({ udata: ada.username });
  });

  test.each(["X-Client-ID", "X-API-Key"])(
    "a token without a client is the client's of %s",
    async (header) => {
      const { backend, ada } = await scene();
      const ask = async (name: string) =>
        at.call(
          "POST",
          "/manage/users/retrieve",
          { username: ada.username },
          {
            Authorization: `Bearer ${await tokenOf(backend, "users.retrieve", { client_id: undefined })}`,
            [header]: name,
          },
        );
      expect((await ask(backend.id)).body.id).toBe(ada.id);
      expect((await ask((await newBackend(at)).id)).status).toBe(401);
    },
  );

  test("a passkey's own result leaves the token out when none is wanted", async () => {
    const { withPasskey, beginSelf, signed, sendSigned } = passkeysAt(at);
    const { web, ada, authenticator } = await withPasskey();
    const begun = assertionOf(await beginSelf(web, ada.username));
    const body = await signed(web, ada.username, begun, authenticator);
    const answer = await sendSigned({ ...body, no_jwt: true });
    expect(answer.body).toMatchObject({ is_authenticated: true, code_data: { is_authorized: true } });
    expect(answer.body).not.toHaveProperty("jwt");
  });
});
