import { expect, test } from "vitest";
import { loginidDescription } from "../../../src/doors/loginid/openapi/description.ts";
import { newAuthenticator } from "../../fakes/authenticator.ts";
import { site } from "../support/approver.ts";
import { fresh } from "../support/cotter.ts";
import { generated, tokenOf } from "../support/loginid.ts";
import { PAGE, passkeysAt } from "../support/passkeys.ts";
import { player } from "./play.ts";

test("every documented call of the LoginID door is answered as its description says", async () => {
  const at = site();
  const { play, unsent } = player(at, loginidDescription);
  const keys = passkeysAt(at);
  const { backend, web, ada } = await keys.scene();
  const by = async (scope: string) => ({ Authorization: `Bearer ${await tokenOf(backend, scope)}` });
  const keySet = await at.ask("/.well-known/jwks.json");
  const { keys: published } = (await keySet.json()) as { keys: readonly { kid: string }[] };
  await play("GET /api/native/certs", { query: { kid: published[0]?.kid ?? "" } });

  const username = `${fresh("eve")}@example.com`;
  await play("POST /api/native/manage/users", { headers: await by("users.create"), body: { username } });
  const found = await play("POST /api/native/manage/users/retrieve", {
    headers: await by("users.retrieve"),
    body: { username },
  });
  const path = { user_id: found.body.user_id };
  await play("PUT /api/native/manage/users/:user_id/deactivate", {
    headers: await by("users.deactivate"),
    path,
  });
  await play("PUT /api/native/manage/users/:user_id/activate", { headers: await by("users.activate"), path });
  await play("DELETE /api/native/manage/users/:user_id", { headers: await by("users.delete"), path });
  const other = `${fresh("eve")}@example.com`;
  await play("POST /api/native/manage/users", {
    headers: await by("users.create"),
    body: { username: other },
  });
  await play("POST /api/native/manage/users/delete", {
    headers: await by("users.delete"),
    body: { username: other },
  });

  const theirs = { client_id: backend.id, user_id: ada.id };
  const given = await play("POST /api/native/codes/:type/generate", {
    headers: await by("codes.generate"),
    body: theirs,
  });
  const { code } = given.body;
  await play("POST /api/native/codes/:type/authorize", {
    headers: await by("codes.authorize"),
    body: { ...theirs, code },
  });
  const waiter = { client_id: web.id, username: ada.username };
  const page = { Origin: PAGE };
  await play("POST /api/native/authenticate/code/wait", {
    headers: page,
    body: { ...waiter, authentication_code: { code } },
  });
  await generated(at, backend, ada);
  await play("POST /api/native/codes/:type/invalidate-all", {
    headers: await by("codes.invalidate"),
    body: theirs,
  });

  await play("POST /api/native/credentials/fido2/init/force", {
    headers: await by("credentials.force_add"),
    body: theirs,
  });
  const named = { client_id: backend.id, username: ada.username };
  const begun = await play("POST /api/native/credentials/fido2/init/code", {
    headers: { ...page, ...(await by("credentials.add")) },
    body: { ...named, authentication_code: { code: await keys.approvedCode(backend, ada) } },
  });
  const authenticator = await newAuthenticator();
  const payload = begun.body.attestation_payload;
  const made = await keys.made(backend, ada.username, payload, authenticator);
  await play("POST /api/native/credentials/fido2/complete", { headers: page, body: made });
  const asked = await play("POST /api/native/codes/:type/generate/fido2/init", {
    headers: { ...page, ...(await by("auth.login")) },
    body: named,
  });
  await play("POST /api/native/codes/:type/generate/fido2/complete", {
    headers: page,
    body: await keys.signed(backend, ada.username, asked.body.assertion_payload, authenticator),
  });

  const listed = await play("POST /api/native/credentials/list", {
    headers: await by("credentials.list"),
    body: { client_id: backend.id, username: ada.username },
  });
  await play("GET /api/native/credentials", {
    headers: await by("credentials.list"),
    query: { user_id: ada.id },
  });
  const credential = { uuid: listed.body.credentials[0].uuid };
  await play("POST /api/native/credentials/rename", {
    headers: await by("credentials.rename"),
    body: { ...theirs, credential },
  });
  await play("POST /api/native/credentials/revoke", {
    headers: await by("credentials.revoke"),
    body: { ...theirs, credential },
  });
  expect(unsent()).toEqual([]);
});
