import type { Context } from "hono";
import { admits } from "../../../core/challenge/approvers.ts";
import { askerOf, type Client } from "../../../core/client/client.ts";
import type { Device } from "../../../core/device/device.ts";
import { isNew } from "../../../core/device/own-enrolment.ts";
import { reachOf } from "../../../core/device/own-pages.ts";
import { type ClientId, userSubject } from "../../../core/ids.ts";
import type { Prompt } from "../../../core/inbox/state.ts";
import { sharesBrowser } from "../../../hosted/browser.ts";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import type { PhoneCaller } from "../caller.ts";
import { accountOf, deviceWire, iso, isWithin } from "../wire.ts";
import { type Asked, nameOf, payloadOf } from "./asked.ts";
import { type Judged, judge, standsBefore } from "./judge.ts";

/** A request that stands before a device. */
export type Standing = {
  readonly asked: Asked & { readonly listedAt?: number };
  readonly client: Client;
  readonly others: readonly Device[];
  readonly isSeen: boolean;
};

/** What answering it takes where this call comes from. */
export async function judgeHere(
  c: Context<AppEnv>,
  { device }: PhoneCaller,
  { asked, client, others, isSeen }: Standing,
): Promise<Judged> {
  const { doors, clock } = services(c);
  const isShared = await sharesBrowser(c, asked.context);
  return judge(asked, {
    client,
    device,
    others,
    doors,
    isSeen,
    isShared,
    here: originOf(c),
    now: clock.now(),
  });
}

/** A request as its approver's page shows it. */
export async function promptWire(c: Context<AppEnv>, caller: PhoneCaller, found: Standing) {
  const { asked, client } = found;
  const { doors, config } = services(c);
  const { match, unlock, whyNot, warnings } = await judgeHere(c, caller, found);
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
  const prompts = await Promise.all(
    standing.flatMap((asked: Prompt) => {
      const client = names.get(asked.clientId);
      return client ? [promptWire(c, caller, { asked, client, others, isSeen: false })] : [];
    }),
  );
  const { count, last } = view.blocked;
  return c.json({
    prompts,
    blocked: { count, ...(last === undefined ? {} : { last_at: iso(last) }) },
    silences: view.silences.flatMap(({ clientId, until }) => {
      const client = names.get(clientId);
      const isTold = client && admits(askerOf(client), reachOf(device));
      return isTold ? [{ client: nameOf(client), until: iso(until) }] : [];
    }),
    new_devices: others
      .filter((other) => isNew(other, now) && other.enrolledAt > device.enrolledAt && isWithin(device, other))
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
