/**
 * node-oidc-provider, CIBA in poll mode with a JWT access token and a refresh token. Durable: its adapter keeps everything in SQLite
 * (WAL, synchronous FULL). STORE=memory takes its own in-memory adapter. Nobody approves there by themselves, so `/approve` stands for
 * the phone.
 */
import { mkdtempSync, rmSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";
import { freePort } from "../subject/port.ts";

const CIBA = "urn:openid:params:grant-type:ciba";
const folder = mkdtempSync(join(tmpdir(), "countersign-bench-oidc-"));
const database = new DatabaseSync(join(folder, "data.sqlite"));
database.exec("pragma journal_mode = wal; pragma synchronous = full");
database.exec(
  "create table kept (id text primary key, grant_id text, value text not null, ends_at integer) without rowid",
);
database.exec("create index kept_grant on kept (grant_id)");

const put = database.prepare(
  "insert or replace into kept (id, grant_id, value, ends_at) values (?, ?, ?, ?)",
);
const get = database.prepare("select value from kept where id = ? and (ends_at is null or ends_at > ?)");
const drop = database.prepare("delete from kept where id = ?");
const dropGrant = database.prepare("delete from kept where grant_id = ?");

type Kept = Record<string, unknown> & { readonly grantId?: string };

/** The adapter that the provider asks for: one row a record. */
class SqliteAdapter {
  readonly model: string;
  constructor(model: string) {
    this.model = model;
  }
  async upsert(id: string, value: Kept, expiresIn?: number): Promise<void> {
    const endsAt = expiresIn ? Date.now() + expiresIn * 1000 : null;
    put.run(`${this.model}:${id}`, value.grantId ?? null, JSON.stringify(value), endsAt);
  }
  async find(id: string): Promise<Kept | undefined> {
    const row = get.get(`${this.model}:${id}`, Date.now());
    return row && JSON.parse(String(row.value));
  }
  async findByUid(): Promise<undefined> {}
  async findByUserCode(): Promise<undefined> {}
  async consume(id: string): Promise<void> {
    const found = await this.find(id);
    if (found) await this.upsert(id, { ...found, consumed: Math.floor(Date.now() / 1000) });
  }
  async destroy(id: string): Promise<void> {
    drop.run(`${this.model}:${id}`);
  }
  async revokeByGrantId(grantId: string): Promise<void> {
    dropGrant.run(grantId);
  }
}

const port = await freePort();
const origin = `http://127.0.0.1:${port}`;
const { privateKey } = await generateKeyPair("ES256", { extractable: true });
const resource = "urn:bench:api";
const provider = new Provider(origin, {
  ...(process.env.STORE === "memory" ? {} : { adapter: SqliteAdapter as never }),
  clients: [
    {
      client_id: "bench",
      client_secret: "bench-secret-of-the-bench",
      grant_types: [CIBA, "refresh_token"],
      redirect_uris: [],
      response_types: [],
      id_token_signed_response_alg: "ES256",
      token_endpoint_auth_method: "client_secret_post",
      backchannel_token_delivery_mode: "poll",
    },
  ],
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "ES256", use: "sig", kid: "bench" }] } as never,
  cookies: { keys: ["bench"] },
  issueRefreshToken: async () => true,
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => resource,
      useGrantedResource: () => true,
      getResourceServerInfo: () =>
        ({
          scope: "read",
          audience: resource,
          accessTokenFormat: "jwt",
          jwt: { sign: { alg: "ES256" } },
        }) as never,
    },
    ciba: {
      enabled: true,
      deliveryModes: ["poll"],
      processLoginHint: async (_ctx, hint) => hint,
      triggerAuthenticationDevice: async () => undefined,
      validateBindingMessage: async () => undefined,
      validateRequestContext: async () => undefined,
      verifyUserCode: async () => undefined,
    },
  },
  findAccount: async (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id }) }),
});

async function approve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const id = new URL(request.url ?? "", origin).searchParams.get("auth_req_id") ?? "";
  const asked = await provider.BackchannelAuthenticationRequest.find(id);
  if (!asked) throw new Error("no such request");
  const grant = new provider.Grant({ clientId: "bench", accountId: String(asked.accountId) });
  grant.addOIDCScope("openid offline_access");
  grant.addResourceScope(resource, "read");
  await grant.save();
  await provider.backchannelResult(asked, grant, { acr: "urn:bench" });
  response.writeHead(204).end();
}

provider.on("server_error", (_ctx, error) => console.error(error));
const handle = provider.callback();
createServer((request, response) => {
  if (!request.url?.startsWith("/approve")) {
    handle(request, response);
    return;
  }
  approve(request, response).catch((error) => response.writeHead(500).end(String(error)));
}).listen(port, "127.0.0.1", () => console.log(JSON.stringify({ origin })));
process.once("SIGTERM", () => {
  rmSync(folder, { recursive: true, force: true });
  process.exit(0);
});
