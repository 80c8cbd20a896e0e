import * as z from "zod";
import { instant } from "../../../http/openapi/parts.ts";

const id = z.string();
const nullable = z.string().nullable();
const at = instant.nullable();

export const client = z
  .object({
    client_id: id,
    realm: z.string(),
    name: z.string(),
    kind: z.enum(["confidential", "public"]),
    redirect_uris: z.array(z.string()),
    allowed_origins: z.array(z.string()),
    grant_types: z.array(z.string()),
    public_keys: z.array(z.union([z.string(), z.record(z.string(), z.unknown())])),
    webhook_url: nullable,
    notification_endpoint: nullable,
    settings: z.record(z.string(), z.unknown()).describe("Settings that were given, by their names."),
    disabled: z.boolean(),
    disabled_at: at,
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: "Client" });

const secret = {
  client_secret: z.string().describe("Shown this once."),
  webhook_secret: z.string().describe("What webhooks are verified with (Standard Webhooks)."),
};

export const newClient = z.object({
  ...client.shape,
  client_secret: secret.client_secret.optional(),
  webhook_secret: secret.webhook_secret.optional(),
});

export const newSecret = z.object({
  client_id: id,
  ...secret,
  old_secret_valid_until: instant.describe("The secret before is good until then."),
});

export const identifier = z.object({
  kind: z.enum(["username", "email", "phone"]),
  value: z.string(),
  verified: z.boolean(),
  verified_at: at,
  asserted_by: z.string(),
  client_id: nullable,
  vouched_at: at,
  created_at: instant,
});

export const user = z
  .object({
    user_id: z.uuid(),
    realm: z.string(),
    external_id: nullable,
    external_id_asserted_by: nullable,
    external_id_client: nullable,
    status: z.enum(["active", "locked"]),
    identifiers: z.array(identifier),
    created_at: instant,
    updated_at: instant,
  })
  .meta({ id: "User" });

const device = z
  .object({
    device_id: z.uuid(),
    user_id: z.uuid(),
    name: z.string(),
    kind: z.string(),
    door: z.string(),
    client_id: id,
    algorithm: z.string(),
    fingerprint: z.string().describe("The beginning of it."),
    backup_eligible: z.boolean().nullable(),
    backed_up: z.boolean().nullable(),
    enrolled_at: instant,
    revoked_at: at,
  })
  .meta({ id: "Device" });

const authenticator = z.object({
  authenticator_id: id,
  user_id: z.uuid(),
  kind: z.string(),
  identifier: nullable,
  client_id: nullable,
  created_at: instant,
  verified_at: at,
});

const grant = z
  .object({
    grant_id: id,
    user_id: z.uuid(),
    client_id: id,
    device_id: nullable,
    scope: z.string(),
    amr: z.array(z.string()),
    created_at: instant,
  })
  .meta({ id: "Grant" });

const event = z
  .object({
    id,
    at: instant,
    type: z.string(),
    actor: z.string(),
    user_id: nullable,
    client_id: nullable,
    device_id: nullable,
    ip: nullable,
    reason: nullable,
    data: z.record(z.string(), z.unknown()).nullable(),
  })
  .meta({ id: "AuditEvent" });

export const key = z
  .object({
    lane: z.string(),
    kid: z.string(),
    algorithm: z.string(),
    state: z.string(),
    created_at: instant,
    activates_at: instant,
    published_until: at,
  })
  .meta({ id: "SigningKey" });

const next = nullable.describe("What `after` takes for the next page; null on the last one.");
export const clients = z.object({ clients: z.array(client), next });
export const users = z.object({ users: z.array(user), next });
export const devices = z.object({ devices: z.array(device) });
export const authenticators = z.object({ authenticators: z.array(authenticator) });
export const grants = z.object({ grants: z.array(grant), next });
export const events = z.object({ events: z.array(event), next });
export const keys = z.object({ keys: z.array(key) });

const rows = z.array(z.record(z.string(), z.unknown()));
export const personalData = z
  .object({
    user: user
      .nullable()
      .optional()
      .describe("On the first page alone, as are `prompts` and `push_subscriptions`."),
    prompts: rows.optional(),
    push_subscriptions: rows.optional(),
    next,
  })
  .catchall(rows);
export const erasure = z.object({
  user_id: z.uuid(),
  events: z.int().describe("Audit events that were emptied."),
  more: z.boolean().describe("There are more: repeat the call."),
});
