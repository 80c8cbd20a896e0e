import { randomUUID } from "node:crypto";
import { makeApi } from "../support/api.ts";
import type { Place } from "../support/app.ts";
import { ANDROID, Device, IOS, type Mobile, makeTenant } from "../support/authsignal.ts";
import { type Sent as Letter, newestTo } from "../support/outbox.ts";
import type { Needs, SdkRequest, Sent } from "../support/sdk-requests.ts";

/**
 * What the network layers of Authsignal's public SDKs send, and what their decoders require. Read from the published packages and public
 * repositories: facts of the wire, no code. React Native (3.3.1) and Flutter (3.1.0) make no call of their own but for the headers that name
 * them: they wrap the iOS and Android libraries.
 */
export type Context = {
  readonly tenant: string;
  readonly secret: string;
  readonly user: string;
  readonly email: string;
  readonly phones: Readonly<Record<string, Device>>;
  /** The code that was sent to the user's address since the last one was asked for. */
  code(): Promise<string>;
  /** A new token of the user's, as the page's own backend has it. */
  token(action: string, body?: Json): Promise<string>;
  /** What an answer named, by the name that the rows give it. */
  readonly kept: Record<string, string>;
};

type Row = SdkRequest<Context>;
type Json = Readonly<Record<string, unknown>>;

export async function makeContext(place: Place): Promise<Context> {
  const allowed_origins = ["https://shop.example"];
  const tenant = await makeTenant(place, { allowed_origins });
  const user = `auth0|${randomUUID()}`;
  const email = `ada-${randomUUID()}@example.com`;
  const api = makeApi(place.origin, { Authorization: `Basic ${btoa(`${tenant.secret}:`)}` });
  const phones = Object.fromEntries(
    [IOS, ANDROID].flatMap((mobile) =>
      (["push", "qr-code", "in-app"] as const).map((namespace) => [
        `${mobile.name} ${namespace}`,
        new Device(tenant, mobile, namespace),
      ]),
    ),
  );
  let last: Letter | undefined;
  return {
    tenant: tenant.id,
    secret: tenant.secret,
    user,
    email,
    phones,
    async code() {
      last = await newestTo(makeApi(place.origin), email, last);
      return last.code;
    },
    async token(action, body = {}) {
      const path = `/v1/users/${encodeURIComponent(user)}/actions/${action}`;
      return String((await api("POST", path, { json: body })).body.token);
    },
    kept: {},
  };
}

/** On a success there must be no member of this name: the browser's SDK takes it for a failure. */
const NO_ERROR: Needs = { error: "absent" };
const MAYBE = ["string", "absent", "null"] as const;

// Server SDKs ---------------------------------------------------------------------------------------------------------------------

/** How one server SDK writes what all of them say. */
type Server = {
  readonly sdk: string;
  readonly version: string;
  readonly headers: Readonly<Record<string, string>>;
  /** The content type, also of calls without a body where `always` says so. */
  readonly type: string;
  readonly always: boolean;
  readonly inPath: (text: string) => string;
  readonly update: "PATCH" | "POST";
  /** Members that the SDK writes though nobody set them. */
  readonly extra?: Json;
  /** How it asks for a challenge; undefined: it has no calls about codes. */
  readonly find?: (query: string, body: Json) => Omit<Sent, "headers">;
  readonly listsActions: boolean;
};

const asIs = (text: string) => text;
/** Python's `quote`: slashes stay. */
const quote = (text: string) => encodeURIComponent(text).replaceAll("%2F", "/");
const byGet = (query: string) => ({ method: "GET", path: `/challenges?${query}` });
const JSON_TYPE = "application/json";

