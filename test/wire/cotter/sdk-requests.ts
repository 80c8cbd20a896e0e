import { createHash, randomBytes } from "node:crypto";
import { type Api, makeApi } from "../support/api.ts";
import type { Place } from "../support/app.ts";
import { message, seconds } from "../support/events.ts";
import { androidKey, type DeviceKey, ed25519Key, iosKey } from "../support/keys.ts";
import { walkPage } from "../support/page-walk.ts";
import type { Kind, Needs, SdkRequest, Sent } from "../support/sdk-requests.ts";

/** What the requests of one SDK know of each other. */
export type Scene = {
  readonly place: Place;
  readonly api: Api;
  readonly clientId: string;
  readonly email: string;
  /** This device, and another one that the same user trusts later. */
  readonly key: DeviceKey;
  readonly other: DeviceKey;
  userId: string;
  /** The number that the waiting side polls with. */
  number: number;
  shown: Readonly<Record<string, unknown>>;
  verifier: string;
  refreshToken: string;
  accessToken: string;
};

export const APP_REDIRECT = "myapp://auth_callback";
export const WEB_ORIGIN = "https://site.example";
export const PY_REDIRECT = "http://localhost:8080";

export const newScene = (place: Place, clientId: string, makeKey: () => DeviceKey): Scene => ({
  place,
  api: makeApi(place.origin),
  clientId,
  email: `ana${randomBytes(6).toString("hex")}+1@example.com`,
  key: makeKey(),
  other: makeKey(),
  userId: "",
  number: 0,
  shown: {},
  verifier: "",
  refreshToken: "",
  accessToken: "",
});

type Row = SdkRequest<Scene>;
type Members = Readonly<Record<string, unknown>>;

const V0 = "/api/v0";
const under = (prefix: string, needs: Needs): Needs =>
  Object.fromEntries(Object.entries(needs).map(([path, kind]) => [`${prefix}.${path}`, kind]));
const required = (kind: Kind, ...names: readonly string[]): Needs =>
  Object.fromEntries(names.map((name) => [name, kind]));

const BUNDLE: Needs = {
  access_token: "JWT",
  id_token: "JWT",
  refresh_token: "string",
  token_type: "string",
  expires_in: "integer",
  auth_method: "string",
};
const USER: Needs = {
  ...required("date", "created_at", "updated_at", "update_at"),
  ID: "uuid",
  issuer: "string",
  client_user_id: "string",
  identifier: "string",
  enrolled: "array",
  default_method: ["string", "null"],
  deleted_at: ["date", "null"],
};
const EVENT: Needs = {
  ...required("string", "ip", "location", "event", "method", "client_user_id", "user_id", "issuer"),
  ...required("boolean", "new", "approved"),
  ...required("date", "CreatedAt", "UpdatedAt", "DeletedAt"),
  ID: "integer",
  timestamp: "seconds as text",
};
const NOTHING: Needs = { "": "null" };
const WITHOUT_TOKENS: Needs = { oauth_token: "absent" };
const WITH_TOKENS: Needs = under("oauth_token", BUNDLE);
const ENROLLED: Needs = { enrolled: "boolean", method: "string" };
const KEYS: Needs = {
  keys: "array",
  ...under("keys.0", required("string", "kty", "crv", "alg", "use", "kid", "x", "y")),
};
const IDENTITY: Needs = {
  ...under("identifier", {
    ...required(
      "string",
      "ID",
      "identifier",
      "identifier_type",
      "public_key",
      "device_type",
      "device_name",
      "expiry",
      "created_at",
    ),
  }),
  ...under(
    "token",
    required(
      "string",
      "identifier_id",
      "identifier",
      "identifier_type",
      "receiver",
      "timestamp",
      "expire_at",
      "signature",
    ),
  ),
  ...under("user", USER),
};

const member = (answer: unknown, name: string): unknown => (answer as Members | null)?.[name];
const keepUser = (scene: Scene, answer: unknown): void => {
  scene.userId = String(member(answer, "ID"));
};
const keepNumber = (scene: Scene, answer: unknown): void => {
  scene.number = Number(member(answer, "ID"));
};
const keepShown = (scene: Scene, answer: unknown): void => {
  scene.shown = answer as Members;
};
const keepTokens = (scene: Scene, answer: unknown): void => {
  const bundle = (member(answer, "oauth_token") ?? answer) as Members;
  scene.refreshToken = String(bundle.refresh_token);
  scene.accessToken = String(bundle.access_token);
};

