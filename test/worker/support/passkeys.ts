import { newAuthenticator, type Spoilt } from "../../fakes/authenticator.ts";
import type { Answer, Deployment, Json } from "./cotter.ts";
import { type Ada, type Backend, generated, newScene, tokenOf } from "./loginid.ts";

export const PAGE = "https://shop.example";
export const ADD = { purpose: "add_credential" };

export type Authenticator = Awaited<ReturnType<typeof newAuthenticator>>;

const from = (origin?: string) => (origin === undefined ? {} : { Origin: origin });

export const askedOf = (payload: Json, origin = PAGE) => ({
  challenge: String(payload.challenge),
  origin,
  rpId: new URL(origin).hostname,
});

export const payloadOf = (answer: { readonly body: Json }) => answer.body.attestation_payload as Json;
export const assertionOf = (answer: { readonly body: Json }) => answer.body.assertion_payload as Json;

/** The passkey calls of the LoginID door at one deployment, as its browser package makes them. */
export function passkeysAt(at: Deployment) {
  const scene = (allowedOrigins = [PAGE]) =>
    newScene(at, {
      backend: { settings: { preauthorize: true }, allowedOrigins },
      web: { allowedOrigins, settings: { wait_seconds: 5 } },
    });

  const approvedCode = (backend: Backend, ada: Ada) =>
    generated(at, backend, ada, { ...ADD, body: { authorize: true } });

  const init = (web: { id: string }, username: string, code: unknown, headers: Record<string, string> = {}) =>
    at.call(
      "POST",
      "/api/native/credentials/fido2/init/code",
      { client_id: web.id, username, authentication_code: { code, type: "short" } },
      { ...from(PAGE), ...headers },
    );

  /** What a backend asks for by its word alone. */
  const force = async (
    backend: Backend,
    who: Json,
    { scope = "credentials.force_add", ...more }: { scope?: string; token?: string; body?: Json } = {},
  ) =>
    at.call(
      "POST",
      "/api/native/credentials/fido2/init/force",
      { client_id: backend.id, ...who, ...more.body },
      { Authorization: `Bearer ${more.token ?? (await tokenOf(backend, scope))}` },
    );

  /** What the browser sends for a passkey that was made in this ceremony. */
  const made = async (
    web: { id: string },
    username: string,
    payload: Json,
    authenticator: Authenticator,
    spoilt: Spoilt = {},
  ) => ({
    client_id: web.id,
    username,
    attestation_payload: {
      challenge: payload.challenge,
      credential_uuid: payload.credential_uuid,
      ...(await authenticator.create(askedOf(payload), spoilt)),
    },
    options: { credential_name: "Ada's phone" },
    no_jwt: false,
  });

  const send = (body: Json, headers: Record<string, string> = from(PAGE)): Promise<Answer> =>
    at.call("POST", "/credentials/fido2/complete", body, headers);

  const complete = async (...given: Parameters<typeof made>): Promise<Answer> => send(await made(...given));

  const withPasskey = async (algorithm: "ES256" | "RS256" = "ES256", spoilt: Spoilt = {}) => {
    const { backend, web, ada } = await scene();
    const authenticator = await newAuthenticator(algorithm);
    const begun = await init(web, ada.username, await approvedCode(backend, ada));
    const added = await complete(web, ada.username, payloadOf(begun), authenticator, spoilt);
    if (added.status !== 200) throw new Error(`a passkey was answered ${JSON.stringify(added.body)}`);
    return { backend, web, ada, authenticator, added };
  };

  const beginSelf = (web: { id: string }, username: string, purpose = "temporary_authentication") =>
    at.call(
      "POST",
      "/api/native/codes/short/generate/fido2/init",
      { client_id: web.id, username, purpose },
      from(PAGE),
    );

  /** What the browser sends for a passkey that signed this ceremony. */
  const signed = async (
    web: { id: string },
    username: string,
    payload: Json,
    authenticator: Authenticator,
    spoilt: Spoilt = {},
  ) => ({
    client_id: web.id,
    username,
    assertion_payload: {
      challenge: payload.challenge,
      ...(await authenticator.get(askedOf(payload), spoilt)),
    },
    no_jwt: false,
  });

  const sendSigned = (body: Json, type = "short"): Promise<Answer> =>
    at.call("POST", `/api/native/codes/${type}/generate/fido2/complete`, body, from(PAGE));

  const finishSelf = async (...given: Parameters<typeof signed>): Promise<Answer> =>
    sendSigned(await signed(...given));

  return {
    scene,
    approvedCode,
    init,
    force,
    made,
    send,
    complete,
    withPasskey,
    beginSelf,
    signed,
    sendSigned,
    finishSelf,
  };
}
