import { makeProof } from "./dpop.ts";
import { CountersignError } from "./errors.ts";
import { checkAborted } from "./pause.ts";
import type { Powers } from "./request.ts";
import { parseSession, readSession, type Session, writeSession } from "./session.ts";

/** A token that ends sooner is refreshed before it is used. */
const EARLY = 30_000;

export type Kept = {
  /** Keeps a session in the place of the one before. */
  keep(session: Session): Promise<void>;
  session(): Promise<Session | undefined>;
  refresh(): Promise<Session>;
  signOut(): Promise<void>;
  fetch(input: string | URL, init?: RequestInit): Promise<Response>;
};

const over = (cause?: unknown): CountersignError =>
  new CountersignError("session_over", "Nobody is signed in: sign in again", { cause });

/** The session that a client keeps, and its tokens' life. */
export function makeKept(powers: Powers): Kept {
  const { settings, caller, discovery } = powers;
  const { storage, issuer, clientId, waits } = settings;
  const mine = `${issuer} ${clientId}`;
  let refreshing: Promise<Session> | undefined;

  const stored = async (): Promise<Session | undefined> => parseSession(await storage.get(), mine);
  const keep = async (session: Session) => await storage.set(writeSession(session, mine));

  async function renew(known: string | undefined): Promise<Session> {
    const kept = await stored();
    if (!kept?.refreshToken) throw over();
    // Another tab or process was first: what it got is as new as can be.
    if (known !== undefined && kept.refreshToken !== known) return kept;
    const url = await discovery.endpoint("token_endpoint");
    const form = { grant_type: "refresh_token", refresh_token: kept.refreshToken };
    try {
      const answer = await caller.post(url, form, { repeatUntil: Date.now() + waits.repeat });
      const renewed = { ...kept, ...readSession(answer, { issuer, clientId, asked: kept.scope }) };
      // OpenID Connect Core §12.2
      if (renewed.claims?.sub !== kept.claims?.sub)
        throw new CountersignError("refused", "Tokens of another user");
      const now = await stored();
      // Whoever signed out or in meanwhile has the last word, and so has a process that refreshed beside us.
      if (!now) throw over();
      if (now.refreshToken !== kept.refreshToken) return now;
      await keep(renewed);
      return renewed;
    } catch (error) {
      if (!(error instanceof CountersignError) || error.error !== "invalid_grant") throw error;
      if ((await stored())?.refreshToken === kept.refreshToken) await storage.remove();
      throw over(error);
    }
  }

  /** One refresh at a time: in this client, and between tabs where the browser has locks. */
  async function refresh(): Promise<Session> {
    const known = (await stored())?.refreshToken;
    refreshing ??= locked(`countersign ${mine}`, () => renew(known)).finally(() => {
      refreshing = undefined;
    });
    return await refreshing;
  }

  async function session(): Promise<Session | undefined> {
    const kept = await stored();
    if (!kept || kept.expiresAt.getTime() - Date.now() > EARLY) return kept;
    if (!kept.refreshToken) return kept.expiresAt.getTime() > Date.now() ? kept : undefined;
    try {
      return await refresh();
    } catch (error) {
      if (error instanceof CountersignError && error.code === "session_over") return undefined;
      throw error;
    }
  }

  async function signOut(): Promise<void> {
    const kept = await stored();
    // Forgotten first: whoever pressed it is signed out here whatever the network does.
    await storage.remove();
    if (!kept) return;
    const url = await discovery.endpoint("revocation_endpoint");
    const token = kept.refreshToken ?? kept.accessToken;
    await caller.post(url, { token }, { repeatUntil: Date.now() + waits.repeat });
  }

  return {
    keep,
    session,
    refresh,
    signOut,
    fetch: (input, init) => authorized(powers, session, input, init),
  };
}

async function locked<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { locks } = (globalThis.navigator ?? {}) as { readonly locks?: LockManager };
  return locks ? ((await locks.request(name, work)) as T) : await work();
}

/** A call of your API with the access token (RFC 6750 §2.1, RFC 9449 §7.1). Repeated once with the nonce that the API asks for. */
async function authorized(
  { settings: { fetch, dpop } }: Powers,
  session: () => Promise<Session | undefined>,
  input: string | URL,
  init: RequestInit = {},
): Promise<Response> {
  const current = await session();
  if (!current) throw over();
  checkAborted(init.signal ?? undefined);
  const url = String(input);
  const send = async (nonce?: string) => {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `${current.tokenType} ${current.accessToken}`);
    if (dpop && current.tokenType === "DPoP") {
      const method = (init.method ?? "GET").toUpperCase();
      headers.set("DPoP", await makeProof(dpop, { method, url, nonce, accessToken: current.accessToken }));
    }
    return await fetch(url, { ...init, headers });
  };
  const answer = await send();
  const nonce = answer.headers.get("DPoP-Nonce");
  const isAsked =
    answer.status === 401 && /use_dpop_nonce/.test(answer.headers.get("WWW-Authenticate") ?? "");
  const canRepeat = !(init.body instanceof ReadableStream);
  return isAsked && nonce !== null && canRepeat ? await send(nonce) : answer;
}
