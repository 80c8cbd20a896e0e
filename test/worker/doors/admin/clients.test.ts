import { afterEach, describe, expect, test, vi } from "vitest";
import { webhookSecretOf } from "../../../../src/core/client/webhook-secret.ts";
import { Outage } from "../../../../src/core/fault.ts";
import { parseClientId } from "../../../../src/core/ids.ts";
import type { QueueMessage } from "../../../../src/core/message/queue.ts";
import { admin, auditOf, IP, newClient, powers, unlike } from "../../support/admin.ts";

const ofSecret = async (secret: string) =>
  (await powers.clients.findBySecret(await powers.secrets.hash(secret), Date.now()))?.id;

afterEach(() => {
  vi.useRealTimers();
});

describe("making a client", () => {
  test("a confidential one gets its id, its defaults and a secret that is shown this once", async () => {
    const made = await admin("POST", "/clients", { name: "Shop", kind: "confidential" });
    expect(made.status).toBe(201);
    expect(made.headers.get("Cache-Control")).toBe("no-store");
    expect(made.body).toEqual({
      client_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      client_secret: expect.stringMatching(/^\S{43,}$/),
      webhook_secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      name: "Shop",
      kind: "confidential",
      realm: "main",
      redirect_uris: [],
      allowed_origins: [],
      grant_types: ["authorization_code", "refresh_token"],
      public_keys: [],
      webhook_url: null,
      notification_endpoint: null,
      settings: {},
      disabled: false,
      disabled_at: null,
      created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
      updated_at: made.body.created_at,
    });
    expect(await ofSecret(made.body.client_secret)).toBe(made.body.client_id);
    const { client_secret: _, webhook_secret: __, ...shown } = made.body;
    const read = await admin("GET", `/clients/${made.body.client_id}`);
    expect([read.status, read.body]).toEqual([200, shown]);
  });

  test("a public one with everything keeps what it was given and has no secret", async () => {
    const given = {
      client_id: unlike("app.in~the_field"),
      name: "App",
      kind: "public",
      redirect_uris: ["https://app.example/cb", "myexample://auth_callback"],
      allowed_origins: ["https://app.example", "capacitor://localhost"],
      grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
      webhook_url: "https://hooks.example/in",
      notification_endpoint: "https://hooks.example/ping",
      settings: {
        access_token_seconds: 900,
        id_token_seconds: 1,
        refresh_token_days: 3_650,
        challenge_seconds: 3_600,
        match_code: "required",
        issuer: { cotter: "https://www.cotter.app", loginid: "loginid.io" },
        starts_per_minute: 0,
        scopes: ["auth.login", "reg.create"],
        preauthorize: true,
        actions: { pay: "challenge", "log-in": "allow" },
      },
    };
    const made = await admin("POST", "/clients", given);
    expect(made.status).toBe(201);
    expect(made.body).toMatchObject(given);
    expect(made.body).not.toHaveProperty("client_secret");
    expect(made.body).not.toHaveProperty("webhook_secret");
    expect((await admin("GET", `/clients/${given.client_id}`)).body).toEqual(made.body);
    const [row] = await auditOf(`client_id=${given.client_id}`);
    expect(row).toMatchObject({ type: "client.created", actor: "admin", ip: IP });
  });

  test("keys come as PEM or JWK and are shown as PEM", async () => {
    const pair = (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
      "sign",
      "verify",
    ])) as CryptoKeyPair;
    const jwk = await crypto.subtle.exportKey("jwk", pair.publicKey);
    const { public_keys } = await newClient({ public_keys: [jwk] });
    expect(public_keys).toEqual([
      expect.stringMatching(/^-----BEGIN PUBLIC KEY-----\n[^-]+-----END PUBLIC KEY-----\n$/),
    ]);
    expect((await newClient({ public_keys })).public_keys).toEqual(public_keys);
    const secret = await crypto.subtle.exportKey("jwk", pair.privateKey);
    const refused = await admin("POST", "/clients", {
      name: "x",
      kind: "public",
      public_keys: [jwk, secret],
    });
    expect(refused.status).toBe(422);
    expect(refused.body.errors).toEqual([{ path: "public_keys.1", reason: "holds private members" }]);
    const off = { ...(jwk as object), y: (jwk as { x: string }).x };
    expect((await admin("POST", "/clients", { name: "x", kind: "public", public_keys: [off] })).status).toBe(
      422,
    );
  });

  test("a taken id is 409, also for twenty at once, and the one that stands is unharmed", async () => {
    const client_id = unlike("race");
    const body = { name: "Race", kind: "confidential", client_id };
    const answers = await Promise.all(Array.from({ length: 20 }, () => admin("POST", "/clients", body)));
    const won = answers.filter(({ status }) => status === 201);
    expect(won).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
    expect(await ofSecret(won[0]?.body.client_secret)).toBe(client_id);
    expect(await auditOf(`client_id=${client_id}`)).toHaveLength(1);
  });

  test.each([
    ["name", {}],
    ["name", { name: "" }],
    ["name", { name: "a\u202eb" }],
    ["name", { name: "a\nb" }],
    ["name", { name: "x".repeat(201) }],
    ["kind", { kind: "other" }],
    ["client_id", { client_id: "has space" }],
    ["client_id", { client_id: "x".repeat(129) }],
    ["client_id", { client_id: 7 }],
    ["redirect_uris.0", { redirect_uris: ["javascript:alert(1)"] }],
    ["redirect_uris.1", { redirect_uris: ["https://a.example/", "https://a.example/#f"] }],
    ["redirect_uris.0", { redirect_uris: ["http://localhost.evil.example/cb"] }],
    ["redirect_uris", { redirect_uris: ["https://a.example/", "https://a.example/"] }],
    ["redirect_uris", { redirect_uris: "https://a.example/" }],
    ["allowed_origins.0", { allowed_origins: ["https://a.example/"] }],
    ["grant_types.0", { grant_types: ["password"] }],
    ["public_keys.0", { public_keys: [7] }],
    ["settings", { settings: { unknown: 1 } }],
    ["settings.access_token_seconds", { settings: { access_token_seconds: 0 } }],
    ["settings.access_token_seconds", { settings: { access_token_seconds: 86_401 } }],
    ["settings.id_token_seconds", { settings: { id_token_seconds: 1.5 } }],
    ["settings.refresh_token_days", { settings: { refresh_token_days: 3_651 } }],
    ["settings.challenge_seconds", { settings: { challenge_seconds: 3_601 } }],
    ["settings.starts_per_minute", { settings: { starts_per_minute: -1 } }],
    ["settings.starts_per_minute", { settings: { starts_per_minute: 100_001 } }],
    ["settings.match_code", { settings: { match_code: "on" } }],
    ["settings.issuer", { settings: { issuer: { elsewhere: "x" } } }],
    ["settings.scopes.0", { settings: { scopes: ["two words"] } }],
    ["settings.actions.pay", { settings: { actions: { pay: "maybe" } } }],
    ["settings.decoy_unknown_users", { settings: { decoy_unknown_users: "yes" } }],
    ["settings.insecure_tap", { settings: { insecure_tap: 1 } }],
    ["settings.require_pkce", { settings: { require_pkce: "S256" } }],
    ["settings.first_party", { settings: { first_party: null } }],
    ["settings.dpop_bound_access_tokens", { settings: { dpop_bound_access_tokens: "ES256" } }],
    ["settings.device_refresh_tokens", { settings: { device_refresh_tokens: 30 } }],
    ["settings.device_login_hint", { settings: { device_login_hint: "ada" } }],
    ["settings.backchannel_token_delivery_mode", { settings: { backchannel_token_delivery_mode: "push" } }],
    ["settings.id_token_signed_response_alg", { settings: { id_token_signed_response_alg: "HS256" } }],
    ["settings.backchannel_logout_uri", { settings: { backchannel_logout_uri: "" } }],
    ["settings.backchannel_logout_uri", { settings: { backchannel_logout_uri: "/logout" } }],
    [
      "settings.backchannel_logout_session_required",
      { settings: { backchannel_logout_session_required: 1 } },
    ],
    [
      "settings.post_logout_redirect_uris.0",
      { settings: { post_logout_redirect_uris: ["javascript:alert(1)"] } },
    ],
    [
      "settings.post_logout_redirect_uris",
      { settings: { post_logout_redirect_uris: ["https://a.example/", "https://a.example/"] } },
    ],
    ["settings.resources.0", { settings: { resources: ["api"] } }],
    ["settings.resources.0", { settings: { resources: ["/api"] } }],
    ["settings.resources.1", { settings: { resources: ["https://a.example", "https://a.example/#f"] } }],
    ["settings.resources.0", { settings: { resources: [`https://a.example/${"x".repeat(2_048)}`] } }],
    ["settings.resources.0", { settings: { resources: ["https://a.example/ä"] } }],
    ["settings.resources", { settings: { resources: ["urn:a:b", "urn:a:b"] } }],
    ["body", { surprise: true }],
  ])("a wrong %s is 400 and names its place", async (path, over) => {
    const before = (await admin("GET", "/clients")).body;
    const body = { ...(Object.keys(over).length > 0 && { name: "x" }), kind: "public", ...over };
    const refused = await admin("POST", "/clients", body);
    expect(refused.status).toBe(400);
    expect(refused.headers.get("Content-Type")).toBe("application/problem+json");
    expect(refused.body).toMatchObject({ type: "about:blank", title: "Bad Request", status: 400 });
    expect(refused.body.errors[0]).toEqual({ path, reason: expect.any(String) });
    expect((await admin("GET", "/clients")).body).toEqual(before);
  });

  test("T97 at registration: callbacks must be public https outside development", async () => {
    const services = { config: { ...powers.config, allowPrivateCallbacks: false } };
    for (const member of ["webhook_url", "notification_endpoint"]) {
      for (const url of [
        "http://hooks.example/in",
        "https://127.0.0.1/in",
        "https://2130706433/in",
        "https://169.254.169.254/latest",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://hooks.internal/",
        "https://localhost/",
        "https://user:pass@hooks.example/",
      ]) {
        const body = { name: "x", kind: "public", [member]: url };
        const refused = await admin("POST", "/clients", body, { services });
        expect([url, refused.status]).toEqual([url, 422]);
        expect(refused.body.errors[0].path).toBe(member);
      }
      const fine = { name: "x", kind: "public", [member]: "https://hooks.example/in" };
      expect((await admin("POST", "/clients", fine, { services })).status).toBe(201);
    }
    const local = { name: "x", kind: "public", webhook_url: "http://127.0.0.1:9999/in" };
    expect((await admin("POST", "/clients", local)).status).toBe(201);
  });
});

