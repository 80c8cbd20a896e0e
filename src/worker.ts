import { makeApp } from "./app.ts";
import { readEnv } from "./env.ts";
import { wiring } from "./wiring.ts";

export { ChallengeObject } from "./objects/challenge-object.ts";
export { InboxObject } from "./objects/inbox-object.ts";

const app = makeApp();

/** The services of this call, or the names of the variables that keep the Worker from serving. */
function wired(raw: object, context: ExecutionContext) {
  const env = readEnv(raw);
  return env.ok ? { ok: true as const, value: wiring(env.value, context) } : env;
}

/** The platform's way in. */
export default {
  fetch: (request, env, context) => app.fetch(request, wired(env, context), context),
  queue: (batch, env, context) => app.queue(batch.messages, wired(env, context)),
  scheduled: (_event, env, context) => app.scheduled(wired(env, context)),
} satisfies ExportedHandler<object, Parameters<typeof app.queue>[0][number]["body"]>;
