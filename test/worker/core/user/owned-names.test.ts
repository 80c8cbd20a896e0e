import { describe, expect, test } from "vitest";
import type { ClientId } from "../../../../src/core/ids.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { bearer, newKey, newTenant, server, track } from "../../support/authsignal.ts";
import {
  claimsOf,
  type Deployment,
  fresh,
  type Json,
  newClient,
  newPerson,
  newPhone,
  type Phone,
  poll,
  prompt,
  respond,
  start,
} from "../../support/cotter.ts";
import { signInByPhone } from "../../support/cotter-signed.ts";
import { newBackend, tokenOf } from "../../support/loginid.ts";
import { exchange, newPageClient, pageDeployment, verified } from "../../support/page.ts";
import { havingName, mainUser, withId } from "../../support/people.ts";

const pages = pageDeployment();

const at: Deployment = {
  services: pages.services,
  settled: async () => undefined,
  async call(method, path, body, headers = {}) {
    const answer = await pages.ask(path, {
      method,
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? {} : JSON.parse(text), headers: answer.headers };
  },
};

const mail = () => `${fresh("victim")}@example.com`;

/** A key that an Authsignal token enrols and that signs as Cotter's Android SDK does. */
async function enrolledKey(token: unknown) {
  const key = await newKey();
  const path = "/v1/client/user-authenticators/push";
  const added = await at.call("POST", path, { publicKey: key.text }, bearer(token));
  return { key, status: added.status };
}

/** A device signs itself in at the Cotter door. */
async function signIn(client: ClientId, user: string, key: Pick<Phone, "sign"> & { readonly text: string }) {
  const timestamp = String(Math.floor(Date.now() / 1000));
  const body = {
    client_user_id: user,
    issuer: client,
    event: "LOGIN",
    timestamp,
    method: "TRUSTED_DEVICE",
    approved: true,
    public_key: key.text,
    code: await key.sign(`${user}${client}LOGIN${timestamp}TRUSTED_DEVICEtrue`),
  };
  return at.call("POST", "/api/v0/event/create?oauth_token=true", body, { API_KEY_ID: client });
}

/** Somebody reads the address and proves it on the hosted page of this client. */
async function proven(
  client: ClientId,
  address: string,
): Promise<{ readonly id: string; readonly claims: Json }> {
  const { body } = await exchange(pages, client, await verified(pages, client, address));
  return { id: body.user.ID, claims: claimsOf(body.oauth_token.access_token) };
}

describe("S1 what a backend passes on is its own word", () => {
  test("S1 T111 Authsignal: another client's door says nothing of it, and its owner's proof is another user's", async () => {
    const [bank, shop] = [
      await newTenant(at),
      await newPageClient(pages, { approve_through: "realm" } as never),
    ];
    const [user, address] = [fresh("mallory"), mail()];
    const { body } = await track(at, bank, user, "sign-up", { email: address });
    const { key, status } = await enrolledKey(body.token);
    expect(status).toBe(200);
    const mallory = (await havingName(at, address))?.user.id ?? "";
    const signedIn = await signIn(shop, mallory, key);
    const told = signedIn.status === 200 ? claimsOf((signedIn.body.oauth_token as Json).access_token) : {};
    expect(JSON.stringify(told)).not.toContain(address);
    expect(told.identifier_verified ?? false).toBe(false);
    const owner = await proven(shop, address);
    expect(owner.id).not.toBe(mallory);
    expect(owner.claims).toMatchObject({ identifier: address, identifier_verified: true });
    // At its own client the backend's word stays what it was, and proves nothing.
    expect((await server(at, bank, "GET", `/users/${user}`)).body).toMatchObject({
      email: address,
      emailVerified: false,
    });
  });

  test("S1 T111 Authsignal: nor does the backend's word that it has seen a proof", async () => {
    const [bank, shop] = [await newTenant(at), await newPageClient(pages)];
    const [user, address] = [fresh("mallory"), mail()];
    await server(at, bank, "PATCH", `/users/${user}`, { email: address, emailVerified: true });
    const other = mail();
    const enrolled = { verificationMethod: "EMAIL_OTP", email: other };
    expect((await server(at, bank, "POST", `/users/${user}/authenticators`, enrolled)).status).toBe(200);
    const mallory = (await havingName(at, address))?.user.id;
    for (const one of [address, other]) {
      const looked = await at.call("GET", `/api/v0/user?identifier=${one}`, undefined, { API_KEY_ID: shop });
      expect(looked.body.ID).toBe("00000000-0000-0000-0000-000000000000");
      expect((await proven(shop, one)).id).not.toBe(mallory);
    }
  });

  test("S1 T111 LoginID: a user name that looks like an address makes nobody its owner", async () => {
    const [backend, shop] = [await newBackend(at), await newPageClient(pages)];
    const address = mail();
    const authorization = { Authorization: `Bearer ${await tokenOf(backend, "users.create")}` };
    const made = await at.call("POST", "/manage/users", { username: address }, authorization);
    expect(made.status).toBe(200);
    const owner = await proven(shop, address);
    expect(owner.id).not.toBe(made.body.id);
    // The backend still means its own user by it.
    const again = { Authorization: `Bearer ${await tokenOf(backend, "users.retrieve")}` };
    const read = await at.call("POST", "/manage/users/retrieve", { username: address }, again);
    expect([read.status, read.body.id]).toEqual([200, made.body.id]);
  });

  test("S1 T111 the operator: its word makes nobody the owner either, unless it says verified", async () => {
    const shop = await newPageClient(pages);
    const authorization = { Authorization: "Bearer dev-admin-token" };
    for (const isVerified of [false, true]) {
      const address = mail();
      const made = await at.call(
        "POST",
        "/admin/users",
        { email: address, verified: isVerified },
        authorization,
      );
      expect((await proven(shop, address)).id === made.body.user_id).toBe(isVerified);
    }
  });

  test.each(["anonymous", "admin"] as const)(
    "S1 T111 a token says verified of nothing that is only said: %s",
    async (assertedBy) => {
      const client = await newClient(at);
      const { id, phone } = await newPerson(at, client);
      const added = {
        ...readIdentifier(mail())!,
        assertedBy,
        ...(assertedBy === "anonymous" ? { client } : {}),
      };
      const given = { of: "operator", given: [added] } as const;
      expect(
        (await at.services.users.update(mainUser(id as never), { identifiers: given }, Date.now())).ok,
      ).toBe(true);
      const { body } = await signInByPhone(at, client, { id, phone });
      const claims = claimsOf((body.oauth_token as Json).access_token);
      expect(claims).toMatchObject({ identifier: added.value, identifier_verified: false });
    },
  );
});

describe("S2 a name is its giver's, and nothing else", () => {
  test("S2 T112 a user name that is another user's id leads to a new user, not to that user", async () => {
    const [bank, shop] = [await newTenant(at), await newPageClient(pages)];
    const address = mail();
    const victim = await proven(shop, address);
    const tracked = await track(at, bank, victim.id, "sign-up");
    expect(tracked.body).toMatchObject({ state: "ALLOW", isEnrolled: false });
    const { key } = await enrolledKey(tracked.body.token);
    expect(await at.services.devices.ofUser(victim.id as never)).toEqual([]);
    expect((await signIn(shop, victim.id, key)).status).toBe(403);
    const subject = await newTenant(at, { user_ids: "subject" });
    const own = await track(at, subject, victim.id, "pay");
    expect(claimsOf(own.body.token)).toMatchObject({ uid: victim.id });
    expect((await track(at, subject, crypto.randomUUID(), "pay")).status).toBe(400);
    expect((await track(at, subject, address, "pay")).status).toBe(400);
  });

  test("S2 T112 a user name that is another user's address shadows it nowhere", async () => {
    const [bank, shop] = [await newTenant(at), await newPageClient(pages)];
    const address = mail();
    const victim = await proven(shop, address);
    const tracked = await track(at, bank, encodeURIComponent(address), "sign-up");
    expect(tracked.status).toBe(200);
    const { key } = await enrolledKey(tracked.body.token);
    const looked = await at.call("GET", `/api/v0/user/${address}`, undefined, { API_KEY_ID: shop });
    expect(looked.body.ID).toBe(victim.id);
    expect((await signIn(shop, address, key)).status).toBe(403);
    // The same holds where the bank has a Cotter app of its own: a proof comes before a name there.
    const own = await at.call("GET", `/api/v0/user/${address}`, undefined, { API_KEY_ID: bank.id });
    expect(own.body.ID).toBe(victim.id);
  });

  test("S2 T112 a sister client is believed only by who lists it", async () => {
    const bank = await newTenant(at);
    const user = fresh("u");
    await track(at, bank, user, "signIn");
    const sister = await newTenant(at, { names_from: [bank.id] });
    const uid = (token: unknown) => claimsOf(token).uid;
    const here = uid((await track(at, bank, user, "signIn")).body.token);
    expect(uid((await track(at, sister, user, "signIn")).body.token)).toBe(here);
    expect(uid((await track(at, await newTenant(at), user, "signIn")).body.token)).not.toBe(here);
  });
});

describe("S3 the key of the first-device window is handed over", () => {
  const enrol = (client: ClientId, user: string, code: string, headers: Record<string, string> = {}) =>
    at.call(
      "PUT",
      `/api/v0/user/${encodeURIComponent(user)}?oauth_token=true`,
      { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" },
      { API_KEY_ID: client, ...headers },
    );
  const LOOKS = { "User-Agent": "okhttp/4.12.0", "CF-Connecting-IP": "203.0.113.7" };

  async function signedIn(client: ClientId, address: string) {
    return await exchange(pages, client, await verified(pages, client, address), {}, LOOKS);
  }

  test("S3 T113 who shares the victim's address and app enrols nothing; the victim's own program does", async () => {
    const client = await newPageClient(pages);
    const address = mail();
    const { body, key } = await signedIn(client, address);
    expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
    for (const name of [address, body.user.ID]) {
      const tried = await enrol(client, name, (await newPhone()).publicKey, LOOKS);
      expect([tried.status, tried.body.oauth_token]).toEqual([403, undefined]);
    }
    const wrong = { ...LOOKS, Cookie: `enrol=${"A".repeat(43)}` };
    expect((await enrol(client, address, (await newPhone()).publicKey, wrong)).status).toBe(403);
    const elsewhere = { Cookie: `enrol=${key}`, Origin: "https://elsewhere.example" };
    expect((await enrol(client, address, (await newPhone()).publicKey, elsewhere)).status).toBe(403);
    const own = await enrol(client, body.user.ID, (await newPhone()).publicKey, { Cookie: `enrol=${key}` });
    expect([own.status, own.body.oauth_token !== undefined]).toEqual([200, true]);
  });

  test("S3 T113 the first device is told to the proven address; a refused try is on record", async () => {
    const [client, shop] = [await newPageClient(pages), await newTenant(at, { user_ids: "subject" })];
    const address = mail();
    const { body, key } = await signedIn(client, address);
    const told = () =>
      pages.messages.filter(({ template, to }) => template === "device_enrolled" && to === address).length;
    await enrol(client, address, (await newPhone()).publicKey, LOOKS);
    expect(JSON.stringify(pages.queued)).toMatch(
      new RegExp(
        `"type":"enrolment_refused","userId":"${body.user.ID}","reason":"enrolment_closed"`.replaceAll(
          ",",
          ".*",
        ),
      ),
    );
    expect(told()).toBe(0);
    const held = { Cookie: `enrol=${key}` };
    expect((await enrol(client, address, (await newPhone()).publicKey, held)).status).toBe(200);
    expect(told()).toBe(1);
    // A later one too: whoever took a session over enrols a key of their own next (T33).
    const token = (await track(at, shop, body.user.ID, "add", { scope: "add:authenticators" })).body.token;
    expect((await enrolledKey(token)).status).toBe(200);
    expect(told()).toBe(2);
  });

  test("S3 T113 so is one that a backend's token enrols", async () => {
    const [client, shop] = [await newPageClient(pages), await newTenant(at, { user_ids: "subject" })];
    const address = mail();
    const { body } = await signedIn(client, address);
    const token = (await track(at, shop, body.user.ID, "add")).body.token;
    expect((await enrolledKey(token)).status).toBe(200);
    expect(pages.messages.filter((one) => one.template === "device_enrolled").map(({ to }) => to)).toContain(
      address,
    );
  });

  test("S3 T113 the key opens the window for the client that handed it out, and for no other", async () => {
    const [blog, bank] = [
      await newPageClient(pages, { enrol_after_proof: true }),
      await newPageClient(pages, { enrol_after_proof: true }),
    ];
    const { body, key } = await signedIn(blog, mail());
    const held = { ...LOOKS, Cookie: `enrol=${key}` };
    const tried = await enrol(bank, body.user.ID, (await newPhone()).publicKey, held);
    expect([tried.status, tried.body.oauth_token]).toEqual([403, undefined]);
    const own = { Cookie: `enrol=${key}` };
    expect((await enrol(blog, body.user.ID, (await newPhone()).publicKey, own)).status).toBe(200);
  });

  test("S3 T113 another user's key opens nothing", async () => {
    const client = await newPageClient(pages);
    const mine = await signedIn(client, mail());
    const theirs = await signedIn(client, mail());
    const tried = await enrol(client, theirs.body.user.ID, (await newPhone()).publicKey, {
      Cookie: `enrol=${mine.key}`,
    });
    expect(tried.status).toBe(403);
  });

  test("S3 T113 where the client lets looks count, one wrong try ends that, and the key still works", async () => {
    const client = await newPageClient(pages, { enrol_after_proof: true });
    const [address, other] = [mail(), mail()];
    const { body } = await signedIn(client, address);
    expect((await enrol(client, body.user.ID, (await newPhone()).publicKey, LOOKS)).status).toBe(200);
    const second = await signedIn(client, other);
    const stranger = { ...LOOKS, "CF-Connecting-IP": "203.0.113.8" };
    expect((await enrol(client, other, (await newPhone()).publicKey, stranger)).status).toBe(403);
    expect((await enrol(client, other, (await newPhone()).publicKey, LOOKS)).status).toBe(403);
    const held = { Cookie: `enrol=${second.key}` };
    expect((await enrol(client, other, (await newPhone()).publicKey, held)).status).toBe(200);
  });

  test("S3 T113 who has had a device gets no key, and no window", async () => {
    const client = await newPageClient(pages);
    const address = mail();
    const { key } = await signedIn(client, address);
    const held = { Cookie: `enrol=${key}` };
    expect((await enrol(client, address, (await newPhone()).publicKey, held)).status).toBe(200);
    expect((await signedIn(client, address)).key).toBeUndefined();
    expect((await enrol(client, address, (await newPhone()).publicKey, held)).status).toBe(409);
  });
});

describe("S8 an anonymous call names nobody in a token", () => {
  test("S8 T114 client_user_id is our id until a secret or the operator has vouched for the name", async () => {
    const client = await newClient(at);
    const user = fresh("user");
    const names = { client_user_id: user };
    const made = await at.call("POST", "/api/v0/user/create", names, { API_KEY_ID: client });
    const phone = await newPhone();
    const device = { method: "TRUSTED_DEVICE", enrolled: true, code: phone.publicKey, algorithm: "ED25519" };
    const path = `/api/v0/user/${made.body.ID}?oauth_token=true`;
    const enrolled = await at.call("PUT", path, device, { API_KEY_ID: client });
    for (const token of ["access_token", "id_token"]) {
      const claims = claimsOf((enrolled.body.oauth_token as Json)[token]);
      expect(claims).toMatchObject({ sub: made.body.ID, client_user_id: made.body.ID });
    }
  });

  test.each(["ada ", " ada", "ad\u200ba", "ada\u0000", "e\u0301", "\u202eada", ""])(
    "S8 T114 a name is printable, as it is compared, and without blanks around it: %j is refused",
    async (name) => {
      const client = await newClient(at);
      const body = { client_user_id: name };
      const made = await at.call("POST", "/api/v0/user/create", body, { API_KEY_ID: client });
      expect(made.status).toBe(400);
      const shop = await newTenant(at);
      if (name === "") return;
      const tracked = await track(at, shop, encodeURIComponent(name), "signIn");
      expect(tracked.status).toBe(400);
      const authorization = { Authorization: "Bearer dev-admin-token" };
      const user = { username: fresh("n"), external_id: name };
      expect((await at.call("POST", "/admin/users", user, authorization)).status).toBe(400);
    },
  );
});

describe("S7 names: a stranger keeps nobody from theirs", () => {
  test("S7k T115 of two who sign up under one text the first to finish has it, as an address or as a name", async () => {
    const client = await newClient(at);
    const address = mail();
    const begun = async (names: Json) =>
      String((await at.call("POST", "/api/v0/user/create", names, { API_KEY_ID: client })).body.ID);
    const finish = async (id: string, phone: Phone) => {
      const device = {
        method: "TRUSTED_DEVICE",
        enrolled: true,
        code: phone.publicKey,
        algorithm: "ED25519",
      };
      return (await at.call("PUT", `/api/v0/user/${id}`, device, { API_KEY_ID: client })).status;
    };
    const stranger = await begun({ client_user_id: address });
    const owner = await begun({ identifier: address });
    const phone = await newPhone();
    expect(await finish(owner, phone)).toBe(200);
    expect(await finish(stranger, await newPhone())).toBe(409);
    expect(await withId(at, stranger)).toBeUndefined();
    const looked = await at.call("GET", `/api/v0/user?identifier=${address}`, undefined, {
      API_KEY_ID: client,
    });
    expect(looked.body.ID).toBe(owner);
  });

  test("S2 T112 an address goes before a user name that looks like it, in its own client too", async () => {
    const shop = await newTenant(at);
    const [user, address] = [fresh("vic"), mail()];
    await track(at, shop, user, "sign-up", { email: address });
    const owner = (await havingName(at, address))?.user.id;
    expect((await track(at, shop, encodeURIComponent(address), "sign-up")).status).toBe(200);
    const looked = await at.call("GET", `/api/v0/user?identifier=${address}`, undefined, {
      API_KEY_ID: shop.id,
    });
    expect(looked.body.ID).toBe(owner);
  });

  test("S7k T115 sign-ups that nobody finishes take no name", async () => {
    const client = await newClient(at);
    const victim = mail();
    for (let count = 0; count < 5; count++) {
      const names = { client_user_id: victim, identifiers: [victim, mail()] };
      expect((await at.call("POST", "/api/v0/user/create", names, { API_KEY_ID: client })).status).toBe(200);
    }
    const person = await newPerson(at, client);
    expect(person.tokens).toBeDefined();
    const own = await at.call("POST", "/api/v0/user/create", { identifier: victim }, { API_KEY_ID: client });
    expect(own.status).toBe(200);
  });

  test("S7k T115 a name that a stranger has finished a sign-up with is its owner's by a proof, and by the backend's word", async () => {
    const client = await newPageClient(pages);
    const victim = mail();
    const made = await at.call("POST", "/api/v0/user/create", { identifier: victim }, { API_KEY_ID: client });
    const code = (await newPhone()).publicKey;
    const device = { method: "TRUSTED_DEVICE", enrolled: true, code, algorithm: "ED25519" };
    await at.call("PUT", `/api/v0/user/${made.body.ID}`, device, { API_KEY_ID: client });
    const owner = await proven(client, victim);
    expect(owner.id).not.toBe(made.body.ID);
    expect(await withId(at, made.body.ID)).toBeUndefined();
    const looked = await at.call("GET", `/api/v0/user?identifier=${victim}`, undefined, {
      API_KEY_ID: client,
    });
    expect(looked.body.ID).toBe(owner.id);
  });

  test("an ordinary sign-in goes on by each of a user's names", async () => {
    const client = await newClient(at);
    const person = await newPerson(at, client);
    for (const name of [person.id, person.identifier]) {
      const named = { ...person, id: name };
      const waiter = (await start(at, client, named)).body;
      const shown = await prompt(at, client, named);
      expect((await respond(at, client, named, shown ?? {}, true)).status).toBe(200);
      expect((await poll(at, client, waiter)).body.oauth_token).toBeDefined();
    }
  });
});
