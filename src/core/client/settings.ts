import type { Approvers } from "../challenge/approvers.ts";
import type { Door } from "../challenge/state.ts";
import type { ClientId } from "../ids.ts";
import { own } from "../own.ts";

export type ActionRule = "allow" | "challenge" | "block" | "review";

/** What an operator may set for a client; everything is optional (docs/admin-api.md, "Clients"). */
export type ClientSettings = {
  readonly access_token_seconds?: number;
  readonly id_token_seconds?: number;
  readonly refresh_token_days?: number;
  readonly challenge_seconds?: number;
  readonly match_code?: "off" | "required";
  readonly issuer?: string | Partial<Record<Door, string>>;
  readonly starts_per_minute?: number;
  readonly scopes?: readonly string[];
  readonly preauthorize?: boolean;
  readonly actions?: Readonly<Record<string, ActionRule>>;
  /** Types of the Authsignal door's webhook events that the client is told of. */
  readonly webhook_events?: readonly string[];
  /** Whether the Authsignal door moves a key to another user on the backend's word; true when it is missing. */
  readonly rebind_devices?: boolean;
  /** Whether a user of the Authsignal door who has nothing enrolled may begin without a scope; true when it is missing. */
  readonly enrol_without_scope?: boolean;
  /** Whether phones of the Authsignal door must sign to see what is pending; false when it is missing. */
  readonly signed_prompts?: boolean;
  /** Whether an Authsignal push begins although the webhook did not take `push.created`; `required` when it is missing. */
  readonly push_webhook?: "required" | "optional";
  /** Whether one Authsignal token is valid once only; false when it is missing. */
  readonly validate_once?: boolean;
  /** How pages and messages show the client. */
  readonly brand?: BrandSettings;
  /** How long a user has to prove an address on the hosted page, in seconds. */
  readonly verify_seconds?: number;
  /** One-time codes and links sent for the client in an hour; 0 is no limit. */
  readonly code_sends_per_hour?: number;
  /** How long an Authsignal QR code may be scanned while nobody has, in seconds; its challenge's whole life when it is missing. */
  readonly qr_seconds?: number;
  /** How long a LoginID wait is held, in seconds; 120 when it is missing. */
  readonly wait_seconds?: number;
  /**
   * Whether a confidential client's browser may wait at the LoginID door without a token, as a public client's may; false when it is
   * missing.
   */
  readonly public_wait?: boolean;
  /** Whose devices may answer for the client and sign in at it; `own` when it is missing. */
  readonly approve_through?: Approvers;
  /** Event names that a stranger's sign-in may put before a user at the Cotter door. */
  readonly event_names?: readonly string[];
  /** Whether the Cotter door tells everybody who asks for a user's prompt where it comes from; false when it is missing. */
  readonly prompt_place?: boolean;
  /** Whether the Cotter door removes a device on an unsigned call, as its SDKs make it; true when it is missing. */
  readonly unsigned_removal?: boolean;
  /** Whether several users of the Authsignal door may have one telephone number; false when it is missing. */
  readonly shared_numbers?: boolean;
  /** Clients of the realm whose backends' words about names this one goes by, and whose user codes it takes. */
  readonly names_from?: readonly ClientId[];
  /** `subject`: the backend names users by our own ids and by nothing else; `own` when it is missing. */
  readonly user_ids?: "own" | "subject";
  /** Minutes for which a browser that proved an address on the hosted page goes on without another code; 0 when it is missing. */
  readonly remember_minutes?: number;
  /** Whether a proof on the hosted page opens the first-device window for its address and user agent; false when it is missing. */
  readonly enrol_after_proof?: boolean;
  /** How long a refresh token of the Cotter door stays good once it has a successor; `acknowledged` when it is missing. */
  readonly refresh_rotation?: RefreshRotation;
  /**
   * How a user who had a device comes to another one by proving an address: `removed`, where the app removed all that they had; `lost`,
   * also after a wait of 72 h where one is lost; `off` when it is missing (docs/decisions/0056).
   */
  readonly recovery?: "off" | "removed" | "lost";
  /** Whether an authorization request needs PKCE; true when it is missing, and for a public client always (RFC 9700 §2.1.1). */
  readonly require_pkce?: boolean;
  /** Whether the client is the deployment's own; false: the user is asked for consent on a page each time. True when it is missing. */
  readonly first_party?: boolean;
  /** Whether an approver may approve by a bare tap, without a match code; false when it is missing. */
  readonly insecure_tap?: boolean;
  /** What an approval from far away takes on our own phone page; `warn` when it is missing (RFC 10027 §6.1.1). */
  readonly proximity?: ProximityRule;
  /** What becomes there of an approval on the very device that began; `mark` when it is missing (RFC 10027 §6.2). */
  readonly same_device?: SameDeviceRule;
  /** Whether the client's webhook is told of each request that is put before a user; false when it is missing. */
  readonly prompt_webhook?: boolean;
  /** Whether an approval needs the device's own unlock, which a passkey shows; false when it is missing. */
  readonly require_unlock?: boolean;
  /** Where a browser may be sent after signing out (OpenID Connect RP-Initiated Logout 1.0). */
  readonly post_logout_redirect_uris?: readonly string[];
  /** Where the client is told that a session ended, and whether it needs `sid` there (OpenID Connect Back-Channel Logout 1.0). */
  readonly backchannel_logout_uri?: string;
  readonly backchannel_logout_session_required?: boolean;
  /** Whether every token request of the client must bring a DPoP proof; false when it is missing (RFC 9449 §5.2). */
  readonly dpop_bound_access_tokens?: boolean;
  /** Whether the device grant gives refresh tokens; false when it is missing. */
  readonly device_refresh_tokens?: boolean;
  /** Whether a device authorization request may name the user who is to be asked on their phone; false when it is missing. */
  readonly device_login_hint?: boolean;
  /** Resource servers that the client may ask tokens for (RFC 8707 §2). */
  readonly resources?: readonly string[];
  /** Resource servers that the client is: it may ask about tokens of its realm that are for one of them (RFC 7662). */
  readonly serves?: readonly string[];
  /** Whether a CIBA start for a user who is not known looks like any other; false when it is missing. */
  readonly decoy_unknown_users?: boolean;
  /** How a CIBA client learns the outcome; `poll` when it is missing. */
  readonly backchannel_token_delivery_mode?: DeliveryMode;
  /** What ID tokens of the standard door are signed by; `ES256` when it is missing. Access tokens stay ES256. */
  readonly id_token_signed_response_alg?: "ES256" | "RS256";
};