describe("reading and changing", () => {
  test("the list goes page by page over every client", async () => {
    const made = await Promise.all(Array.from({ length: 55 }, () => newClient({ kind: "public" })));
    const seen: string[] = [];
    let after: string | null = "";
    do {
      const page = await admin("GET", `/clients${after ? `?after=${after}` : ""}`);
      expect(page.status).toBe(200);
      expect(page.body.clients.length).toBeLessThanOrEqual(50);
      seen.push(...page.body.clients.map((client: { client_id: string }) => client.client_id));
      after = page.body.next;
    } while (after !== null);
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(made.map((client) => client.client_id)));
  });

  test("PATCH changes what it names, merges settings, and null clears", async () => {
    const client = await newClient({
      webhook_url: "https://hooks.example/in",
      redirect_uris: ["https://a.example/cb"],
      settings: { access_token_seconds: 900, starts_per_minute: 5 },
    });
    const path = `/clients/${client.client_id}`;
    const changed = await admin("PATCH", path, {
      name: "Renamed",
      webhook_url: null,
      notification_endpoint: "https://hooks.example/ping",
      settings: { access_token_seconds: null, match_code: "required" },
    });
    expect(changed.status).toBe(200);
    const { client_secret: _, webhook_secret: __, ...before } = client;
    expect(changed.body).toEqual({
      ...before,
      name: "Renamed",
      webhook_url: null,
      notification_endpoint: "https://hooks.example/ping",
      settings: { starts_per_minute: 5, match_code: "required" },
      updated_at: expect.any(String),
    });
    expect((await admin("GET", path)).body).toEqual(changed.body);
    const [row] = await auditOf(`client_id=${client.client_id}&type=client.updated`);
    expect(row).toMatchObject({ actor: "admin", ip: IP });
    expect(row.data.changed.sort()).toEqual(["name", "notificationEndpoint", "settings", "webhookUrl"]);
    // Its secret still is its secret.
    expect(await ofSecret(client.client_secret)).toBe(client.client_id);
  });

  test("settings of the standard door are kept as given, and null brings each default back", async () => {
    const settings = {
      require_pkce: false,
      first_party: false,
      insecure_tap: true,
      post_logout_redirect_uris: ["https://shop.example/bye", "com.example.shop:/bye"],
      backchannel_logout_uri: "https://shop.example/logout",
      backchannel_logout_session_required: true,
      dpop_bound_access_tokens: true,
      device_refresh_tokens: true,
      device_login_hint: true,
      resources: ["https://api.example", "urn:example:stock"],
      decoy_unknown_users: true,
      backchannel_token_delivery_mode: "ping",
    };
    const made = await newClient({ settings, notification_endpoint: "https://shop.example/ping" });
    expect(made.settings).toEqual(settings);
    const nothing = Object.fromEntries(Object.keys(settings).map((name) => [name, null]));
    const cleared = await admin("PATCH", `/clients/${made.client_id}`, { settings: nothing });
    expect([cleared.status, cleared.body.settings]).toEqual([200, {}]);
  });

  test("the key of RS256 is made and published when the first client is set to it", async () => {
    const rsa = async () => (await powers.keyring.published()).filter(({ alg }) => alg === "RS256");
    const { client_id } = await newClient({ settings: { id_token_signed_response_alg: "ES256" } });
    expect(await rsa()).toEqual([]);
    const settings = { id_token_signed_response_alg: "RS256" };
    const changed = await admin("PATCH", `/clients/${client_id}`, { settings });
    expect(changed.body.settings).toEqual(settings);
    const [key, ...others] = await rsa();
    expect([key?.kid, others]).toEqual([await powers.keyring.ready("rs256"), []]);
    expect((await newClient({ settings })).settings).toEqual(settings);
    expect(await rsa()).toEqual([key]);
  });

  test("T131 a client is not set to RS256 while its key does not open", async () => {
    const { client_id } = await newClient();
    const ready = () => Promise.reject(new Outage("the key does not open"));
    const services = { keyring: { ...powers.keyring, ready } };
    const settings = { id_token_signed_response_alg: "RS256" };
    const made = await admin("POST", "/clients", { name: "x", kind: "public", settings }, { services });
    const changed = await admin("PATCH", `/clients/${client_id}`, { settings }, { services });
    expect([made.status, changed.status]).toEqual([503, 503]);
    expect((await admin("GET", `/clients/${client_id}`)).body.settings).toEqual({});
  });

  test("a public client cannot be let off PKCE, neither new nor later", async () => {
    const settings = { require_pkce: false };
    const errors = [{ path: "settings.require_pkce", reason: "a public client needs PKCE" }];
    const made = await admin("POST", "/clients", { name: "x", kind: "public", settings });
    expect([made.status, made.body.errors]).toEqual([422, errors]);
    const { client_id } = await newClient({ kind: "public", settings: { require_pkce: true } });
    const changed = await admin("PATCH", `/clients/${client_id}`, { settings });
    expect([changed.status, changed.body.errors]).toEqual([422, errors]);
    expect((await admin("GET", `/clients/${client_id}`)).body.settings).toEqual({ require_pkce: true });
  });

  test("ping needs an address to call, whichever of the two is changed", async () => {
    const settings = { backchannel_token_delivery_mode: "ping" };
    const notification_endpoint = "https://shop.example/ping";
    const errors = [
      { path: "settings.backchannel_token_delivery_mode", reason: "ping needs a notification_endpoint" },
    ];
    const made = await admin("POST", "/clients", { name: "x", kind: "confidential", settings });
    expect([made.status, made.body.errors]).toEqual([422, errors]);
    const path = `/clients/${(await newClient()).client_id}`;
    const alone = await admin("PATCH", path, { settings });
    expect([alone.status, alone.body.errors]).toEqual([422, errors]);
    expect((await admin("PATCH", path, { settings, notification_endpoint })).status).toBe(200);
    const taken = await admin("PATCH", path, { notification_endpoint: null });
    expect([taken.status, taken.body.errors]).toEqual([422, errors]);
    expect((await admin("PATCH", path, { name: "Other" })).status).toBe(200);
    const both = await admin("PATCH", path, { settings: { backchannel_token_delivery_mode: null } });
    expect(both.status).toBe(200);
    expect((await admin("PATCH", path, { notification_endpoint: null })).status).toBe(200);
  });

  test("T97 at registration: a logout address must be public https outside development", async () => {
    const services = { config: { ...powers.config, allowPrivateCallbacks: false } };
    const { client_id } = await newClient();
    for (const url of ["http://shop.example/out", "https://10.0.0.1/out", "https://shop.example/#out"]) {
      const body = { settings: { backchannel_logout_uri: url } };
      const made = await admin("POST", "/clients", { name: "x", kind: "public", ...body }, { services });
      const changed = await admin("PATCH", `/clients/${client_id}`, body, { services });
      for (const refused of [made, changed]) {
        expect([url, refused.status]).toEqual([url, 422]);
        expect(refused.body.errors[0].path).toBe("settings.backchannel_logout_uri");
      }
    }
    const fine = { settings: { backchannel_logout_uri: "https://shop.example/out" } };
    expect((await admin("PATCH", `/clients/${client_id}`, fine, { services })).status).toBe(200);
  });

  test("a change of settings builds on what D1 holds, not on what this isolate remembers", async () => {
    const client = await newClient({ settings: { starts_per_minute: 5 } });
    const id = parseClientId(client.client_id);
    expect(id && (await powers.clients.find(id))?.settings).toEqual({ starts_per_minute: 5 });
    await otherIsolateWrites(client.client_id, { starts_per_minute: 7 });
    const changed = await admin("PATCH", `/clients/${client.client_id}`, { settings: { match_code: "off" } });
    expect(changed.body.settings).toEqual({ starts_per_minute: 7, match_code: "off" });
  });

  test.each([
    ["kind", { kind: "public" }],
    ["client_id", { client_id: "other" }],
    ["client_secret", { client_secret: "mine" }],
    ["name", { name: null }],
    ["settings", { settings: { unknown: null } }],
    ["redirect_uris", { redirect_uris: ["data:,x"] }],
  ])("PATCH refuses %s with 400", async (_, body) => {
    const client = await newClient();
    expect((await admin("PATCH", `/clients/${client.client_id}`, body)).status).toBe(400);
    const { client_secret: _secret, webhook_secret: _key, ...before } = client;
    expect((await admin("GET", `/clients/${client.client_id}`)).body).toEqual(before);
  });

  test("DELETE disables, as often as it is asked; PATCH lets it work again", async () => {
    const { client_id } = await newClient();
    const path = `/clients/${client_id}`;
    expect((await admin("DELETE", path)).status).toBe(204);
    const disabled = (await admin("GET", path)).body;
    expect(disabled.disabled).toBe(true);
    expect((await admin("DELETE", path)).status).toBe(204);
    expect((await admin("GET", path)).body).toEqual(disabled);
    const id = parseClientId(client_id);
    expect(id && (await powers.clients.find(id))?.disabledAt).toBe(Date.parse(disabled.disabled_at));
    expect(await auditOf(`client_id=${client_id}&type=client.disabled`)).toHaveLength(1);
    expect((await admin("PATCH", path, { disabled: false })).body).toMatchObject({
      disabled: false,
      disabled_at: null,
    });
    expect((await admin("PATCH", path, { disabled: true })).body.disabled).toBe(true);
  });

  test("an audit row that D1 cannot take goes by the queue; the change stands", async () => {
    const sent: QueueMessage[] = [];
    const services = {
      records: {
        ...powers.records,
        audit: () => Promise.reject(new Outage("D1 is overloaded")),
      },
      events: {
        send: async (message: QueueMessage) => {
          sent.push(message);
        },
      },
    };
    const made = await admin("POST", "/clients", { name: "x", kind: "public" }, { services });
    expect(made.status).toBe(201);
    expect(sent).toEqual([
      {
        kind: "audit",
        events: [expect.objectContaining({ type: "client.created", clientId: made.body.client_id })],
      },
    ]);
  });
});

