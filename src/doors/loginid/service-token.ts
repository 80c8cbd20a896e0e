import { noteRefusal } from "../../core/audit/note-refusal.ts";
import type { Client } from "../../core/client/client.ts";
import { type ClientId, parseClientId, parseUserId } from "../../core/ids.ts";
import type { TokenClaims } from "../../core/keys/token.ts";
import type { NonceUse } from "../../core/ports/clients.ts";
import type { Services } from "../../core/ports/services.ts";
import type { UserRecord } from "../../core/ports/users.ts";
import type { RefusalOf } from "../../core/refusal.ts";
import { no, ok, type Result } from "../../core/result.ts";
import { type Instant, MINUTE, type Millis, SECOND, toSeconds } from "../../core/time.ts";
import { readIdentifier } from "../../core/user/identifier.ts";
import { namesFor, viewOf } from "../../core/user/name-view.ts";

/** How old a service token may be, and how far its maker's clock may be ahead (LoginID §2.1, §2.2). */
export const TOKEN_AGE: Millis = 5 * MINUTE;
export const CLOCK_AHEAD: Millis = MINUTE;
const NONCE_LIMIT = 256;

/** A token that was found good: its client, the nonce that the call has still to spend, and whom it is restricted to. */
export type ServiceCall = {
  readonly client: Client;
  readonly nonce: NonceUse;
  readonly username?: string;
  readonly userId?: string;
};

export type TokenRefusal = RefusalOf<"bad_token" | "stale" | "not_allowed">;

type Powers = Pick<
  Services,
  "clientTokens" | "clients" | "handles" | "clock" | "events" | "background" | "log"
>;

/**
 * Checks a client's one-use token (LoginID §2.2): ES256 by a key that the operator registered, fresh, for this scope, from a client
 * that has the scope. The nonce is the caller's to spend, in the batch of the call itself. Refusals are put on record.
 */
export async function checkServiceToken(
  powers: Powers,
  asked: {
    readonly token: string | undefined;
    readonly scope: string;
    /** Who the request says it is, for tokens that do not: the body's word before a header's. */
    readonly clientId?: string | undefined;
    /** The body's word alone, which must be the token's. */
    readonly bodyClientId?: string | undefined;
    readonly ip?: string | undefined;
  },
): Promise<Result<ServiceCall, TokenRefusal>> {
  const found = await check(powers, asked);
  if (found.ok) return found;
  const { refusal, clientId } = found.error;
  noteRefusal(powers, {
    type: "service_token_refused",
    subject: clientId ?? asked.ip ?? "",
    ...(clientId === undefined ? {} : { clientId }),
    ...(asked.ip === undefined ? {} : { ip: asked.ip }),
    reason: refusal.detail,
  });
  return no(refusal);
}

type Failed = { readonly refusal: TokenRefusal; readonly clientId?: ClientId };

async function check(
  powers: Powers,
  asked: Parameters<typeof checkServiceToken>[1],
): Promise<Result<ServiceCall, Failed>> {
  const bad = (detail: string, clientId?: ClientId) =>
    no<Failed>({ refusal: { code: "bad_token", detail }, ...(clientId ? { clientId } : {}) });
  const { token } = asked;
  if (token === undefined) return bad("no token");
  const peeked = powers.clientTokens.peek(token);
  if (!peeked) return bad("not a token that is taken here");
  const client = await clientOf(powers, text(peeked.client_id) ?? asked.clientId);
  if (!client) return bad("no such client");
  const verified = await powers.clientTokens.verify(token, client.publicKeys);
  if (!verified.ok) return bad(verified.error.detail, client.id);
  const claims = verified.value;
  const now = powers.clock.now();
  const iat = freshIat(claims, now);
  if (iat === undefined) {
    return no({
      refusal: { code: "stale", detail: "iat is not of these five minutes" },
      clientId: client.id,
    });
  }
  const nonce = text(claims.nonce);
  if (!nonce || nonce.length > NONCE_LIMIT) return bad("no nonce", client.id);
  const unfit = scopeFault(client, claims, asked);
  if (unfit) return no({ refusal: { code: "not_allowed", detail: unfit }, clientId: client.id });
  const username = text(claims.username) ?? text(claims.udata);
  const userId = text(claims.user_id);
  return ok({
    client,
    nonce: {
      clientId: client.id,
      hash: await powers.handles.digest(["nonce", nonce]),
      expiresAt: iat * SECOND + TOKEN_AGE + CLOCK_AHEAD,
    },
    ...(username === undefined ? {} : { username }),
    ...(userId === undefined ? {} : { userId }),
  });
}

const text = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

async function clientOf(
  powers: Pick<Services, "clients">,
  name: string | undefined,
): Promise<Client | undefined> {
  const id = parseClientId(name ?? "");
  const client = id && (await powers.clients.find(id));
  return client && client.disabledAt === undefined ? client : undefined;
}

function freshIat(claims: TokenClaims, now: Instant): number | undefined {
  const { iat } = claims;
  if (typeof iat !== "number" || !Number.isInteger(iat)) return undefined;
  const oldest = toSeconds(now - TOKEN_AGE);
  return iat >= oldest && iat <= toSeconds(now + CLOCK_AHEAD) ? iat : undefined;
}

/** What a browser's or an app's own key may sign for when the operator has said nothing (LoginID §2.2 step 8). */
const PUBLIC_SCOPES = ["auth.temporary", "auth.login", "auth.register", "credentials.add", "tx.create"];

function scopeFault(
  client: Client,
  claims: TokenClaims,
  asked: { readonly scope: string; readonly bodyClientId?: string | undefined },
): string | undefined {
  if (asked.bodyClientId !== undefined && asked.bodyClientId !== client.id) {
    return "client_id is not the token's client";
  }
  if ((text(claims.type) ?? text(claims.scope)) !== asked.scope) return "the token is for another call";
  const granted = client.settings.scopes ?? (client.kind === "public" ? PUBLIC_SCOPES : undefined);
  return granted === undefined || granted.includes(asked.scope)
    ? undefined
    : "the client may not make this call";
}

/** Whether a token that names a user names another; most name nobody. A name that only an anonymous call has claimed is nobody's. */
export function namesOther(call: ServiceCall, record: UserRecord): boolean {
  const { userId, username } = call;
  if (userId !== undefined && !isOf(call.client, record, userId)) return true;
  return username !== undefined && !goesBy(call.client, record, username);
}

/** A `user_id` may be a username; what has the form of an id is an id. */
const isOf = (client: Client, record: UserRecord, userId: string): boolean =>
  parseUserId(userId) ? parseUserId(userId) === record.user.id : goesBy(client, record, userId);

function goesBy(client: Client, record: UserRecord, name: string): boolean {
  const named = readIdentifier(name);
  return namesFor(viewOf(client), record).some(
    (one) => one.kind === named?.kind && one.normal === named.normal,
  );
}
