// What `env` from "cloudflare:workers" holds in a worker test; wrangler.toml and vitest.config.ts say the same.
declare namespace Cloudflare {
  interface Env {
    DB: D1Database;
    CHALLENGES: DurableObjectNamespace;
    INBOXES: DurableObjectNamespace;
    EVENTS: Queue;
    TEST_MIGRATIONS: import("cloudflare:test").D1Migration[];
    __VITEST_POOL_WORKERS_RUNNER_OBJECT: PluginRunner;
  }
}

// What `plugin.ts` uses of the test plugin and of Vitest, none of which is promised to stay as it is.

type PluginRequest = { readonly cf: Readonly<Record<string, unknown>> };
interface PluginRunner {
  get(name: string): { fetch(url: string, request: PluginRequest): Promise<Response> };
}

interface LoadedModule {
  promise: Promise<unknown> | undefined;
  exports: unknown;
  evaluated: boolean;
  readonly importers: Set<string>;
}

declare module "cloudflare:test-internal" {
  export function maybeHandleRunRequest(request: PluginRequest): Promise<Response>;
}

type FetchedModule = readonly [url: string, importer?: string, options?: { readonly cached?: boolean }];

declare const __vitest_worker__: { readonly providedContext: { cloudflarePoolOptions: string } };
declare const __vitest_mocker__: {
  readonly moduleRunner: {
    readonly evaluatedModules: {
      readonly idToModuleMap: ReadonlyMap<string, LoadedModule>;
      getModuleById(id: string): LoadedModule | undefined;
    };
    readonly transport: { invoke(name: string, data: FetchedModule): Promise<unknown> };
    import(id: string, options?: object): Promise<unknown>;
  };
};
