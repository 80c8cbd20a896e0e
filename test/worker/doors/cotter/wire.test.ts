import { env } from "cloudflare:workers";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { ClientId } from "../../../../src/core/ids.ts";
import {
  type Answer,
  claimsOf,
  type Deployment,
  deployment,
  fresh,
  type Json,
  newClient,
  newPerson,
  newPhone,
  type Person,
  type Phone,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../../support/cotter.ts";

const at = deployment();

afterEach(() => vi.useRealTimers());

const clock = (now: number) => vi.useFakeTimers({ toFake: ["Date"], now });
const later = (seconds: number) => clock(Date.now() + seconds * 1_000);
const second = () => String(Math.floor(Date.now() / 1_000));

async function scene(settings = {}): Promise<{ client: ClientId; person: Person }> {
  const client = await newClient(at, settings);
  return { client, person: await newPerson(at, client) };
}

const get = (client: string, path: string): Promise<Answer> =>
  at.call("GET", `/api/v0${path}`, undefined, { API_KEY_ID: client });

/** A request that a phone has signed; sending it twice sends the same bytes. */
async function signed(client: string, person: Person, timestamp: string, other?: Phone): Promise<Json> {
  const event = other ? "ENROLL_NEW_TRUSTED_DEVICE" : "LOGIN";
  const text = `${person.id}${client}${event}${timestamp}TRUSTED_DEVICEtrue${other?.publicKey ?? ""}`;
  return {
    client_user_id: person.id,
    issuer: client,
    event,
    timestamp,
    method: "TRUSTED_DEVICE",
    ip: "unknown",
    location: "unknown",
    approved: true,
    public_key: person.phone.publicKey,
    code: await person.phone.sign(text),
    ...(other
      ? {
          register_new_device: true,
          new_device_public_key: other.publicKey,
          new_device_algorithm: "ED25519",
        }
      : {}),
  };
}

const create = (client: string, body: Json, by: Deployment = at): Promise<Answer> =>
  by.call("POST", "/api/v0/event/create?oauth_token=true", body, { API_KEY_ID: client });

const grantsOf = (person: Person) => at.services.records.grantsOfUser(person.id as never);
const devicesOf = (person: Person) => at.services.devices.ofUser(person.id as never);
const tokensOf = ({ body }: Answer): Json => (body.oauth_token ?? {}) as Json;

describe("C1 the key of a query is read like the key of a path", () => {
  const ask = async (client: string, person: Person, key: string) =>
    (await get(client, `/user/methods?cotter_user_id=${person.id}&method=TRUSTED_DEVICE&public_key=${key}`))
      .body;

  test("C1 as Flutter and iOS send it, and as the bare text, escaped or not", async () => {
    const { client, person } = await scene();
    const { publicKey } = person.phone;
    const wrapped = btoa(publicKey);
    const spelled = [
      encodeURIComponent(wrapped),
      wrapped.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""),
      encodeURIComponent(publicKey),
      publicKey,
    ];
    for (const key of spelled)
      expect(await ask(client, person, key)).toEqual({ enrolled: true, method: "TRUSTED_DEVICE" });
    const { publicKey: other } = await newPhone();
    for (const key of [btoa(other), other, "", "%20", "x".repeat(5_000)]) {
      expect((await ask(client, person, key)).enrolled).toBe(false);
    }
  });

  test("C1 a key text with a plus sign that came as a blank", async () => {
    const client = await newClient(at);
    let phone = await newPhone();
    while (!phone.publicKey.includes("+")) phone = await newPhone();
    const created = await at.call(
      "POST",
      "/api/v0/user/create",
      { identifier: fresh("ada") },
      { API_KEY_ID: client },
    );
    const body = { method: "TRUSTED_DEVICE", enrolled: true, code: phone.publicKey, algorithm: "ED25519" };
    const id = String(created.body.ID);
    await at.call("PUT", `/api/v0/user/methods?cotter_user_id=${id}`, body, { API_KEY_ID: client });
    expect(await ask(client, { id } as Person, phone.publicKey)).toMatchObject({ enrolled: true });
    const path = await get(
      client,
      `/user/enrolled/${id}/TRUSTED_DEVICE/${encodeURIComponent(phone.publicKey)}`,
    );
    expect(path.body.enrolled).toBe(true);
  });
});

