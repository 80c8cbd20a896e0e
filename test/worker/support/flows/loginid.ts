import { userSubject } from "../../../../src/core/ids.ts";
import { newAuthenticator } from "../../../fakes/authenticator.ts";
import { operator } from "../acts.ts";
import type { Json } from "../cotter.ts";
import { type Ada, codes, newBackend, newWeb, waitOn } from "../loginid.ts";
import { ADD, askedOf, assertionOf, PAGE, passkeysAt, payloadOf } from "../passkeys.ts";
import { always, email, type Flow, has, put, ROOMY, read, shared, waiting } from "./flow.ts";

const { services } = operator;

/** A backend, and the web client that goes by its names. */
const scene = shared(async () => {
  const settings = { ...ROOMY, preauthorize: true };
  const backend = await newBackend(operator, { settings, allowedOrigins: [PAGE] });
  const waits = { ...ROOMY, wait_seconds: 1 };
  return { backend, web: await newWeb(operator, backend, { allowedOrigins: [PAGE], settings: waits }) };
});

async function loginid(apart: boolean) {
  const username = email();
  const [clients, id] = await Promise.all([
    scene(apart),
    put({ identifiers: [{ ...read(username), assertedBy: "admin" }] }),
  ]);
  const ada: Ada = { id, username };
  return { ...clients, ada };
}

const carried = (isHeld: boolean): Flow => ({
  name: `LoginID: a code is carried over, ${isHeld ? "somebody waits for it" : "then asked for"}`,
  from: isHeld ? 2 : 1,
  works: has("jwt"),
  async ready(apart) {
    const { backend, web, ada } = await loginid(apart);
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
  async ready(apart) {
    const { backend, web, ada } = await loginid(apart);
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
  async ready(apart) {
    const { backend, web, ada } = await loginid(apart);
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

/** Somebody with a passkey that the backend has let in. */
async function withPasskey(apart: boolean) {
  const username = email();
  const [{ backend, web }, authenticator] = await Promise.all([scene(apart), newAuthenticator()]);
  const asked = askedOf({ challenge: "made before" });
  const made = await authenticator.create(asked);
  const answer = {
    credentialId: made.credential_id,
    clientData: made.client_data,
    attestationData: made.attestation_data,
  };
  const passkey = await services.proofs.readPasskey(answer, { ...asked, origins: [PAGE] });
  if (!passkey.ok) throw new Error(passkey.error.detail);
  const device = {
    ...passkey.value,
    door: "loginid",
    kind: "passkey",
    clientId: web.id,
    letInBy: backend.id,
  } as const;
  const id = await put({ identifiers: [{ ...read(username), assertedBy: "admin" }] }, device);
  await services.inboxes.noteDevice(userSubject(id));
  return { backend, web, ada: { id, username }, authenticator };
}

const selfIssued: Flow = {
  name: "LoginID: a passkey asks for a code, and the code is used",
  byDevice: true,
  works: has("jwt"),
  async ready(apart) {
    const { backend, web, ada, authenticator } = await withPasskey(apart);
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
  async ready(apart) {
    const { backend, web, ada, authenticator } = await withPasskey(apart);
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

export const LOGINID: readonly Flow[] = [
  carried(false),
  carried(true),
  passkeyByCode,
  forced,
  selfIssued,
  selfEnrolled,
];