const SERVERS: readonly Server[] = [
  {
    sdk: "@authsignal/node",
    version: "2.21.0",
    headers: { "X-Authsignal-Version": "2.20.0", "User-Agent": "authsignal-node" },
    type: JSON_TYPE,
    always: false,
    inPath: asIs,
    update: "PATCH",
    find: byGet,
    listsActions: true,
  },
  {
    sdk: "authsignal-python",
    version: "4.2.0",
    headers: { "User-Agent": "authsignal-python-sdk/4.2.0", "X-Authsignal-Version": "4.2.0", Accept: "*/*" },
    type: JSON_TYPE,
    always: true,
    inPath: quote,
    update: "PATCH",
    listsActions: false,
  },
  {
    sdk: "authsignal-ruby",
    version: "5.2.1",
    headers: { "User-Agent": "authsignal-ruby", "X-Authsignal-Version": "5.2.1", Accept: JSON_TYPE },
    type: JSON_TYPE,
    always: true,
    inPath: encodeURIComponent,
    update: "POST",
    listsActions: false,
  },
  {
    sdk: "authsignal-java",
    version: "2.10.1",
    headers: { "User-Agent": "authsignal-java", "X-Authsignal-Version": "2.10.1" },
    type: JSON_TYPE,
    always: false,
    inPath: encodeURIComponent,
    update: "POST",
    find: (query, body) => ({ method: "POST", path: `/challenges${query}`, body: JSON.stringify(body) }),
    listsActions: true,
  },
  {
    sdk: "authsignalgo",
    version: "2.2.0",
    headers: { "User-Agent": "authsignalgo/v1", Accept: "*/*" },
    type: JSON_TYPE,
    always: true,
    inPath: encodeURIComponent,
    update: "PATCH",
    extra: { redirectToSettings: null },
    find: (query) => ({ method: "GET", path: `/v1/challenges?${query}` }),
    listsActions: false,
  },
  {
    sdk: "authsignal-dotnet",
    version: "4.3.0",
    headers: { "X-Authsignal-Version": "4.1.0" },
    type: "application/json; charset=utf-8",
    always: false,
    inPath: encodeURIComponent,
    update: "PATCH",
    extra: { redirectToSettings: false },
    // With members its query leads to a host that is named after the path, so nothing of it arrives anywhere.
    find: (_query, body) => ({ method: "POST", path: "/challenges", body: JSON.stringify(body) }),
    listsActions: true,
  },
  {
    sdk: "authsignal-php",
    version: "4.5.0",
    headers: { "User-Agent": "authsignal-php", "X-Authsignal-Version": "4.5.0" },
    type: JSON_TYPE,
    always: true,
    // `urlencode` writes a blank as `+`; ids have none.
    inPath: encodeURIComponent,
    update: "PATCH",
    extra: { custom: [] },
    listsActions: true,
  },
];

/** The records of .NET, whose members without a default must be there; the other decoders take what is missing as nothing. */
const AUTHENTICATOR: Needs = {
  userId: "string",
  userAuthenticatorId: "string",
  verificationMethod: "string",
  createdAt: "date",
  verifiedAt: ["date", "absent"],
  lastVerifiedAt: ["date", "absent"],
};
const under = (path: string, needs: Needs): Needs =>
  Object.fromEntries(Object.entries(needs).map(([name, kinds]) => [`${path}.${name}`, kinds]));

