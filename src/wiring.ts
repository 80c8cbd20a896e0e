import { makeAuditFold } from "./core/audit/fold.ts";
import { toBase64Url } from "./core/base64.ts";
import { withOwnClients } from "./core/client/own-client.ts";
import { Outage } from "./core/fault.ts";
import type { QueueMessage } from "./core/message/queue.ts";
import type { Background, Chance, Clock, Config, Events } from "./core/ports/edge.ts";
import type { DoorRules, Services } from "./core/ports/services.ts";
import { DAY, type Millis } from "./core/time.ts";
import { chooseCarriers } from "./delivery/choose.ts";
import { makeDeliveries } from "./delivery/deliveries.ts";
import { makeDocuments } from "./delivery/document.ts";
import { connect } from "./delivery/email/connect.ts";
import { outboxCarriers } from "./delivery/outbox/carrier.ts";
import { outboxPushes } from "./delivery/outbox/pushes.ts";
import { choosePushes } from "./delivery/pushes.ts";
import { makeWebhooks } from "./delivery/webhook/send.ts";
import { authsignalPorts, authsignalRules } from "./doors/authsignal/part.ts";
import { cotterRules } from "./doors/cotter/part.ts";
import { oauthPorts, oauthRules } from "./doors/oauth/part.ts";
import type { Env } from "./env.ts";
import { makeFiles } from "./http/files.ts";
import { makeIpLimits } from "./http/ip-limits.ts";
import { makeLog } from "./http/log.ts";
import { notesOf } from "./http/status-routes.ts";
import { makeClientAssertions } from "./keys/client-assertions.ts";
import { makeClientSecrets } from "./keys/client-secrets.ts";
import { makeClientTokens } from "./keys/client-tokens.ts";
import { makeDpopProofs } from "./keys/dpop.ts";
import { makeHandles } from "./keys/handles.ts";
import { makeKeyring } from "./keys/keyring.ts";
import { makeProofs } from "./keys/proofs.ts";
import { makeSealing } from "./keys/sealing.ts";
import { parseSecretKeys } from "./keys/secret-keys.ts";
import { makeVerifier } from "./keys/verifier.ts";
import { WORDS } from "./keys/words.ts";
import type { Unlist } from "./objects/challenge-object.ts";
import { makeChallenges } from "./objects/challenges.ts";
import { makeInboxes } from "./objects/inboxes.ts";
import { phones } from "./phones/read-phone.ts";
import { makeAuthenticators } from "./store/authenticators.ts";
import { makeClientCache } from "./store/client-cache.ts";
import { makeClients } from "./store/clients.ts";
import { openStore, type Store } from "./store/database.ts";
import { makeDevOutbox } from "./store/dev-outbox.ts";
import { makeDevices } from "./store/devices.ts";
import { makeHealth } from "./store/health.ts";
import { makeKeyStore } from "./store/key-store.ts";
import { makeNonces } from "./store/nonces.ts";
import { makePersonalData } from "./store/personal-data.ts";
import { makeRecords } from "./store/records.ts";
import { makeRecoveryCodes } from "./store/recovery-codes.ts";
import { makeUserCodes } from "./store/user-codes.ts";
import { makeUsers } from "./store/users.ts";

/** What lives as long as the isolate: everything but what belongs to one request. */
type Shared = Omit<Services, "background">;

/** What doors say where core does something for every door. */
const RULES: readonly DoorRules[] = [
  authsignalRules, // of its actions
  oauthRules, // of its pings, its codes that are typed, and its clients that hear of sign-outs
  cotterRules, // of its events' names
];

const clock: Clock = { now: () => Date.now() };

const randomBytes = (count: number): Uint8Array => crypto.getRandomValues(new Uint8Array(count));

const TWO_53 = 2 ** 53;

