// What `env` from "cloudflare:workers" holds in a worker test; wrangler.toml and vitest.config.ts say the same.
declare namespace Cloudflare {
  interface Env {
    DB: D1Database;
    CHALLENGES: DurableObjectNamespace;
    INBOXES: DurableObjectNamespace;
    EVENTS: Queue;
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
  }
}
