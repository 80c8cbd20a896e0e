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

/**
 * Answers, and finishes what a call has begun when its caller hangs up: the platform would cut it between two steps. Reading calls
 * are let go, a held wait first of all.
 */
function answer(request: Request, env: object, context: ExecutionContext): Promise<Response> {
  const answered = app.fetch(request, wired(env, context), context);
  if (!["GET", "HEAD"].includes(request.method)) context.waitUntil(answered.catch(() => undefined));
  return answered;
}

/** The platform's way in. */
export default {
  fetch: answer,
  queue: (batch, env, context) => app.queue(batch.messages, wired(env, context)),
  scheduled: (_event, env, context) => app.scheduled(wired(env, context)),
} satisfies ExportedHandler<object, Parameters<typeof app.queue>[0][number]["body"]>;
