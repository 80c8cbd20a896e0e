import { auditEvent } from "../../../src/core/audit/record.ts";
import type { Device } from "../../../src/core/device/device.ts";
import { Outage } from "../../../src/core/fault.ts";
import {
  type ClientId,
  MAIN,
  newDeviceId,
  newUserId,
  type UserId,
  userSubject,
} from "../../../src/core/ids.ts";
import { ANY_REALM, type NewUser } from "../../../src/core/ports/users.ts";
import { readIdentifier } from "../../../src/core/user/identifier.ts";
import { newAuthenticator } from "../../fakes/authenticator.ts";
import { operator } from "./acts.ts";
import {
  answer,
  basic,
  bearer,
  newKey,
  newTenant,
  type Phone,
  phoneCall,
  poll as pollPush,
  server,
  startPush,
  type Tenant,
  track,
} from "./authsignal.ts";
import { inside } from "./challenges.ts";
import {
  deployment,
  fresh,
  type Json,
  newClient,
  newPhone,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "./cotter.ts";
import { enrolByPhone, signInByPhone } from "./cotter-signed.ts";
import { type Stage, stage } from "./in-flight.ts";
import { type Ada, codes, newBackend, newWeb, waitOn } from "./loginid.ts";
import { browser, enter, exchange, type Handed, handed, newPageClient } from "./page.ts";
import { ADD, assertionOf, PAGE, passkeysAt, payloadOf } from "./passkeys.ts";

/** A flow that is about to be run. */
export type Ready = {
  /** The clients through which it runs. */
  readonly clients: readonly [ClientId, ...ClientId[]];
  /** The user, as soon as there is one. */
  who(): Promise<UserId | undefined>;
  /** Runs it, as far as it gets; answers what came out. */
  run(at: Stage): Promise<Json>;
  /** Asks once more for what it was about; nothing may come out of that once the user was locked. */
  again?(at: Stage): Promise<Json>;
};

export type Flow = {
  readonly name: string;
  /** Whether all that it writes is written by the word of a device that the user has at its beginning. */
  readonly byDevice?: boolean;
  /** Whether it is our own pages', which no client's being disabled ends. */
  readonly ofNoClient?: boolean;
  /** Whether its challenge is nobody's until somebody proves or claims it. */
  readonly ofNobody?: boolean;
  /** What is there before it begins: of that nothing is watched. */
  ready(): Promise<Ready>;
  /** The first request that no other flow begins with: the ones before are tried there. */
  readonly from?: number;
  /** What comes out when nothing is in its way. */
  readonly works: (out: Json) => boolean;
};

const has =
  (...names: readonly string[]) =>
  (out: Json): boolean =>
    names.every((name) => out[name] !== undefined && out[name] !== null && out[name] !== false);

const always = (id: string) => async () => id as UserId;

const email = () => `${fresh("jo")}@example.com`;

function read(address: string) {
  const identifier = readIdentifier(address);
  if (!identifier) throw new Error("not an address");
  return identifier;
}

const sleep = () => new Promise((wake) => setTimeout(wake, 2));

/** Until somebody waits for the challenge that was begun last, or the wait is over. */
async function waiting(at: Stage, held: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = held.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  for (let tries = 0; tries < 500 && !isOver; tries++) {
    const id = [...at.begun].at(-1);
    if (id && (await inside(id, (_, state) => state.getWebSockets().length)) > 0) return;
    await sleep();
  }
}

const { services } = operator;
const made = (type: string) => auditEvent(services, { type, actor: "admin" });

/** A user with these names and this device, as the store keeps them: a sign-up over the wire would cost ten calls. */
async function put(
  user: Omit<NewUser, "id" | "realm">,
  device?: Pick<Device, "door" | "kind" | "clientId"> & { readonly text: string },
): Promise<UserId> {
  const newUser = { ...user, id: newUserId(crypto.randomUUID()), realm: MAIN };
  const at = Date.now();
  if (!device) {
    const inserted = await services.users.insert(newUser, made("user.created"), at);
    if (!inserted.ok) throw new Error(inserted.error.code);
    return newUser.id;
  }
  const { text, ...of } = device;
  const key = await services.proofs.readKey(text, of.door === "cotter" ? "Ed25519" : "EC");
  if (!key.ok) throw new Error(key.error.detail);
  const row: Device = {
    ...of,
    id: newDeviceId(crypto.randomUUID()),
    userId: newUser.id,
    realm: MAIN,
    key: key.value,
    name: "Phone",
    enrolledAt: at,
  };
  const inserted = await services.users.insertWithDevice(newUser, row, [made("device.enrolled")], at);
  if (!inserted.ok) throw new Error(inserted.error.code);
  return newUser.id;
}

// Cotter

async function cotterPerson() {
  const [client, phone] = await Promise.all([newClient(operator), newPhone()]);
  const device = { door: "cotter", kind: "phone", clientId: client, text: phone.publicKey } as const;
  const id = await put({ identifiers: [] }, device);
  return { client, person: { id, identifier: "", phone } };
}

const pending: Flow = {
  name: "Cotter: a laptop asks, the phone approves, the laptop collects",
  byDevice: true,
  works: has("oauth_token"),
  async ready() {
    const { client, person } = await cotterPerson();
    let waiter: Json | undefined;
    return {
      clients: [client],
      who: always(person.id),
      async run(at) {
        waiter = (await start(at, client, person)).body;
        const shown = await prompt(at, client, person);
        if (shown?.ID) await respond(at, client, person, shown, true);
        return (await poll(at, client, waiter)).body;
      },
      again: async (at) => (waiter ? (await poll(at, client, waiter)).body : {}),
    };
  },
};

const atOnce: Flow = {
  name: "Cotter: a phone signs itself in",
  byDevice: true,
  works: has("oauth_token"),
  async ready() {
    const { client, person } = await cotterPerson();
    return {
      clients: [client],
      who: always(person.id),
      run: async (at) => (await signInByPhone(at, client, person)).body,
    };
  },
};

const firstDevice = (query: string): Flow => ({
  name: `Cotter: a sign-up and its first device ${query === "" ? "without" : "with"} tokens`,
  from: query === "" ? 2 : 1,
  works: query === "" ? has("enrolled") : has("oauth_token"),
  async ready() {
    const client = await newClient(operator);
    const phone = await newPhone();
    let id = "";
    return {
      clients: [client],
      async who() {
        const record = id === "" ? undefined : await operator.services.users.byId(id as UserId, ANY_REALM);
        return record?.user.id;
      },
      async run(at) {
        const headers = { API_KEY_ID: client };
        const user = await at.call("POST", "/api/v0/user/create", { identifier: email() }, headers);
        id = String(user.body.ID ?? "");
        const key = { code: phone.publicKey, algorithm: "ED25519" };
        const body = { method: "TRUSTED_DEVICE", enrolled: true, ...key };
        const path = `/api/v0/user/methods?cotter_user_id=${id}${query}`;
        return (await at.call("PUT", path, body, headers)).body;
      },
    };
  },
});

/** The app removed the only device; a proof's key is at hand. */
const recovered: Flow = {
  name: "Cotter: a device in place of one that was removed",
  works: has("oauth_token"),
  async ready() {
    const [client, phone, lost] = await Promise.all([
      newClient(operator, { recovery: "removed" }),
      newPhone(),
      newPhone(),
    ]);
    const device = { door: "cotter", kind: "phone", clientId: client, text: lost.publicKey } as const;
    const id = await put({ identifiers: [] }, device);
    const { devices, inboxes, handles } = services;
    const [only] = await devices.ofUser(id);
    if (!only) throw new Error("no device");
    const removal = { ...made("device.revoked"), reason: "removed_by_app" };
    await devices.revoke(id, only.id, removal, Date.now());
    const who = userSubject(id);
    await inboxes.noteDevice(who);
    const cookie = "k".repeat(43);
    const key = await handles.digest(["first-device", client, cookie]);
    await inboxes.openEnrolment(who, { key, began: Date.now(), recoversAt: client });
    return {
      clients: [client],
      who: always(id),
      async run(at) {
        const body = {
          method: "TRUSTED_DEVICE",
          enrolled: true,
          code: phone.publicKey,
          algorithm: "ED25519",
        };
        const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
        return (await at.call("PUT", path, body, { API_KEY_ID: client, Cookie: `enrol=${cookie}` })).body;
      },
    };
  },
};

const otherDevice: Flow = {
  name: "Cotter: a phone enrols another one, which signs in",
  byDevice: true,
  works: has("oauth_token"),
  async ready() {
    const { client, person } = await cotterPerson();
    const phone = await newPhone();
    return {
      clients: [client],
      who: always(person.id),
      async run(at) {
        await enrolByPhone(at, client, person, phone);
        return (await signInByPhone(at, client, { ...person, phone })).body;
      },
    };
  },
};

/** A deployment whose grants D1 never takes. */
const unlisting = deployment({}, ({ records }) => ({
  records: {
    ...records,
    finish: async () => {
      throw new Outage("D1 cannot be used");
    },
  },
  log: () => undefined,
}));

const refreshing = (isListed: boolean): Flow => ({
  name: `Cotter: a refresh of a family that D1 ${isListed ? "lists" : "does not list"}`,
  byDevice: true,
  works: has("refresh_token"),
  async ready() {
    const { client, person } = await cotterPerson();
    const { body } = await signInByPhone(isListed ? operator : unlisting, client, person);
    const begun = body.oauth_token as Json;
    return {
      clients: [client],
      who: always(person.id),
      run: async (at) => (await refresh(at, client, begun.refresh_token)).body,
    };
  },
});

// The hosted page

const page = (method: "code" | "link"): Flow => ({
  name: `hosted page: a ${method}, and its exchange`,
  ofNobody: true,
  works: has("oauth_token"),
  async ready() {
    const client = await newPageClient(stage());
    const address = email();
    const proof = { ...read(address), assertedBy: "proof", client, verifiedAt: Date.now() } as const;
    const id = await put({ identifiers: [proof] });
    let given: Handed | undefined;
    let key: string | undefined;
    return {
      clients: [client],
      who: always(id),
      async run(at) {
        const person = browser(at);
        const how = method === "link" ? { auth_method: "MAGIC_LINK" } : {};
        const check = await enter(person, client, address, how).catch(() => undefined);
        if (check === undefined) return {};
        const done = await (method === "code"
          ? person.post(check, { code: at.last().code ?? "" })
          : confirmed(at, check, person));
        if (done.status !== 303 || !done.location.includes("code=")) return {};
        given = handed(done.location);
        const exchanged = await exchange(at, client, given);
        key = exchanged.key;
        return exchanged.body;
      },
      // The code is worth nothing, and neither is the key of the window for a first device.
      async again(at) {
        if (!given) return {};
        const exchanged = await exchange(at, client, given);
        if (key === undefined) return exchanged.body;
        const device = { code: (await newPhone()).publicKey, algorithm: "ED25519" };
        const body = { method: "TRUSTED_DEVICE", enrolled: true, ...device };
        const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
        const enrolled = await at.call("PUT", path, body, { API_KEY_ID: client, Cookie: `enrol=${key}` });
        return { exchanged: exchanged.body, enrolled: enrolled.body };
      },
    };
  },
});

const claimed: Flow = {
  name: "hosted page: an address that was claimed, proven by its claimer",
  ofNobody: true,
  works: (out) => has("oauth_token", "user")(out) && (out.user as Json).enrolled !== undefined,
  async ready() {
    const [client, phone] = await Promise.all([newPageClient(stage()), newPhone()]);
    const address = email();
    const claim = { ...read(address), assertedBy: "anonymous", client } as const;
    const device = { door: "cotter", kind: "phone", clientId: client, text: phone.publicKey } as const;
    const id = await put({ identifiers: [claim] }, device);
    const until = (Date.now() + 600_000).toString(36);
    const mac = await services.handles.pepper(["claimer", client, until], id);
    const shown = { Cookie: `claimed=${id}.${until}.${mac}` };
    let given: Handed | undefined;
    return {
      clients: [client],
      who: always(id),
      async run(at) {
        const person = browser(at);
        const check = await enter(person, client, address).catch(() => undefined);
        if (check === undefined) return {};
        const done = await person.post(check, { code: at.last().code ?? "" });
        if (done.status !== 303 || !done.location.includes("code=")) return {};
        given = handed(done.location);
        return (await exchange(at, client, given, {}, shown)).body;
      },
      again: async (at) => (given ? (await exchange(at, client, given, {}, shown)).body : {}),
    };
  },
};

async function confirmed(at: Stage, check: string, person: ReturnType<typeof browser>) {
  const link = new URL(at.last().link ?? "");
  const secret = link.searchParams.get("t") ?? "";
  await browser(at).post(link.pathname, { secret, decision: "approve" });
  return await person.get(`${check}/done`);
}

// LoginID

async function loginid() {
  const username = email();
  const [backend, id] = await Promise.all([
    newBackend(operator, { settings: { preauthorize: true }, allowedOrigins: [PAGE] }),
    put({ identifiers: [{ ...read(username), assertedBy: "admin" }] }),
  ]);
  const web = await newWeb(operator, backend, { allowedOrigins: [PAGE], settings: { wait_seconds: 1 } });
  const ada: Ada = { id, username };
  return { backend, web, ada };
}

const carried = (isHeld: boolean): Flow => ({
  name: `LoginID: a code is carried over, ${isHeld ? "somebody waits for it" : "then asked for"}`,
  from: isHeld ? 2 : 1,
  works: has("jwt"),
  async ready() {
    const { backend, web, ada } = await loginid();
    let code: unknown;
    return {
      clients: [backend.id, web.id],
      who: always(ada.id),
      async run(at) {
        code = (await codes(at, backend, "generate", ada)).body.code;
        if (code === undefined) return {};
        const held = isHeld ? waitOn(at, web, ada, code) : undefined;
        if (held) await waiting(at, held);
        await codes(at, backend, "authorize", ada, { body: { code } });
        return (await (held ?? waitOn(at, web, ada, code))).body;
      },
      again: async (at) => (code === undefined ? {} : (await waitOn(at, web, ada, code)).body),
    };
  },
});

const passkeyByCode: Flow = {
  name: "LoginID: a passkey by an approved code",
  works: has("jwt"),
  async ready() {
    const { backend, web, ada } = await loginid();
    const authenticator = await newAuthenticator();
    let code: unknown;
    return {
      clients: [backend.id, web.id],
      who: always(ada.id),
      async run(at) {
        const { init, complete } = passkeysAt(at);
        code = (await codes(at, backend, "generate", ada, ADD)).body.code;
        await codes(at, backend, "authorize", ada, { ...ADD, body: { code } });
        const begun = await init(web, ada.username, code);
        if (begun.status !== 200) return {};
        return (await complete(web, ada.username, payloadOf(begun), authenticator)).body;
      },
      again: async (at) => {
        const begun = await passkeysAt(at).init(web, ada.username, code);
        return begun.status === 200 ? { token: "a ceremony" } : {};
      },
    };
  },
};

const forced: Flow = {
  name: "LoginID: a passkey by the backend's word",
  works: has("jwt"),
  async ready() {
    const { backend, web, ada } = await loginid();
    let payload: Json | undefined;
    return {
      clients: [backend.id, web.id],
      who: always(ada.id),
      async run(at) {
        const { force, complete } = passkeysAt(at);
        const begun = await force(backend, { user_id: ada.id });
        if (begun.status !== 200) return {};
        payload = payloadOf(begun);
        return (await complete(backend, ada.username, payload, await newAuthenticator())).body;
      },
      again: async (at) =>
        payload
          ? (await passkeysAt(at).complete(backend, ada.username, payload, await newAuthenticator())).body
          : {},
    };
  },
};

async function withPasskey() {
  const { backend, web, ada } = await loginid();
  const { init, complete } = passkeysAt(operator);
  const authenticator = await newAuthenticator();
  const { body } = await codes(operator, backend, "generate", ada, { ...ADD, body: { authorize: true } });
  const begun = await init(web, ada.username, body.code);
  const added = await complete(web, ada.username, payloadOf(begun), authenticator);
  if (added.status !== 200) throw new Error(JSON.stringify(added.body));
  return { backend, web, ada, authenticator };
}

const selfIssued: Flow = {
  name: "LoginID: a passkey asks for a code, and the code is used",
  byDevice: true,
  works: has("jwt"),
  async ready() {
    const { backend, web, ada, authenticator } = await withPasskey();
    let code: unknown;
    return {
      clients: [backend.id, web.id],
      who: always(ada.id),
      async run(at) {
        const { beginSelf, finishSelf } = passkeysAt(at);
        const begun = await beginSelf(web, ada.username);
        if (begun.status !== 200) return {};
        const signed = await finishSelf(web, ada.username, assertionOf(begun), authenticator);
        code = (signed.body.code_data as Json | undefined)?.code;
        return code === undefined ? {} : (await waitOn(at, web, ada, code)).body;
      },
      again: async (at) => (code === undefined ? {} : (await waitOn(at, web, ada, code)).body),
    };
  },
};

const selfEnrolled: Flow = {
  name: "LoginID: a passkey asks for a code, by which another passkey is enrolled",
  byDevice: true,
  works: has("jwt"),
  async ready() {
    const { backend, web, ada, authenticator } = await withPasskey();
    return {
      clients: [backend.id, web.id],
      who: always(ada.id),
      async run(at) {
        const { beginSelf, finishSelf, init, complete } = passkeysAt(at);
        const asked = await beginSelf(web, ada.username, "add_credential");
        if (asked.status !== 200) return {};
        const signed = await finishSelf(web, ada.username, assertionOf(asked), authenticator);
        const begun = await init(web, ada.username, (signed.body.code_data as Json | undefined)?.code);
        if (begun.status !== 200) return {};
        return (await complete(web, ada.username, payloadOf(begun), await newAuthenticator())).body;
      },
    };
  },
};

// Authsignal

const named = (tenant: Tenant, name: string) =>
  ({ externalId: name, assertedBy: "client", client: tenant.id, identifiers: [] }) as const;

async function withPhone(kind: string) {
  const [tenant, key] = await Promise.all([newTenant(operator, { starts_per_minute: 0 }), newKey()]);
  const user = fresh("u");
  const id = await put(named(tenant, user), {
    door: "authsignal",
    kind,
    clientId: tenant.id,
    text: key.text,
  });
  return { tenant, user, phone: { key, namespace: kind, tenant } satisfies Phone, who: always(id) };
}

const verifyPath = (method: string) => `/v1/client/verify/${method}`;

const push = (isHeld: boolean): Flow => ({
  name: `Authsignal: a push, ${isHeld ? "its answer waited for" : "its answer asked for"}`,
  from: isHeld ? 3 : 1,
  byDevice: true,
  works: has("accessToken"),
  async ready() {
    const { tenant, user, phone, who } = await withPhone("push");
    let begun: { readonly token: string; readonly id: string } | undefined;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const { token, id } = await startPush(at, tenant, user);
        begun = { token, id };
        const headers = { ...bearer(token), Prefer: "wait=1" };
        const held = isHeld ? at.call("POST", verifyPath("push"), { challengeId: id }, headers) : undefined;
        if (held) await waiting(at, held);
        await answer(at, phone, id, true);
        return (await (held ?? pollPush(at, token, id))).body;
      },
      again: async (at) => (begun ? (await pollPush(at, begun.token, begun.id)).body : {}),
    };
  },
});

