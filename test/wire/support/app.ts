import { randomUUID } from "node:crypto";
import { type Answer, type Api, type Call, makeApi } from "./api.ts";
import { RN, type Sdk } from "./sdk.ts";

export type Place = { readonly origin: string; readonly adminToken: string };

/** One client of the server and one SDK that speaks for it. */
export type App = Place & {
  readonly clientId: string;
  readonly sdk: Sdk;
  readonly admin: Api;
  /** A call under /api/v0, with the SDK's headers. */
  readonly cotter: Api;
};

export type ClientParts = {
  readonly client_id?: string;
  readonly allowed_origins?: readonly string[];
  readonly redirect_uris?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
};

/** A fresh public client. */
export async function makeApp(place: Place, parts: ClientParts = {}, sdk: Sdk = RN): Promise<App> {
  const admin = makeApi(place.origin, { Authorization: `Bearer ${place.adminToken}` });
  const made = await admin("POST", "/admin/clients", {
    json: { name: "Wire test", kind: "public", ...parts },
  });
  if (made.status !== 201) throw new Error(`no client: ${made.status} ${made.text}`);
  return withSdk({ ...place, clientId: String(made.body.client_id), admin }, sdk);
}

/** The same client, as another SDK speaks for it. */
export const withSdk = (app: Place & Pick<App, "clientId" | "admin">, sdk: Sdk): App => ({
  origin: app.origin,
  adminToken: app.adminToken,
  clientId: app.clientId,
  admin: app.admin,
  sdk,
  cotter: under(makeApi(app.origin, sdk.headers(app.clientId))),
});

const under =
  (api: Api): Api =>
  (method: string, path: string, call?: Call): Promise<Answer> =>
    api(method, `/api/v0${path}`, call);

export const freshEmail = (): string => `ana-${randomUUID()}@example.com`;

/** The answer, or the reason why a test cannot go on. */
export function ok(answer: Answer): Answer {
  if (answer.status !== 200) throw new Error(`expected 200, came ${answer.status} ${answer.text}`);
  return answer;
}
