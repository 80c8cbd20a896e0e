/**
 * OpenAuth's issuer as a Worker: everything that it keeps is in KV. A provider of our own stands for the person: it takes a name at its
 * word, and answers a script with the address that a browser would be sent to.
 */
import type { KVNamespace } from "@cloudflare/workers-types";
import { issuer } from "@openauthjs/openauth";
import type { Provider } from "@openauthjs/openauth/provider/provider";
import { CloudflareStorage } from "@openauthjs/openauth/storage/cloudflare";
import type { StorageAdapter } from "@openauthjs/openauth/storage/storage";
import { createSubjects } from "@openauthjs/openauth/subject";

type Env = { readonly KEPT: KVNamespace };
type User = { readonly user: string };

const byName: Provider<User> = {
  type: "name",
  init(routes, { forward, success }) {
    routes.post("/authorize", async (c) => {
      const form = await c.req.formData();
      return forward(c, await success(c, { user: String(form.get("user")) }));
    });
  },
};

const subjects = createSubjects({
  user: { "~standard": { version: 1, vendor: "bench", validate: (value: unknown) => ({ value }) } },
});

/** Its adapter for KV. A code is kept for 60 s, KV's least; on this runtime the clock may tick while that is reckoned, and 59 is refused. */
function storageOf({ KEPT }: Env): StorageAdapter {
  const kept = CloudflareStorage({ namespace: KEPT });
  return {
    ...kept,
    set: (key, value, endsAt) => kept.set(key, value, endsAt && new Date(endsAt.getTime() + 1_000)),
  };
}

const makeApp = (env: Env) =>
  issuer({
    storage: storageOf(env),
    subjects,
    providers: { name: byName },
    async success(respond, { user }) {
      const sent = await respond.subject("user", { user });
      return Response.json({ location: sent.headers.get("location") });
    },
  });

// It logs each request. That line goes through the development tools, which are on nobody else's way.
console.log = () => undefined;

let app: ReturnType<typeof makeApp> | undefined;

// biome-ignore lint/style/noDefaultExport: the platform's way in
export default {
  // Its examples make an issuer for each request, which reads and imports its keys each time: one for all is faster.
  fetch(request: Request, env: Env): Response | Promise<Response> {
    app ??= makeApp(env);
    return app.fetch(request, env);
  },
};