const claim = async (at: Stage, phone: Phone, challengeId: string) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(challengeId),
  });

const qr = (of: "nobody" | "a tracked user", isHeld: boolean): Flow => ({
  name: `Authsignal: a QR code of ${of}, its answer ${isHeld ? "waited" : "asked"} for`,
  ofNobody: of === "nobody",
  from: isHeld && of === "nobody" ? 3 : 1,
  byDevice: true,
  works: has("accessToken"),
  async ready() {
    const { tenant, user, phone, who } = await withPhone("qr-code");
    let asked: Json | undefined;
    const ask = async (at: Stage, prefer: Record<string, string> = {}) => {
      const { challengeId, deviceCode } = asked ?? {};
      const body = { challengeId, deviceCode };
      return (await at.call("POST", verifyPath("qr-code"), body, { ...basic(tenant.id), ...prefer })).body;
    };
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const tracked = of === "nobody" ? undefined : (await track(at, tenant, user, "kiosk")).body;
        const by = tracked ? bearer(tracked.token) : basic(tenant.id);
        const path = "/v1/client/challenge/qr-code";
        asked = (await at.call("POST", path, tracked ? {} : { action: "kiosk" }, by)).body;
        const id = String(asked.challengeId ?? "");
        if (id === "") return {};
        await claim(at, phone, id);
        const held = isHeld ? ask(at, { Prefer: "wait=1" }) : undefined;
        if (held) await waiting(at, held);
        await answer(at, phone, id, true);
        return await (held ?? ask(at));
      },
      again: (at) => ask(at),
    };
  },
});