/** How an SDK's network layer writes a request. */
type Layer = {
  readonly sdk: string;
  readonly version: string;
  headers(scene: Scene): Readonly<Record<string, string>>;
  /** The member that names the user in events. */
  person(scene: Scene): Members;
  readonly place: Members;
  readonly device: Members;
  readonly event: string;
  /** `algorithm` in an event's body. */
  algorithm(scene: Scene): Members;
  pending(scene: Scene): Members;
  /** Whether an enrolment and an identity are asked for with tokens. */
  readonly tokens: boolean;
};

const ascii = (text: string, alphabet: "base64" | "base64url"): string =>
  Buffer.from(text, "ascii").toString(alphabet);
const json = (layer: Layer, scene: Scene, method: string, path: string, body?: Members): Sent => ({
  method,
  path: `${V0}${path}`,
  headers: layer.headers(scene),
  ...(body === undefined ? {} : { body: JSON.stringify(body) }),
});

const asked = (layer: Layer): string => (layer.tokens ? "?oauth_token=true" : "");

const createsUser = (layer: Layer, body: (scene: Scene) => Members): Row => ({
  ...layer,
  does: "signs up",
  request: (scene) => json(layer, scene, "POST", "/user/create", body(scene)),
  answer: USER,
  keep: keepUser,
});

const enrolsFirst = (layer: Layer, path: (scene: Scene) => string): Row => ({
  ...layer,
  does: "enrols the first device",
  request: (scene) =>
    json(layer, scene, "PUT", path(scene), {
      method: "TRUSTED_DEVICE",
      enrolled: true,
      code: scene.key.text,
      algorithm: scene.key.algorithm,
      ...layer.device,
    }),
  answer: { ...USER, ...(layer.tokens ? WITH_TOKENS : WITHOUT_TOKENS) },
});

const asksEnrolled = (layer: Layer, path: (scene: Scene) => string): Row => ({
  ...layer,
  does: "asks whether this device is trusted",
  request: (scene) => json(layer, scene, "GET", path(scene)),
  answer: ENROLLED,
  says: () => ({ enrolled: true, method: "TRUSTED_DEVICE" }),
});

const findsUser = (layer: Layer, path: (scene: Scene) => string): Row => ({
  ...layer,
  does: "looks the person up",
  request: (scene) => json(layer, scene, "GET", path(scene)),
  answer: USER,
  says: ({ userId }) => ({ ID: userId }),
});

const signed = (layer: Layer, scene: Scene, event: string, timestamp: string, yes: boolean, newKey = "") => {
  const [user] = Object.values(layer.person(scene));
  return scene.key.sign(message(String(user), scene.clientId, event, timestamp, yes, newKey));
};

const signsItselfIn = (layer: Layer): Row => ({
  ...layer,
  does: "signs in on a trusted device",
  request: (scene) => {
    const timestamp = seconds(-60);
    return json(layer, scene, "POST", "/event/create?oauth_token=true", {
      ...layer.person(scene),
      issuer: scene.clientId,
      event: layer.event,
      ...layer.place,
      timestamp,
      method: "TRUSTED_DEVICE",
      code: signed(layer, scene, layer.event, timestamp, true),
      approved: true,
      public_key: scene.key.text,
      ...layer.algorithm(scene),
    });
  },
  answer: { ...EVENT, signature: "string", ...WITH_TOKENS },
  keep: keepTokens,
});

const enrolsOther = (layer: Layer): Row => ({
  ...layer,
  does: "enrols the device whose QR code it scanned",
  request: (scene) => {
    const event = "ENROLL_NEW_TRUSTED_DEVICE";
    const timestamp = seconds(-50);
    return json(layer, scene, "POST", "/event/create", {
      ...layer.person(scene),
      issuer: scene.clientId,
      event,
      ...layer.place,
      timestamp,
      method: "TRUSTED_DEVICE",
      code: signed(layer, scene, event, timestamp, true, scene.other.text),
      approved: true,
      public_key: scene.key.text,
      ...layer.algorithm(scene),
      register_new_device: true,
      new_device_public_key: scene.other.text,
      new_device_algorithm: scene.other.algorithm === "EC" ? "ECDSA" : scene.other.algorithm,
      ...layer.device,
    });
  },
  answer: { ...EVENT, ...WITHOUT_TOKENS },
});