function serverRows(server: Server): readonly Row[] {
  const { sdk, version, inPath, extra = {}, find } = server;
  const sends =
    (method: string, path: (context: Context) => string, body?: (context: Context) => Json | Promise<Json>) =>
    async (context: Context): Promise<Sent> => ({
      method,
      path: `/v1${path(context)}`,
      headers: headersOf(server, context, body !== undefined),
      ...(body === undefined ? {} : { body: JSON.stringify(await body(context)) }),
    });
  const user = ({ user: name }: Context) => `/users/${inPath(name)}`;
  const action = (context: Context) => `${user(context)}/actions/signIn/${inPath(context.kept.key ?? "")}`;
  const row = (does: string, request: Row["request"], answer: Needs, keep?: Row["keep"]): Row => ({
    sdk,
    version,
    does,
    request,
    answer,
    ...(keep === undefined ? {} : { keep }),
  });
  return [
    row("getUser", sends("GET", user), { isEnrolled: "boolean" }),
    row(
      "updateUser",
      sends(server.update, user, ({ email }) => ({
        email,
        phoneNumber: "9876543210",
        displayName: "Ada",
        custom: extra.custom ?? { foo: "bar" },
      })),
      { email: "string", phoneNumber: "string", displayName: "string", custom: "object" },
    ),
    row(
      "enrollVerifiedAuthenticator",
      sends(
        "POST",
        (context) => `${user(context)}/authenticators`,
        ({ email }) => ({ verificationMethod: "EMAIL_OTP", email }),
      ),
      { authenticator: "object", ...under("authenticator", AUTHENTICATOR) },
    ),
    row(
      "getAuthenticators",
      sends("GET", (context) => `${user(context)}/authenticators`),
      {
        "": "array",
        ...under("0", AUTHENTICATOR),
      },
    ),
    row(
      "track",
      sends(
        "POST",
        (context) => `${user(context)}/actions/signIn`,
        () => ({ ...extra, ipAddress: "203.0.113.7", userAgent: "Mozilla/5.0", deviceId: randomUUID() }),
      ),
      {
        idempotencyKey: "string",
        state: "string",
        url: "string",
        token: "JWT",
        isEnrolled: "boolean",
        enrolledVerificationMethods: "array",
        allowedVerificationMethods: "array",
        defaultVerificationMethod: "string",
        ruleIds: "array",
      },
      ({ kept }, answer) => {
        kept.token = String((answer as Json).token);
        kept.key = String((answer as Json).idempotencyKey);
      },
    ),
    row("getAction", sends("GET", action), {
      state: "string",
      createdAt: "date",
      stateUpdatedAt: "date",
      rules: "array",
      output: "object",
      ruleIds: "array",
    }),
    row(
      "validateChallenge",
      sends(
        "POST",
        () => "/validate",
        ({ kept, user: userId }) => ({ token: kept.token, userId, action: "signIn" }),
      ),
      {
        isValid: "boolean",
        state: "string",
        stateUpdatedAt: "date",
        userId: "string",
        actionCode: "string",
        action: "string",
        idempotencyKey: "string",
        verificationMethod: MAYBE,
      },
    ),
    row(
      "updateAction",
      sends("PATCH", action, () => ({ state: "REVIEW_REQUIRED" })),
      { state: "string" },
    ),
    ...(server.listsActions
      ? [
          row(
            "queryUserActions",
            sends("GET", (context) => `${user(context)}/actions?codes=signIn%2Cpay`),
            {
              "": "array",
              "0.actionCode": "string",
              "0.idempotencyKey": "string",
              "0.state": "string",
              "0.createdAt": "date",
              "0.updatedAt": "date",
              "0.stateUpdatedAt": "date",
            },
          ),
        ]
      : []),
    row(
      "queryUsers",
      sends("GET", ({ email }) => `/users?email=${encodeURIComponent(email)}`),
      {
        users: "array",
        "users.0.userId": "string",
        "users.0.emailVerified": "boolean",
        "users.0.phoneNumberVerified": "boolean",
        lastEvaluatedUserId: MAYBE,
      },
    ),
    ...(find
      ? codeRows(row, sends, async (context) => {
          const asked = { challengeId: context.kept.challenge ?? "" };
          const { body, path, method } = find(`challengeId=${asked.challengeId}`, asked);
          return {
            method,
            path: `/v1${path}`,
            headers: headersOf(server, context, body !== undefined),
            ...(body === undefined ? {} : { body }),
          };
        })
      : []),
    row(
      "a wrong secret",
      async (context) => ({
        method: "GET",
        path: `/v1${user(context)}`,
        headers: { ...headersOf(server, context, false), Authorization: `Basic ${btoa("wrong:")}` },
      }),
      { error: "string", errorCode: "string", errorDescription: "string" },
    ),
    row(
      "deleteAuthenticator",
      sends("DELETE", (context) => `${user(context)}/authenticators/${randomUUID()}`),
      { "": "object" },
    ),
    row("deleteUser", sends("DELETE", user), { "": "object" }),
    row("getUser of nobody", sends("GET", user), { isEnrolled: "boolean" }),
  ].map((one) => (one.does === "a wrong secret" ? { ...one, status: 401 } : one));
}