/** An integer in [0, below): draws that would favour the small remainders are drawn again. */
function uniform(below: number): number {
  const fair = TWO_53 - (TWO_53 % below);
  for (;;) {
    const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
    const drawn = (high >>> 11) * 2 ** 32 + low;
    if (drawn < fair) return drawn % below;
  }
}

/** Chance from the platform's generator. */
export const chance: Chance = {
  uuid: () => crypto.randomUUID(),
  text: (bytes) => toBase64Url(randomBytes(bytes)),
  number: (limit) => 1 + uniform(limit - 1),
  digits: (count) => Array.from({ length: count }, () => uniform(10)).join(""),
  words: (count) => Array.from({ length: count }, () => WORDS[uniform(WORDS.length)] ?? ""),
};

/** Channels that a message can leave by. */
function channelsOf(env: Env): Config["sends"] {
  const carriers = { email: env.EMAIL_BY, sms: env.SMS_BY, whatsapp: env.WHATSAPP_BY, push: env.PUSH_BY };
  const channels = Object.keys(carriers) as (keyof typeof carriers)[];
  if (env.DELIVERY === "none") return [];
  return env.DELIVERY === "outbox" ? channels : channels.filter((channel) => carriers[channel]);
}

const configOf = (env: Env): Config => ({
  issuer: env.ISSUER,
  name: env.SERVICE_NAME ?? "Countersign",
  environment: env.ENVIRONMENT,
  allowPrivateCallbacks: env.ALLOW_PRIVATE_CALLBACKS === "true",
  sends: channelsOf(env),
  ...(env.AUDIT_DAYS !== undefined && { auditKept: Number(env.AUDIT_DAYS) * DAY }),
  ...(env.ADMIN_TOKEN !== undefined && { adminToken: env.ADMIN_TOKEN }),
});

function eventsOf(queue: Env["EVENTS"]): Events {
  const fold = makeAuditFold(chance);
  const put = async (message: QueueMessage): Promise<void> => {
    try {
      await queue.send(message);
    } catch (cause) {
      throw new Outage("the queue cannot be used now", { cause });
    }
  };
  return {
    async send(message, options) {
      if (!options?.folds || message.kind !== "audit") return await put(message);
      const events = message.events.flatMap((event) => fold.take(event));
      if (events.length === 0) return;
      await put({ ...message, events }).catch((cause: unknown) => {
        for (const event of events) fold.forget(event);
        throw cause;
      });
    },
  };
}

const limitsOf = (env: Env) =>
  makeIpLimits({
    on: env.IP_LIMITS === "on",
    issuer: env.ISSUER,
    clock,
    chance,
    limiters: {
      start: env.LIMIT_START,
      wait: env.LIMIT_WAIT,
      miss: env.LIMIT_MISS,
      admin: env.LIMIT_ADMIN,
      send: env.LIMIT_SEND,
      read: env.LIMIT_READ,
    },
  });

/** What sends and what wakes, and in development the outbox that shows it. */
function deliveriesOf(
  env: Env,
  needs: Pick<Services, "events" | "inboxes" | "keyring" | "log" | "sealing"> & { db: Store },
): Pick<Services, "deliveries" | "pushes" | "outbox"> {
  const { db, events, inboxes, keyring, log, sealing } = needs;
  const pushes = choosePushes(env, { keyring, clock });
  const outbox = env.DELIVERY === "outbox" ? makeDevOutbox(db, sealing) : undefined;
  const chosen = env.DELIVERY === "send" ? chooseCarriers(env, { clock, connect }) : {};
  const deliveries = makeDeliveries({
    carriers: outbox ? outboxCarriers(outbox, clock) : chosen,
    way: outbox ? "at_once" : "queue",
    sms: {
      countries: new Set((env.SMS_COUNTRIES ?? "*").split(",").map((country) => country.trim())),
      perRange: env.SMS_PER_RANGE,
      perCountry: env.SMS_PER_COUNTRY,
    },
    place: { host: new URL(env.ISSUER).hostname },
    ...{ clock, events, inboxes, phones, sealing, log },
  });
  if (!outbox) return { deliveries, pushes };
  return { deliveries, outbox, pushes: outboxPushes(pushes, outbox, { clock, chance, issuer: env.ISSUER }) };
}

