import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import type { AccessToken } from "./token.ts";

/** The MCP server for one call of one user. Your own tools go here; each of them knows whose token it is. */
export function serverFor({ sub, client_id, scope, acr }: AccessToken): McpServer {
  const server = new McpServer({ name: "countersign-example", version: "1.0.0" });
  server.registerTool(
    "whoami",
    { title: "Who am I", description: "Tells who is signed in, and through which app" },
    async () => ({
      content: [{ type: "text", text: JSON.stringify({ user: sub, app: client_id, scope, acr }) }],
    }),
  );
  return server;
}
