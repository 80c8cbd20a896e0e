import { expect, test } from "vitest";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import { codes, generated, newAda, newScene, waitOn } from "../../support/loginid.ts";
import { assertionOf, passkeysAt, payloadOf } from "../../support/passkeys.ts";
import { countingWaits } from "../../support/waits.ts";
import { WAITS } from "./counts.ts";

const { at, waitsOf } = countingWaits();

test("the LoginID door: codes", async () => {
  const { backend, web } = await newScene(at);
  const waits = await waitsOf(async (step) => {
    const ada = await newAda(at);
    const code = await step("a backend asks for a code", () => generated(at, backend, ada));
    await step("a backend approves it", () => codes(at, backend, "authorize", ada, { body: { code } }));
    const waited = await step("the wait of an approved code", () => waitOn(at, web, ada, code));
    expect(waited.body.is_authenticated).toBe(true);
    const byName = { user_id: undefined, username: ada.username };
    await step("a backend asks for one by a name", () => generated(at, backend, ada, { body: byName }));
  });
  expect(waits).toEqual(WAITS.loginid);
});

test("the LoginID door: passkeys", async () => {
  const { scene, approvedCode, init, force, complete, beginSelf, finishSelf } = passkeysAt(at);
  const { backend, web } = await scene();
  const waits = await waitsOf(async (step) => {
    const ada = await newAda(at);
    const authenticator = await newAuthenticator();
    const code = await step("a code that is approved from birth", () => approvedCode(backend, ada));
    const begun = await step("a passkey begins with a code", () => init(web, ada.username, code));
    const made = await step("a passkey is made", () =>
      complete(web, ada.username, payloadOf(begun), authenticator),
    );
    expect(made.status).toBe(200);
    const forced = await step("a passkey begins by the backend's word", () =>
      force(backend, { user_id: ada.id }),
    );
    expect(forced.status).toBe(200);
    const asked = await step("a passkey asks for a code", () => beginSelf(web, ada.username));
    const signed = await step("a passkey has signed for it", () =>
      finishSelf(web, ada.username, assertionOf(asked), authenticator),
    );
    expect(signed.body.code_data).toBeDefined();
  });
  expect(waits).toEqual(WAITS["loginid, passkeys"]);
});