const startsPending = (layer: Layer): Row => ({
  ...layer,
  does: "asks from a device that nobody trusts",
  request: (scene) =>
    json(layer, scene, "POST", "/event/create_pending", {
      ...layer.person(scene),
      issuer: scene.clientId,
      event: layer.event,
      ...layer.place,
      timestamp: seconds(),
      method: "TRUSTED_DEVICE",
      ...layer.pending(scene),
    }),
  answer: { ...EVENT, ...WITHOUT_TOKENS },
  keep: keepNumber,
});

const polls = (layer: Layer, tokens: Needs): Row => ({
  ...layer,
  does: "polls",
  request: (scene) => json(layer, scene, "GET", `/event/get/${scene.number}?oauth_token=true`),
  answer: { ...EVENT, ...tokens },
  says: () => ({ approved: tokens === WITH_TOKENS, new: tokens !== WITH_TOKENS }),
});

const checksNew = (layer: Layer, path: (scene: Scene) => string): Row => ({
  ...layer,
  does: "looks for what awaits an answer",
  request: (scene) => json(layer, scene, "GET", path(scene)),
  answer: EVENT,
  keep: keepShown,
});

const findsNothing = (layer: Layer, path: (scene: Scene) => string): Row => ({
  ...checksNew(layer, path),
  does: "finds that nothing awaits an answer",
  answer: NOTHING,
});

const responds = (layer: Layer, approved: boolean): Row => ({
  ...layer,
  does: approved ? "approves" : "rejects",
  request: (scene) => {
    const { ID, event, timestamp, method, ip, location } = scene.shown;
    return json(layer, scene, "POST", `/event/respond/${ID}`, {
      ...layer.person(scene),
      issuer: scene.clientId,
      event,
      timestamp,
      method,
      ip,
      location,
      approved,
      code: signed(layer, scene, String(event), String(timestamp), approved),
      public_key: scene.key.text,
      ...layer.algorithm(scene),
    });
  },
  answer: EVENT,
  says: () => ({ approved, new: false }),
});

const refreshes = (layer: Layer, path: (scene: Scene) => string): Row => ({
  ...layer,
  does: "refreshes",
  request: (scene) =>
    json(layer, scene, "POST", path(scene), {
      grant_type: "refresh_token",
      refresh_token: scene.refreshToken,
    }),
  answer: BUNDLE,
  keep: keepTokens,
});

const removes = (layer: Layer, path: (scene: Scene) => string, more: Members): Row => ({
  ...layer,
  does: "removes its device",
  request: (scene) =>
    json(layer, scene, "PUT", path(scene), {
      method: "TRUSTED_DEVICE",
      enrolled: false,
      code: scene.key.text,
      ...more,
    }),
  answer: { ...USER, ...WITHOUT_TOKENS },
});

/** How an SDK writes the page's address. */
type Page = {
  readonly redirect: string;
  verifier(): string;
  address(scene: Scene, challenge: string, state: string): string;
};

const asksIdentity = (layer: Layer, page: Page, needs: Needs = {}): Row => ({
  ...layer,
  does: "proves an address on the page and asks for the identity",
  request: async (scene) => {
    scene.verifier = page.verifier();
    const challenge = createHash("sha256").update(scene.verifier).digest("base64url");
    const state = randomBytes(5).toString("hex");
    const path = page.address(scene, challenge, state);
    const given = await walkPage(scene.api, path, scene.email, page.redirect);
    return json(layer, scene, "POST", `/verify/get_identity${asked(layer)}`, {
      code_verifier: scene.verifier,
      authorization_code: given.code,
      challenge_id: Number(given.challenge_id),
      redirect_url: page.redirect,
    });
  },
  answer: { ...IDENTITY, ...WITH_TOKENS, ...needs },
  says: ({ email }) => ({ "user.identifier": email, "token.identifier": email }),
  keep: keepTokens,
});

const readsKeys = (layer: Layer): Row => ({
  ...layer,
  does: "reads the public keys",
  request: () => ({ method: "GET", path: `${V0}/token/jwks` }),
  answer: KEYS,
});

const JSON_TYPE = { "Content-Type": "application/json" };

const RN: Layer = {
  sdk: "react-native-cotter",
  version: "0.3.6",
  headers: ({ clientId }) => ({
    Accept: "application/json, text/plain, */*",
    API_KEY_ID: clientId,
    ...JSON_TYPE,
  }),
  person: ({ userId }) => ({ client_user_id: userId }),
  place: { ip: "unknown", location: "unknown" },
  device: { device_type: "Apple", device_name: "iPhone11,2 14.4" },
  event: "LOGIN",
  algorithm: () => ({ algorithm: "ED25519" }),
  pending: () => ({}),
  tokens: true,
};

