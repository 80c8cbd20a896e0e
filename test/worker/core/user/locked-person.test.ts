import { describe, expect, test } from "vitest";
import {
  answer,
  basic,
  enrol,
  newTenant,
  type Phone,
  poll,
  startPush,
  track,
} from "../../support/authsignal.ts";
import {
  claimsOf,
  deployment,
  fresh,
  newClient,
  newPerson,
  prompt,
  respond,
  start,
} from "../../support/cotter.ts";
import { signInByPhone } from "../../support/cotter-signed.ts";
import { codes, generated, newAda, newBackend } from "../../support/loginid.ts";
import { assertionOf, passkeysAt } from "../../support/passkeys.ts";
import { mainUser } from "../../support/people.ts";

const at = deployment();

const setStatus = (id: unknown, status: "active" | "locked") =>
  at.services.users.update(mainUser(id), { status }, Date.now());

/** Asks while the user is locked, and again when they are not: what was refused has changed nothing. */
async function lockedThenFree<T>(id: unknown, ask: () => Promise<{ readonly status: number } & T>) {
  await setStatus(id, "locked");
  const refused = await ask();
  await setStatus(id, "active");
  return [refused.status, (await ask()).status];
}

describe("no approval of a locked user, at whichever door", () => {
  test("T186 Cotter: the answer to a prompt, a sign-in by one's own signature", async () => {
    const client = await newClient(at);
    const person = await newPerson(at, client);
    await start(at, client, person);
    const shown = (await prompt(at, client, person)) ?? {};
    expect(await lockedThenFree(person.id, () => respond(at, client, person, shown, true))).toEqual([
      403, 200,
    ]);
    const other = await newPerson(at, client);
    expect(await lockedThenFree(other.id, () => signInByPhone(at, client, other))).toEqual([403, 200]);
  });

  test("T187 Authsignal: a push, and a verification in the app", async () => {
    const tenant = await newTenant(at);
    const user = fresh("u");
    const phone = await enrol(at, tenant, user);
    const id = claimsOf((await track(at, tenant, user, "signIn")).body.token).uid;
    const push = await startPush(at, tenant, user, "pay");
    expect(await lockedThenFree(id, () => answer(at, phone, push.id, true))).toEqual([400, 200]);
    // What was begun before a lock ends with it, whoever approved it later.
    expect((await poll(at, push.token, push.id)).body).toMatchObject({ isVerified: false });
    const other = fresh("u");
    const handheld = await enrol(at, tenant, other, "in-app");
    const holder = claimsOf((await track(at, tenant, other, "signIn")).body.token).uid;
    expect(await lockedThenFree(holder, () => verifiesInApp(handheld))).toEqual([400, 200]);
  });

  test("T188 LoginID: a backend's word, a passkey", async () => {
    const backend = await newBackend(at);
    const ada = await newAda(at);
    const code = await generated(at, backend, ada);
    const byWord = () => codes(at, backend, "authorize", ada, { body: { code } });
    expect(await lockedThenFree(ada.id, byWord)).toEqual([403, 200]);
    const { web, ada: eve, authenticator } = await passkeysAt(at).withPasskey();
    const { beginSelf, finishSelf } = passkeysAt(at);
    const begun = assertionOf(await beginSelf(web, eve.username));
    const byPasskey = () => finishSelf(web, eve.username, begun, authenticator);
    expect(await lockedThenFree(eve.id, byPasskey)).toEqual([403, 200]);
  });
});

async function verifiesInApp({ key, tenant }: Phone) {
  const sender = basic(tenant.id);
  const begun = await at.call("POST", "/v1/client/challenge", { action: "pay" }, sender);
  const challengeId = String(begun.body.challengeId);
  const body = { challengeId, publicKey: key.text, signature: await key.sign(challengeId) };
  return at.call("POST", "/v1/client/verify/in-app", body, sender);
}