const headersOf = (
  { headers, type, always }: Server,
  { secret }: Context,
  hasBody: boolean,
): Readonly<Record<string, string>> => ({
  ...headers,
  Authorization: `Basic ${btoa(`${secret}:`)}`,
  ...(hasBody || always ? { "Content-Type": type } : {}),
});

/** Codes that a backend asks for. */
function codeRows(
  row: (does: string, request: Row["request"], answer: Needs, keep?: Row["keep"]) => Row,
  sends: (
    method: string,
    path: (context: Context) => string,
    body?: (context: Context) => Json | Promise<Json>,
  ) => Row["request"],
  find: Row["request"],
): readonly Row[] {
  return [
    row(
      "challenge",
      sends(
        "POST",
        () => "/challenge",
        ({ email }) => ({ verificationMethod: "EMAIL_OTP", action: "signIn", email }),
      ),
      { challengeId: "string", idempotencyKey: "string", expiresAt: "integer" },
      ({ kept }, answer) => {
        kept.challenge = String((answer as Json).challengeId);
      },
    ),
    row("getChallenge", find, {
      challengeId: "string",
      expiresAt: "integer",
      action: "string",
      email: "string",
    }),
    row(
      "verify",
      sends(
        "POST",
        () => "/verify",
        async (context) => ({
          challengeId: context.kept.challenge,
          verificationCode: await context.code(),
        }),
      ),
      { isVerified: "boolean", email: "string", verificationMethod: "string", failureReason: MAYBE },
    ),
    row(
      "claimChallenge",
      sends(
        "POST",
        () => "/claim",
        ({ kept, user: userId }) => ({
          challengeId: kept.challenge,
          userId,
          skipVerificationCheck: false,
        }),
      ),
      { token: "JWT", verificationMethod: "string" },
    ),
  ];
}

// The browser's SDK ---------------------------------------------------------------------------------------------------------------

const BROWSER = { sdk: "@authsignal/browser", version: "1.21.1" } as const;

/** A JSON content type on every call; a body only where the method has arguments. */
const page = (
  does: string,
  path: string,
  body: ((context: Context) => Json | Promise<Json>) | undefined,
  answer: Needs,
  more: { readonly keep?: Row["keep"]; readonly method?: string; readonly tenant?: true } = {},
): Row => ({
  ...BROWSER,
  does,
  answer: { ...NO_ERROR, ...answer },
  request: async (context) => ({
    method: more.method ?? "POST",
    path: `/v1/client${path}`,
    headers: {
      "Content-Type": JSON_TYPE,
      Origin: "https://shop.example",
      Authorization: more.tenant
        ? `Basic ${btoa(encodeURIComponent(context.tenant))}`
        : `Bearer ${context.kept.token}`,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(await body(context)) }),
  }),
  ...(more.keep === undefined ? {} : { keep: more.keep }),
});

const keep =
  (...names: readonly string[]): Row["keep"] =>
  ({ kept }, answer) => {
    for (const name of names) kept[name] = String((answer as Json)[name]);
  };

/** What the page's own backend does between the calls; its answer is looked at by no SDK. */
const backend = (does: string, act: (context: Context) => Promise<void>): Row => ({
  sdk: "the page's backend",
  version: "-",
  does,
  answer: {},
  request: async (context) => {
    await act(context);
    return { method: "GET", path: "/healthz" };
  },
});

const tokenFor = (action: string, body?: Json): Row =>
  backend(`track ${action}`, async (context) => {
    context.kept.token = await context.token(action, body);
  });

const AUTHENTICATOR_SEEN: Needs = {
  userAuthenticatorId: "string",
  verificationMethod: "string",
  createdAt: "date",
  isDefault: ["boolean", "absent"],
};
const VERIFIED: Needs = { isVerified: "boolean", accessToken: "JWT", failureReason: MAYBE };

