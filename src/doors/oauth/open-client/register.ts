import type { Context, MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { type AppEnv, originOf, services } from "../../../http/context.ts";
import { jsonBody } from "../../../http/json-body.ts";
import { busy } from "../client-auth.ts";
import { refuse, renderFault, wrong } from "../errors.ts";
import { metadataSchema, readMetadata } from "./metadata.ts";
import { idFor } from "./self-contained.ts";

const LONGEST_BYTES = 10 * 1024;

/** Every page may register its app: nothing is brought along, and what comes back is no secret. */
export const everyPageMayAsk = cors({ origin: "*", allowMethods: ["POST"], maxAge: 600 });

/** Without an operator's leave the address is none. */
export const whereOpen: MiddlewareHandler<AppEnv> = async function whereOpen(c, next) {
  return services(c).openClients === undefined ? await renderFault(c, 404) : await next();
};

export const registrationBody = jsonBody(
  metadataSchema,
  (c, { detail }) => refuse(c, wrong("invalid_client_metadata", `Not valid: ${detail}`)),
  { limit: LONGEST_BYTES },
);

/** Dynamic client registration (RFC 7591 §3), for public clients alone. No row is written, and nothing can be changed later. */
export async function register(c: Context<AppEnv>, body: unknown): Promise<Response> {
  const powers = services(c);
  const { openClients } = powers;
  if (openClients === undefined) return await renderFault(c, 404);
  if (!(await powers.limits.start(originOf(c).ip))) return refuse(c, busy(c));
  const metadata = readMetadata(body, openClients.rules);
  if (!metadata.ok) return refuse(c, metadata.error);
  const id = await idFor(powers, metadata.value);
  if (id === undefined) return refuse(c, wrong("invalid_client_metadata", "The metadata are too long"));
  const { name, redirectUris, grantTypes } = metadata.value;
  return c.json(
    {
      client_id: id,
      ...(name === "" ? {} : { client_name: name }),
      redirect_uris: redirectUris,
      grant_types: grantTypes,
      response_types: ["code"],
      token_endpoint_auth_method: "none",
    },
    201,
  );
}
