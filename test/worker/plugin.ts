/**
 * Takes work off the test plugin that changes nothing and costs more than the tests: before each call of an object it asks its runner,
 * by a request, for the Worker's module, and for each import of a module that is there it asks once more. Both are answered here from
 * the table of loaded modules; what is not loaded yet goes the plugin's way.
 */
import { maybeHandleRunRequest } from "cloudflare:test-internal";
import { env } from "cloudflare:workers";

const { moduleRunner } = __vitest_mocker__;
const modules = moduleRunner.evaluatedModules;

/** The Worker's module, as the plugin names it. */
const mainOf = (options: string): string => JSON.parse(options).main;

/**
 * Packages, this file and the Worker's modules: nothing of a test stays in them, but in two. `worker.ts` has the Worker, and `env.ts` the
 * values that it has read: what an isolate remembers hangs on these.
 */
const isKept = (id: string): boolean => {
  if (id.includes("/node_modules/") || id.includes("/test/worker/plugin.ts")) return true;
  const worker = mainOf(__vitest_worker__.providedContext.cloudflarePoolOptions);
  const source = worker.slice(0, -"worker.ts".length);
  return id.startsWith(source) && id !== worker && id !== `${source}env.ts`;
};

/** How an empty database is migrated in one batch; kept here, where it stays for every file of a runtime. */
export const migrated: { statements?: readonly string[] } = {};

/** `vi.resetModules()` for what a test could leave something in: evaluating all anew for every file would take longer than most files. */
export function resetOwnModules(): void {
  for (const [id, module] of modules.idToModuleMap) {
    if (isKept(id)) continue;
    module.promise = undefined;
    module.exports = undefined;
    module.evaluated = false;
    module.importers.clear();
  }
}

/** The Worker's module as the plugin names it, and how it asks for that name. */
let main: string | undefined;
let isLookup = false;

/** The plugin reads its options in the same breath in which it asks for the Worker's module; a file has options of its own. */
export function watchLookups(): void {
  const { providedContext } = __vitest_worker__;
  const options = providedContext.cloudflarePoolOptions;
  main = mainOf(options);
  Object.defineProperty(providedContext, "cloudflarePoolOptions", {
    enumerable: true,
    configurable: true,
    get() {
      isLookup = true;
      queueMicrotask(() => {
        isLookup = false;
      });
      return options;
    },
  });
}

/** The Worker's module, if it is loaded. */
const loaded = () => {
  const module = main === undefined ? undefined : modules.getModuleById(main);
  return module?.evaluated ? module : undefined;
};

const importAny = moduleRunner.import.bind(moduleRunner);
moduleRunner.import = async (id, options) =>
  (id === main && options === undefined ? loaded()?.exports : undefined) ?? (await importAny(id, options));

const { transport } = moduleRunner;
const askServer = transport.invoke.bind(transport);
transport.invoke = async (name, data) =>
  name === "fetchModule" && data[2]?.cached === true ? { cache: true } : await askServer(name, data);

const RUNNER = "__VITEST_POOL_WORKERS_RUNNER_OBJECT";
const runner = env[RUNNER];
env[RUNNER] = {
  get: (name) => ({
    fetch: async (url, init) =>
      isLookup && loaded() ? await maybeHandleRunRequest(init) : await runner.get(name).fetch(url, init),
  }),
};
