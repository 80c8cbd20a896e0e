import { setTimeout as pause } from "node:timers/promises";
import { ADMIN_HELP, ADMIN_OPTIONS, type Admin, adminOf, type Body } from "./admin.ts";
import { type Command, textOf } from "./command.ts";
import { Fault } from "./fault.ts";
import { note, plain, say, sayJson } from "./print.ts";

const EVERY = 1_000;
/** An event that comes by the queue, and one that counts refusals of a minute, is filed under an earlier moment. */
const OVERLAP = 5 * 60_000;
/** How often the whole overlap is read; in between only what is newer than the newest known. */
const DEEP_EVERY = 15_000;

type Event = Body & { readonly id: string };

/** Milliseconds since 1970, which an event's id begins with. */
const timeOf = (id: string): number => Number.parseInt(id.slice(0, 12), 16);

/** Reads what is new at each call, oldest first. The first call takes note of what was there, and gives nothing. */
export function makeTail(admin: Admin, query: URLSearchParams): () => Promise<readonly Event[]> {
  const known = new Set<string>();
  let deepAt: number | undefined;

  async function page(after: string | undefined) {
    const asked = new URLSearchParams(query);
    if (after !== undefined) asked.set("after", after);
    const { body, now } = await admin.call("GET", `/admin/audit?${asked}`);
    return { events: (body.events ?? []) as Event[], next: body.next, now };
  }

  return async () => {
    const isFirst = deepAt === undefined;
    const isDeep = deepAt === undefined || performance.now() - deepAt > DEEP_EVERY;
    const began = performance.now();
    const fresh: Event[] = [];
    let floor: number | undefined;
    let after: string | undefined;
    for (;;) {
      const { events, next, now } = await page(after);
      floor ??= now - OVERLAP;
      const from = floor;
      const unknown = events.filter(({ id }) => !known.has(id) && timeOf(id) >= from);
      fresh.push(...unknown);
      const isOver = typeof next !== "string" || timeOf(next) < from;
      if (isOver || (!isDeep && unknown.length < events.length)) break;
      after = next;
    }
    // Only now: a read that failed half-way is done again as a whole.
    for (const { id } of fresh) known.add(id);
    for (const id of known) if (timeOf(id) < floor - OVERLAP) known.delete(id);
    if (isDeep) deepAt = began;
    return isFirst ? [] : fresh.reverse();
  };
}

const lineOf = ({ at, type, actor, user_id, client_id, device_id, ip, reason, data }: Event): string => {
  const named = { user: user_id, client: client_id, device: device_id, ip, reason };
  const members = Object.entries(named).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []));
  const more = data && Object.keys(data).length > 0 ? [JSON.stringify(data)] : [];
  return plain([at, type, `by ${actor}`, ...members, ...more].join("  "));
};

export const tailCommand: Command = {
  help: `countersign tail

Shows audit events as they happen, until Ctrl-C.

  --type TYPE  events of this type alone, such as sign_in.redeemed
  --user ID    events of this user alone
${ADMIN_HELP}`,
  options: { ...ADMIN_OPTIONS, type: { type: "string" }, user: { type: "string" } },
  async run({ values, signal }) {
    const asked = { type: textOf(values, "type"), user_id: textOf(values, "user") };
    const query = new URLSearchParams(
      Object.entries(asked).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
    const read = makeTail(adminOf(values, signal), query);
    await read();
    note("Waiting for events. Ctrl-C ends it.");
    for (let failures = 0; ; ) {
      await pause(Math.min(EVERY * 2 ** failures, 30_000), undefined, { signal });
      try {
        for (const event of await read()) values.json ? sayJson(event) : say(lineOf(event));
        failures = 0;
      } catch (error) {
        // A server that restarts, or asks for patience, is met again; what happened meanwhile is shown then.
        if (!(error instanceof Fault) || error.code !== 1 || failures === 6) throw error;
        failures += 1;
        if (failures === 1) note(error.message);
      }
    }
  },
};
