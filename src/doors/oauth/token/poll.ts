import type { Context } from "hono";
import { pollChallenge } from "../../../core/challenge/redeem.ts";
import type { Client } from "../../../core/client/client.ts";
import { tellEnded } from "../../../core/grant/tell-ended.ts";
import type { Redeemed, Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type Millis, SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { SPENT_PROOF } from "../dpop.ts";
import { errorOf, type OAuthError, wrong } from "../errors.ts";
import { INTERVAL } from "../lifetimes.ts";
import { boundKey, type TokenCall } from "./exchange.ts";
import { issueTokens, type TokenAnswer } from "./tokens.ts";

const NOT_THIS = wrong("invalid_grant", "The request is not one of this client");
const PENDING = wrong("authorization_pending", "The request is not decided yet");

/**
 * One poll of the device grant or of CIBA (RFC 8628 §3.5; CIBA Core, section 11). A handle is good for its own grant and client alone
 * (T44). What is decided is answered at once, whatever the pace (T43); the same poll gets the same tokens for 30 s.
 */
export async function poll(
  c: Context<AppEnv>,
  call: TokenCall,
  { handle, kind }: { readonly handle: string; readonly kind: "device_code" | "auth_req_id" },
): Promise<Result<TokenAnswer, OAuthError>> {
  const powers = services(c);
  const { client, jkt } = call;
  const id = await powers.handles.read(handle, kind);
  if (id === undefined || powers.challenges.parse(id) === undefined) return no(NOT_THIS);
  const { ip } = originOf(c);
  const redemption = {
    client,
    lane: "standard",
    waiterProof: await powers.handles.waiterProof(["oauth", kind, handle, client.id, jkt ?? ""]),
    ...boundKey(call),
    ...(ip === undefined ? {} : { ip }),
  } as const;
  const polled = await pollChallenge(powers, id, redemption, INTERVAL);
  if (!polled) return no(NOT_THIS);
  const { snapshot, redeemed, slower } = polled;
  // Redeemed by another before: this poll has taken it back (T45).
  if (redeemed && isTakenBack(redeemed) && snapshot.grant && !snapshot.grant.ended) {
    await tellEnded(powers, snapshot.grant);
  }
  if (redeemed) return await release(c, call, redeemed);
  if (snapshot.spec.clientId !== client.id) return no(NOT_THIS);
  return no(waiting(snapshot, slower));
}

const isTakenBack = (redeemed: Result<Redeemed, Refusal>): boolean =>
  !redeemed.ok && redeemed.error.code === "redeemed" && redeemed.error.grantDies;

async function release(
  c: Context<AppEnv>,
  { client, jkt, spendProof }: TokenCall,
  redeemed: Result<Redeemed, Refusal>,
): Promise<Result<TokenAnswer, OAuthError>> {
  if (!redeemed.ok) {
    // At the start it would say that nobody is known by this name; here somebody has been deleted since.
    return no(errorOf(redeemed.error.code === "unknown_user" ? { code: "user_locked" } : redeemed.error));
  }
  const { facts, grant, snapshot } = redeemed.value;
  if (!grant) throw new Error("a poll that redeems opens a grant");
  if (!(await spendProof())) return no(SPENT_PROOF);
  return ok(
    await issueTokens(services(c), {
      client,
      // The first refresh token of the grant, however often it is read again.
      grant: { ...grant, generation: 1 },
      times: facts,
      jkt,
      withRefresh: mayRefresh(client, snapshot),
      withNonce: true,
    }),
  );
}

/** The start has said whether the grant is to last: one that is not to be refreshed has a life of its own. */
const mayRefresh = ({ grantTypes }: Client, { spec }: Snapshot): boolean =>
  spec.grantLifetime === undefined && grantTypes.includes("refresh_token");

function waiting({ view }: Snapshot, slower: Millis | undefined): OAuthError {
  switch (view.state) {
    case "pending":
    case "claimed":
    case "approved":
    case "redeemed":
      if (slower === undefined) return PENDING;
      return wrong("slow_down", `Polling too fast; wait ${slower / SECOND} seconds between requests.`);
    case "denied":
    case "cancelled":
    case "expired":
      return errorOf({ code: view.state });
  }
}