/** `warn`: the page says so. `step_up`: number and unlock are needed, too. `deny`: it cannot be approved. */
export type ProximityRule = "ignore" | "warn" | "step_up" | "deny";

/** `mark`: the page says so, and `amr` lacks `hwk`. `deny`: it cannot be approved. */
export type SameDeviceRule = "ignore" | "mark" | "deny";

/** Token delivery modes of CIBA that are offered; a ping client may poll too (CIBA §5). */
export type DeliveryMode = "poll" | "ping";

/** `acknowledged`: until the successor is used. `strict`: for a short grace (30 s). */
export type RefreshRotation = "acknowledged" | "strict";

/** Whether a form is light or dark; `auto` goes by the reader's device. */
export type ColourScheme = "light" | "dark" | "auto";

/**
 * `colour` is `#rrggbb`, `logo` an https address of a picture. Without a name the client's own stands. `frame_scheme` is how the form looks
 * inside a page of the client, whose own look no frame can see; `light` when it is missing, as a page is that says nothing.
 */
export type BrandSettings = {
  readonly name?: string;
  readonly colour?: string;
  readonly logo?: string;
  readonly frame_scheme?: ColourScheme;
};

/** No token may live longer than this: a retired signing key stays published for as long. */
export const LONGEST_TOKEN_SECONDS = 86_400;

/** Token lengths of a client, defaults filled in: seconds, and days for the refresh token. */
export const tokenLengths = (settings: ClientSettings) => ({
  accessSeconds: settings.access_token_seconds ?? 3_600,
  idSeconds: settings.id_token_seconds ?? 3_600,
  refreshDays: settings.refresh_token_days ?? 30,
});

/** The client's rule for an action's code, which is a caller's word. */
export const actionRule = ({ actions }: ClientSettings, code: string): ActionRule | undefined =>
  own(actions, code);

/** The rule of the Cotter door, whose SDKs may keep a refresh token that has a successor; every other door is strict. */
export const refreshRotation = (settings: ClientSettings): RefreshRotation =>
  settings.refresh_rotation ?? "acknowledged";

/** Whether a user who had a device may come to another one by a proof, and whether also one who lost it. */
export const recoveryOf = ({ recovery = "off" }: ClientSettings): "off" | "removed" | "lost" => recovery;

/** Starts that the client may make in any minute; 0 is no limit. */
export const startsPerMinute = (settings: ClientSettings): number => settings.starts_per_minute ?? 300;

/** Codes and links that may be sent for the client in an hour; 0 is no limit. */
export const codeSendsPerHour = (settings: ClientSettings): number => settings.code_sends_per_hour ?? 1_000;

/** The client as far as its rules go by its kind. */
type OfKind = { readonly kind: "confidential" | "public"; readonly settings: ClientSettings };

/** Whether anybody may wait for a code of this client, as a browser does that has no key. */
export const mayWaitBare = ({ kind, settings }: OfKind): boolean =>
  kind === "public" || settings.public_wait === true;

