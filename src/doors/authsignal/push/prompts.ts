import type { Context } from "hono";
import { admits } from "../../../core/challenge/approvers.ts";
import type { Device } from "../../../core/device/device.ts";
import { type ClientId, type UserId, userSubject } from "../../../core/ids.ts";
import { asksMore } from "../../../core/inbox/named.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import type { Services } from "../../../core/ports/services.ts";
import { SECOND } from "../../../core/time.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import { detailsOf, userCustomFor } from "../action/details.ts";
import { type Holder, holderOfQuery } from "../enrolment/credentials.ts";
import type { Namespace } from "../enrolment/enrolled.ts";
import { refuse } from "../errors.ts";
import { actionCodeOf, promptWire, type SignedView } from "../translate.ts";
import { nameOf } from "../user/find.ts";
import { AHEAD, type NonceTicks, TICK, tickOf } from "./nonce-ticks.ts";

/**
 * Whether this wire can show a prompt to a device, which then may answer it: one of the client that enrolled the device, or of one that
 * admits it, which is named then (`requestedBy`). It can carry a number, but no claim, unlock, message or details, and says what is asked by
 * an action code alone. What it cannot show waits for a door that can.
 */
export function canAnswer(prompt: Prompt, device: Device): boolean {
  const { demands } = prompt;
  const isForThis = demands.device === undefined || demands.device === device.id;
  const isPlain = !demands.claim && !demands.unlock && !asksMore(prompt);
  return admits(prompt, device) && isForThis && isPlain && actionCodeOf(prompt) !== undefined;
}

/** Nonces are good for a minute (§6.4); one may be as much as two seconds in front of the clock. */
const GOOD_TICKS = (58 * SECOND) / TICK;

/**
 * The nonce of a credential and tick: derived, so that asking for one stores nothing. The signed call does not repeat it (§6.4), so
 * the ticks that are still good are tried.
 */
const nonceOf = (powers: Pick<Services, "handles">, device: Device, tick: number): Promise<string> =>
  powers.handles.pepper(["authsignal-prompt", device.id], String(tick));

/** §6.4 step 1. Two of one moment differ: each shows what was asked once. */
export async function promptNonce(
  c: Context<AppEnv>,
  namespace: Namespace,
  ticks: NonceTicks,
): Promise<Response> {
  const powers = services(c);
  const holder = await holderOfQuery(c, namespace);
  if (!holder.ok) return refuse(c, holder.error);
  const { device } = holder.value;
  const tick = ticks.take(device.id, powers.clock.now(), Number(powers.chance.digits(1)) % 4);
  return c.json({ message: await nonceOf(powers, device, tick) });
}

async function signedNonce(
  powers: Pick<Services, "handles" | "proofs" | "clock">,
  { device, user }: Holder,
  signature: string,
): Promise<string | undefined> {
  const newest = tickOf(powers.clock.now()) + AHEAD;
  for (let back = 0; back <= AHEAD + GOOD_TICKS; back++) {
    const nonce = await nonceOf(powers, device, newest - back);
    const proof = await powers.proofs.device(user.user, device, nonce, signature, "approve");
    if (proof.ok) return proof.value.digest;
  }
  return undefined;
}

/**
 * §6.6 get pending challenge: the newest that this device may answer, of whichever door. Without a signature the
 * identifiers alone; a nonce shows what was asked once, and then counts as none.
 */
export async function pendingPrompt(c: Context<AppEnv>, namespace: Namespace): Promise<Response> {
  const powers = services(c);
  const holder = await holderOfQuery(c, namespace);
  if (!holder.ok) return refuse(c, holder.error);
  const { client, device, user } = holder.value;
  const signature = c.req.header("X-Authsignal-Signature");
  // The client that enrolled the key decides: the one that the header names is anybody's choice.
  if (signature === undefined && (await mustBeSigned(powers, device.clientId))) return refuse(c, UNSIGNED);
  const nonce = signature === undefined ? undefined : await signedNonce(powers, holder.value, signature);
  if (signature !== undefined && nonce === undefined) return refuse(c, { code: "bad_signature" });
  const { prompts } = await powers.inboxes.view(userSubject(device.userId));
  const prompt = prompts.find((candidate) => canAnswer(candidate, device));
  if (!prompt) return c.json({ userAuthenticatorId: device.id });
  if (signature === undefined && (await mustBeSigned(powers, prompt.clientId))) return refuse(c, UNSIGNED);
  const isSigned = nonce !== undefined && (await isFirstUse(powers, device.userId, nonce));
  const signed = isSigned ? await signedView(powers, prompt, holder.value) : undefined;
  return c.json({
    userAuthenticatorId: device.id,
    ...promptWire({ client, name: nameOf(client, user) }, prompt, signed),
  });
}

const UNSIGNED = { code: "not_allowed", detail: "a call without a signature" } as const;

const mustBeSigned = async (powers: Pick<Services, "clients">, id: ClientId): Promise<boolean> =>
  (await powers.clients.find(id))?.settings.signed_prompts === true;

async function signedView(
  powers: Pick<Services, "actions" | "authenticators" | "clients">,
  prompt: Prompt,
  holder: Holder,
): Promise<SignedView> {
  const [custom, userCustom] = await Promise.all([
    detailsOf(powers, prompt, holder.device.userId),
    userCustomFor(powers, holder),
  ]);
  return { custom, userCustom };
}

const isFirstUse = (
  powers: Pick<Services, "inboxes" | "chance">,
  who: UserId,
  nonce: string,
): Promise<boolean> => powers.inboxes.spend(userSubject(who), nonce, powers.chance.uuid());
