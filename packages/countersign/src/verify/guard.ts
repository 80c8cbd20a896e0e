import { CountersignError } from "../errors.ts";
import type { AccessTokenClaims } from "./claims.ts";
import { type Demands, readDemands, type VerifierOptions } from "./options.ts";
import { badArgument, isReason, REFUSALS, type Reason } from "./refusal.ts";
import { createVerifier, type IncomingCall, type Verifier } from "./verify.ts";

/** The options of every middleware: a verifier that is shared, or what makes one; and what this place demands. */
export type GuardOptions = Demands & {
  /** The address of this API's metadata (RFC 9728 §5.1), told to callers who are not let in. */
  readonly resourceMetadata?: string;
  /** Hears of every call that is not let in, with the true `reason`: for your log. */
  readonly onRefusal?: (error: CountersignError) => void;
} & ({ readonly verifier: Verifier } | VerifierOptions);

/** What a caller who is not let in is answered. */
export type Answer = {
  readonly status: 400 | 401 | 403 | 503;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: { readonly error: string; readonly error_description: string };
};

export type Admission =
  | { readonly claims: AccessTokenClaims; readonly answer?: undefined }
  | { readonly answer: Answer; readonly claims?: undefined };

/** Reads the options once, and answers what decides about each call. A fault of the program itself is thrown. */
export function makeGuard(options: GuardOptions): (call: IncomingCall) => Promise<Admission> {
  const { scope = [], acr, realm, onRefusal } = options;
  const verifier = "verifier" in options ? options.verifier : createVerifier(options);
  const demands: Demands = { scope, ...(acr && { acr }), ...(realm !== undefined && { realm }) };
  const told: Told = {
    acr,
    scopes: readDemands(demands).scopes,
    metadata: readMetadata(options.resourceMetadata),
  };
  return async (call) => {
    try {
      return { claims: await verifier.verifyCall(call, demands) };
    } catch (error) {
      const answer = error instanceof CountersignError ? answerTo(error, call, told) : undefined;
      if (answer === undefined) throw error;
      onRefusal?.(error as CountersignError);
      return { answer };
    }
  };
}

function readMetadata(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  // The parser escapes the quotes of such an address, so that it can stand in a header.
  if (!/^https?:\/\//.test(text) || !URL.canParse(text))
    throw badArgument("resourceMetadata must be an address");
  return new URL(text).href;
}

/** What the challenges of this place name. */
type Told = {
  readonly scopes: readonly string[];
  readonly acr: string | undefined;
  readonly metadata: string | undefined;
};

/** Undefined for an error that is no answer to a caller. */
function answerTo(
  { code, reason, retryAfter = 5 }: CountersignError,
  call: IncomingCall,
  told: Told,
): Answer | undefined {
  if (code === "unavailable") {
    const body = {
      error: "temporarily_unavailable",
      error_description: "The access token cannot be verified now",
    };
    return { status: 503, headers: { ...NO_STORE, "Retry-After": String(retryAfter) }, body };
  }
  if (!isReason(reason)) return undefined;
  const { status, error, words } = REFUSALS[reason];
  const challenge = challengesTo(reason, call, told).join(", ");
  return {
    status,
    headers: { ...NO_STORE, "WWW-Authenticate": challenge },
    body: { error, error_description: words },
  };
}

const NO_STORE = { "Cache-Control": "no-store" } as const;

/** The scheme that was used, with the error; both where the caller has to choose (RFC 6750 §3, RFC 9449 §7.1 and §7.2). */
function challengesTo(reason: Reason, { authorization }: IncomingCall, told: Told): readonly string[] {
  const said = { ...errorOf(reason, told), ...metadataOf(told) };
  const bearer = challenge("Bearer", { realm: "api", ...said });
  const dpop = challenge("DPoP", { realm: "api", algs: "ES256", ...said });
  if (reason === "missing" || reason === "bound") return [bearer, dpop];
  return /^dpop/i.test(authorization ?? "") ? [dpop] : [bearer];
}

type Parameters = Readonly<Record<string, string>>;

const challenge = (scheme: string, parameters: Parameters): string =>
  `${scheme} ${Object.entries(parameters)
    .map(([name, value]) => `${name}="${value}"`)
    .join(", ")}`;

const metadataOf = ({ metadata }: Told): Parameters =>
  metadata === undefined ? {} : { resource_metadata: metadata };

/** Who brings no token at all is told of no error (RFC 6750 §3.1). */
function errorOf(reason: Reason, { scopes, acr }: Told): Parameters {
  const { error, words } = REFUSALS[reason];
  const said = reason === "missing" ? {} : { error, error_description: words };
  const namesScope = scopes.length > 0 && (reason === "missing" || reason === "scope");
  return {
    ...said,
    ...(namesScope && { scope: scopes.join(" ") }),
    ...(reason === "acr" && acr !== undefined && { acr_values: acr }),
  };
}