const rnPage: Page = {
  redirect: APP_REDIRECT,
  verifier: () => randomBytes(32).toString("base64"),
  address: ({ clientId, email }, challenge, state) =>
    `/app?direct_login=true&api_key=${clientId}&redirect_url=${APP_REDIRECT}&type=EMAIL&code_challenge=${challenge}&state=${state}&input=${encodeURIComponent(email)}`,
};

const rnKey = (scene: Scene): string =>
  `/user/enrolled/${scene.userId}/TRUSTED_DEVICE/${ascii(scene.key.text, "base64")}`;

const reactNative: readonly Row[] = [
  createsUser(RN, ({ email }) => ({ identifier: email })),
  enrolsFirst(RN, ({ userId }) => `/user/methods?cotter_user_id=${userId}&oauth_token=true`),
  findsUser(RN, ({ email }) => `/user?identifier=${encodeURIComponent(email)}`),
  {
    ...findsUser(RN, () => `/user?identifier=${encodeURIComponent("nobody+1@example.com")}`),
    does: "looks an unknown person up",
    says: () => ({ ID: "00000000-0000-0000-0000-000000000000", enrolled: [] }),
  },
  asksEnrolled(RN, rnKey),
  signsItselfIn(RN),
  enrolsOther(RN),
  startsPending(RN),
  polls(RN, WITHOUT_TOKENS),
  checksNew(RN, ({ userId }) => `/event/new/${userId}`),
  responds(RN, true),
  polls(RN, WITH_TOKENS),
  findsNothing(RN, ({ userId }) => `/event/new/${userId}`),
  startsPending(RN),
  checksNew(RN, ({ userId }) => `/event/new/${userId}`),
  responds(RN, false),
  refreshes(RN, () => "/token"),
  asksIdentity(RN, rnPage),
  removes(RN, ({ userId }) => `/user/${userId}?oauth_token=true`, { algorithm: null, ...RN.device }),
  { ...createsUser(RN, legacyUser), does: "signs up through its older calls" },
  {
    ...enrolsFirst(RN, ({ userId }) => `/user/${userId}?oauth_token=true`),
    does: "enrols the first device through its older calls",
  },
];

function legacyUser({ clientId }: Scene): Members {
  return { client_user_id: `legacy-${clientId}`, identifiers: [`legacy-${clientId}@example.com`] };
}

const FL: Layer = {
  ...RN,
  sdk: "cotter for Flutter",
  version: "0.2.0-nullsafety.2",
  headers: ({ clientId }) => ({ API_KEY_ID: clientId, "Content-Type": "application/json; charset=utf-8" }),
  person: ({ userId }) => ({ user_id: userId }),
  device: { device_type: "MOBILE", device_name: "Pixel 4", change_code: false, current_code: null },
  event: "LOGIN_WITH_DEVICE",
};

const flutter: readonly Row[] = [
  createsUser(FL, ({ email }) => ({ identifier: email })),
  enrolsFirst(FL, ({ userId }) => `/user/methods?cotter_user_id=${userId}&oauth_token=true`),
  findsUser(FL, ({ email }) => `/user?identifier=${encodeURIComponent(email)}`),
  {
    ...asksEnrolled(
      FL,
      ({ userId, key }) =>
        `/user/methods?cotter_user_id=${userId}&method=TRUSTED_DEVICE&public_key=${ascii(key.text, "base64")}`,
    ),
  },
  signsItselfIn(FL),
  enrolsOther(FL),
  startsPending(FL),
  polls(FL, WITHOUT_TOKENS),
  checksNew(FL, ({ userId }) => `/event/new?cotter_user_id=${userId}`),
  responds(FL, true),
  polls(FL, WITH_TOKENS),
  refreshes(FL, ({ clientId }) => `/token/${clientId}`),
  readsKeys(FL),
  asksIdentity(FL, {
    redirect: APP_REDIRECT,
    verifier: () => randomBytes(96).toString("base64url"),
    address: ({ clientId, email, userId }, challenge, state) =>
      `/app?api_key=${clientId}&redirect_url=${APP_REDIRECT}&type=EMAIL&code_challenge=${challenge}&state=${state}&direct_login=true&input=${encodeURIComponent(email)}&use_channel=null&cotter_user_id=${userId}`,
  }),
  removes(FL, ({ userId }) => `/user/${userId}?oauth_token=true`, { algorithm: "ED25519", ...FL.device }),
];

