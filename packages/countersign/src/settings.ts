import { CountersignError } from "./errors.ts";
import { memoryStorage, type TokenStorage } from "./storage.ts";
import { WAITS, type Waits } from "./waits.ts";

/** What is needed of `WebSocket`, which every runtime but old Nodes has. */
export type SocketMaker = new (url: string, protocols: string[]) => WebSocket;

export type ClientOptions = {
  /** Where the server is: an https origin without a path. `http` is for this machine alone. */
  readonly issuer: string;
  readonly clientId: string;
  /** Of a confidential client, on a server. Refused in a browser. */
  readonly clientSecret?: string;
  /** What is asked for at a sign-in. Default `openid`. */
  readonly scope?: string;
  /** Where the tokens are kept. Default: in memory. */
  readonly storage?: TokenStorage;
  /** A P-256 key pair that tokens are bound to (RFC 9449): `await newDpopKeys()`. */
  readonly dpop?: CryptoKeyPair;
  readonly fetch?: typeof globalThis.fetch;
  /** `null`: wait by long-poll alone. */
  readonly WebSocket?: SocketMaker | null;
};

/** The options once they are known to be good. */
export type Settings = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly scope: string;
  readonly storage: TokenStorage;
  readonly dpop: CryptoKeyPair | undefined;
  readonly fetch: typeof globalThis.fetch;
  readonly WebSocket: SocketMaker | undefined;
  readonly waits: Waits;
};

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;

const bad = (message: string): CountersignError => new CountersignError("invalid_argument", message);

/** The issuer as it stands in tokens; refuses what is no https origin, so that nothing is sent in the clear. */
export function readIssuer(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw bad("issuer must be an https origin, such as https://sign.example");
  }
  const isSafe = url.protocol === "https:" || (url.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (!isSafe || (text !== url.origin && text !== `${url.origin}/`)) {
    throw bad("issuer must be an https origin, such as https://sign.example");
  }
  return url.origin;
}

export function readOptions(options: ClientOptions): Settings {
  const { clientId, clientSecret } = options;
  if (typeof clientId !== "string" || clientId === "") throw bad("clientId is missing");
  if (clientSecret !== undefined && typeof document !== "undefined") {
    throw bad("clientSecret does not belong in a browser: everybody can read it there");
  }
  const Socket = options.WebSocket === undefined ? globalThis.WebSocket : options.WebSocket;
  return {
    issuer: readIssuer(options.issuer),
    clientId,
    clientSecret,
    scope: options.scope ?? "openid",
    storage: options.storage ?? memoryStorage(),
    dpop: options.dpop,
    // Called as a plain function: browsers refuse a `fetch` that is a method of something else.
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    WebSocket: Socket ?? undefined,
    waits: { ...WAITS, ...(options as { readonly waits?: Partial<Waits> }).waits },
  };
}