const inApp: Flow = {
  name: "Authsignal: a verification in the app",
  from: 2,
  byDevice: true,
  works: has("token"),
  async ready() {
    const { tenant, user, phone, who } = await withPhone("in-app");
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const { token } = (await track(at, tenant, user, "pay")).body;
        const begun = await at.call("POST", "/v1/client/challenge", {}, bearer(token));
        const challengeId = String(begun.body.challengeId ?? "");
        const signature = await phone.key.sign(challengeId);
        const body = { challengeId, publicKey: phone.key.text, signature };
        return (await at.call("POST", verifyPath("in-app"), body, bearer(token))).body;
      },
    };
  },
};

async function withAddress(isEnrolled: boolean) {
  const tenant = await newTenant(operator, { starts_per_minute: 0 });
  const user = fresh("u");
  const address = email();
  const id = await put(named(tenant, user));
  const body = { verificationMethod: "EMAIL_OTP", email: address };
  if (isEnrolled) await server(operator, tenant, "POST", `/users/${user}/authenticators`, body);
  return { tenant, user, address, who: always(id) };
}

const sentTo = (at: Stage): string => at.messages.at(-1)?.code ?? "none";

const codeMeets: Flow = {
  name: "Authsignal: an e-mail code meets an action",
  works: has("accessToken"),
  async ready() {
    const { tenant, user, who } = await withAddress(true);
    let token: unknown;
    let code = "";
    const verify = async (at: Stage) =>
      (await at.call("POST", verifyPath("email-otp"), { verificationCode: code }, bearer(token))).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        token = (await track(at, tenant, user, "signIn")).body.token;
        await at.call("POST", "/v1/client/challenge/email-otp", undefined, bearer(token));
        code = sentTo(at);
        return await verify(at);
      },
      again: verify,
    };
  },
};