const AND: Layer = {
  ...RN,
  sdk: "cotter for Android",
  version: "0.3.6",
  headers: ({ clientId }) => ({
    API_KEY_ID: clientId,
    API_SECRET_KEY: clientId,
    "Content-Type": "application/json; charset=utf-8",
  }),
  place: { ip: null },
  device: { device_type: "MOBILE", device_name: "Pixel 4" },
  algorithm: ({ key }) => ({ algorithm: key.algorithm }),
  tokens: false,
};

const android: readonly Row[] = [
  createsUser(AND, ({ email }) => ({ identifier: email })),
  enrolsFirst(AND, ({ userId }) => `/user/methods?cotter_user_id=${userId}`),
  findsUser(AND, ({ email }) => `/user?identifier=${encodeURIComponent(email)}`),
  findsUser(AND, ({ userId }) => `/user/${userId}`),
  asksEnrolled(AND, rnKey),
  signsItselfIn(AND),
  enrolsOther(AND),
  startsPending(AND),
  polls(AND, WITHOUT_TOKENS),
  checksNew(AND, ({ userId }) => `/event/new/${userId}`),
  responds(AND, true),
  polls(AND, WITH_TOKENS),
  // Nothing that this SDK sends says that whoever proves the address is who signed up under it.
  removes(AND, ({ userId }) => `/user/${userId}`, AND.device),
  asksIdentity(AND, {
    redirect: APP_REDIRECT,
    verifier: () => randomBytes(64).toString("base64url"),
    address: ({ clientId }, challenge, state) =>
      `/app?type=EMAIL&api_key=${clientId}&redirect_url=${encodeURIComponent(APP_REDIRECT)}&state=${state}&code_challenge=${challenge}`,
  }),
];

const IOS: Layer = {
  ...RN,
  sdk: "Cotter for iOS",
  version: "1.5.21",
  headers: ({ clientId }) => ({ API_KEY_ID: clientId, API_SECRET_KEY: "any text", ...JSON_TYPE }),
  device: {},
  algorithm: () => ({}),
  pending: ({ key }) => ({ approved: false, public_key: key.text }),
  tokens: false,
};

const iosEnrolled = ({ userId, key }: Scene): string =>
  `/user/methods?cotter_user_id=${userId}&method=TRUSTED_DEVICE&public_key=${ascii(key.text, "base64url")}`;

const ios: readonly Row[] = [
  createsUser(IOS, ({ email }) => ({ identifier: email, client_user_id: "" })),
  enrolsFirst(IOS, ({ userId }) => `/user/methods?cotter_user_id=${userId}`),
  // It does not escape what it puts into a query: a plus sign arrives as a blank.
  findsUser(IOS, ({ email }) => `/user?identifier=${email}`),
  asksEnrolled(IOS, iosEnrolled),
  asksEnrolled(
    IOS,
    ({ userId, key }) => `/user/enrolled/${userId}/TRUSTED_DEVICE/${ascii(key.text, "base64url")}`,
  ),
  asksEnrolled(IOS, ({ userId }) => `/user/enrolled/any/${userId}/TRUSTED_DEVICE`),
  signsItselfIn(IOS),
  enrolsOther(IOS),
  startsPending(IOS),
  polls(IOS, WITHOUT_TOKENS),
  checksNew(IOS, ({ userId }) => `/event/new/${userId}`),
  responds(IOS, true),
  polls(IOS, WITH_TOKENS),
  refreshes(IOS, () => "/token"),
  asksIdentity(IOS, {
    redirect: APP_REDIRECT,
    verifier: () => randomBytes(32).toString("base64url"),
    address: ({ clientId, email }, challenge, state) =>
      `/app?direct_login=false&api_key=${clientId}&redirect_url=${encodeURIComponent(APP_REDIRECT)}&type=EMAIL&code_challenge=${challenge}&state=${state}&auth_method=OTP&input=${encodeURIComponent(email)}`,
  }),
  removes(IOS, ({ userId }) => `/user/${userId}`, {}),
];

const WEB: Layer = {
  ...RN,
  sdk: "cotter (web)",
  version: "0.3.35",
  headers: ({ clientId }) => ({
    Accept: "application/json, text/plain, */*",
    API_KEY_ID: clientId,
    ...JSON_TYPE,
    Origin: WEB_ORIGIN,
  }),
};

