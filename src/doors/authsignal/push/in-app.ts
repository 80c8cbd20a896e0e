import type { Context } from "hono";
import type * as z from "zod";
import { redeemAtOnce } from "../../../core/challenge/at-once.ts";
import { finishedEvent, recordFinish } from "../../../core/challenge/record.ts";
import type { Client } from "../../../core/client/client.ts";
import { actionRule } from "../../../core/client/settings.ts";
import { type ChallengeId, userSubject } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { type Action, isOpen, keyOf, mayBegin } from "../action/action.ts";
import { actionOf } from "../action/collect.ts";
import { settleAction } from "../action/settle.ts";
import { type Sender, senderOf } from "../client.ts";
import { type Holder, holderOfSender, refuseOnRecord, signedBy } from "../enrolment/credentials.ts";
import type { Namespace } from "../enrolment/enrolled.ts";
import { refuse } from "../errors.ts";
import { withTokenLengths } from "../lifetimes.ts";
import type { claimBody, inAppStartBody } from "../schema.ts";
import { accessToken } from "../tokens.ts";
import { challengeContext } from "../translate.ts";
import { nameOf } from "../user/find.ts";
import { purposeOf } from "./begin.ts";
import { inactiveSince } from "./inactive-since.ts";

const GOOD_FOR = 600 * SECOND;
/** What an in-app verification without an action of its own is called. */
const UNNAMED = "in-app";

type Ticket = { readonly until: number; readonly action: string };

const macOf = (
  powers: Pick<Services, "handles">,
  clientId: string,
  parts: readonly string[],
): Promise<string> => powers.handles.pepper(["authsignal-in-app", clientId, ...parts], "");

/** §6.6 in-app, step 1: a text to sign that says by itself what it is good for. Anybody may ask, so nothing is kept. */
export async function startInApp(
  c: Context<AppEnv>,
  body: z.output<typeof inAppStartBody>,
): Promise<Response> {
  const powers = services(c);
  const sender = await senderOf(c);
  if (!sender.ok) return refuse(c, sender.error);
  const parts = [String(powers.clock.now() + GOOD_FOR), body.action ?? "", powers.chance.text(16)];
  const mac = await macOf(powers, sender.value.client.id, parts);
  return c.json({ challengeId: [...parts, mac].join("."), nonce: powers.chance.text(32) });
}

async function ticketOf(powers: Pick<Services, "handles" | "secrets">, clientId: string, text: string) {
  const [until = "", action = "", random = "", mac = "", ...rest] = text.split(".");
  const own = await macOf(powers, clientId, [until, action, random]);
  const genuine = rest.length === 0 && (await powers.secrets.equal(mac, own));
  return genuine ? ({ until: Number(until), action } satisfies Ticket) : undefined;
}

type Proven = { readonly action: Action; readonly token: string };

/** §6.6 in-app, step 2: signed, decided and redeemed in one commit, for the tracked action or for one of its own. */
export async function verifyInApp(
  c: Context<AppEnv>,
  namespace: Namespace,
  body: z.output<typeof claimBody>,
): Promise<Response> {
  const powers = services(c);
  const sender = await senderOf(c);
  if (!sender.ok) return refuse(c, sender.error);
  const ticket = await ticketOf(powers, sender.value.client.id, body.challengeId);
  if (!ticket || ticket.until <= powers.clock.now()) return refuse(c, { code: "unknown_challenge" });
  const holder = await holderOfSender(c, sender.value.client, namespace, body.publicKey);
  if (!holder.ok) return refuse(c, holder.error);
  if (holder.value.device.enrolledAt > ticket.until - GOOD_FOR) {
    return refuseOnRecord(c, holder.value, { code: "device_too_young" });
  }
  const action = await actionFor(c, sender.value, holder.value, ticket);
  const proven = action.ok
    ? await prove(c, holder.value, action.value, body, sender.value.token !== undefined)
    : await provenBefore(c, sender.value, holder.value, body, action.error);
  if (!proven.ok) return refuse(c, proven.error);
  const { user, device } = holder.value;
  const username = user.identifiers.find(({ kind }) => kind === "username")?.value;
  return c.json({
    token: proven.value.token,
    userId: proven.value.action.context.name,
    userAuthenticatorId: device.id,
    ...(username === undefined ? {} : { username }),
  });
}

async function actionFor(
  c: Context<AppEnv>,
  { client, token }: Sender,
  { user }: Holder,
  ticket: Ticket,
): Promise<Result<Action, Refusal>> {
  const powers = services(c);
  const closed = no({ code: "not_allowed", detail: "the action takes no challenge" } as const);
  if (token) {
    const tracked = token.userId === user.user.id ? await powers.actions.find(token) : undefined;
    if (!tracked) return no({ code: "device_of_another_user" });
    const named = ticket.action === "" || ticket.action === token.code;
    return named && isOpen(tracked.state) ? ok(tracked) : closed;
  }
  const code = ticket.action || UNNAMED;
  if (!mayBegin(actionRule(client.settings, code))) return closed;
  const now = powers.clock.now();
  return ok({
    clientId: client.id,
    userId: user.user.id,
    code,
    idempotencyKey: powers.chance.uuid(),
    state: "challenge_required",
    stateAt: now,
    createdAt: now,
    context: { name: nameOf(client, user) },
  });
}

