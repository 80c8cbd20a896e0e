import { auditEvent, type Requester, recordEvent } from "../audit/record.ts";
import { type ClientId, MAIN, parseClientId, type Realm } from "../ids.ts";
import { PAGE_SIZE, type Page, pageOf } from "../page.ts";
import type { ClientChange } from "../ports/clients.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { DAY, type Instant, type Millis } from "../time.ts";
import { readCallbackTarget } from "./callback-target.ts";
import type { Client, ClientKind } from "./client.ts";
import { type JwkInput, readPublicKey } from "./public-key.ts";
import { type ClientSettings, deliveryMode } from "./settings.ts";

/** What an operator says of a new client; the shapes have been checked. */
export type ClientDraft = {
  readonly id?: ClientId | undefined;
  readonly realm?: Realm | undefined;
  readonly name: string;
  readonly kind: ClientKind;
  readonly redirectUris: readonly string[];
  readonly allowedOrigins: readonly string[];
  readonly grantTypes: Client["grantTypes"];
  readonly publicKeys: readonly (string | JwkInput)[];
  readonly webhookUrl?: string | undefined;
  readonly notificationEndpoint?: string | undefined;
  readonly settings: ClientSettings;
};

type Powers = Pick<Services, "clients" | "records" | "events" | "clock" | "chance">;
type SettingPowers = Pick<Services, "config" | "keyring">;
export type Created = { readonly client: Client; readonly secret?: string };

/**
 * Makes a client; a confidential one gets a secret, which nothing can show again. Refused: an id that is taken, a key or an
 * address that may not be used.
 */
export async function createClient(
  powers: Powers & SettingPowers & Pick<Services, "secrets">,
  draft: ClientDraft,
  by: Requester,
): Promise<Result<Created, RefusalOf<"client_exists" | "bad_key" | "malformed" | "not_allowed">>> {
  const keys = await readPublicKeys(draft.publicKeys);
  if (!keys.ok) return keys;
  const fault = callbackFault(powers, addressesOf(draft)) ?? combinationFault(draft);
  if (fault) return no(fault);
  const id = draft.id ?? parseClientId(powers.chance.uuid());
  if (id === undefined) throw new Error("a UUID is a client id");
  const { webhookUrl, notificationEndpoint, ...rest } = draft;
  const client = {
    ...rest,
    id,
    realm: rest.realm ?? MAIN,
    publicKeys: keys.value,
    ...(webhookUrl === undefined ? {} : { webhookUrl }),
    ...(notificationEndpoint === undefined ? {} : { notificationEndpoint }),
  };
  await keyFor(powers, draft.settings);
  const made = draft.kind === "confidential" ? await powers.secrets.make() : undefined;
  const event = auditEvent(powers, {
    type: "client.created",
    clientId: id,
    data: { kind: draft.kind },
    ...by,
  });
  if (!(await powers.clients.insert(client, made?.kept, event.at))) return no({ code: "client_exists" });
  await recordEvent(powers, event);
  const standing: Client = { ...client, createdAt: event.at, updatedAt: event.at };
  return ok(made === undefined ? { client: standing } : { client: standing, secret: made.secret });
}

/** The keys as canonical PEM, or the first refusal with its place in the list. */
export async function readPublicKeys(
  inputs: readonly (string | JwkInput)[],
): Promise<Result<readonly string[], RefusalOf<"bad_key">>> {
  const keys: string[] = [];
  for (const [index, input] of inputs.entries()) {
    const key = await readPublicKey(input);
    if (!key.ok) return no({ code: "bad_key", detail: `public_keys.${index}: ${key.error.detail}` });
    keys.push(key.value);
  }
  return ok(keys);
}

type Address = string | null | undefined;
type Addresses = {
  readonly webhookUrl?: Address;
  readonly notificationEndpoint?: Address;
  readonly backchannelLogoutUri?: Address;
};

/** Why one of the addresses that the service would call may not be used, if so; null and undefined are no address. */
export function callbackFault(
  powers: Pick<Services, "config">,
  urls: Addresses,
): RefusalOf<"malformed" | "not_allowed"> | undefined {
  const named = [
    ["webhook_url", urls.webhookUrl],
    ["notification_endpoint", urls.notificationEndpoint],
    ["settings.backchannel_logout_uri", urls.backchannelLogoutUri],
  ] as const;
  for (const [name, url] of named) {
    if (url === undefined || url === null) continue;
    const target = readCallbackTarget(url, powers.config.allowPrivateCallbacks);
    if (!target.ok) return { code: target.error.code, detail: `${name}: ${target.error.detail}` };
  }
  return undefined;
}

/** The addresses that a draft or a change names. */
const addressesOf = ({
  settings,
  ...named
}: Omit<Addresses, "backchannelLogoutUri"> & SomeSettings): Addresses => ({
  ...named,
  backchannelLogoutUri: settings?.backchannel_logout_uri,
});
type SomeSettings = { readonly settings?: Pick<SettingsPatch, "backchannel_logout_uri"> };

/** Makes the key of RS256 when a client is set to it, so that readers of the JWKS know it before it signs. */
async function keyFor(
  { keyring }: Pick<Services, "keyring">,
  settings: SettingsPatch | undefined,
): Promise<void> {
  if (settings?.id_token_signed_response_alg === "RS256") await keyring.ready("rs256");
}

