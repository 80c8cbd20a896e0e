import type { RedeemOrder } from "../core/challenge/command.ts";
import type { ChallengeSpec } from "../core/challenge/state.ts";
import { waitView } from "../core/challenge/view.ts";
import { Outage } from "../core/fault.ts";
import { type ChallengeId, parseChallengeId } from "../core/ids.ts";
import type { Challenges, Snapshot } from "../core/ports/challenges.ts";
import type { ChallengeObject } from "./challenge-object.ts";
import { follow } from "./follow.ts";
import { ALONE, ORDER } from "./sockets.ts";
import { callObject, type Remote } from "./stub-call.ts";
import { hold } from "./wait.ts";

type Stub = Remote<ChallengeObject>;
type Options = { readonly jurisdiction?: DurableObjectJurisdiction };

/** The challenges of a namespace, or of its part in one jurisdiction. Nothing else calls their stubs. */
export function makeChallenges(whole: DurableObjectNamespace, { jurisdiction }: Options = {}): Challenges {
  const namespace = jurisdiction === undefined ? whole : whole.jurisdiction(jurisdiction);
  const call = <T>(id: ChallengeId, attempt: (stub: Stub, again: boolean) => Promise<T>): Promise<T> =>
    callObject(() => namespace.get(namespace.idFromString(id)) as unknown as Stub, attempt);
  const read = (id: ChallengeId): Promise<Snapshot | undefined> => call(id, (stub) => stub.read());
  const socket = (id: ChallengeId, asked: Upgrade = {}) =>
    call(id, async (stub) => upgraded(await stub.fetch(upgradeRequest(asked))));
  return {
    fresh: () => namespace.newUniqueId().toString() as ChallengeId,
    named: (name) => namespace.idFromName(name).toString() as ChallengeId,
    parse: (text) => ownId(namespace, text),
    read,
    decision: (id) => call(id, (stub) => stub.decision()),
    scanned: (id, frame) => call(id, (stub) => stub.scanned(frame)),
    socket: (id, protocol) => socket(id, { protocol }),
    follow: (id, order, heard, lost) =>
      follow(async () => (await socket(id, { order }))?.webSocket, heard, lost),
    open: (spec) =>
      call(spec.id, async (stub, again) => {
        const answer = await stub.open(spec);
        return answer.ok || !again ? answer : ((await ownBirth(stub, spec)) ?? answer);
      }),
    openSettled: (spec, proof, redemption) =>
      call(spec.id, async (stub, again) => {
        const answer = await stub.openSettled(spec, proof, redemption);
        if (answer.ok || !again || answer.error.code !== "occupied") return answer;
        const own = await ownBirth(stub, spec);
        return own ? { ok: true, value: { ...own.value, changed: true } } : answer;
      }),
    collect: (id, order, interval) => call(id, (stub) => stub.collect(order, interval)),
    apply: (id, command) => call(id, (stub) => stub.apply(command)),
    markListed: (id) => call(id, (stub) => stub.markListed()),
    refresh: (id, presented) => call(id, (stub) => stub.refresh(presented)),
    revoke: (id, reason) => call(id, (stub) => stub.revoke(reason)),
    wait: (id, timeout, options) => {
      const asked = { order: options?.order, ...(options?.alone ? { path: ALONE } : {}) };
      const line = {
        gone: options?.gone,
        connect: async () => (await socket(id, asked))?.webSocket ?? undefined,
        read: async () => {
          const snapshot = await read(id);
          return snapshot && waitView(snapshot.view);
        },
      };
      return hold(line, timeout);
    },
  };
}

function ownId(namespace: DurableObjectNamespace, text: string): ChallengeId | undefined {
  const id = parseChallengeId(text);
  if (id === undefined) return undefined;
  try {
    namespace.idFromString(id);
    return id;
  } catch {
    return undefined;
  }
}

/** A second attempt may find what the first one began without being heard: the same start is not refused by itself. */
async function ownBirth(
  stub: Stub,
  spec: ChallengeSpec,
): Promise<{ readonly ok: true; readonly value: Snapshot } | undefined> {
  const value = await stub.read();
  return value && JSON.stringify(value.spec) === JSON.stringify(spec) ? { ok: true, value } : undefined;
}

type Upgrade = {
  readonly protocol?: string | undefined;
  readonly path?: string;
  readonly order?: RedeemOrder | undefined;
};

/** Never the client's own request: that one carries the waiter's handle (settled question 34). */
const upgradeRequest = ({ protocol, path, order }: Upgrade): Request =>
  new Request(`https://challenge${path ?? "/socket"}`, {
    headers: {
      Upgrade: "websocket",
      ...(protocol === undefined ? {} : { "Sec-WebSocket-Protocol": protocol }),
      ...(order === undefined ? {} : { [ORDER]: headerText(order) }),
    },
  });

/** An order as a header may hold it: its JSON in ASCII, because a session's name is in any letters. */
const headerText = (order: RedeemOrder): string =>
  JSON.stringify(order).replaceAll(
    /[^\x20-\x7e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

function upgraded(answer: Response): Response | undefined {
  if (answer.status === 404) return undefined;
  if (answer.status !== 101) throw new Outage(`an object answered ${answer.status} to an upgrade`);
  return answer;
}
