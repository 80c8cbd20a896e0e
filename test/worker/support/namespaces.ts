import { env } from "cloudflare:workers";

/** The object namespaces of wrangler.toml. */
export const namespaces = env as unknown as {
  readonly CHALLENGES: DurableObjectNamespace;
  readonly INBOXES: DurableObjectNamespace;
};