const BROWSER_ROWS: readonly Row[] = [
  tokenFor("enrol"),
  page("email.enroll", "/user-authenticators/email-otp", ({ email }) => ({ email }), {
    userAuthenticatorId: "string",
    userId: "string",
  }),
  page("email.verify, a wrong code", "/verify/email-otp", () => ({ verificationCode: "00000" }), {
    isVerified: "boolean",
    accessToken: "absent",
    failureReason: "string",
  }),
  page("email.verify", "/verify/email-otp", async (context) => ({ verificationCode: await context.code() }), {
    ...VERIFIED,
    userAuthenticator: "object",
    ...under("userAuthenticator", AUTHENTICATOR_SEEN),
  }),
  tokenFor("signIn"),
  page("email.challenge", "/challenge/email-otp", undefined, { challengeId: "string" }),
  page("email.verify", "/verify/email-otp", async (context) => ({ verificationCode: await context.code() }), {
    ...VERIFIED,
    userAuthenticator: ["object", "absent"],
  }),
  page(
    "passkey.getAuthenticators",
    "/user-authenticators",
    undefined,
    { "": "array", ...under("0", AUTHENTICATOR_SEEN) },
    {
      method: "GET",
    },
  ),
  tokenFor("link"),
  page("emailML.challenge", "/challenge/email-magic-link", undefined, { challengeId: "string" }),
  page("emailML.checkVerificationStatus", "/verify/email-magic-link/finalize", () => ({}), {
    isVerified: "boolean",
    accessToken: ["JWT", "absent"],
  }),
  tokenFor("scan"),
  page(
    "qrCode.challenge",
    "/challenge/qr-code",
    () => ({ action: "scan" }),
    { challengeId: "string", deviceCode: "string", expiresAt: "date" },
    { keep: keep("challengeId", "deviceCode") },
  ),
  page(
    "qrCode.verify",
    "/verify/qr-code",
    ({ kept: { challengeId, deviceCode } }) => ({ challengeId, deviceCode }),
    { isClaimed: "boolean", isVerified: "boolean", isConsumed: "boolean" },
    { tenant: true },
  ),
  page(
    "passkey.challenge",
    "/challenge",
    () => ({ action: "pay" }),
    { challengeId: "string" },
    { tenant: true },
  ),
];

// The phones' SDKs ----------------------------------------------------------------------------------------------------------------

/** A credential as both decoders read it; a date is handed to the app as text. */
const CREDENTIAL: Needs = {
  userAuthenticatorId: "string",
  userId: "string",
  verifiedAt: "string",
  lastVerifiedAt: MAYBE,
  expiresAt: MAYBE,
};

type Calling = {
  readonly method?: string;
  readonly body?: (context: Context, device: Device) => Json | Promise<Json>;
  readonly token?: true;
  readonly headers?: (context: Context, device: Device) => Readonly<Record<string, string>>;
  readonly keep?: Row["keep"];
};

