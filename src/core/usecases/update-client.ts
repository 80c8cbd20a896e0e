import type { Client } from "../client/client.ts";
import type { JwkInput } from "../client/public-key.ts";
import type { ClientSettings } from "../client/settings.ts";
import type { ClientId } from "../ids.ts";
import type { ClientChange } from "../ports/clients.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { callbackFault, readPublicKeys } from "./create-client.ts";
import { recordEvent } from "./record-event.ts";

/** Settings to change; null takes one away, so that its default is back (RFC 7396). */
export type SettingsPatch = { readonly [Name in keyof ClientSettings]?: ClientSettings[Name] | null };

/** What is to change; members that are missing stay. `disabled: false` lets a disabled client work again. */
export type ClientPatch = Omit<ClientChange, "settings" | "publicKeys" | "disabledAt"> & {
  readonly publicKeys?: readonly (string | JwkInput)[];
  readonly settings?: SettingsPatch;
  readonly disabled?: boolean;
};

type Powers = Pick<Services, "clients" | "records" | "events" | "config" | "clock" | "chance">;

/** Changes a client. Refused: an unknown client, a key or an address that may not be used. */
export async function updateClient(
  powers: Powers,
  id: ClientId,
  patch: ClientPatch,
  by: Requester,
): Promise<Result<Client, RefusalOf<"unknown_client" | "bad_key" | "malformed" | "not_allowed">>> {
  const { publicKeys, settings, disabled, ...plain } = patch;
  const keys = await readPublicKeys(publicKeys ?? []);
  if (!keys.ok) return keys;
  const fault = callbackFault(powers, patch);
  if (fault) return no(fault);
  const present = await powers.clients.fresh(id);
  if (present === undefined) return no({ code: "unknown_client" });
  const event = auditEvent(powers, {
    type: "client.updated",
    clientId: id,
    data: { changed: Object.keys(patch) },
    ...by,
  });
  const change: ClientChange = {
    ...plain,
    ...(publicKeys === undefined ? {} : { publicKeys: keys.value }),
    ...(settings === undefined ? {} : { settings: merged(present.settings, settings) }),
    ...(disabled === undefined ? {} : { disabledAt: disabled ? (present.disabledAt ?? event.at) : null }),
  };
  const changed = await powers.clients.update(id, change, event.at);
  if (changed === undefined) return no({ code: "unknown_client" });
  await recordEvent(powers, event);
  return ok(changed);
}

function merged(present: ClientSettings, patch: SettingsPatch): ClientSettings {
  const entries = Object.entries({ ...present, ...patch }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries);
}