describe("C7 the look-up by identifier knows every name that the others know", () => {
  test("C7 the app's own name, an id and an identifier, for the client they are of", async () => {
    const client = await newClient(at);
    const name = `${fresh("x")}@e.com`;
    const headers = { API_KEY_ID: client };
    const made = await at.call(
      "POST",
      "/api/v0/user/create",
      { client_user_id: name, identifier: "" },
      headers,
    );
    const id = String(made.body.ID);
    expect((await get(client, `/user?identifier=${id}`)).body.ID).toBe(id);
    const cookie = String(made.headers.get("Set-Cookie")).split(";")[0] ?? "";
    const own = await at.call("GET", `/api/v0/user?identifier=${name}`, undefined, {
      ...headers,
      Cookie: cookie,
    });
    expect(own.body.ID).toBe(id);
    const code = (await newPhone()).publicKey;
    const body = { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" };
    await at.call("PUT", `/api/v0/user/methods?cotter_user_id=${id}`, body, headers);
    for (const text of [name, id]) {
      const found = await get(client, `/user?identifier=${text}`);
      expect([text, found.status, found.body.ID]).toEqual([text, 200, id]);
    }
    // Another client's anonymous callers have said nothing of that name.
    const stranger = await get(await newClient(at), `/user?identifier=${name}`);
    expect(stranger.body.ID).toBe("00000000-0000-0000-0000-000000000000");
  });
});

describe("C8 a plus sign that nobody escaped", () => {
  const named = async (client: string, identifier: string) => {
    const headers = { API_KEY_ID: client };
    const made = await at.call("POST", "/api/v0/user/create", { identifier }, headers);
    const code = (await newPhone()).publicKey;
    const body = { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" };
    await at.call("PUT", `/api/v0/user/methods?cotter_user_id=${made.body.ID}`, body, headers);
    return String(made.body.ID);
  };

  test("C8 survives in an e-mail address and before digits; a leading blank before an address is trimmed", async () => {
    const client = await newClient(at);
    const word = fresh("ada");
    const tagged = await named(client, `${word}+1@example.com`);
    const plain = await named(client, `${word}@example.com`);
    const number = `+4915${Math.floor(10_000_000 + Math.random() * 89_999_999)}`;
    const phone = await named(client, number);
    const asked: [string, string][] = [
      [`${word}+1@example.com`, tagged],
      [`${word}%2B1@example.com`, tagged],
      [`${word}%201@example.com`, tagged],
      [`+${word}@example.com`, plain],
      [`%20${word}@example.com`, plain],
      [number, phone],
      [`%20${number.slice(1)}`, phone],
    ];
    for (const [text, id] of asked) {
      expect([text, (await get(client, `/user?identifier=${text}`)).body.ID]).toEqual([text, id]);
    }
    expect((await get(client, `/user/${word}%201@example.com`)).body.ID).toBe(tagged);
  });

  test("C8 a name that really has a blank is found by it still, and an address that begins with a plus sign", async () => {
    const client = await newClient(at);
    const headers = { API_KEY_ID: client };
    const name = `${fresh("Ada")} L@home.example`;
    const made = await at.call("POST", "/api/v0/user/create", { client_user_id: name }, headers);
    const code = (await newPhone()).publicKey;
    const body = { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" };
    await at.call("PUT", `/api/v0/user/methods?cotter_user_id=${made.body.ID}`, body, headers);
    const found = await get(client, `/user?identifier=${encodeURIComponent(name)}`);
    expect([found.body.ID, found.body.client_user_id]).toEqual([made.body.ID, name]);
    const plus = `+${fresh("ada")}@example.com`;
    const id = await named(client, plus);
    expect((await get(client, `/user?identifier=${plus}`)).body.ID).toBe(id);
  });
});

describe("T227 C9 a prompt and a sign-in of the device's own never share a signing input", () => {
  test("T227 C9 a prompt that is listed in the second of a spent signature gets another one, and can be answered", async () => {
    const { client, person } = await scene();
    clock(Math.ceil(Date.now() / 1_000) * 1_000 + 50);
    for (const ahead of [0, 1]) {
      const timestamp = String(Math.floor(Date.now() / 1_000) + ahead);
      expect((await create(client, await signed(client, person, timestamp))).status).toBe(200);
    }
    vi.setSystemTime(Date.now() + 500);
    const waiter = await start(at, client, person);
    const shown = await prompt(at, client, person);
    expect(Number(shown?.timestamp)).toBe(Math.floor(Date.now() / 1_000) + 2);
    expect((await respond(at, client, person, shown ?? {}, true)).status).toBe(200);
    expect(tokensOf(await poll(at, client, waiter.body)).access_token).toEqual(expect.any(String));
  });

  test("T227 C9 signed after the prompt was listed: it is no answer, and the prompt shown again can be answered", async () => {
    const { client, person } = await scene();
    clock(Math.ceil(Date.now() / 1_000) * 1_000 + 50);
    const waiter = await start(at, client, person);
    const shown = (await prompt(at, client, person)) ?? {};
    expect((await create(client, await signed(client, person, String(shown.timestamp)))).status).toBe(200);
    const refused = await respond(at, client, person, shown, true);
    expect([refused.status, refused.body.msg]).toEqual([403, "Signature was used before"]);
    expect((await poll(at, client, waiter.body)).body).toMatchObject({ new: true, approved: false });
    const again = (await prompt(at, client, person)) ?? {};
    expect(again.timestamp).not.toBe(shown.timestamp);
    expect((await respond(at, client, person, again, true)).status).toBe(200);
    expect(tokensOf(await poll(at, client, waiter.body)).access_token).toEqual(expect.any(String));
  });
});

describe("T225 C10 the identical signed request, sent again", () => {
  test("T225 C10 gets the same event and session for 30 s, and is a replay afterwards", async () => {
    const { client, person } = await scene();
    const before = (await grantsOf(person)).length;
    const body = await signed(client, person, second());
    const first = await create(client, body);
    later(29);
    const again = await create(client, body);
    expect([first.status, again.status]).toEqual([200, 200]);
    const { oauth_token: one, signature: _, ...event } = first.body as Json & { oauth_token: Json };
    const { oauth_token: two, signature: __, ...repeated } = again.body as Json & { oauth_token: Json };
    expect(repeated).toEqual(event);
    expect(claimsOf(two.access_token)).toEqual(claimsOf(one.access_token));
    expect([two.refresh_token, claimsOf(two.id_token)]).toEqual([one.refresh_token, claimsOf(one.id_token)]);
    expect((await grantsOf(person)).length).toBe(before + 1);
    later(2);
    const late = await create(client, body);
    expect([late.status, late.body]).toEqual([403, { msg: "Signature was used before" }]);
  });

  test("T225 C10 race: twenty at once are one session", async () => {
    const { client, person } = await scene();
    const before = (await grantsOf(person)).length;
    const body = await signed(client, person, second());
    const answers = await Promise.all(Array.from({ length: 20 }, () => create(client, body)));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(new Set(answers.map((answer) => tokensOf(answer).refresh_token)).size).toBe(1);
    expect((await grantsOf(person)).length).toBe(before + 1);
  });

  test("T225 C10 as another client's kind of call it is a replay: no second session by another width of the number", async () => {
    const { client, person } = await scene();
    const { location: _, ...narrow } = await signed(client, person, second());
    expect((await create(client, { ...narrow, location: "x" })).status).toBe(200);
    expect((await create(client, narrow)).status).toBe(403);
  });

  test("T225 C10 gives nothing once the session was ended, the device removed or the user locked", async () => {
    const ends: ((client: string, person: Person, first: Answer) => Promise<unknown>)[] = [
      (client, _, first) =>
        at.call("DELETE", `/api/v0/token/${client}`, { refresh_token: tokensOf(first).refresh_token }, {}),
      (client, person) =>
        at.call(
          "PUT",
          `/api/v0/user/${person.id}`,
          { method: "TRUSTED_DEVICE", enrolled: false, code: person.phone.publicKey },
          { API_KEY_ID: client },
        ),
      async (_, person) => {
        const token = { Authorization: `Bearer ${(env as unknown as { ADMIN_TOKEN: string }).ADMIN_TOKEN}` };
        const set = (status: string) => at.call("PATCH", `/admin/users/${person.id}`, { status }, token);
        expect((await set("locked")).status).toBe(200);
        expect((await set("active")).status).toBe(200);
      },
    ];
    for (const end of ends) {
      const { client, person } = await scene();
      const body = await signed(client, person, second());
      const first = await create(client, body);
      expect(first.status).toBe(200);
      await end(client, person, first);
      const again = await create(client, body);
      expect([again.status, again.body.oauth_token]).toEqual([403, undefined]);
    }
  });

  test("T225 C10 enrolling a device by a signature: one device, the same answer, also for two at once", async () => {
    const { client, person } = await scene();
    const other = await newPhone();
    const body = await signed(client, person, second(), other);
    const [one, two] = await Promise.all([create(client, body), create(client, body)]);
    const three = await create(client, body);
    const bare = ({ body: { signature: _, ...event } }: Answer) => event;
    expect([one.status, two.status, three.status]).toEqual([200, 200, 200]);
    expect([bare(two), bare(three)]).toEqual([bare(one), bare(one)]);
    expect(await devicesOf(person)).toHaveLength(2);
    // Another signature for a key that is there is no repetition.
    const anew = await create(client, await signed(client, person, String(Number(second()) - 9), other));
    expect(anew.status).toBe(409);
  });

  test("T225 C10 a device that was removed is not enrolled again by the request that enrolled it", async () => {
    const { client, person } = await scene();
    const other = await newPhone();
    const body = await signed(client, person, second(), other);
    expect((await create(client, body)).status).toBe(200);
    const removal = { method: "TRUSTED_DEVICE", enrolled: false, code: other.publicKey };
    await at.call("PUT", `/api/v0/user/${person.id}`, removal, { API_KEY_ID: client });
    expect((await create(client, body)).status).toBe(409);
    expect(await devicesOf(person)).toHaveLength(1);
  });

  test("T225 C10 another request whose number falls on the same event is another session", async () => {
    const same = deployment({}, ({ handles }) => ({
      handles: {
        ...handles,
        pepper: (context, secret) =>
          handles.pepper(context, context[0] === "signed-event" && context[2] === "0" ? "same" : secret),
      },
    }));
    const { client, person } = await scene();
    const other = await newPerson(at, client);
    const one = await create(client, await signed(client, person, second()), same);
    const two = await create(client, await signed(client, other, second()), same);
    expect([one.status, two.status]).toEqual([200, 200]);
    expect([one.body.user_id, two.body.user_id]).toEqual([person.id, other.id]);
    expect(claimsOf(tokensOf(two).access_token).sub).toBe(other.id);
  });

  test("C10 a call that died before its answer goes on where it was", async () => {
    const { client, person } = await scene();
    const dying = deployment({}, ({ records, devices }) => ({
      records: { ...records, finish: () => Promise.reject(new Error("the isolate is gone")) },
      devices: { ...devices, insert: () => Promise.reject(new Error("the isolate is gone")) },
    }));
    const other = await newPhone();
    const enrolment = await signed(client, person, second(), other);
    expect((await create(client, enrolment, dying)).status).toBe(500);
    expect((await create(client, enrolment)).status).toBe(200);
    expect(await devicesOf(person)).toHaveLength(2);
  });
});

describe("C11 clocks that are behind", () => {
  test("C11 no token says from when it is good", async () => {
    const { client, person } = await scene();
    const { oauth_token } = (await create(client, await signed(client, person, second()))).body as {
      oauth_token: Json;
    };
    const next = (await refresh(at, client, oauth_token.refresh_token)).body;
    for (const token of [oauth_token.access_token, oauth_token.id_token, next.access_token, next.id_token]) {
      expect(Object.keys(claimsOf(token))).not.toContain("nbf");
    }
  });
});

describe("C12 a phone that pauses", () => {
  test("C12 an approval is collected for five minutes, and answered alike for two more", async () => {
    const { client, person } = await scene();
    const waiter = await start(at, client, person);
    await respond(at, client, person, (await prompt(at, client, person)) ?? {}, true);
    later(299);
    const first = await poll(at, client, waiter.body);
    later(119);
    const again = await poll(at, client, waiter.body);
    const [one, two] = [tokensOf(first), tokensOf(again)];
    expect(claimsOf(two.access_token)).toEqual(claimsOf(one.access_token));
    expect([typeof one.refresh_token, two.refresh_token]).toEqual(["string", one.refresh_token]);
    later(2);
    const late = await poll(at, client, waiter.body);
    expect([late.status, late.body.approved, late.body.oauth_token]).toEqual([200, true, undefined]);
  });

  test("C12 past five minutes nothing is collected", async () => {
    const { client, person } = await scene();
    const waiter = await start(at, client, person);
    await respond(at, client, person, (await prompt(at, client, person)) ?? {}, true);
    later(301);
    expect((await poll(at, client, waiter.body)).status).toBe(404);
  });

  test("C12 an approval that waits gives nothing to a user who was locked, or for a device that was removed, meanwhile", async () => {
    const { client, person } = await scene();
    const waiter = await start(at, client, person);
    await respond(at, client, person, (await prompt(at, client, person)) ?? {}, true);
    later(280);
    const removal = { method: "TRUSTED_DEVICE", enrolled: false, code: person.phone.publicKey };
    await at.call("PUT", `/api/v0/user/${person.id}`, removal, { API_KEY_ID: client });
    const collected = await poll(at, client, waiter.body);
    expect([collected.status === 200, collected.body.oauth_token]).toEqual([false, undefined]);
  });
});

describe("T229 C13 the vendor's check of a token", () => {
  const check = (body: unknown, headers: Record<string, string> = {}) =>
    at.call("POST", "/verify", body, headers);
  const asked = (access_token: unknown) => ({ oauth_token: { access_token } });

  test("T229 C13 a token of this client is good, whoever else's is not", async () => {
    const { client, person } = await scene();
    const tokens = tokensOf(await create(client, await signed(client, person, second())));
    const good = await check(asked(tokens.access_token), {
      API_KEY_ID: client,
      Origin: "https://any.example",
    });
    expect([good.status, good.body]).toEqual([200, { success: true }]);
    expect(good.headers.get("Access-Control-Allow-Origin")).toBe("https://any.example");
    expect(good.headers.get("Access-Control-Allow-Credentials")).toBeNull();
    expect((await check(asked(tokens.access_token))).body).toEqual({ success: true });
    const token = String(tokens.access_token);
    const bad: [unknown, string][] = [
      [token, await newClient(at)],
      [token, "no-such-client"],
      [tokens.id_token, client],
      [tokens.refresh_token, client],
      [`${token.slice(0, -4)}AAAA`, client],
      ["x", client],
    ];
    for (const [access_token, API_KEY_ID] of bad) {
      const answer = await check(asked(access_token), { API_KEY_ID });
      expect([answer.status, answer.body]).toEqual([
        200,
        { success: false, reason: expect.stringMatching(/.+/) },
      ]);
      expect(JSON.stringify(answer.body)).not.toContain(String(access_token).slice(0, 20).padEnd(20, "#"));
    }
    const claims = { aud: client, sub: person.id, iat: Number(second()), exp: Number(second()) + 60 };
    for (const [typ, more] of [
      ["at+jwt", {}],
      ["JWT", { type: "action_token" }],
      ["JWT", {}],
    ] as const) {
      const foreign = await at.services.keyring.sign("standard", { typ }, { ...claims, ...more });
      expect((await check(asked(foreign), { API_KEY_ID: client })).body.success).toBe(false);
    }
    const unknown = await check(asked(token), { API_KEY_ID: "no-such-client" });
    expect(unknown.body.reason).toBe("API_KEY_ID is not valid");
    later(3_700);
    expect((await check(asked(token), { API_KEY_ID: client })).body).toEqual({
      success: false,
      reason: "expired",
    });
  });

  test("T229 C13 no token of a client that was disabled", async () => {
    const { client, person } = await scene();
    const token = tokensOf(await create(client, await signed(client, person, second()))).access_token;
    const admin = { Authorization: `Bearer ${(env as unknown as { ADMIN_TOKEN: string }).ADMIN_TOKEN}` };
    expect((await at.call("DELETE", `/admin/clients/${client}`, undefined, admin)).status).toBe(204);
    later(31);
    expect((await check(asked(token))).body.success).toBe(false);
  });

  test("C13 what is no such request is 400 or 405 in the same shape; a preflight passes", async () => {
    for (const body of [
      {},
      { oauth_token: "text" },
      { oauth_token: {} },
      { oauth_token: { access_token: 7 } },
      [],
    ]) {
      const answer = await check(body);
      expect([answer.status, answer.body.success, typeof answer.body.reason]).toEqual([400, false, "string"]);
    }
    const wrong = await at.call("GET", "/verify");
    expect([wrong.status, wrong.body.success]).toEqual([405, false]);
    const preflight = await at.call("OPTIONS", "/verify", undefined, {
      Origin: "https://any.example",
      "Access-Control-Request-Method": "POST",
      "Access-Control-Request-Headers": "api_key_id,content-type",
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get("Access-Control-Allow-Origin")).toBe("https://any.example");
    expect(preflight.headers.get("Access-Control-Allow-Headers")).toContain("API_KEY_ID");
  });
});

describe("C14 the form that asks nothing more", () => {
  test("C14 passes for every client, and for nobody else", async () => {
    const client = await newClient(at);
    const path = "/screening/form?identifier=ada%40example.com&form-id=form_default";
    const passed = await at.call("GET", path, undefined, {
      API_KEY_ID: client,
      Origin: "https://any.example",
    });
    expect([passed.status, passed.body]).toEqual([200, { passed: true }]);
    expect(passed.headers.get("Access-Control-Allow-Origin")).toBe("https://any.example");
    const refused = await at.call("GET", path, undefined, { API_KEY_ID: "nobody" });
    expect([refused.status, refused.body]).toEqual([
      401,
      { passed: false, message: "API_KEY_ID is not valid" },
    ]);
  });
});

describe("what else the wire says", () => {
  test("location is the city that the edge saw, and the country where it saw none", async () => {
    const { client, person } = await scene();
    const place = async (cf: Json) => {
      const asked = {
        client_user_id: person.id,
        issuer: client,
        event: "LOGIN",
        method: "TRUSTED_DEVICE",
        location: "x",
      };
      const request = new Request("http://localhost:8787/api/v0/event/create_pending", {
        method: "POST",
        headers: { "Content-Type": "application/json", API_KEY_ID: client },
        body: JSON.stringify(asked),
        cf: cf as never,
      });
      return ((await at.send(request)).body as Json).location;
    };
    expect(await place({ city: "San Francisco", country: "US" })).toBe("San Francisco");
    expect(await place({ city: " \u202e ", country: "US" })).toBe("US");
    expect(await place({})).toBe("unknown");
  });

  test("/token/custom says that it is not offered, with a good key", async () => {
    const client = await newClient(at);
    const answer = await at.call("POST", "/api/v0/token/custom", { token: "x" }, { API_KEY_ID: client });
    expect([answer.status, answer.body]).toEqual([
      403,
      { msg: "Custom claims are not offered by this server" },
    ]);
    const stranger = await at.call("POST", "/api/v0/token/custom", { token: "x" }, { API_KEY_ID: "nobody" });
    expect(stranger.status).toBe(401);
  });
});
