import { toBase64Url } from "../../core/base64.ts";
import type { ServiceAccount } from "../../core/message/push-sender.ts";
import type { Clock } from "../../core/ports/edge.ts";
import { HOUR, type Instant, MINUTE, type Millis, SECOND, toSeconds } from "../../core/time.ts";
import { request } from "../http.ts";

const ANSWER_WITHIN: Millis = 5 * SECOND;
const SCOPE = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" } as const;
/** How long before its end a token is used no more. */
const SPARE: Millis = 2 * MINUTE;

export type TokenOptions = {
  readonly account: ServiceAccount;
  /** The server of the token endpoint, without `/token`. */
  readonly url: string;
  readonly clock: Clock;
};

/** An access token, or why there is none now; `drop` after FCM did not take it. */
export type AccessTokens = {
  get(): Promise<
    { readonly token: string } | { readonly kind: "refused" | "retry"; readonly reason: string }
  >;
  drop(): void;
};

/** Access tokens of a service account (RFC 7523 §2.1), each kept by this isolate until shortly before its end. */
export function makeAccessTokens({ account, url, clock }: TokenOptions): AccessTokens {
  let kept: { readonly token: string; readonly until: Instant } | undefined;
  let key: CryptoKey | undefined;

  async function assertion(): Promise<string> {
    key ??= await crypto.subtle.importKey("pkcs8", account.privateKey, RSA, false, ["sign"]);
    const iat = toSeconds(clock.now());
    const claims = { iss: account.email, scope: SCOPE, aud: `${url}/token`, iat, exp: iat + HOUR / SECOND };
    const text = [{ alg: "RS256", typ: "JWT", kid: account.keyId }, claims].map(segment).join(".");
    const signature = await crypto.subtle.sign(RSA, key, new TextEncoder().encode(text));
    return `${text}.${toBase64Url(new Uint8Array(signature))}`;
  }

  return {
    async get() {
      if (kept && clock.now() < kept.until) return kept;
      const body = new URLSearchParams({ grant_type: GRANT, assertion: await assertion() }).toString();
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const answer = await request({ url: `${url}/token`, headers, body, within: ANSWER_WITHIN });
      if (!(answer instanceof Response)) return answer;
      const read = await readToken(answer);
      if (read === undefined) {
        const kind = answer.status >= 500 || answer.status === 429 ? "retry" : "refused";
        return { kind, reason: `no access token: status ${answer.status}` };
      }
      kept = { token: read.token, until: clock.now() + read.seconds * SECOND - SPARE };
      return kept;
    },
    drop() {
      kept = undefined;
    },
  };
}

const segment = (value: object): string => toBase64Url(new TextEncoder().encode(JSON.stringify(value)));

async function readToken(
  answer: Response,
): Promise<{ readonly token: string; readonly seconds: number } | undefined> {
  try {
    const { access_token: token, expires_in: seconds } = (await answer.json()) as Record<string, unknown>;
    if (answer.status !== 200 || typeof token !== "string" || !/^[\x21-\x7e]+$/.test(token)) return undefined;
    return { token, seconds: typeof seconds === "number" ? seconds : 0 };
  } catch {
    return undefined;
  }
}
