import type { Context } from "hono";
import { reachOf } from "../../../core/device/own-pages.ts";
import { type ChallengeId, userSubject } from "../../../core/ids.ts";
import type { Snapshot } from "../../../core/ports/challenges.ts";
import type { Refusal } from "../../../core/refusal.ts";
import { no, ok, type Result } from "../../../core/result.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import type { PhoneCaller } from "../caller.ts";
import { refuse, say } from "../errors.ts";
import type { ScanBody } from "../schema.ts";
import { findAsked } from "./find.ts";
import { promptWire } from "./list.ts";
import { writeSeen } from "./seen.ts";

/** `POST /approver/scans`: what a waiting screen shows, as a QR code or as a code to type, leads to the request behind it. */
export async function scan(c: Context<AppEnv>, caller: PhoneCaller, body: ScanBody): Promise<Response> {
  return "user_code" in body ? await byCode(c, caller, body.user_code) : await byFrame(c, caller, body);
}

/** The request with what shows that this device saw its screen. */
async function shown(
  c: Context<AppEnv>,
  caller: PhoneCaller,
  challengeId: ChallengeId,
  seen: { readonly by: "frame" | "code"; readonly value: string },
): Promise<Response> {
  const ticket = await writeSeen(services(c), { challengeId, deviceId: caller.device.id }, seen);
  const found = await findAsked(c, caller, challengeId, ticket);
  if (!found.ok) return refuse(c, found.error);
  return c.json({ prompt: await promptWire(c, caller, { ...found.value, isSeen: true }), scan: ticket });
}

/** A QR code of a page of ours: one value is live at a time, on the socket that shows it (T96). */
async function byFrame(
  c: Context<AppEnv>,
  caller: PhoneCaller,
  { challenge_id: id, frame }: Extract<ScanBody, { frame: string }>,
): Promise<Response> {
  const powers = services(c);
  const challengeId = powers.challenges.parse(id);
  const prompt = challengeId && (await powers.inboxes.find(userSubject(caller.device.userId), challengeId));
  // Whose request it is comes first: nobody learns whether a code of somebody else's is live.
  if (challengeId === undefined || !prompt) return refuse(c, { code: "unknown_challenge" });
  const live = await powers.challenges.scanned(challengeId, frame);
  if (!live) return say(c, 410, "old_frame", "This code was replaced by a newer one. Scan again.");
  return await shown(c, caller, challengeId, { by: "frame", value: frame });
}

/** A code that a device without a browser shows (RFC 8628): whoever types it claims the request for this device's user. */
async function byCode(c: Context<AppEnv>, caller: PhoneCaller, typed: string): Promise<Response> {
  const claimed = await claim(c, caller, typed);
  if (!claimed.ok) {
    if (claimed.error.code === "unknown_challenge") await services(c).limits.miss(originOf(c).ip);
    return refuse(c, claimed.error);
  }
  const value = typed.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
  return await shown(c, caller, claimed.value, { by: "code", value });
}

async function claim(
  c: Context<AppEnv>,
  { device, user }: PhoneCaller,
  typed: string,
): Promise<Result<ChallengeId, Refusal>> {
  const powers = services(c);
  const { ip } = originOf(c);
  const from = ip === undefined ? {} : { ip };
  if (user.user.status === "locked") return no({ code: "user_locked" });
  for (const { ofTypedCode } of powers.doors) {
    if (!ofTypedCode) continue;
    const found: Result<Snapshot, Refusal> = await ofTypedCode(powers, {
      user: user.user,
      code: typed,
      ...from,
    });
    if (!found.ok) return found;
    const { id } = found.value.spec;
    const applied = await powers.challenges.apply(id, {
      name: "claim",
      deviceId: device.id,
      userId: device.userId,
      ...reachOf(device),
      enrolledAt: device.enrolledAt,
      ...from,
    });
    return applied.ok ? ok(id) : applied;
  }
  return no({ code: "unknown_challenge" });
}
