import * as z from "zod";
import type { DescribedAnswer, DescribedHeader, Security } from "./operation.ts";

const bearer = (description: string, bearerFormat?: string) => ({
  type: "http",
  scheme: "bearer",
  ...(bearerFormat === undefined ? {} : { bearerFormat }),
  description,
});

/** How calls show who they are. `clientName` is none: the client's id stands in the form, and anybody can write it. */
export const SECURITY: Readonly<Record<Exclude<Security, "clientName">, object>> = {
  adminToken: bearer("The deployment's ADMIN_TOKEN."),
  apiKeyId: {
    type: "apiKey",
    in: "header",
    name: "API_KEY_ID",
    description: "The client id of a Cotter app. It names the app and proves nothing.",
  },
  clientSecret: {
    type: "http",
    scheme: "basic",
    description:
      "Client id and secret, each form-encoded (RFC 6749 §2.3.1). The secret may stand in the form too, or a signed `client_assertion` in its place (RFC 7523).",
  },
  accessToken: bearer("An access token of this server.", "JWT"),
  dpopToken: {
    type: "http",
    scheme: "dpop",
    description:
      "An access token that is bound to a key, with a `DPoP` header that the key has signed (RFC 9449).",
  },
  deviceSession: {
    type: "http",
    scheme: "dpop",
    description:
      "The session token of a device, with a `DPoP` header that names this call and the token (docs/approver.md).",
  },
  deviceProof: {
    type: "apiKey",
    in: "header",
    name: "DPoP",
    description: "A proof that the key of the page or app has signed for this call (RFC 9449 §4.2).",
  },
  serviceToken: bearer(
    "A service token that the client's registered key has signed; good for one call.",
    "JWT",
  ),
  tenantSecret: {
    type: "http",
    scheme: "basic",
    description: "The client secret as the name, with an empty password.",
  },
  tenantName: {
    type: "http",
    scheme: "basic",
    description: "The client id as the name, with an empty password. It names the app and proves nothing.",
  },
  actionToken: bearer("The `token` of a tracked action.", "JWT"),
  waiterHandle: bearer("The handle that the start has answered, such as `device_code` or `auth_req_id`."),
};

const header = (description: string, type = "string") => ({ description, schema: { type } });

export const HEADERS: Readonly<Record<DescribedHeader, object>> = {
  "Retry-After": header("Seconds after which the call may be repeated.", "integer"),
  "DPoP-Nonce": header("The nonce that the next proof must carry (RFC 9449 §8)."),
  "WWW-Authenticate": header("The scheme that is needed, and what was wrong with what came."),
  Location: header("Where the browser goes next."),
  "Cache-Control": header("How long the answer may be kept."),
};

/** ISO 8601 with milliseconds. */
export const instant = z.iso.datetime();
/** Seconds since 1970. */
export const seconds = z.int();

export const problemDetails = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    code: z.string().optional().describe("What programs go by, where the door has such codes."),
    errors: z
      .array(z.object({ path: z.string(), reason: z.string() }))
      .optional()
      .describe("The members that are wrong."),
  })
  .catchall(z.unknown())
  .meta({ id: "Problem" });

export const problemAnswer: DescribedAnswer = {
  description: "The call was refused, or the service cannot answer it now (RFC 9457).",
  schema: problemDetails,
  type: "application/problem+json",
  headers: ["Retry-After", "WWW-Authenticate"],
};

/** A public key as a JWK (RFC 7517). */
export const jwk = z
  .object({
    kty: z.string(),
    kid: z.string(),
    alg: z.string(),
    use: z.literal("sig"),
    crv: z.string().optional(),
    x: z.string().optional(),
    y: z.string().optional(),
    n: z.string().optional(),
    e: z.string().optional(),
  })
  .meta({ id: "Jwk" });
export const jwks = z.object({ keys: z.array(jwk) });
