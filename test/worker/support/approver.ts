import { expect, vi } from "vitest";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { MAIN, type UserId } from "../../../src/core/ids.ts";
import type { QueueMessage } from "../../../src/core/message/queue.ts";
import { updateUser } from "../../../src/core/user/update.ts";
import { newParty, start } from "./ciba.ts";
import type { Deployment } from "./cotter.ts";
import { pageDeployment } from "./page.ts";
import type { Answer, Phone } from "./phone.ts";

type Over = Parameters<typeof pageDeployment>;

/** The whole Worker, for phones, pages and every door's own support. */
export function site(...over: Over) {
  const at = pageDeployment(...over);
  const call: Deployment["call"] = async (method, path, body, headers = {}) => {
    const answer = await at.ask(path, {
      method,
      headers: { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    return { status: answer.status, body: text === "" ? {} : JSON.parse(text), headers: answer.headers };
  };
  return { ...at, call, settled: async () => {} };
}
export type Site = ReturnType<typeof site>;

/** What the door refuses: problem details with a code of its own. */
export const refusal = (status: number, code: string, more: object = {}) => ({
  status,
  body: expect.objectContaining({ type: "about:blank", status, code, ...more }),
});

/** Audit rows of refusals that were sent to the queue. */
export const refusalsOf = ({ queued }: Pick<Site, "queued">, type: string) =>
  (queued as QueueMessage[]).flatMap((message) =>
    message.kind === "audit" ? message.events.filter((event) => event.type === type) : [],
  );

export const later = (by: number) => void vi.setSystemTime(Date.now() + by);

/** The operator locks a user, or opens them again. */
export async function setStatus(at: Site, id: UserId, status: "active" | "locked"): Promise<void> {
  const done = await updateUser(at.services, id, { status, identifiers: {} }, { actor: "admin" });
  if (!done.ok) throw new Error(done.error.code);
}

export const stateOf = async ({ services }: Site, id: string) => {
  const challengeId = services.challenges.parse(id);
  return challengeId && (await services.challenges.read(challengeId))?.view.state;
};

/** A backend asks a user by CIBA; what their phone is shown of it, and the number on the waiting screen. */
export async function asked(at: Site, user: UserId, phone: Phone, settings: ClientSettings = {}, over = {}) {
  const party = await newParty(at, { approve_through: "own", ...settings });
  const started = await start(at, party, user, over);
  if (started.status !== 200) throw new Error(`nothing started: ${JSON.stringify(started.body)}`);
  const [prompt] = await phone.prompts();
  return { party, started, prompt, number: String(started.body.match_code) };
}
export type AskedNow = Awaited<ReturnType<typeof asked>>;

/** Another number than this. */
export const wrong = (number: string): string => (number === "111111" ? "222222" : "111111");

export const mainOf = (id: UserId) => ({ id, realm: MAIN });

export const codes = (answers: readonly Answer[]) =>
  answers.map(({ status, body }) => (status === 200 ? body.state : body.code));
