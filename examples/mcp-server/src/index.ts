import { WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js";
import { readToken } from "./token.ts";
import { serverFor } from "./tools.ts";

type Env = {
  /** The Countersign deployment, as its tokens name it. */
  readonly ISSUER: string;
  /** This server's own address, as clients type it. */
  readonly RESOURCE: string;
};

const WELL_KNOWN = "/.well-known/oauth-protected-resource";

/** Where it is told who signs people in for this server: the well-known part stands before the path (RFC 9728 §3.1). */
function metadataAddress({ RESOURCE }: Env): string {
  const { origin, pathname } = new URL(RESOURCE);
  return `${origin}${WELL_KNOWN}${pathname === "/" ? "" : pathname}`;
}

/** Who signs people in for this server, and what to ask for (RFC 9728 §2). */
const metadata = ({ ISSUER, RESOURCE }: Env): Response =>
  Response.json(
    {
      resource: RESOURCE,
      authorization_servers: [ISSUER],
      scopes_supported: ["openid", "offline_access"],
      bearer_methods_supported: ["header"],
    },
    { headers: { "Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300" } },
  );

/** No token, or one that is not good here: the header says where a client finds out what to do (RFC 9728 §5.1, RFC 6750 §3). */
function unauthorized(env: Env, error?: string): Response {
  const said = error === undefined ? "" : `error="${error}", `;
  return Response.json(
    { error: error ?? "unauthorized" },
    {
      status: 401,
      headers: { "WWW-Authenticate": `Bearer ${said}resource_metadata="${metadataAddress(env)}"` },
    },
  );
}

async function callTool(request: Request, env: Env): Promise<Response> {
  const token = /^Bearer +(\S+)$/i.exec(request.headers.get("Authorization") ?? "")?.[1];
  if (token === undefined) return unauthorized(env);
  const caller = await readToken(token, { issuer: env.ISSUER, resource: env.RESOURCE });
  if (caller === undefined) return unauthorized(env, "invalid_token");
  // Nothing is kept between calls: each has its own server, which knows one user.
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await serverFor(caller).connect(transport);
  return await transport.handleRequest(request);
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { pathname } = new URL(request.url);
    const isMetadata = pathname === WELL_KNOWN || pathname === new URL(metadataAddress(env)).pathname;
    if (isMetadata && request.method === "GET") return metadata(env);
    if (pathname !== new URL(env.RESOURCE).pathname) return new Response("Not found", { status: 404 });
    try {
      return await callTool(request, env);
    } catch (error) {
      console.error(error);
      return new Response("Try again in a moment", { status: 503, headers: { "Retry-After": "5" } });
    }
  },
};