async function prove(
  c: Context<AppEnv>,
  holder: Holder,
  action: Action,
  body: z.output<typeof claimBody>,
  isTracked: boolean,
): Promise<Result<Proven, Refusal>> {
  const powers = services(c);
  const { client } = holder;
  const proof = await signedBy(c, holder, body.challengeId, body.signature);
  if (!proof.ok) return proof;
  // Before the signature is used up for an answer that cannot be signed.
  await powers.keyring.ready("standard");
  const who = userSubject(holder.user.user.id);
  const id = await placeOf(powers, client, body.challengeId);
  const use = await useOf(powers, id, body.signature);
  if (!(await powers.inboxes.spend(who, proof.value.digest, use, { byDevice: true })))
    return no({ code: "replayed" });
  const settled = await redeemAtOnce(powers, {
    door: "authsignal",
    client: withTokenLengths(client),
    purpose: purposeOf(action.code),
    scope: "action",
    context: challengeContext("device", { ...action, name: action.context.name }),
    origin: originOf(c),
    proof: proof.value,
    lane: "standard",
    replayWindow: 0,
    isNamed: true,
    draw: async () => ({ id, waiterProof: powers.chance.text(32) }),
  });
  if (!settled.ok)
    return settled.error.code === "occupied" ? await repeat(c, holder, id, action, isTracked) : settled;
  const { view } = settled.value;
  await powers.actions.begin(keyOf(action), view.id, powers.clock.now());
  const after = await settleAction(powers, client, action, settled.value);
  await recordFinish(powers, view.id, finishedEvent(settled.value));
  return await provenBy(powers, holder, after, settled.value);
}

/** Each text has a challenge of its own, so that the same call finds what it did when its answer was lost. */
const placeOf = async (powers: Services, { id }: Client, text: string): Promise<ChallengeId> =>
  powers.challenges.named(await powers.handles.pepper(["authsignal-in-app-challenge", id], text));

/** The same bytes may come again, another signature over the text is a second use of it. */
const useOf = (powers: Services, id: ChallengeId, signature: string): Promise<string> =>
  powers.handles.digest(["authsignal-in-app", id, powers.proofs.signatureMark(signature)]);

/** What was proven already, when the action takes no other challenge for that very reason. */
async function provenBefore(
  c: Context<AppEnv>,
  { token }: Sender,
  holder: Holder,
  { challengeId, signature }: z.output<typeof claimBody>,
  refusal: Refusal,
): Promise<Result<Proven, Refusal>> {
  if (!token || refusal.code !== "not_allowed") return no(refusal);
  const proof = await signedBy(c, holder, challengeId, signature);
  if (!proof.ok) return proof;
  const powers = services(c);
  const id = await placeOf(powers, holder.client, challengeId);
  const who = userSubject(holder.user.user.id);
  const use = await useOf(powers, id, signature);
  const isSame = await powers.inboxes.spend(who, proof.value.digest, use, { byDevice: true });
  if (!isSame) return no(refusal);
  const again = await repeat(c, holder, id, token, true);
  return again.ok ? again : no(refusal);
}

/** For so long a phone may send its call again and is given the same claims. */
const REPEATED = 30 * SECOND;

async function repeat(
  c: Context<AppEnv>,
  holder: Holder,
  id: ChallengeId,
  asked: Pick<Action, "code" | "idempotencyKey">,
  isTracked: boolean,
): Promise<Result<Proven, Refusal>> {
  const powers = services(c);
  const { client } = holder;
  const snapshot = await powers.challenges.read(id);
  const approval = snapshot?.view.approval;
  const isOwn =
    approval?.approver.kind === "device" &&
    approval.approver.deviceId === holder.device.id &&
    approval.at + REPEATED > powers.clock.now();
  const action = isOwn && snapshot ? await actionOf(powers, client, snapshot) : undefined;
  const isSame =
    action?.code === asked.code && (!isTracked || action.idempotencyKey === asked.idempotencyKey);
  if (!snapshot || !action || !isSame) return no({ code: "replayed" });
  return await provenBy(powers, holder, await settleAction(powers, client, action, snapshot), snapshot);
}

/** The token of a met action; why there is none otherwise. */
async function provenBy(
  powers: Services,
  holder: Holder,
  after: Action,
  { facts, view }: Snapshot,
): Promise<Result<Proven, Refusal>> {
  const { client } = holder;
  if (!facts) throw new Error("a redeemed challenge has facts");
  if (after.state !== "challenge_succeeded") {
    const fallen = await inactiveSince(powers, { userId: holder.user.user.id, deviceId: holder.device.id });
    return no(fallen ?? { code: "not_allowed", detail: "the action was vetoed" });
  }
  return ok({ action: after, token: await accessToken(powers, client, after, facts, view.id) });
}