const linkMeets: Flow = {
  name: "Authsignal: an e-mail link meets an action",
  from: 2,
  works: has("accessToken"),
  async ready() {
    const { tenant, user, who } = await withAddress(true);
    let token: unknown;
    const finalize = async (at: Stage) =>
      (await at.call("POST", verifyPath("email-magic-link/finalize"), undefined, bearer(token))).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        token = (await track(at, tenant, user, "signIn")).body.token;
        await at.call("POST", "/v1/client/challenge/email-magic-link", undefined, bearer(token));
        const link = at.messages.at(-1)?.link;
        if (link === undefined) return {};
        const { pathname, searchParams } = new URL(link);
        await browser(at).post(pathname, { secret: searchParams.get("t") ?? "", decision: "approve" });
        return await finalize(at);
      },
      again: finalize,
    };
  },
};

const codeEnrols: Flow = {
  name: "Authsignal: an e-mail code enrols its address",
  from: 2,
  works: has("userAuthenticator"),
  async ready() {
    const { tenant, user, address, who } = await withAddress(false);
    let token: unknown;
    let code = "";
    const verify = async (at: Stage) =>
      (await at.call("POST", verifyPath("email-otp"), { verificationCode: code }, bearer(token))).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        token = (await track(at, tenant, user, "enrol")).body.token;
        const path = "/v1/client/user-authenticators/email-otp";
        await at.call("POST", path, { email: address }, bearer(token));
        code = sentTo(at);
        return await verify(at);
      },
      again: verify,
    };
  },
};

