import { randomUUID } from "node:crypto";
import { canonicalJson, type JsonValue } from "@countersign/protocol/canonical";

export type Stage = { readonly origin: string; readonly adminToken: string };

// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
type Body = any;

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64url");
const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

async function json(answer: Response): Promise<Body> {
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${answer.url} answered ${answer.status} ${text}`);
  return text === "" ? {} : JSON.parse(text);
}

/** A call of the operator. */
export const operate = async (
  { origin, adminToken }: Stage,
  method: string,
  path: string,
  body?: object,
): Promise<Body> =>
  await json(
    await fetch(`${origin}${path}`, {
      method,
      headers: { Authorization: `Bearer ${adminToken}`, "Content-Type": "application/json" },
      ...(body ? { body: JSON.stringify(body) } : {}),
    }),
  );

const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";
const CIBA = "urn:openid:params:grant-type:ciba";

/** A page of its own: public, may name its user, and may be read by this origin. */
export const newPage = async (stage: Stage, over: object = {}): Promise<Body> =>
  await operate(stage, "POST", "/admin/clients", {
    name: "Web shop",
    kind: "public",
    grant_types: [DEVICE, "refresh_token"],
    settings: { device_login_hint: true, device_refresh_tokens: true },
    ...over,
  });

/** A backend that asks users. */
export const newBackend = async (stage: Stage, over: object = {}): Promise<Body> =>
  await operate(stage, "POST", "/admin/clients", {
    name: "Bank",
    kind: "confidential",
    grant_types: [CIBA, "refresh_token"],
    ...over,
  });

type Key = { readonly jwk: object; readonly privateKey: CryptoKey };

async function newKey(): Promise<Key> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, [
    "sign",
    "verify",
  ]);
  const { kty, crv, x, y } = await crypto.subtle.exportKey("jwk", pair.publicKey);
  return { jwk: { kty, crv, x, y }, privateKey: pair.privateKey };
}

async function jws({ privateKey }: Key, header: object, payload: string): Promise<string> {
  const text = `${encode(utf8(JSON.stringify(header)))}.${encode(utf8(payload))}`;
  const signed = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, privateKey, utf8(text));
  return `${text}.${encode(new Uint8Array(signed))}`;
}

/** A user with a proven address, and their phone: an implementation of docs/approver.md that shares no code with the library. */
export async function newUser(stage: Stage) {
  const email = `ada-${randomUUID()}@example.com`;
  const { user_id: id } = await operate(stage, "POST", "/admin/users", { email, verified: true });
  const { ticket } = await operate(stage, "POST", "/demo/ticket", { user_id: id });
  const key = await newKey();
  const proof = async (method: string, path: string, token?: string) =>
    await jws(
      key,
      { typ: "dpop+jwt", alg: "ES256", jwk: key.jwk },
      JSON.stringify({
        jti: randomUUID(),
        htm: method,
        htu: `${stage.origin}/approver${path}`,
        iat: Math.floor(Date.now() / 1000),
        ...(token ? { ath: encode(new Uint8Array(await crypto.subtle.digest("SHA-256", utf8(token)))) } : {}),
      }),
    );
  const send = async (method: string, path: string, headers: Record<string, string>, body?: object) =>
    await json(
      await fetch(`${stage.origin}/approver${path}`, {
        method,
        headers: { ...headers, "Content-Type": "application/json" },
        ...(body ? { body: JSON.stringify(body) } : {}),
      }),
    );
  const { enrolment } = await send("POST", "/enrolments/begin", {}, { ticket });
  const headers = { DPoP: await proof("POST", "/enrolments") };
  const { token, device } = await send("POST", "/enrolments", headers, { enrolment, name: "Ada's phone" });
  const call = async (method: string, path: string, body?: object) => {
    const DPoP = await proof(method, path, token);
    return await send(method, path, { Authorization: `DPoP ${token}`, DPoP }, body);
  };

  /** What waits, once something does. */
  async function prompt(): Promise<Body> {
    for (;;) {
      const { prompts } = await call("GET", "/prompts");
      if (prompts.length > 0) return prompts[0];
      await new Promise((wake) => setTimeout(wake, 50));
    }
  }
  async function decide(said: Record<string, JsonValue>, asked?: Body): Promise<Body> {
    const { id: promptId, payload } = asked ?? (await prompt());
    const header = { alg: "ES256", kid: device.id, typ: "countersign+jws" };
    const signature = await jws(key, header, canonicalJson({ ...payload, ...said }));
    return await call("POST", `/prompts/${promptId}/decision`, { ...said, signature });
  }
  return {
    id: String(id),
    email,
    prompt,
    call,
    /** The socket that tells this phone of requests. */
    socket: async () =>
      new WebSocket(`${stage.origin.replace(/^http/, "ws")}/approver/socket`, [
        "countersign.v1",
        `countersign.token.${token}`,
        `countersign.proof.${await proof("GET", "/socket", token)}`,
      ]),
    /** Approves with the number of the other screen. */
    approve: (number: string | undefined) =>
      decide({ decision: "approve", ...(number === undefined ? {} : { match_code: number }) }),
    decline: () => decide({ decision: "deny" }),
    /** Answers the device that shows this code of letters, whose link was scanned. It is in no list. */
    decideCode: async (code: string, decision: "approve" | "deny") => {
      const { prompt: asked, scan } = await call("POST", "/scans", { user_code: code });
      return await decide({ decision, scan }, asked);
    },
    approveScanned: async (text: string) => {
      const [id, frame] = (text.split("#scan=")[1] ?? "").split(".");
      const { scan } = await call("POST", "/scans", { challenge_id: id, frame });
      return await decide({ decision: "approve", scan });
    },
  };
}
export type User = Awaited<ReturnType<typeof newUser>>;

/** Grants of a user, as the operator sees them. */
export const grantsOf = async (stage: Stage, { id }: Pick<User, "id">): Promise<Body[]> =>
  (await operate(stage, "GET", `/admin/users/${id}/grants`)).grants;
