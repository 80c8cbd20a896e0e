import * as z from "zod";
import { LONGEST_TOKEN_SECONDS } from "../../core/client/settings.ts";
import { type ClientId, parseClientId } from "../../core/ids.ts";
import { callback, redirectUri, resource, uniqueList } from "./uris.ts";

const clientId = z
  .string()
  .refine((text) => parseClientId(text) !== undefined, "not a client id")
  .transform((text) => text as ClientId);
const tokenSeconds = z.int().min(1).max(LONGEST_TOKEN_SECONDS);
// RFC 6749 §3.3: scope-token.
const scope = z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]{1,64}$/);
const issuer = z.string().regex(/^[\x21-\x7e]{1,256}$/);
const issuerByDoor = z.strictObject({
  oauth: issuer.optional(),
  cotter: issuer.optional(),
  loginid: issuer.optional(),
  authsignal: issuer.optional(),
  approver: issuer.optional(),
  page: issuer.optional(),
});
const actionCode = z.string().regex(/^[A-Za-z0-9_.:-]{1,64}$/);
const actions = z
  .unknown()
  // A record leaves such a member out without a word.
  .refine((rules) => !Object.hasOwn(Object(rules), "__proto__"), "__proto__ names no action")
  .pipe(z.record(actionCode, z.enum(["allow", "challenge", "block", "review"])))
  .refine((rules) => Object.keys(rules).length <= 100, "at most 100 actions");

/** Shown to users: no control characters and none that turn the reading direction (T14). */
const shownName = z.string().trim().min(1).max(80);
const httpsUrl = z
  .string()
  .max(2_048)
  .refine((text) => {
    const url = URL.parse(text);
    return url?.protocol === "https:" && url.username === "" && url.password === "";
  }, "must be an https address");
const brand = z
  .strictObject({
    name: shownName.regex(
      /^[^\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]+$/u,
      "control characters are not allowed",
    ),
    colour: z.string().regex(/^#[0-9a-fA-F]{6}$/, "must be #rrggbb"),
    logo: httpsUrl,
    frame_scheme: z.enum(["light", "dark", "auto"]),
  })
  .partial();

/** As the Cotter wire takes them; the name that enrols a device is never a stranger's. */
const eventName = z
  .string()
  .regex(/^[A-Za-z0-9 _.-]{1,64}$/, "letters, digits, blanks and _.-, at most 64")
  .refine((name) => !name.includes("ENROLL_NEW_TRUSTED_DEVICE"), "a reserved name");

/** What a client of the standard door is (OpenID Connect's and RFC 7591's names where they have one). */
const standardMembers = {
  require_pkce: z.boolean(),
  first_party: z.boolean(),
  insecure_tap: z.boolean(),
  require_unlock: z.boolean(),
  prompt_webhook: z.boolean(),
  proximity: z.enum(["ignore", "warn", "step_up", "deny"]),
  same_device: z.enum(["ignore", "mark", "deny"]),
  post_logout_redirect_uris: uniqueList(redirectUri),
  backchannel_logout_uri: callback,
  backchannel_logout_session_required: z.boolean(),
  dpop_bound_access_tokens: z.boolean(),
  device_refresh_tokens: z.boolean(),
  device_login_hint: z.boolean(),
  resources: uniqueList(resource),
  serves: uniqueList(resource),
  decoy_unknown_users: z.boolean(),
  backchannel_token_delivery_mode: z.enum(["poll", "ping"]),
  id_token_signed_response_alg: z.enum(["ES256", "RS256"]),
};

const members = {
  ...standardMembers,
  access_token_seconds: tokenSeconds,
  id_token_seconds: tokenSeconds,
  refresh_token_days: z.int().min(1).max(3_650),
  challenge_seconds: z.int().min(1).max(3_600),
  match_code: z.enum(["off", "required"]),
  issuer: z.union([issuer, issuerByDoor]),
  starts_per_minute: z.int().min(0).max(100_000),
  scopes: z.array(scope).max(50),
  preauthorize: z.boolean(),
  webhook_events: z
    .array(
      z.enum([
        "push.created",
        "email.created",
        "sms.created",
        "action.verify",
        "authenticator.created",
        "authenticator.updated",
        "authenticator.deleted",
      ]),
    )
    .max(20),
  signed_prompts: z.boolean(),
  push_webhook: z.enum(["required", "optional"]),
  validate_once: z.boolean(),
  rebind_devices: z.boolean(),
  enrol_without_scope: z.boolean(),
  shared_numbers: z.boolean(),
  qr_seconds: z.int().min(30).max(3_600),
  wait_seconds: z.int().min(1).max(120),
  public_wait: z.boolean(),
  names_from: z.array(clientId).max(20),
  user_ids: z.enum(["own", "subject"]),
  enrol_after_proof: z.boolean(),
  remember_minutes: z.int().min(0).max(43_200),
  refresh_rotation: z.enum(["acknowledged", "strict"]),
  recovery: z.enum(["off", "removed", "lost"]),
  actions,
  brand,
  verify_seconds: z.int().min(1).max(3_600),
  code_sends_per_hour: z.int().min(0).max(100_000),
  event_names: z.array(eventName).max(50),
  prompt_place: z.boolean(),
  unsigned_removal: z.boolean(),
  approve_through: z.union([z.enum(["own", "realm"]), z.array(clientId).max(50)]),
};

/** Settings of a new client: all optional, nothing unknown (docs/admin-api.md, "Clients"). */
export const settingsSchema = z.strictObject(members).partial();

type Patched = {
  [Name in keyof typeof members]: z.ZodOptional<z.ZodNullable<(typeof members)[Name]>>;
};
const patched = Object.fromEntries(
  Object.entries(members).map(([name, member]) => [name, member.nullable().optional()]),
) as Patched;

/** Settings to change: null brings a default back. */
export const settingsPatchSchema = z.strictObject(patched);
