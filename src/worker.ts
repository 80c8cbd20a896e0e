import { makeApp } from "./app.ts";
import { readEnv } from "./env.ts";
import { ChallengeObject as Challenge } from "./objects/challenge-object.ts";
import { unlister, wiring } from "./wiring.ts";

export { InboxObject } from "./objects/inbox-object.ts";

type ChallengeEnv = ConstructorParameters<typeof Challenge>[1] & { readonly DB: D1Database };

/** A challenge's object, with the list in D1 that its grant leaves in the end. */
export class ChallengeObject extends Challenge {
  constructor(ctx: DurableObjectState, env: ChallengeEnv) {
    super(ctx, env, unlister(env));
  }
}

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
