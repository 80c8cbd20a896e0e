import { makeDiscovery } from "./discovery.ts";
import { CountersignError } from "./errors.ts";
import { makeCaller } from "./http.ts";
import { makeKept } from "./kept.ts";
import { type Options, type Powers, run } from "./request.ts";
import { claimsOf, type Session } from "./session.ts";
import { type ClientOptions, readOptions } from "./settings.ts";

export { newDpopKeys } from "./dpop.ts";
export { CountersignError, type ErrorCode, isCountersignError } from "./errors.ts";
export type { Options, Prompt } from "./request.ts";
export type { Claims, Session } from "./session.ts";
export type { ClientOptions } from "./settings.ts";
export { memoryStorage, type TokenStorage, webStorage } from "./storage.ts";

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA = "urn:openid:params:grant-type:ciba";

/** One thing that is approved (RFC 9396 §2): shown on the phone, signed there, and repeated in the access token. */
export type Detail = { readonly type: string; readonly [member: string]: unknown };

export type ApprovalRequest = {
  /** An e-mail address, a phone number, a username, our user id, or your own name for the user; or an ID token that you got for them. */
  readonly user: string | { readonly idToken: string };
  /** 1 to 20 letters, digits, blanks and `-_.,:#`, shown on both screens. */
  readonly message?: string;
  /** 2 KB at most, as JSON. */
  readonly details?: readonly Detail[];
  /** Seconds, at most 600. Default 180. */
  readonly expiresIn?: number;
  readonly scope?: string;
};

/** An approval: tokens of the user who gave it, and what they have signed. `id` is the request's: its receipt is read by it. */
export type Approval = Session & { readonly id: string; readonly details?: readonly Detail[] };

export type Client = {
  /**
   * Asks this user on their phone, and keeps the session. For a page or an app without a backend: the client is public, has the device
   * grant and the setting `device_login_hint`. Throws `denied`, `expired`, `cancelled`, `aborted`, `unavailable`, `network`, `refused`.
   * A name that nobody has expires.
   */
  signIn(identifier: string, options?: Options): Promise<Session>;
  /** Signs in by a code that is typed or scanned elsewhere (RFC 8628), and keeps the session. For a command line or a television. */
  deviceLogin(options?: Options): Promise<Session>;
  /** Asks a user for one approval (CIBA). For a backend: the client is confidential and has the CIBA grant. Keeps nothing. */
  requestApproval(request: ApprovalRequest, options?: Options): Promise<Approval>;
  /** The session that is kept, refreshed when it ends within 30 s; undefined when there is none, or it is over. */
  session(): Promise<Session | undefined>;
  /** New tokens now. Throws `session_over` when the user has to sign in again. Many calls at once are one. */
  refresh(): Promise<Session>;
  /** Forgets the session and revokes it. Throws when the server could not be told; it is forgotten here all the same. */
  signOut(): Promise<void>;
  /** `fetch` with the access token, and a DPoP proof where tokens are bound. Send it to your own API alone. */
  fetch(input: string | URL, init?: RequestInit): Promise<Response>;
};

/** A client of one server. Throws `invalid_argument` before anything is sent: a bad issuer, a secret in a browser. */
export function createClient(options: ClientOptions): Client {
  const settings = readOptions(options);
  const caller = makeCaller(settings);
  const powers: Powers = { settings, caller, discovery: makeDiscovery(caller, settings) };
  const kept = makeKept(powers);

  async function byDevice(hint: string | undefined, options: Options): Promise<Session> {
    const session = await run(
      powers,
      {
        start: "device_authorization_endpoint",
        form: { scope: settings.scope, login_hint: hint },
        grantType: DEVICE,
        handle: "device_code",
      },
      options,
    );
    await kept.keep(session);
    return session;
  }

  return {
    async signIn(identifier, options = {}) {
      demand(identifier, "identifier");
      return await byDevice(identifier, options);
    },
    deviceLogin: (options = {}) => byDevice(undefined, options),
    async requestApproval(request, options = {}) {
      if (settings.clientSecret === undefined) {
        throw new CountersignError("invalid_argument", "requestApproval needs a clientSecret");
      }
      demand(typeof request.user === "string" ? request.user : request.user?.idToken, "user");
      const session = await run(powers, backchannel(request, settings.scope), options);
      const { sid, authorization_details: details } = claimsOf(session.accessToken);
      const approval = { ...session, id: String(sid) };
      return Array.isArray(details) ? { ...approval, details: details as Detail[] } : approval;
    },
    session: kept.session,
    refresh: kept.refresh,
    signOut: kept.signOut,
    fetch: kept.fetch,
  };
}

function demand(text: unknown, name: string): void {
  if (typeof text !== "string" || text.trim() === "") {
    throw new CountersignError("invalid_argument", `${name} is missing`);
  }
}

function backchannel({ user, message, details, expiresIn, scope }: ApprovalRequest, usual: string) {
  const isName = typeof user === "string";
  return {
    start: "backchannel_authentication_endpoint",
    form: {
      scope: scope ?? usual,
      login_hint: isName ? user : undefined,
      id_token_hint: isName ? undefined : user.idToken,
      binding_message: message,
      authorization_details: details && JSON.stringify(details),
      requested_expiry: expiresIn === undefined ? undefined : String(expiresIn),
    },
    grantType: CIBA,
    handle: "auth_req_id",
  } as const;
}
