import { type Client, get, operate, Refused } from "./api.ts";

/** The app that asks, and the user whom it asks: made by the operator's calls, kept while the browser keeps the phone. */
export type Scene = {
  readonly admin: string;
  readonly client: Client;
  readonly user: { readonly id: string; readonly email: string };
};

const KEPT = "countersign-demo";

function kept(): Scene | undefined {
  const text = localStorage.getItem(KEPT);
  return text === null ? undefined : (JSON.parse(text) as Scene);
}

/** How a server answers whom it does not know: it was reset, or has another token. */
const isUnknown = (error: unknown): boolean => error instanceof Refused && [401, 404].includes(error.status);

async function isThere({ admin, client, user }: Scene): Promise<boolean> {
  try {
    await operate(admin, "GET", `/admin/clients/${client.id}`);
    await operate(admin, "GET", `/admin/users/${user.id}`);
    return true;
  } catch (error) {
    if (isUnknown(error)) return false;
    throw error;
  }
}

const GRANTS = ["urn:openid:params:grant-type:ciba", "urn:ietf:params:oauth:grant-type:device_code"];

async function make(admin: string): Promise<Scene> {
  const client = await operate(admin, "POST", "/admin/clients", {
    name: "Demo shop",
    kind: "confidential",
    grant_types: GRANTS,
    settings: { match_code: "required" },
  });
  const email = `ada-${crypto.randomUUID().slice(0, 4)}@example.com`;
  const user = await operate(admin, "POST", "/admin/users", { email, verified: true });
  return {
    admin,
    client: { id: String(client.client_id), secret: String(client.client_secret) },
    user: { id: String(user.user_id), email },
  };
}

/** The scene of this browser: the one that it has, or a new one. Throws `Refused` with 401 where the token is not the server's. */
export async function openScene(admin: string, isNew: boolean): Promise<Scene> {
  const before = isNew ? undefined : kept();
  const scene = before && (await isThere(before)) ? before : await make(admin);
  localStorage.setItem(KEPT, JSON.stringify(scene));
  return scene;
}

/** The token that this browser was given before, or the one that development has. */
export const likelyToken = (): string => kept()?.admin ?? "dev-admin-token";

export async function hasPhone({ admin, user }: Scene): Promise<boolean> {
  const { devices } = await operate(admin, "GET", `/admin/users/${user.id}/devices`);
  return Array.isArray(devices) && devices.length > 0;
}

/** Leave to add a phone, for two minutes. */
export async function newTicket({ admin, user }: Scene): Promise<string> {
  const { ticket } = await operate(admin, "POST", "/demo/ticket", { user_id: user.id });
  return String(ticket);
}

export type Endpoints = {
  readonly issuer: string;
  readonly bc_authorize: string;
  readonly device: string;
  readonly token: string;
};

/** Where the app asks, by discovery. */
export async function discover(): Promise<Endpoints> {
  const found = await get("laptop", "/.well-known/openid-configuration");
  return {
    issuer: String(found.issuer),
    bc_authorize: String(found.backchannel_authentication_endpoint),
    device: String(found.device_authorization_endpoint),
    token: String(found.token_endpoint),
  };
}