/** Seconds that a verification on the hosted page lives (settled question 20). */
export const verifySeconds = (settings: ClientSettings): number => settings.verify_seconds ?? 600;

/** Minutes for which the hosted page remembers a browser; none by default. */
export const rememberMinutes = (settings: ClientSettings): number => settings.remember_minutes ?? 0;

/** Names that the vendor's own apps ask by. */
const EVENT_NAMES: readonly string[] = ["LOGIN", "LOGIN_WITH_DEVICE"];

/** Event names of the Cotter door that a user may be shown, whoever asks: each is a promise of what an approval does. */
export const eventNames = (settings: ClientSettings): readonly string[] =>
  settings.event_names ?? EVENT_NAMES;
/**
 * Seconds for which a QR code may be scanned. Ten minutes, because the vendor's page shows a new one every nine unless it is told
 * otherwise: a shorter life would leave it with a dead code in between.
 */
export const qrSeconds = (settings: ClientSettings): number => settings.qr_seconds ?? 600;

/** Whether an authorization request needs a code challenge. No setting takes it from a public client. */
export const requiresPkce = ({ kind, settings }: OfKind): boolean =>
  kind === "public" || settings.require_pkce !== false;

/** Whether a signed-in user is spared the consent page. */
export const isFirstParty = (settings: ClientSettings): boolean => settings.first_party !== false;

/** Whether a bare tap approves. */
export const allowsBareTap = (settings: ClientSettings): boolean => settings.insecure_tap === true;

export const proximityOf = (settings: ClientSettings): ProximityRule => settings.proximity ?? "warn";

/** Whether an approval from far away takes the number on the waiting screen, which then has to be there. */
export const stepsUp = (settings: ClientSettings): boolean => proximityOf(settings) === "step_up";

export const sameDeviceOf = (settings: ClientSettings): SameDeviceRule => settings.same_device ?? "mark";

/** Whether a request is approved only behind the device's own unlock: a fingerprint, a face, a PIN. */
export const requiresUnlock = (settings: ClientSettings): boolean => settings.require_unlock === true;

/** Whether the client's webhook is told of each of its requests that is put before a user, so that its own server wakes an app. */
export const hearsOfPrompts = (settings: ClientSettings): boolean => settings.prompt_webhook === true;

/** Compared byte for byte, as redirect URIs are. */
export const postLogoutRedirectUris = (settings: ClientSettings): readonly string[] =>
  settings.post_logout_redirect_uris ?? [];

/** Where a logout token goes, and whether it must name the session; undefined: the client is not told. */
export const backchannelLogout = ({
  backchannel_logout_uri: uri,
  backchannel_logout_session_required: sessionRequired = false,
}: ClientSettings): { readonly uri: string; readonly sessionRequired: boolean } | undefined =>
  uri === undefined ? undefined : { uri, sessionRequired };

/** Whether a token request without a DPoP proof is refused. */
export const bindsAccessTokens = (settings: ClientSettings): boolean =>
  settings.dpop_bound_access_tokens === true;

/** Whether the device grant gives refresh tokens. */
export const givesDeviceRefreshTokens = (settings: ClientSettings): boolean =>
  settings.device_refresh_tokens === true;

/** Whether a device authorization request may name its user (docs/decisions/0097). */
export const takesDeviceLoginHint = (settings: ClientSettings): boolean =>
  settings.device_login_hint === true;

/** Resource servers that it may ask tokens for; none by default. */
export const resourcesOf = (settings: ClientSettings): readonly string[] => settings.resources ?? [];

/** Resource servers that the client is; none by default. Compared byte for byte. */
export const servesOf = (settings: ClientSettings): readonly string[] => settings.serves ?? [];

/** Whether a CIBA start tells nobody that a user is not known. */
export const hidesUnknownUsers = (settings: ClientSettings): boolean => settings.decoy_unknown_users === true;

/** How the client learns the outcome of a CIBA request. */
export const deliveryMode = (settings: ClientSettings): DeliveryMode =>
  settings.backchannel_token_delivery_mode ?? "poll";

/** The key lane of the client's ID tokens at the standard door. */
export const idTokenLane = (settings: ClientSettings): "standard" | "rs256" =>
  settings.id_token_signed_response_alg === "RS256" ? "rs256" : "standard";

/** How users are shown the client: in messages and on pages. */
export const brandOf = ({
  name,
  settings,
}: {
  readonly name: string;
  readonly settings: ClientSettings;
}): BrandSettings & { readonly name: string } => ({ name, ...settings.brand });

/** The `iss` that a door puts into this client's tokens: the client's legacy value, else the door's own (settled question 7). */
export function issuerFor(settings: ClientSettings, door: Door, fallback: string): string {
  const { issuer } = settings;
  if (door === "oauth" || issuer === undefined) return fallback;
  return typeof issuer === "string" ? issuer : (issuer[door] ?? fallback);
}
