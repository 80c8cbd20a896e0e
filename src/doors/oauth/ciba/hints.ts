import type { Client } from "../../../core/client/client.ts";
import { parseUserId } from "../../../core/ids.ts";
import type { TokenClaims } from "../../../core/keys/token.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { UserRecord } from "../../../core/ports/users.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { toSeconds } from "../../../core/time.ts";
import { readExternalId } from "../../../core/user/external-id.ts";
import { readIdentifier } from "../../../core/user/identifier.ts";
import { viewOf } from "../../../core/user/name-view.ts";
import { type OAuthError, wrong } from "../errors.ts";
import type { Parameters } from "../form.ts";

/** How a request names its user: by our id, or by any name that the client may use. */
export type Hint = { readonly kind: "subject" | "name"; readonly text: string };

type TokenPowers = Pick<Services, "verifier" | "clientTokens" | "config" | "clock">;

const bad = (description: string) => no(wrong("invalid_request", description));

/** How far the clocks of two machines may be apart. */
const SKEW_SECONDS = 60;

/** Reads the one hint of a request (CIBA Core, section 7.1). A token's signature is checked before anything in it is looked at (T12). */
export async function readHint(
  powers: TokenPowers,
  client: Client,
  form: Parameters,
): Promise<Result<Hint, OAuthError>> {
  const { login_hint: name, login_hint_token: signed, id_token_hint: idToken } = form;
  if ([name, signed, idToken].filter((hint) => hint !== undefined).length !== 1) {
    return bad("Exactly one of login_hint, login_hint_token and id_token_hint is needed");
  }
  if (name !== undefined) return ok({ kind: "name", text: name });
  if (idToken !== undefined) return await ofIdToken(powers, client, idToken);
  return await ofHintToken(powers, client, signed ?? "");
}

/** An ID token that this deployment gave this client; an expired one is still good. */
async function ofIdToken(
  powers: TokenPowers,
  client: Client,
  token: string,
): Promise<Result<Hint, OAuthError>> {
  const read = await powers.verifier.verify(token, {
    kind: "id",
    issuer: powers.config.issuer,
    audience: client.id,
    expired: "allowed",
  });
  const sub = read.ok ? read.value.sub : undefined;
  return typeof sub === "string" ? ok({ kind: "subject", text: sub }) : bad("id_token_hint is not good");
}

/** A JWT of the client itself, by one of its registered keys: `iss` is the client, `aud` this issuer, with `exp` and one name. */
async function ofHintToken(
  powers: TokenPowers,
  client: Client,
  token: string,
): Promise<Result<Hint, OAuthError>> {
  const read = await powers.clientTokens.verify(token, client.publicKeys);
  if (!read.ok) return bad("login_hint_token is not good");
  const { iss, aud, exp } = read.value;
  const hint = nameIn(read.value);
  // What the client signs as its assertion has its own id as the subject: that is no user.
  if (iss !== client.id || aud !== powers.config.issuer || typeof exp !== "number" || hint?.text === iss) {
    return bad("login_hint_token is not good");
  }
  if (exp + SKEW_SECONDS <= toSeconds(powers.clock.now())) {
    return no(wrong("expired_login_hint_token", "login_hint_token has expired"));
  }
  return hint ? ok(hint) : bad("login_hint_token has to have either sub or login_hint");
}

function nameIn({ sub, login_hint: name }: TokenClaims): Hint | undefined {
  if (typeof sub === "string") return name === undefined ? { kind: "subject", text: sub } : undefined;
  return typeof name === "string" && sub === undefined ? { kind: "name", text: name } : undefined;
}

/** What a hint is counted for, before anybody knows whom it names: two spellings of one address are one. */
export const countedAs = ({ text }: Hint): string => readIdentifier(text)?.normal ?? text;

/**
 * The user of a hint, in the realm of the client: by our id, else by the client's own name for them, which nobody's proof of an address takes
 * away, else by an address that the client may go by. Nobody is found by what an anonymous call has claimed. Each kind of text takes the
 * same look-ups whether or not there is such a user.
 */
export async function userOf(
  { users }: Pick<Services, "users">,
  client: Client,
  { kind, text }: Hint,
): Promise<UserRecord | undefined> {
  const id = parseUserId(text);
  if (kind === "subject") return id && (await users.byId(id, client.realm));
  const view = viewOf(client);
  const identifier = readIdentifier(text);
  const externalId = client.settings.user_ids === "subject" ? undefined : readExternalId(text);
  const [byId, named, called] = await Promise.all([
    id && users.byId(id, client.realm),
    identifier && users.byIdentifier(view, identifier, { first: "own" }),
    externalId === undefined ? undefined : users.byExternalId(view, externalId),
  ]);
  return byId ?? called ?? named;
}
