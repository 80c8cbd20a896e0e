import { Outage } from "../core/fault.ts";
import type { DeviceId, SubjectKey } from "../core/ids.ts";
import type { Inboxes } from "../core/ports/inboxes.ts";
import type { InboxObject } from "./inbox-object.ts";
import { callObject, type Remote } from "./stub-call.ts";

type Stub = Remote<InboxObject>;
type Options = { readonly jurisdiction?: DurableObjectJurisdiction };

const HINTS: readonly DurableObjectLocationHint[] = [
  "wnam",
  "enam",
  "sam",
  "weur",
  "eeur",
  "apac",
  "oc",
  "afr",
  "me",
];

/** The inboxes of a namespace, or of its part in one jurisdiction. Nothing else calls their stubs. */
export function makeInboxes(whole: DurableObjectNamespace, { jurisdiction }: Options = {}): Inboxes {
  const namespace = jurisdiction === undefined ? whole : whole.jurisdiction(jurisdiction);
  const call = <T>(who: SubjectKey, attempt: (stub: Stub) => Promise<T>, hint?: string): Promise<T> =>
    callObject(() => namespace.get(namespace.idFromName(who), near(hint)) as unknown as Stub, attempt);
  return {
    list: (who, request) => call(who, (stub) => stub.list(who, request)),
    listCounted: (who, start, request) => call(who, (stub) => stub.listCounted(who, start, request)),
    view: (who) => call(who, (stub) => stub.view(who)),
    find: (who, id) => call(who, (stub) => stub.find(who, id)),
    settle: (who, answer) => call(who, (stub) => stub.settle(who, answer)),
    silence: (who, asker) => call(who, (stub) => stub.silence(who, asker)),
    withdraw: (who, id, respondNumber) => call(who, (stub) => stub.withdraw(who, id, respondNumber)),
    spend: (who, digest, use, how) => call(who, (stub) => stub.spend(who, digest, use, how)),
    unspend: (who, digest) => call(who, (stub) => stub.unspend(who, digest)),
    openEnrolment: (who, opening, hint) => call(who, (stub) => stub.openEnrolment(who, opening), hint),
    beginSignUp: (who, signUp, hint) => call(who, (stub) => stub.beginSignUp(who, signUp), hint),
    signUpOf: (who) => call(who, (stub) => stub.signUpOf(who)),
    takeEnrolment: (who, offered, attempt) => call(who, (stub) => stub.takeEnrolment(who, offered, attempt)),
    restoreEnrolment: (who, attempt, until) =>
      call(who, (stub) => stub.restoreEnrolment(who, attempt, until)),
    takeRecovery: (who, asked) => call(who, (stub) => stub.takeRecovery(who, asked)),
    endWait: (who, client, since) => call(who, (stub) => stub.endWait(who, client, since)),
    noteDevice: (who, signedUp) => call(who, (stub) => stub.noteDevice(who, signedUp)),
    looksSignedUp: (who, looks) => call(who, (stub) => stub.looksSignedUp(who, looks)),
    takeGuess: (who, guess) => call(who, (stub) => stub.takeGuess(who, guess)),
    returnGuess: (who, guess) => call(who, (stub) => stub.returnGuess(who, guess)),
    forgiveGuesses: (who, guesser) => call(who, (stub) => stub.forgiveGuesses(who, guesser)),
    putCode: (who, request) => call(who, (stub) => stub.putCode(who, request)),
    tryCode: (who, guess) => call(who, (stub) => stub.tryCode(who, guess)),
    holdsCode: (who, code) => call(who, (stub) => stub.holdsCode(who, code)),
    countTogether: (who, counts) => call(who, (stub) => stub.countTogether(who, counts)),
    uncount: (who, kinds) => call(who, (stub) => stub.uncount(who, kinds)),
    claimDelivery: (who, id, expiresAt) => call(who, (stub) => stub.claimDelivery(who, id, expiresAt)),
    endDelivery: (who, id, status) => call(who, (stub) => stub.endDelivery(who, id, status)),
    deliveryOf: (who, id) => call(who, (stub) => stub.deliveryOf(who, id)),
    countStart: (who, limit, about) => call(who, (stub) => stub.countStart(who, limit, about)),
    returnStart: (who, windowEnds, about) => call(who, (stub) => stub.returnStart(who, windowEnds, about)),
    remember: (who, entry) => call(who, (stub) => stub.remember(who, entry)),
    rememberedOf: (who, cookie) => call(who, (stub) => stub.rememberedOf(who, cookie)),
    recall: (who, cookie) => call(who, (stub) => stub.recall(who, cookie)),
    subscribe: (who, subscription) => call(who, (stub) => stub.subscribe(who, subscription)),
    unsubscribe: (who, deviceId, address) => call(who, (stub) => stub.unsubscribe(who, deviceId, address)),
    subscriptionsOf: (who) => call(who, (stub) => stub.subscriptionsOf(who)),
    socket: (who, deviceId, protocol) =>
      call(who, async (stub) => upgraded(await stub.fetch(upgradeRequest(deviceId, protocol)))),
    disconnect: (who, deviceId) => call(who, (stub) => stub.disconnect(who, deviceId)),
    endAll: (who) => call(who, (stub) => stub.endAll(who)),
    wipe: (who) => call(who, (stub) => stub.wipe(who)),
  };
}

/** An unknown hint is no hint: an object is placed where it is first called from. */
function near(hint: string | undefined): DurableObjectNamespaceGetDurableObjectOptions {
  const locationHint = HINTS.find((known) => known === hint);
  return locationHint === undefined ? {} : { locationHint };
}

/** Never the client's own request; the path names the device. */
const upgradeRequest = (deviceId: DeviceId, protocol: string | undefined): Request =>
  new Request(`https://inbox/${deviceId}`, {
    headers: {
      Upgrade: "websocket",
      ...(protocol === undefined ? {} : { "Sec-WebSocket-Protocol": protocol }),
    },
  });

function upgraded(answer: Response): Response {
  if (answer.status !== 101) throw new Outage(`an inbox answered ${answer.status} to an upgrade`);
  return answer;
}
