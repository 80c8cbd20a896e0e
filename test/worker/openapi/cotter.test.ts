import { expect, test } from "vitest";
import { cotterDescription } from "../../../src/doors/cotter/openapi/description.ts";
import { site } from "../support/approver.ts";
import { newClient, newPerson, newPhone, prompt, start } from "../support/cotter.ts";
import { newPageClient, verified } from "../support/page.ts";
import { player } from "./play.ts";

test("every documented call of the Cotter door is answered as its description says", async () => {
  const at = site();
  const { play, unsent } = player(at, cotterDescription);
  await play("GET /api/v0/token/jwks");
  await play("GET /api/v0/keys/ed25519");

  const client = await newClient(at);
  const headers = { API_KEY_ID: client };
  const made = await play("POST /api/v0/user/create", { headers });
  const phone = await newPhone();
  await play("PUT /api/v0/user/methods", {
    headers,
    query: { cotter_user_id: made.body.ID },
    body: { code: phone.publicKey },
  });
  await play("GET /api/v0/user", { headers });

  const person = await newPerson(at, client);
  const user = { user: person.id };
  const key = person.phone.publicKey;
  await play("GET /api/v0/user/:user", { headers, path: user });
  await play("GET /api/v0/user/methods", {
    headers,
    query: { cotter_user_id: person.id, public_key: btoa(key) },
  });
  await play("GET /api/v0/user/enrolled/any/:user/:method", { headers, path: user });
  await play("GET /api/v0/user/enrolled/:user/:method/:key", { headers, path: { ...user, key } });

  const asked = await play("POST /api/v0/event/create_pending", {
    headers,
    body: { client_user_id: person.id, issuer: client },
  });
  const shown = await play("GET /api/v0/event/new/:user", { headers, path: user });
  await play("GET /api/v0/event/new", { headers, query: { cotter_user_id: person.id } });
  const { event, timestamp, ID } = shown.body;
  const said = [person.id, client, event, timestamp, "TRUSTED_DEVICE", "true"].join("");
  await play("POST /api/v0/event/respond/:event_id", {
    headers,
    path: { event_id: String(ID) },
    body: {
      client_user_id: person.id,
      issuer: client,
      timestamp,
      public_key: key,
      code: await person.phone.sign(said),
    },
  });
  const polled = await play("GET /api/v0/event/get/:event_id", {
    headers,
    path: { event_id: String(asked.body.ID) },
  });
  const second = String(Math.floor(Date.now() / 1000) - 60);
  await play("POST /api/v0/event/create", {
    headers,
    body: {
      client_user_id: person.id,
      issuer: client,
      timestamp: second,
      public_key: key,
      code: await person.phone.sign(`${person.id}${client}LOGIN${second}TRUSTED_DEVICEtrue`),
    },
  });

  const { access_token, refresh_token } = polled.body.oauth_token;
  const refreshed = await play("POST /api/v0/token", { headers, body: { refresh_token } });
  const own = { api_key_id: client };
  const again = await play("POST /api/v0/token/:api_key_id", {
    path: own,
    body: { refresh_token: refreshed.body.refresh_token },
  });
  await play("POST /verify", { headers, body: { oauth_token: { access_token } } });
  await play("DELETE /api/v0/token/:api_key_id", {
    path: own,
    body: { refresh_token: again.body.refresh_token },
  });
  await play("POST /api/v0/token/custom", { headers });
  await play("GET /screening/form", { headers });
  await play("PUT /api/v0/user/:user", { headers, path: user, body: { code: key } });
  expect(await prompt(at, client, person)).toBeNull();
  await start(at, client, person);

  const page = await newPageClient(at);
  const handed = await verified(at, page, "ida@example.com");
  await play("POST /api/v0/verify/get_identity", {
    headers: { API_KEY_ID: page },
    body: { authorization_code: handed.code, challenge_id: Number(handed.challenge_id) },
  });
  expect(unsent()).toEqual([]);
});
