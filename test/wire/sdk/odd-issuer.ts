/** A server that says whatever a test wants: what a real one never says. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export type Answer = {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** JSON of it, or the text as it is. */
  readonly body?: unknown;
  /** It is answered when this has happened. */
  readonly after?: Promise<unknown>;
};

export type OddIssuer = {
  readonly origin: string;
  /** The next answers for this path; the last one stays. */
  says(path: string, ...answers: readonly Answer[]): void;
  /** Paths that were called, in their order. */
  readonly calls: string[];
  stop(): Promise<void>;
};

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** What a token endpoint answers. Nobody has signed it: the library takes it from the server's own connection. */
export const tokensOf = (issuer: string, over: object = {}): object => ({
  access_token: "access-1",
  token_type: "Bearer",
  expires_in: 3600,
  scope: "openid",
  refresh_token: "refresh-1",
  id_token: `${encode({})}.${encode({ iss: issuer, aud: "page", sub: "user-1" })}.x`,
  ...over,
});

const METADATA = "/.well-known/openid-configuration";

export const metadataOf = (issuer: string): object => ({
  issuer,
  token_endpoint: `${issuer}/token`,
  revocation_endpoint: `${issuer}/revoke`,
  device_authorization_endpoint: `${issuer}/start`,
  backchannel_authentication_endpoint: `${issuer}/start`,
});

export const startedAt = (issuer: string, over: object = {}): object => ({
  device_code: "handle-1",
  expires_in: 180,
  match_code: "123456",
  wait_uri: `${issuer}/wait`,
  ...over,
});

export async function startOddIssuer(): Promise<OddIssuer> {
  const words = new Map<string, Answer[]>();
  const calls: string[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const path = (request.url ?? "").split("?")[0] ?? "";
    calls.push(path);
    for await (const _ of request);
    const left = words.get(path) ?? [];
    const said = (left.length > 1 ? left.shift() : left[0]) ?? { status: 404, body: {} };
    await said.after;
    if (said.status === 0) return void response.destroy();
    response.writeHead(said.status ?? 200, said.headers);
    response.end(typeof said.body === "string" ? said.body : JSON.stringify(said.body ?? {}));
  };
  const server = createServer((request, response) => void answer(request, response));
  server.on("upgrade", (request, socket) => {
    calls.push(request.url ?? "");
    socket.destroy();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const says = (path: string, ...answers: readonly Answer[]) => void words.set(path, [...answers]);
  says(METADATA, { body: metadataOf(origin) });
  says("/start", { body: startedAt(origin) });
  says("/wait", { body: { state: "approved" } });
  says("/token", { body: tokensOf(origin) });
  return {
    origin,
    says,
    calls,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