const web: readonly Row[] = [
  {
    ...WEB,
    does: "asks before its first call whether it may (CORS)",
    request: () => ({
      method: "OPTIONS",
      path: `${V0}/verify/get_identity?oauth_token=true`,
      headers: {
        Origin: WEB_ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "api_key_id,content-type",
      },
    }),
    status: 204,
    answer: {},
  },
  {
    ...WEB,
    does: "shows the form in its frame",
    request: ({ clientId }) => ({
      method: "GET",
      path: `/signup?challenge=${"A".repeat(43)}&type=EMAIL&domain=${encodeURIComponent(WEB_ORIGIN)}&api_key=${clientId}&redirect_url=undefined&state=abc&id=form`,
    }),
    answer: { "": "string" },
  },
  // The form itself runs in a browser (test/e2e). What it leads to is the same code, for the page's origin.
  asksIdentity(WEB, {
    redirect: WEB_ORIGIN,
    verifier: () => randomBytes(28).toString("hex"),
    address: ({ clientId }, challenge, state) =>
      `/app?type=EMAIL&api_key=${clientId}&redirect_url=${encodeURIComponent(WEB_ORIGIN)}&state=${state}&code_challenge=${challenge}`,
  }),
  refreshes(WEB, ({ clientId }) => `/token/${clientId}`),
  {
    ...WEB,
    does: "asks whether the form may go on (withFormID)",
    request: (scene) => ({
      method: "GET",
      path: `/screening/form?identifier=${encodeURIComponent(scene.email)}&form-id=form_default`,
      headers: WEB.headers(scene),
    }),
    answer: { passed: "boolean" },
    says: () => ({ passed: true }),
  },
  {
    ...WEB,
    does: "signs out",
    request: (scene) => json(WEB, scene, "DELETE", `/token/${scene.clientId}`),
    answer: { "": "object" },
  },
];

const PY: Layer = {
  ...RN,
  sdk: "cotter for Python",
  version: "0.0.6",
  headers: ({ clientId }) => ({ API_KEY_ID: clientId, ...JSON_TYPE }),
};

const python: readonly Row[] = [
  asksIdentity(PY, {
    redirect: PY_REDIRECT,
    verifier: () => randomBytes(32).toString("base64url"),
    address: ({ clientId }, challenge, state) =>
      `/app?type=EMAIL&auth_method=OTP&api_key=${clientId}&redirect_url=${encodeURIComponent(PY_REDIRECT)}&state=${state}&code_challenge=${challenge}`,
  }),
  readsKeys(PY),
  refreshes(PY, ({ clientId }) => `/token/${clientId}`),
];

const NODE: Layer = { ...RN, sdk: "cotter-node", version: "0.1.3" };

const backends: readonly Row[] = [
  createsUser(RN, ({ email }) => ({ identifier: email })),
  {
    ...enrolsFirst(RN, ({ userId }) => `/user/methods?cotter_user_id=${userId}&oauth_token=true`),
    keep: keepTokens,
  },
  readsKeys(NODE),
  {
    ...NODE,
    sdk: "the vendor's serverless check",
    version: "documented",
    does: "asks whether an access token is good",
    request: ({ accessToken, clientId }) => ({
      method: "POST",
      path: "/verify",
      headers: { API_KEY_ID: clientId, ...JSON_TYPE },
      body: JSON.stringify({ oauth_token: { access_token: accessToken } }),
    }),
    answer: { success: "boolean" },
    says: () => ({ success: true }),
  },
];

/** Every SDK whose requests are known, with what makes its keys. Another one is another entry. */
export const SDK_REQUESTS: readonly {
  readonly name: string;
  /** Whether its HTTP stack keeps cookies by itself. */
  readonly keepsCookies?: boolean;
  readonly makeKey: () => DeviceKey;
  readonly requests: readonly Row[];
}[] = [
  { name: "React Native", keepsCookies: true, makeKey: ed25519Key, requests: reactNative },
  { name: "Flutter", makeKey: ed25519Key, requests: flutter },
  { name: "Android", makeKey: androidKey, requests: android },
  { name: "iOS", keepsCookies: true, makeKey: iosKey, requests: ios },
  { name: "web", keepsCookies: true, makeKey: ed25519Key, requests: web },
  { name: "Python", makeKey: ed25519Key, requests: python },
  { name: "backends", makeKey: ed25519Key, requests: backends },
];