const backendCode = (use: "meets" | "enrols" | "is claimed"): Flow => ({
  name: `Authsignal: a backend's code ${use}`,
  ofNobody: use === "is claimed",
  works: has("token"),
  async ready() {
    const { tenant, user, address, who } = await withAddress(use === "meets");
    let id: unknown;
    const claimed = async (at: Stage) =>
      (await server(at, tenant, "POST", "/claim", { challengeId: id, userId: user })).body;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const whom = use === "is claimed" ? {} : { userId: user };
        const how = { verificationMethod: "EMAIL_OTP", action: "signIn", email: address };
        id = (await server(at, tenant, "POST", "/challenge", { ...whom, ...how })).body.challengeId;
        if (id === undefined) return {};
        await server(at, tenant, "POST", "/verify", { challengeId: id, verificationCode: sentTo(at) });
        return await claimed(at);
      },
      again: claimed,
    };
  },
});

const credential = (what: "first" | "further" | "wider" | "moved"): Flow => ({
  name: `Authsignal: a ${what} key by the backend's token`,
  from: what === "first" ? 1 : 2,
  works: has("userAuthenticatorId"),
  async ready() {
    const { tenant, user, phone, who } = await withPhone("push");
    const other = fresh("u");
    const otherId = await put(named(tenant, other));
    const name = what === "first" || what === "moved" ? other : user;
    const key = what === "wider" || what === "moved" ? phone.key : await newKey();
    const id = name === user ? await who() : otherId;
    return {
      clients: [tenant.id],
      who: async () => id,
      async run(at) {
        const scope = what === "first" ? {} : { scope: "add:authenticators" };
        const { token } = (await track(at, tenant, name, "addAuthenticator", scope)).body;
        const path = `/v1/client/user-authenticators/${what === "wider" ? "in-app" : "push"}`;
        const body = { publicKey: key.text, deviceName: "Phone", pushToken: "to" };
        return (await at.call("POST", path, body, bearer(token))).body;
      },
    };
  },
});

