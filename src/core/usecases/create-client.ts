import { readCallbackTarget } from "../client/callback-target.ts";
import type { Client, ClientKind } from "../client/client.ts";
import { type JwkInput, readPublicKey } from "../client/public-key.ts";
import type { ClientSettings } from "../client/settings.ts";
import { type ClientId, MAIN, parseClientId, type Realm } from "../ids.ts";
import type { Services } from "../ports/services.ts";
import type { RefusalOf } from "../refusal.ts";
import { no, ok, type Result } from "../result.ts";
import { auditEvent, type Requester } from "./audit-event.ts";
import { recordEvent } from "./record-event.ts";

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

type Powers = Pick<Services, "clients" | "secrets" | "records" | "events" | "config" | "clock" | "chance">;
export type Created = { readonly client: Client; readonly secret?: string };

/**
 * Makes a client; a confidential one gets a secret, which nothing can show again. Refused: an id that is taken, a key or an
 * address that may not be used.
 */
export async function createClient(
  powers: Powers,
  draft: ClientDraft,
  by: Requester,
): Promise<Result<Created, RefusalOf<"client_exists" | "bad_key" | "malformed" | "not_allowed">>> {
  const keys = await readPublicKeys(draft.publicKeys);
  if (!keys.ok) return keys;
  const fault = callbackFault(powers, draft);
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

/** Why one of the addresses that the service would call may not be used, if so; null and undefined are no address. */
export function callbackFault(
  powers: Pick<Services, "config">,
  urls: {
    readonly webhookUrl?: string | null | undefined;
    readonly notificationEndpoint?: string | null | undefined;
  },
): RefusalOf<"malformed" | "not_allowed"> | undefined {
  const named = [
    ["webhook_url", urls.webhookUrl],
    ["notification_endpoint", urls.notificationEndpoint],
  ] as const;
  for (const [name, url] of named) {
    if (url === undefined || url === null) continue;
    const target = readCallbackTarget(url, powers.config.allowPrivateCallbacks);
    if (!target.ok) return { code: target.error.code, detail: `${name}: ${target.error.detail}` };
  }
  return undefined;
}