function phoneRows(
  mobile: Mobile,
  native: string,
  wrapper?: { readonly name: string; readonly version: string },
): readonly Row[] {
  const version = wrapper?.version ?? native;
  const names = {
    "X-Authsignal-SDK": wrapper?.name ?? mobile.sdk,
    "X-Authsignal-Version": version,
    ...(wrapper ? { "X-Authsignal-Native-SDK": mobile.sdk, "X-Authsignal-Native-Version": native } : {}),
  };
  const calls =
    (namespace: string) =>
    (
      does: string,
      path: string | ((device: Device) => string),
      answer: Needs,
      { method = "POST", body, token, headers, keep: keeps }: Calling = {},
    ): Row => ({
      sdk: wrapper ? `${wrapper.name} on ${mobile.name}` : `authsignal-${mobile.sdk}`,
      version,
      does,
      answer: { ...NO_ERROR, ...answer },
      ...(keeps === undefined ? {} : { keep: keeps }),
      request: async (context) => {
        const device = context.phones[`${mobile.name} ${namespace}`];
        if (!device) throw new Error(`no phone for ${namespace}`);
        return {
          method,
          path: `/v1/client${typeof path === "string" ? path : path(device)}`,
          headers: {
            ...names,
            "X-Authsignal-Tenant-ID": context.tenant,
            Authorization: token ? `Bearer ${context.kept.token}` : `Basic ${mobile.basic(context.tenant)}`,
            ...(body === undefined ? {} : { "Content-Type": JSON_TYPE }),
            ...headers?.(context, device),
          },
          ...(body === undefined ? {} : { body: mobile.body(await body(context, device)) }),
        };
      },
    });
  const at = (namespace: string, path = "") => `/user-authenticators/${namespace}${path}`;
  const keyed =
    (namespace: string, path = "") =>
    (device: Device) =>
      `${at(namespace, path)}?publicKey=${mobile.inQuery(device.key)}`;
  const add = (namespace: string): Row =>
    calls(namespace)("addCredential", at(namespace), CREDENTIAL, {
      token: true,
      body: (_context, device) => ({
        publicKey: device.key,
        deviceName: "Jane's phone",
        devicePlatform: mobile.sdk,
        ...(namespace === "push" ? { pushToken: "push-token" } : {}),
      }),
    });
  const signed =
    (name: string, more: Json = {}) =>
    (context: Context, device: Device) => ({
      challengeId: context.kept[name],
      publicKey: device.key,
      signature: device.sign(String(context.kept[name])),
      ...more,
    });
  const push = calls("push");
  const qr = calls("qr-code");
  const app = calls("in-app");
  const scope = { scope: "add:authenticators" };
  return [
    tokenFor("add", scope),
    add("push"),
    push("getCredential", keyed("push"), CREDENTIAL, { method: "GET" }),
    push(
      "getChallenge, none pending",
      keyed("push", "/challenge"),
      { userAuthenticatorId: "string", challengeId: MAYBE },
      { method: "GET" },
    ),
    tokenFor("signIn", { custom: { amount: 12.5 } }),
    page(
      "push.challenge",
      "/challenge/push",
      () => ({ action: "signIn" }),
      { challengeId: "string", deliveryResults: ["array", "absent"] },
      { keep: keep("challengeId") },
    ),
    page("push.verify", "/verify/push", ({ kept }) => ({ challengeId: kept.challengeId }), {
      isVerified: "boolean",
      isConsumed: "boolean",
      accessToken: "absent",
    }),
    push(
      "getChallenge, its nonce",
      keyed("push", "/challenge/sign"),
      { message: "string" },
      { keep: keep("message") },
    ),
    push(
      "getChallenge",
      keyed("push", "/challenge"),
      {
        userAuthenticatorId: "string",
        challengeId: "string",
        userId: "string",
        actionCode: MAYBE,
        idempotencyKey: MAYBE,
        deviceId: MAYBE,
        userAgent: MAYBE,
        ipAddress: MAYBE,
        expiresAt: "integer",
        custom: "object",
        user: ["object", "absent"],
      },
      {
        method: "GET",
        headers: ({ kept }, device) => ({ "X-Authsignal-Signature": device.sign(String(kept.message)) }),
      },
    ),
    push(
      "updateChallenge",
      at("push", "/challenge"),
      { isVerified: "boolean" },
      {
        body: signed("challengeId", { approved: true, ...mobile.noCode }),
      },
    ),
    page("push.verify, approved", "/verify/push", ({ kept }) => ({ challengeId: kept.challengeId }), {
      isVerified: "boolean",
      isConsumed: "boolean",
      accessToken: "JWT",
    }),
    push(
      "updateCredential, its text",
      keyed("push", "/sign"),
      { challengeId: "string", message: "string" },
      { keep: keep("challengeId", "message") },
    ),
    push(
      "updateCredential",
      at("push"),
      {
        userAuthenticatorId: "string",
        userId: "string",
        lastVerifiedAt: "string",
        pushToken: MAYBE,
        expiresAt: MAYBE,
      },
      {
        method: "PATCH",
        body: ({ kept }, device) => ({
          challengeId: kept.challengeId,
          publicKey: device.key,
          signature: device.sign(String(kept.message)),
          pushToken: "another",
          ...(mobile.sdk === "android" ? { resetExpiry: false } : {}),
        }),
      },
    ),
    tokenFor("addQr", scope),
    add("qr-code"),
    qr("getCredential", keyed("qr-code"), CREDENTIAL, { method: "GET" }),
    tokenFor("kiosk"),
    page(
      "qrCode.challenge",
      "/challenge/qr-code",
      () => ({ action: "kiosk" }),
      { challengeId: "string", deviceCode: "string", expiresAt: "date" },
      { keep: keep("challengeId", "deviceCode") },
    ),
    qr(
      "claimChallenge",
      at("qr-code", "/challenge/claim"),
      {
        success: "boolean",
        ipAddress: MAYBE,
        userAgent: MAYBE,
        actionCode: MAYBE,
        idempotencyKey: MAYBE,
        custom: ["object", "absent"],
        user: ["object", "absent"],
      },
      {
        body: signed("challengeId"),
      },
    ),
    qr(
      "updateChallenge",
      at("qr-code", "/challenge"),
      { isVerified: "boolean" },
      {
        body: signed("challengeId", { approved: true, ...mobile.noCode }),
      },
    ),
    page(
      "qrCode.verify",
      "/verify/qr-code",
      ({ kept: { challengeId, deviceCode } }) => ({ challengeId, deviceCode }),
      { isClaimed: "boolean", isVerified: "boolean", isConsumed: "boolean", accessToken: "JWT" },
      { tenant: true },
    ),
    tokenFor("addApp", scope),
    add("in-app"),
    app("getCredential", keyed("in-app"), CREDENTIAL, { method: "GET" }),
    app(
      "verify, its challenge",
      "/challenge",
      { challengeId: "string", nonce: MAYBE },
      { body: () => ({ action: "pay" }), keep: keep("challengeId") },
    ),
    app(
      "verify",
      "/verify/in-app",
      { token: "JWT", userId: "string", userAuthenticatorId: "string", username: MAYBE },
      { body: signed("challengeId") },
    ),
    tokenFor("addMail", scope),
    push(
      "email.enroll",
      at("email-otp"),
      { userAuthenticatorId: "string" },
      { token: true, body: ({ email }) => ({ email }) },
    ),
    push(
      "email.verify",
      "/verify/email-otp",
      { isVerified: "boolean", accessToken: MAYBE, failureReason: MAYBE },
      {
        token: true,
        body: async (context) => ({ verificationCode: await context.code() }),
      },
    ),
    tokenFor("mail"),
    push("email.challenge", "/challenge/email-otp", { challengeId: "string" }, { token: true }),
    push("email.verify", "/verify/email-otp", VERIFIED, {
      token: true,
      body: async (context) => ({ verificationCode: await context.code() }),
    }),
    push(
      "passkey.getAuthenticators",
      "/user-authenticators",
      { "": "array", "0.userAuthenticatorId": MAYBE, "0.verificationMethod": MAYBE },
      { method: "GET", token: true },
    ),
    ...["push", "qr-code", "in-app"].map((namespace) =>
      calls(namespace)(
        "removeCredential",
        at(namespace, "/remove"),
        { removedAuthenticatorId: MAYBE },
        {
          body: (_context, device) => ({
            publicKey: device.key,
            signature: device.sign(`${Math.floor(Date.now() / 600_000)}.0`),
          }),
        },
      ),
    ),
  ];
}

/** One after the other; each against a tenant and a user of its own. */
export const PLAYS: readonly (readonly Row[])[] = [
  ...SERVERS.map(serverRows),
  BROWSER_ROWS,
  phoneRows(IOS, "2.13.0"),
  phoneRows(ANDROID, "4.3.0"),
  phoneRows(IOS, "2.13.0", { name: "react-native", version: "3.3.1" }),
  phoneRows(ANDROID, "4.3.0", { name: "flutter", version: "3.1.0" }),
];
