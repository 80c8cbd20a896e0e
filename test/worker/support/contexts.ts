import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";

const made = new Set<ExecutionContext>();

/** A request's context. What goes on behind an answer is waited for at the end of the file, where no test did it before. */
export function newContext(): ExecutionContext {
  const context = createExecutionContext();
  made.add(context);
  return context;
}

/** Waits until nothing of this file is under way: it would write into the next file's database. */
export async function allSettled(): Promise<void> {
  await Promise.allSettled([...made].map(waitOnExecutionContext));
  made.clear();
}
