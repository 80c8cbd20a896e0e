import { type Api, type Fields, makeApi, textOf } from "./api.ts";
import { expect } from "./expect.ts";
import { openWaiter, type Waiter } from "./waiter.ts";

/** The server's own description: RFC 8414, OpenID Connect Discovery. */
export type Metadata = Readonly<Record<string, unknown>>;

/** A client of the standard door. */
export type Client = {
  readonly clientId: string;
  /** Calls with its secret, where it has one. */
  readonly api: Api;
  /** Its name in a form, where it has no secret. */
  readonly named: Fields;
};

export type Tokens = {
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly idToken: string;
};

const CIBA = "urn:openid:params:grant-type:ciba";
const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";

const register = (origin: string, adminToken: string, client: object): Promise<Metadata> =>
  makeApi(origin, { Authorization: `Bearer ${adminToken}` }).read("/admin/clients", 201, {
    method: "POST",
    body: client,
  });

/** A backend that asks people by CIBA. Every device of the realm may approve for it. */
export async function registerBackend(origin: string, adminToken: string): Promise<Client> {
  const made = await register(origin, adminToken, {
    name: "Demo shop",
    kind: "confidential",
    grant_types: [CIBA, "refresh_token"],
    settings: { approve_through: "realm" },
  });
  const clientId = textOf(made, "client_id");
  // RFC 6749 §2.3.1: both parts form-encoded. A UUID and a base64url text stay as they are.
  const basic = Buffer.from(`${clientId}:${textOf(made, "client_secret")}`).toString("base64");
  return { clientId, api: makeApi(origin, { Authorization: `Basic ${basic}` }), named: {} };
}

/** A television: it keeps no secret. */
export async function registerTv(origin: string, adminToken: string): Promise<Client> {
  const made = await register(origin, adminToken, {
    name: "Demo television",
    kind: "public",
    grant_types: [DEVICE_CODE],
  });
  const clientId = textOf(made, "client_id");
  return { clientId, api: makeApi(origin), named: { client_id: clientId } };
}

export const discover = (origin: string): Promise<Metadata> =>
  makeApi(origin).read("/.well-known/openid-configuration", 200);

/** A request that waits for a person: by what it is redeemed, and the socket that tells how it ends. */
export type Asked = { readonly grant: Fields; readonly expiresIn: number; readonly waiter: Waiter };

/** Asks a person on their device (CIBA Core, section 7). */
export async function askPerson(
  { api }: Client,
  metadata: Metadata,
  request: { readonly login_hint: string; readonly requested_expiry?: string },
): Promise<Asked> {
  const endpoint = textOf(metadata, "backchannel_authentication_endpoint");
  const body = await api.read(endpoint, 200, {
    form: { scope: "openid email offline_access", ...request },
  });
  const handle = textOf(body, "auth_req_id");
  return {
    grant: { grant_type: CIBA, auth_req_id: handle },
    expiresIn: Number(body.expires_in),
    waiter: openWaiter(textOf(body, "socket_uri"), handle),
  };
}

/** A request whose code the person types somewhere else. */
export type Coded = Asked & {
  readonly userCode: string;
  readonly page: string;
};

/** Gets a code to show (RFC 8628 §3.1). */
export async function askForCode({ api, named }: Client, metadata: Metadata): Promise<Coded> {
  const endpoint = textOf(metadata, "device_authorization_endpoint");
  const body = await api.read(endpoint, 200, { form: { ...named, scope: "openid" } });
  const handle = textOf(body, "device_code");
  return {
    grant: { grant_type: DEVICE_CODE, device_code: handle },
    expiresIn: Number(body.expires_in),
    waiter: openWaiter(textOf(body, "socket_uri"), handle),
    userCode: textOf(body, "user_code"),
    page: textOf(body, "verification_uri"),
  };
}

/** A token request that succeeds. */
export async function redeem({ api, named }: Client, metadata: Metadata, grant: Fields): Promise<Tokens> {
  const body = await api.read(textOf(metadata, "token_endpoint"), 200, { form: { ...named, ...grant } });
  expect(body.token_type === "Bearer", "a bearer token", body.token_type);
  return {
    accessToken: textOf(body, "access_token"),
    idToken: textOf(body, "id_token"),
    ...("refresh_token" in body ? { refreshToken: textOf(body, "refresh_token") } : {}),
  };
}

/** A token request that is refused; answers the error code. */
export async function refusedFor({ api, named }: Client, metadata: Metadata, grant: Fields): Promise<string> {
  const body = await api.read(textOf(metadata, "token_endpoint"), 400, { form: { ...named, ...grant } });
  expect(body.access_token === undefined, "no token", "one");
  return textOf(body, "error");
}

export const refresh = (client: Client, metadata: Metadata, { refreshToken = "" }: Tokens): Promise<Tokens> =>
  redeem(client, metadata, { grant_type: "refresh_token", refresh_token: refreshToken });

/** What the server tells of the person (OpenID Connect Core §5.3). */
export const userinfo = (metadata: Metadata, { accessToken }: Tokens): Promise<Metadata> =>
  makeApi(textOf(metadata, "issuer")).read(textOf(metadata, "userinfo_endpoint"), 200, {
    headers: { Authorization: `Bearer ${accessToken}` },
  });