/** Outside development there is no demo, whatever files were uploaded. */
const demoOf = ({ ENVIRONMENT, ASSETS }: Env): Pick<Services, "demoFiles"> =>
  ENVIRONMENT === "development" && ASSETS ? { demoFiles: makeFiles(ASSETS) } : {};

function build(env: Env): Shared {
  const secretKeys = parseSecretKeys(env);
  const db = openStore(env.DB);
  const place = env.JURISDICTION === undefined ? {} : { jurisdiction: env.JURISDICTION };
  const sealing = makeSealing(secretKeys.keyEncryption);
  const keyring = makeKeyring({ shelf: makeKeyStore(db), secretKeys, clock, chance });
  const config = configOf(env);
  const inboxes = makeInboxes(env.INBOXES, place);
  const events = eventsOf(env.EVENTS);
  const log = makeLog(clock);
  const webhooks = makeWebhooks({ clock, allowPrivate: config.allowPrivateCallbacks });
  const clients = withOwnClients(makeClients(db, makeClientCache(clock.now)), config.name);
  const secrets = makeClientSecrets({ secretKeys, chance });
  const registered = { clients };
  const handles = makeHandles(secretKeys);
  const documents = makeDocuments({ allowPrivate: config.allowPrivateCallbacks });
  const clientTokens = makeClientTokens();
  for (const note of notesOf(config)) log("warn", "something is not configured", { note });
  return {
    clock,
    chance,
    config,
    challenges: makeChallenges(env.CHALLENGES, place),
    inboxes,
    ...registered,
    users: makeUsers(db),
    devices: makeDevices(db),
    records: makeRecords(db),
    held: makePersonalData(db),
    userCodes: makeUserCodes(db),
    recoveryCodes: makeRecoveryCodes(db),
    authenticators: makeAuthenticators(db),
    nonces: makeNonces(db),
    keyring,
    verifier: makeVerifier(keyring, clock),
    clientTokens,
    clientAssertions: makeClientAssertions(clientTokens),
    dpop: makeDpopProofs(secretKeys),
    handles,
    secrets,
    sealing,
    proofs: makeProofs(),
    phones,
    events,
    webhooks,
    documents,
    ...authsignalPorts(db, { clients, secrets, webhooks, clock, log }),
    ...oauthPorts(env, { clients, handles, secrets, documents, webhooks, inboxes, sealing, clock, log }),
    doors: RULES,
    ...deliveriesOf(env, { db, events, inboxes, keyring, log, sealing }),
    ...demoOf(env),
    limits: limitsOf(env),
    health: makeHealth(db),
    log,
  };
}

/** An answer needs some milliseconds to leave; what follows it is then under way soon enough for whoever asks next. Tests wait for less. */
export const behindAnswer: { after: Millis } = { after: 20 };

const pause = (length: Millis): Promise<void> => new Promise((resume) => setTimeout(resume, length));

/** What an object takes its ended grant from the list with. */
export const unlister =
  ({ DB }: Pick<Env, "DB">): Unlist =>
  ({ userId, id }) =>
    makeRecords(openStore(DB)).removeGrant(userId, id);

const known = new WeakMap<Env, Shared>();

/** Composes the services of one request; what an isolate may keep (keys, caches, limits) is built once for each env. */
export function wiring(env: Env, context: Pick<ExecutionContext, "waitUntil">): Services {
  const shared = known.get(env) ?? build(env);
  known.set(env, shared);
  const background: Background = (work) => {
    const watched = pause(behindAnswer.after)
      .then(work)
      .catch((cause: unknown) => {
        shared.log("error", "work behind an answer failed", { cause });
      });
    context.waitUntil(watched);
  };
  return { ...shared, background };
}
