import type { Context } from "hono";
import type { Client } from "../../../core/client/client.ts";
import { brandOf } from "../../../core/client/settings.ts";
import type { Device } from "../../../core/device/device.ts";
import { type ClientId, userSubject } from "../../../core/ids.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import { type AppEnv, services } from "../../../http/context.ts";
import type { PhoneCaller } from "../caller.ts";
import { accountOf, deviceWire, isNew, iso } from "../wire.ts";
import { type Asked, payloadOf } from "./asked.ts";
import { judge, standsBefore } from "./judge.ts";

/** A request as its approver's page shows it. */
export function promptWire(
  c: Context<AppEnv>,
  caller: PhoneCaller,
  found: {
    readonly asked: Asked & { readonly listedAt?: number };
    readonly client: Client;
    readonly others: readonly Device[];
    readonly isSeen: boolean;
  },
) {
  const { asked, client, others, isSeen } = found;
  const { doors, clock, config } = services(c);
  const judging = { client, device: caller.device, others, doors, isSeen, now: clock.now() };
  const { match, unlock, whyNot, warnings } = judge(asked, judging);
  return {
    id: asked.challengeId,
    expires_at: iso(asked.expiresAt),
    listed_at: iso(asked.listedAt ?? asked.startedAt),
    match,
    unlock,
    answers: whyNot === undefined ? ["deny", "approve"] : ["deny"],
    ...(whyNot === undefined ? {} : { why_not: whyNot }),
    warnings,
    payload: payloadOf(config.issuer, client, asked, doors),
  };
}

/** `GET /approver/prompts`: what waits for this device's user, the newest first, and what was kept from them. */
export async function listPrompts(c: Context<AppEnv>, caller: PhoneCaller): Promise<Response> {
  const { device, user } = caller;
  const powers = services(c);
  const now = powers.clock.now();
  const [view, ever] = await Promise.all([
    powers.inboxes.view(userSubject(device.userId)),
    powers.devices.ofUser(device.userId),
  ]);
  const others = ever.filter(({ id }) => id !== device.id);
  const standing = view.prompts.filter((prompt) => standsBefore(prompt, device));
  const names = await clientsOf(c, [...standing, ...view.silences]);
  const prompts = standing.flatMap((asked: Prompt) => {
    const client = names.get(asked.clientId);
    return client ? [promptWire(c, caller, { asked, client, others, isSeen: false })] : [];
  });
  const { count, last } = view.blocked;
  return c.json({
    prompts,
    blocked: { count, ...(last === undefined ? {} : { last_at: iso(last) }) },
    silences: view.silences.flatMap(({ clientId, until }) => {
      const client = names.get(clientId);
      return client ? [{ client: brandOf(client).name, until: iso(until) }] : [];
    }),
    new_devices: others
      .filter((other) => isNew(other, now) && other.enrolledAt > device.enrolledAt)
      .map((other) => deviceWire(device, other, now)),
    account: accountOf(user),
    device: deviceWire(device, device, now),
  });
}

/** The clients that these name, without the disabled ones: nobody is asked for them any more. */
async function clientsOf(
  c: Context<AppEnv>,
  named: readonly { readonly clientId: ClientId }[],
): Promise<ReadonlyMap<ClientId, Client>> {
  const ids = [...new Set(named.map(({ clientId }) => clientId))];
  const found = await Promise.all(ids.map((id) => services(c).clients.find(id)));
  return new Map(
    found.flatMap((client) => (client && client.disabledAt === undefined ? [[client.id, client]] : [])),
  );
}
