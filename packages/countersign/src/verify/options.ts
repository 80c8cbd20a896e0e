import { type Acr, isAcr } from "./acr.ts";
import { badArgument } from "./refusal.ts";
import type { ReplayStore } from "./replay.ts";

/** What a call needs beside a good token. */
export type Demands = {
  /** Scopes that the token must have, all of them: a list, or one text with blanks between them. */
  readonly scope?: string | readonly string[];
  /** How strongly the user must have signed in, at least. */
  readonly acr?: Acr;
  /** The realm that the user must be of. `main` is the one that tokens do not name. Default: any realm. */
  readonly realm?: string;
};

export type VerifierOptions = Demands & {
  /** The Countersign deployment, as its tokens name it: an https origin. `http` is for this machine alone. */
  readonly issuer: string;
  /** Whom a token must be for: the address of this API (`resource`), or the client's id. One of several is enough. */
  readonly audience: string | readonly string[];
  /** Where callers reach this API, such as `https://api.example`. Without it DPoP-bound tokens are refused. */
  readonly origin?: string | readonly string[];
  /** Where used DPoP proofs are remembered. Default: the memory of this process. */
  readonly replay?: ReplayStore;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number;
};

/** The demands once they are known to be good. */
export type ReadDemands = {
  readonly scopes: readonly string[];
  readonly acr: Acr | undefined;
  readonly realm: string | undefined;
};

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/;
/** RFC 6749 §3.3. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/;

/** The URL of a text that is an origin and nothing more, as a parser writes it. */
function readOrigin(text: unknown): URL | undefined {
  const url = typeof text === "string" && URL.canParse(text) ? new URL(text) : undefined;
  return url?.origin === text && /^https?:$/.test(url?.protocol ?? "") ? url : undefined;
}

const listOf = <T>(one: T | readonly T[]): readonly T[] => (Array.isArray(one) ? one : [one as T]);

export function readIssuer(issuer: unknown): string {
  const url = readOrigin(issuer);
  if (url === undefined || (url.protocol === "http:" && !LOOPBACK.test(url.hostname))) {
    throw badArgument("issuer must be an https origin without a slash at its end: https://sign.example");
  }
  return url.origin;
}

export function readAudience(audience: string | readonly string[]): string[] {
  const all = listOf<unknown>(audience);
  const isWhole = all.length > 0 && all.every((one) => typeof one === "string" && one !== "");
  if (!isWhole) throw badArgument("audience is missing: the address of this API, or the client's id");
  return all as string[];
}

/** `http` is allowed for any host here: what is behind a proxy may be reached so. */
export function readOrigins(origin: string | readonly string[] | undefined): readonly string[] {
  const all = origin === undefined ? [] : listOf(origin);
  if (!all.every((one) => readOrigin(one) !== undefined)) {
    throw badArgument("origin must be one without a path: https://api.example");
  }
  return all;
}

export function readDemands({ scope = [], acr, realm }: Demands): ReadDemands {
  const scopes = typeof scope === "string" ? scope.split(" ").filter((name) => name !== "") : scope;
  if (!scopes.every((name) => typeof name === "string" && SCOPE.test(name))) {
    throw badArgument("scope must be names of scopes");
  }
  if (acr !== undefined && !isAcr(acr)) throw badArgument("acr is not one that Countersign knows");
  if (realm !== undefined && (typeof realm !== "string" || realm === "")) {
    throw badArgument("realm must be a name");
  }
  return { scopes, acr, realm };
}