const vouched: Flow = {
  name: "Authsignal: an address by the backend's word, and names",
  works: has("authenticator"),
  async ready() {
    const { tenant, user, address, who } = await withAddress(false);
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        await server(at, tenant, "PATCH", `/users/${user}`, { email: address, displayName: "Jo" });
        const body = { verificationMethod: "EMAIL_OTP", email: address };
        return (await server(at, tenant, "POST", `/users/${user}/authenticators`, body)).body;
      },
    };
  },
};

export const COTTER: readonly Flow[] = [
  pending,
  atOnce,
  firstDevice("&oauth_token=true"),
  firstDevice(""),
  recovered,
  otherDevice,
  refreshing(true),
  refreshing(false),
  page("code"),
  page("link"),
  claimed,
];

export const LOGINID: readonly Flow[] = [
  carried(false),
  carried(true),
  passkeyByCode,
  forced,
  selfIssued,
  selfEnrolled,
];

export const AUTHSIGNAL: readonly Flow[] = [
  push(false),
  push(true),
  qr("nobody", false),
  qr("nobody", true),
  qr("a tracked user", true),
  inApp,
  codeMeets,
  linkMeets,
  codeEnrols,
  backendCode("meets"),
  backendCode("enrols"),
  backendCode("is claimed"),
  credential("first"),
  credential("further"),
  credential("wider"),
  credential("moved"),
  vouched,
];