describe("secrets", () => {
  test("T86 a new secret: the old one works until the stated time and not a moment longer", async () => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const start = Date.parse("2026-11-01T12:00:00Z");
    vi.setSystemTime(start);
    const { client_id, client_secret: first } = await newClient();
    const rotated = await admin("POST", `/clients/${client_id}/secret`);
    expect(rotated.status).toBe(200);
    expect(rotated.body).toEqual({
      client_id,
      client_secret: expect.stringMatching(/^\S{43,}$/),
      webhook_secret: expect.stringMatching(/^whsec_[A-Za-z0-9+/]{43}=$/),
      old_secret_valid_until: "2026-11-02T12:00:00.000Z",
    });
    expect(rotated.body.webhook_secret).toBe(await webhookSecretOf(rotated.body.client_secret));
    const second = rotated.body.client_secret;
    expect(second).not.toBe(first);
    expect(await ofSecret(first)).toBe(client_id);
    expect(await ofSecret(second)).toBe(client_id);
    vi.setSystemTime(start + 86_400_000 - 1);
    expect(await ofSecret(first)).toBe(client_id);
    vi.setSystemTime(start + 86_400_000);
    expect(await ofSecret(first)).toBeUndefined();
    expect(await ofSecret(second)).toBe(client_id);
    const [row] = await auditOf(`client_id=${client_id}&type=client.secret_rotated`);
    expect(row).toMatchObject({ actor: "admin", ip: IP });
    expect(JSON.stringify(row)).not.toContain(second);
  });

  test("rotating twice ends the first secret at once", async () => {
    const { client_id, client_secret: first } = await newClient();
    const second = (await admin("POST", `/clients/${client_id}/secret`, {})).body.client_secret;
    const third = (await admin("POST", `/clients/${client_id}/secret`)).body.client_secret;
    expect(await ofSecret(first)).toBeUndefined();
    expect(await ofSecret(second)).toBe(client_id);
    expect(await ofSecret(third)).toBe(client_id);
  });

  test("a public client has none to rotate: 422", async () => {
    const { client_id } = await newClient({ kind: "public" });
    expect((await admin("POST", `/clients/${client_id}/secret`)).status).toBe(422);
  });
});

/** What another isolate would do: a write that this isolate's cache knows nothing of. */
async function otherIsolateWrites(clientId: string, settings: object): Promise<void> {
  const { env } = await import("cloudflare:workers");
  await env.DB.prepare("UPDATE clients SET settings = ? WHERE id = ?")
    .bind(JSON.stringify(settings), clientId)
    .run();
}
