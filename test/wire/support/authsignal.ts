import { generateKeyPairSync, sign as signBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Authsignal } from "@authsignal/node";
import { type Answer, type Api, type Json, makeApi } from "./api.ts";
import type { Place } from "./app.ts";

/** One request that a webhook got. */
export type Received = {
  readonly headers: Readonly<Record<string, unknown>>;
  readonly raw: string;
  readonly body: Json;
};

/** A webhook receiver on a local port; `status` decides what it answers. */
export async function receiver(status: (type: string) => number = () => 200) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    let raw = "";
    request.setEncoding("utf8");
    request.on("data", (part) => {
      raw += part;
    });
    request.on("end", () => {
      const body = JSON.parse(raw) as Json;
      received.push({ headers: request.headers, raw, body });
      response.writeHead(status(String(body.type))).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/hook`,
    received,
    of: (type: string) => received.filter(({ body }) => body.type === type),
    close: () => server.close(),
  };
}

export type Tenant = Place & {
  readonly id: string;
  readonly secret: string;
  readonly admin: Api;
  readonly sdk: Authsignal;
};

/** A fresh confidential client and the vendor's own server SDK pointed at it. */
export async function makeTenant(
  place: Place,
  parts: {
    readonly webhook_url?: string;
    readonly settings?: Json;
    readonly allowed_origins?: readonly string[];
  } = {},
): Promise<Tenant> {
  const admin = makeApi(place.origin, { Authorization: `Bearer ${place.adminToken}` });
  const made = await admin("POST", "/admin/clients", {
    json: { name: "Wire test", kind: "confidential", ...parts },
  });
  if (made.status !== 201) throw new Error(`no client: ${made.status} ${made.text}`);
  const secret = String(made.body.client_secret);
  const sdk = new Authsignal({ apiSecretKey: secret, apiUrl: `${place.origin}/v1`, retries: 0 });
  return { ...place, id: String(made.body.client_id), secret, admin, sdk };
}

/** What tells the two native SDKs apart on the wire (Authsignal §2.2, §6.2, §A.4). */
export type Mobile = {
  readonly name: string;
  basic(tenantId: string): string;
  inQuery(key: string): string;
  body(value: Json): string;
  /** `verificationCode` of an answer when the app gave none. */
  readonly noCode: Json;
  readonly sdk: string;
};

const base64 = (text: string) => Buffer.from(text, "utf8").toString("base64");

export const IOS: Mobile = {
  name: "iOS",
  basic: (tenantId) => Buffer.from(`${tenantId}:`, "utf8").toString("base64url"),
  inQuery: (key) => Buffer.from(key, "utf8").toString("base64url"),
  body: (value) => JSON.stringify(value),
  noCode: {},
  sdk: "ios",
};

export const ANDROID: Mobile = {
  name: "Android",
  basic: (tenantId) => base64(`${tenantId}:`),
  inQuery: base64,
  body: (value) => JSON.stringify(value, null, 4),
  noCode: { verificationCode: null },
  sdk: "android",
};

export type Namespace = "push" | "qr-code" | "in-app" | "device";

/** A phone as the SDK's source has it: its key, its spelling, and what it demands of an answer. */
export class Device {
  readonly key: string;
  readonly #sign: (message: string) => string;
  readonly tenant: Tenant;
  readonly mobile: Mobile;
  readonly namespace: Namespace;

  constructor(tenant: Tenant, mobile: Mobile, namespace: Namespace) {
    this.tenant = tenant;
    this.mobile = mobile;
    this.namespace = namespace;
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
    this.#sign = (message) =>
      signBytes("sha256", Buffer.from(message, "utf8"), privateKey).toString("base64");
  }

  sign(message: string): string {
    return this.#sign(message);
  }

  /** A call as the SDK makes it; a JSON content type only with a body. */
  async call(
    method: string,
    path: string,
    body?: Json,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const { mobile, tenant } = this;
    const always = {
      Authorization: `Basic ${mobile.basic(tenant.id)}`,
      "X-Authsignal-SDK": mobile.sdk,
      "X-Authsignal-Version": "2.13.0",
      "X-Authsignal-Tenant-ID": tenant.id,
    };
    return await makeApi(tenant.origin, always)(method, `/v1/client${path}`, {
      headers: { ...headers, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
      ...(body === undefined ? {} : { raw: mobile.body(body) }),
    });
  }

  credential(method: string, path = "", body?: Json, headers: Record<string, string> = {}): Promise<Answer> {
    return this.call(method, `/user-authenticators/${this.namespace}${path}`, body, headers);
  }

  add(token: string): Promise<Answer> {
    const body = { publicKey: this.key, deviceName: "Jane's phone", devicePlatform: this.mobile.sdk };
    return this.credential("POST", "", body, { Authorization: `Bearer ${token}` });
  }

  get(): Promise<Answer> {
    return this.credential("GET", `?publicKey=${this.mobile.inQuery(this.key)}`);
  }

  /** `getChallenge` with its nonce, as current SDKs do; older ones skip the first step. */
  async pending(signed = true): Promise<Answer> {
    const query = `?publicKey=${this.mobile.inQuery(this.key)}`;
    if (!signed) return await this.credential("GET", `/challenge${query}`);
    const nonce = await this.credential("POST", `/challenge/sign${query}`);
    const signature = this.sign(String(nonce.body.message));
    return await this.credential("GET", `/challenge${query}`, undefined, {
      "X-Authsignal-Signature": signature,
    });
  }

  answer(challengeId: string, approved: boolean, change: Json = {}): Promise<Answer> {
    const signature = this.sign(challengeId);
    return this.credential("POST", "/challenge", {
      challengeId,
      publicKey: this.key,
      approved,
      signature,
      ...this.mobile.noCode,
      ...change,
    });
  }

  claim(challengeId: string, signature = this.sign(challengeId)): Promise<Answer> {
    return this.credential("POST", "/challenge/claim", { challengeId, publicKey: this.key, signature });
  }

  remove(windows = 0): Promise<Answer> {
    const signature = this.sign(`${Math.floor(Date.now() / 600_000) + windows}.0`);
    return this.credential("POST", "/remove", { publicKey: this.key, signature });
  }
}

/** A page with the action's token set. */
export const browser = (tenant: Tenant, token: string) => {
  const api = makeApi(tenant.origin, { Authorization: `Bearer ${token}` });
  return (path: string, json: Json = {}): Promise<Answer> => api("POST", `/v1/client${path}`, { json });
};