/** Why settings do not go with the rest of the client, if they do not. */
function combinationFault({
  kind,
  settings,
  notificationEndpoint,
}: Pick<ClientDraft, "kind" | "settings" | "notificationEndpoint">): RefusalOf<"not_allowed"> | undefined {
  const fault = (name: string, why: string) =>
    ({ code: "not_allowed", detail: `settings.${name}: ${why}` }) as const;
  // RFC 9700 §2.1.1: a public client has nothing else that ties the code to it.
  if (kind === "public" && settings.require_pkce === false) {
    return fault("require_pkce", "a public client needs PKCE");
  }
  if (deliveryMode(settings) === "ping" && notificationEndpoint === undefined) {
    return fault("backchannel_token_delivery_mode", "ping needs a notification_endpoint");
  }
  return undefined;
}

/** Settings to change; null takes one away, so that its default is back (RFC 7396). */
export type SettingsPatch = { readonly [Name in keyof ClientSettings]?: ClientSettings[Name] | null };

/** What is to change; members that are missing stay. `disabled: false` lets a disabled client work again. */
export type ClientPatch = Omit<ClientChange, "settings" | "publicKeys" | "disabledAt"> & {
  readonly publicKeys?: readonly (string | JwkInput)[];
  readonly settings?: SettingsPatch;
  readonly disabled?: boolean;
};

/** Changes a client. Refused: an unknown client, a key or an address that may not be used. */
export async function updateClient(
  powers: Powers & SettingPowers,
  id: ClientId,
  patch: ClientPatch,
  by: Requester,
): Promise<Result<Client, RefusalOf<"unknown_client" | "bad_key" | "malformed" | "not_allowed">>> {
  const { publicKeys, settings, disabled, ...plain } = patch;
  const keys = await readPublicKeys(publicKeys ?? []);
  if (!keys.ok) return keys;
  const present = await powers.clients.fresh(id);
  if (present === undefined) return no({ code: "unknown_client" });
  const fault = callbackFault(powers, addressesOf(patch)) ?? combinationFault(patched(present, patch));
  if (fault) return no(fault);
  await keyFor(powers, settings);
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

/** What a patch leaves of the members that have to go together. */
const patched = (
  { kind, settings, notificationEndpoint }: Client,
  patch: ClientPatch,
): Parameters<typeof combinationFault>[0] => ({
  kind,
  settings: patch.settings === undefined ? settings : merged(settings, patch.settings),
  notificationEndpoint:
    patch.notificationEndpoint === undefined
      ? notificationEndpoint
      : (patch.notificationEndpoint ?? undefined),
});

function merged(present: ClientSettings, patch: SettingsPatch): ClientSettings {
  const entries = Object.entries({ ...present, ...patch }).filter(([, value]) => value !== null);
  return Object.fromEntries(entries);
}

/**
 * Disables a client: within 30 s nothing is started, redeemed or refreshed for it any more (settled question 31). Its row, id
 * and grants stay. Disabling again changes nothing.
 */
export async function disableClient(
  powers: Powers,
  id: ClientId,
  by: Requester,
): Promise<Result<undefined, RefusalOf<"unknown_client">>> {
  const present = await powers.clients.fresh(id);
  if (present === undefined) return no({ code: "unknown_client" });
  if (present.disabledAt !== undefined) return ok(undefined);
  const event = auditEvent(powers, { type: "client.disabled", clientId: id, ...by });
  await powers.clients.disable(id, event.at);
  await recordEvent(powers, event);
  return ok(undefined);
}

/** How long the replaced secret still works: time to bring the new one to every server. */
export const SECRET_OVERLAP: Millis = DAY;

export type NewSecret = { readonly secret: string; readonly oldUntil: Instant };

/**
 * Gives a confidential client a new secret; the present one works until `oldUntil`, one older still ends now. Refused: an
 * unknown client, and a public one, which has no secret.
 */
export async function rotateClientSecret(
  powers: Powers & Pick<Services, "secrets">,
  id: ClientId,
  by: Requester,
): Promise<Result<NewSecret, RefusalOf<"unknown_client" | "not_allowed">>> {
  const client = await powers.clients.fresh(id);
  if (client === undefined) return no({ code: "unknown_client" });
  if (client.kind === "public") return no({ code: "not_allowed", detail: "a public client has no secret" });
  const { secret, kept } = await powers.secrets.make();
  const event = auditEvent(powers, { type: "client.secret_rotated", clientId: id, ...by });
  const oldUntil = event.at + SECRET_OVERLAP;
  if (!(await powers.clients.replaceSecret(id, kept, oldUntil, event.at))) {
    return no({ code: "unknown_client" });
  }
  await recordEvent(powers, event);
  return ok({ secret, oldUntil });
}

/** Clients in the order of their ids, disabled ones too. */
export async function listClients(
  powers: Pick<Services, "clients">,
  after: ClientId | undefined,
): Promise<Page<Client>> {
  return pageOf(await powers.clients.page(after, PAGE_SIZE + 1), (client) => client.id);
}
