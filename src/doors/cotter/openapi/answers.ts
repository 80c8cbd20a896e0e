import * as z from "zod";
import { seconds } from "../../../http/openapi/parts.ts";

const time = z.string().describe("ISO 8601, or `0001-01-01T00:00:00Z` for none.");

export const failure = z.object({ msg: z.string() }).meta({ id: "CotterError" });

export const bundle = z
  .object({
    access_token: z.string(),
    id_token: z.string(),
    refresh_token: z.string(),
    token_type: z.literal("Bearer"),
    expires_in: seconds,
    auth_method: z.string(),
  })
  .meta({ id: "CotterTokens" });

const method = z.literal("TRUSTED_DEVICE");
const members = {
  ID: z.string(),
  created_at: time,
  updated_at: time,
  update_at: time,
  deleted_at: time,
  issuer: z.string(),
  client_user_id: z.string(),
  enrolled: z.array(method),
  default_method: method.nullable(),
  identifier: z.string(),
  identifiers: z.null(),
};
export const user = z.object(members).meta({ id: "CotterUser" });
export const userWithTokens = z.object({
  ...members,
  oauth_token: bundle.optional().describe("With `oauth_token=true` and a device that is new."),
});

const eventMembers = {
  ID: z.int().describe("For the waiter its secret handle; for an approver the number to answer by."),
  CreatedAt: time,
  UpdatedAt: time,
  DeletedAt: time,
  user_id: z.string(),
  client_user_id: z.string(),
  issuer: z.string(),
  event: z.string(),
  ip: z.string(),
  location: z.string(),
  timestamp: z.string(),
  method,
  new: z.boolean(),
  approved: z.boolean(),
  signature: z.string().describe("Ed25519, by the key of `/keys/ed25519`."),
};
export const event = z.object(eventMembers).meta({ id: "CotterEvent" });
export const eventWithTokens = z.object({ ...eventMembers, oauth_token: bundle.optional() });
export const pendingEvent = z.object({
  ...eventMembers,
  wait_uri: z.url(),
  socket_uri: z.url(),
  match_code: z.string().optional().describe("To be shown beside the waiting screen."),
});

export const enrolled = z.object({ enrolled: z.boolean(), method });
export const signedOut = z.object({ success: z.literal(true) });
export const verdict = z.object({ success: z.boolean(), reason: z.string().optional() });
export const form = z.object({ passed: z.boolean(), message: z.string().optional() });
export const statementKey = z.object({ public_key: z.string() });

export const identity = z.object({
  identifier: z.object({
    ID: z.string(),
    created_at: time,
    updated_at: time,
    update_at: time,
    deleted_at: time,
    identifier: z.string(),
    identifier_type: z.enum(["EMAIL", "PHONE"]),
    public_key: z.string(),
    device_type: z.string(),
    device_name: z.string(),
    expiry: time,
    timestamp: time,
  }),
  token: z.object({
    identifier_id: z.string(),
    identifier: z.string(),
    identifier_type: z.enum(["EMAIL", "PHONE"]),
    receiver: z.string(),
    expire_at: z.string(),
    timestamp: z.string(),
    signature: z.string(),
  }),
  oauth_token: bundle,
  user,
});
