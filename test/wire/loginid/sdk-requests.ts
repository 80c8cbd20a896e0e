import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { makeApi } from "../support/api.ts";
import type { Place } from "../support/app.ts";
import type { Needs, SdkRequest, Sent } from "../support/sdk-requests.ts";

/**
 * What the network layers of LoginID's public SDKs send, and what their decoders require. Read from the published packages and public
 * repositories: facts of the wire, no code. The native iOS and Android libraries of v1, which React Native wraps, make no call with codes.
 */
export type Context = {
  /** A client with an API credential that may make every call. */
  readonly backend: string;
  /** A browser's client that goes by the backend's names. */
  readonly web: string;
  readonly username: string;
  /** A service token as the SDKs sign it: a new nonce each time. */
  token(scope: string, claims?: Readonly<Record<string, unknown>>): string;
  userId: string;
  code: string;
  kid: string;
};

type Row = SdkRequest<Context>;
type Json = Readonly<Record<string, unknown>>;

/** A backend and its browser's client, and the name of somebody who is not there yet. */
export async function makeContext({ origin, adminToken }: Place): Promise<Context> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const admin = makeApi(origin, { Authorization: `Bearer ${adminToken}` });
  const register = async (json: Json): Promise<string> => {
    // As the vendor's dashboard gives ids out: base64url with its padding.
    const client_id = `${Buffer.from(randomUUID()).toString("base64url").slice(0, 46)}==`;
    const made = await admin("POST", "/admin/clients", { json: { name: "Shop", client_id, ...json } });
    if (made.status !== 201) throw new Error(`no client: ${made.text}`);
    return client_id;
  };
  const allowed_origins = ["https://shop.example"];
  const backend = await register({
    kind: "confidential",
    public_keys: [publicKey.export({ type: "spki", format: "pem" })],
    allowed_origins,
    settings: { preauthorize: true, wait_seconds: 5 },
  });
  const web = await register({
    kind: "public",
    allowed_origins,
    settings: { names_from: [backend], wait_seconds: 5 },
  });
  const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return {
    backend,
    web,
    username: `Ada-${randomUUID()}@Example.com`,
    token(scope, claims = {}) {
      const nonce = randomUUID().replaceAll("-", "").slice(0, 16);
      const payload = {
        client_id: backend,
        type: scope,
        nonce,
        iat: Math.floor(Date.now() / 1_000),
        ...claims,
      };
      const input = `${encoded({ alg: "ES256", typ: "JWT" })}.${encoded(payload)}`;
      const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
      return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
    },
    userId: "",
    code: "",
    kid: "",
  };
}

const PROFILE: Needs = {
  id: "uuid",
  username: "string",
  status: "string",
  namespace_id: "string",
  client_id: "string",
  created_at: "date",
  updated_at: "date",
};
const GENERATED: Needs = { code: "string", expires_at: "date", is_authorized: "boolean" };
const AUTHORIZED: Needs = { expires_at: "date", is_authorized: "boolean" };
const INVALIDATED: Needs = { deleted_at: "date" };
const RESULT: Needs = {
  "client.id": "string",
  "client.type": "string",
  "credential.uuid": "uuid",
  "credential.id": "uuid",
  "credential.type": "string",
  "credential.name": "string",
  "user.id": "uuid",
  "user.username": "string",
  "user.namespace_id": "string",
  jwt: "JWT",
  is_authenticated: "boolean",
};
const LIST: Needs = { user_id: "string", credentials: "array" };
const CREATION: Needs = {
  "attestation_payload.credential_uuid": "uuid",
  "attestation_payload.challenge": "string",
  "attestation_payload.rp.id": "string",
  "attestation_payload.user.id": "string",
  "attestation_payload.user.name": "string",
  "attestation_payload.user.displayName": "string",
  "attestation_payload.pubKeyCredParams": "array",
  "attestation_payload.excludeCredentials": "array",
  "attestation_payload.authenticatorSelection.userVerification": "string",
};
const ASSERTION: Needs = {
  "assertion_payload.challenge": "string",
  "assertion_payload.rpId": "string",
  "assertion_payload.allowCredentials": "array",
};
const NOTHING: Needs = { "": "string" };
const PEM = NOTHING;
const WRONG: Needs = { code: "string", message: "string" };

const keepUser = (context: Context, answer: unknown): void => {
  context.userId = String((answer as Json).id);
};
const keepCode = (context: Context, answer: unknown): void => {
  context.code = String((answer as Json).code);
};
/** What the backends' `verifyToken` compares, letter by letter. */
const keepResult =
  (client: (context: Context) => string) =>
  (context: Context, answer: unknown): void => {
    const [head = "", payload = ""] = String((answer as Json).jwt).split(".");
    const read = (part: string): Json => JSON.parse(Buffer.from(part, "base64url").toString()) as Json;
    const { aud, sub, udata } = read(payload);
    const said = JSON.stringify([aud, sub, udata]);
    const wanted = JSON.stringify([client(context), context.userId, context.username]);
    if (said !== wanted) throw new Error(`a token for ${said}, where SDKs require ${wanted}`);
    context.kid = String(read(head).kid);
  };
const backendOf = ({ backend }: Context): string => backend;
const webOf = ({ web }: Context): string => web;

/** How one SDK writes its requests: where its paths begin, which headers it adds, what it puts into its tokens. */
type Style = {
  readonly sdk: string;
  readonly version: string;
  readonly base: string;
  /** The name under which the content type is sent. */
  readonly contentType: string;
  /** Beside the token and the content type. */
  readonly extra?: Readonly<Record<string, string>>;
  /** Whether the client is named in this header, and on which calls. */
  readonly clientHeader?: string;
  readonly clientHeaderOn: "users" | "all";
  /** What a token says about the user. */
  readonly claims?: (context: Context) => Json;
};

type Told = { readonly does: string; readonly answer: Needs } & Partial<
  Pick<Row, "status" | "keep" | "request">
>;
type Call = {
  readonly method?: string;
  readonly path: string | ((context: Context) => string);
  readonly scope?: string;
  readonly about?: "users" | "codes";
  readonly body?: (context: Context) => Json;
  readonly contentType?: string;
};

/** One request of this style. */
function row(style: Style, told: Told, call: Call): Row {
  const { sdk, version, base, contentType, extra = {}, clientHeader, clientHeaderOn, claims } = style;
  const { method = "POST", path, scope, about = "codes", body } = call;
  const named = clientHeader !== undefined && (clientHeaderOn === "all" || about === "users");
  return {
    sdk,
    version,
    ...told,
    request: (context): Sent => ({
      method,
      path: `${base}${typeof path === "string" ? path : path(context)}`,
      headers: {
        [contentType]: call.contentType ?? "application/json",
        ...extra,
        ...(scope === undefined
          ? {}
          : { Authorization: `Bearer ${context.token(scope, claims?.(context))}` }),
        ...(named ? { [clientHeader]: context.backend } : {}),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body(context)) }),
    }),
  };
}

const byId = ({ userId }: Context): Json => ({ user_id: userId });
const byName = ({ username }: Context): Json => ({ username });
type By = typeof byId;

const TEMPORARY = "temporary_authentication";

/** `/manage/users…` as every backend package calls it. */
const users = (style: Style, emptyType = "application/json"): readonly Row[] => [
  row(
    style,
    { does: "makes a person", answer: PROFILE, keep: keepUser },
    { path: "/manage/users", scope: "users.create", about: "users", body: byName },
  ),
  ...(["deactivate", "activate"] as const).map((verb) =>
    row(
      style,
      { does: verb, answer: { id: "uuid", username: "string", status: "string", created_at: "date" } },
      {
        method: "PUT",
        path: ({ userId }) => `/manage/users/${userId}/${verb}`,
        scope: `users.${verb}`,
        about: "users",
        contentType: emptyType,
      },
    ),
  ),
  row(
    style,
    { does: "finds a person", answer: PROFILE, keep: keepUser },
    { path: "/manage/users/retrieve", scope: "users.retrieve", about: "users", body: byName },
  ),
];

/** `/codes/{type}/…` as every backend package calls it. */
function codes(style: Style, by: By, type: string): Readonly<Record<"generate" | "authorize" | "end", Row>> {
  const about = (context: Context): Json => ({
    client_id: context.backend,
    purpose: TEMPORARY,
    ...by(context),
  });
  return {
    generate: row(
      style,
      { does: `asks for a ${type} code`, answer: GENERATED, keep: keepCode },
      {
        path: `/codes/${type}/generate`,
        scope: "codes.generate",
        body: (context) => ({ ...about(context), authorize: false }),
      },
    ),
    authorize: row(
      style,
      { does: `approves a ${type} code`, answer: AUTHORIZED },
      {
        path: `/codes/${type}/authorize`,
        scope: "codes.authorize",
        body: (context) => ({ ...about(context), code: context.code }),
      },
    ),
    end: row(
      style,
      { does: `ends ${type} codes`, answer: INVALIDATED },
      { path: `/codes/${type}/invalidate-all`, scope: "codes.invalidate", body: about },
    ),
  };
}

/** A private client's wait, with its token. */
const tokenWait = (style: Style, type: string, more: Json = {}): Row =>
  row(
    style,
    { does: `waits for a ${type} code`, answer: RESULT, keep: keepResult(backendOf) },
    {
      path: "/authenticate/code/wait",
      scope: "auth.temporary",
      body: ({ backend, username, code }) => ({
        client_id: backend,
        username,
        authentication_code: { code, type },
        ...more,
      }),
    },
  );

const certs = ({ sdk, version, base }: Style, headers: Readonly<Record<string, string>> = {}): Row => ({
  sdk,
  version,
  does: "fetches the key of a result",
  request: ({ kid }) => ({ method: "GET", path: `${base}/certs?kid=${kid}`, headers }),
  answer: PEM,
});

const listPost = (style: Style, by: By): Row =>
  row(
    style,
    { does: "lists credentials", answer: LIST },
    {
      path: "/credentials/list",
      scope: "credentials.list",
      body: (context) => ({ client_id: context.backend, ...by(context) }),
    },
  );

const changes = (style: Style, by: By): readonly Row[] =>
  (["rename", "revoke"] as const).map((verb) =>
    row(
      style,
      { does: `${verb}s a credential that is not there`, status: 404, answer: WRONG },
      {
        path: `/credentials/${verb}`,
        scope: `credentials.${verb}`,
        body: (context) => ({
          client_id: context.backend,
          ...by(context),
          credential: { uuid: randomUUID(), ...(verb === "rename" ? { name: "Phone" } : {}) },
        }),
      },
    ),
  );

const force = (style: Style, by: By, more: Json = {}): Row =>
  row(
    style,
    { does: "begins a passkey without a code", answer: CREATION },
    {
      path: "/credentials/fido2/init/force",
      scope: "credentials.force_add",
      body: (context) => ({ client_id: context.backend, ...by(context), ...more }),
    },
  );

const removal = (style: Style, contentType = "application/json"): Row =>
  row(
    style,
    { does: "deletes a person by their id", status: 204, answer: NOTHING },
    {
      method: "DELETE",
      path: ({ userId }) => `/manage/users/${userId}`,
      scope: "users.delete",
      about: "users",
      contentType,
    },
  );

const removalByName = (style: Style): Row =>
  row(
    style,
    { does: "deletes a person by their name", status: 204, answer: NOTHING },
    { path: "/manage/users/delete", scope: "users.delete", about: "users", body: byName },
  );

// Node.

const node = (version: string): Style => ({
  sdk: "@loginid/node-sdk",
  version,
  base: "",
  contentType: "Content-Type",
  clientHeader: "X-Client-ID",
  clientHeaderOn: "users",
});

const nodeRows = (version: string): readonly Row[] => {
  const style = node(version);
  const [short, phrase] = [codes(style, byId, "short"), codes(style, byId, "phrase")];
  // Headers of an earlier call leak into this one.
  const leaked = { "Content-Type": "application/json", Authorization: "Bearer a.used.token" };
  return [
    ...users(style),
    ...(version === "0.7.4"
      ? [short.generate, short.authorize, tokenWait(style, "short"), certs(style, leaked)]
      : [short.generate, short.authorize]),
    phrase.generate,
    phrase.authorize,
    phrase.end,
    row(
      style,
      { does: "lists credentials", answer: LIST },
      {
        method: "GET",
        path: ({ userId }) => `/credentials?user_id=${userId}`,
        scope: "credentials.list",
        about: "users",
      },
    ),
    ...changes(style, byId),
    force(style, byId),
    ...(version === "0.8.3"
      ? [
          closed(style, "/credentials/authid/init", "scans a document"),
          closed(style, "/credentials/authid/evaluate", "evaluates a scan"),
          closed(style, "/credentials/authid/complete", "completes a scan"),
        ]
      : []),
    closed(style, "/tx", "begins a transaction"),
    removal(style),
  ];
};

/** A call of the wire that is not served here: its SDK gets an error that it can read. */
const closed = (style: Style, path: string, does: string): Row =>
  row(
    style,
    { does: `${does}, which is closed here`, status: 404, answer: WRONG },
    { path, body: ({ web, username }) => ({ client_id: web, username }) },
  );

// Web.

const ORIGIN = { Origin: "https://shop.example" };

const web = (version: string): Style => ({
  sdk: "@loginid/sdk",
  version,
  base: "/api/native",
  contentType: "Content-Type",
  extra: ORIGIN,
  clientHeaderOn: "users",
});

/** The backend's part, by whichever package it uses. */
const asBackend = (purpose: string): readonly Row[] => {
  const style: Style = { ...node("0.8.3"), sdk: "the page's backend" };
  const [made] = users(style);
  const about = ({ backend, userId }: Context): Json => ({ client_id: backend, user_id: userId, purpose });
  return [
    ...(made ? [made] : []),
    row(
      style,
      { does: "asks for a code", answer: GENERATED, keep: keepCode },
      {
        path: "/codes/short/generate",
        scope: "codes.generate",
        body: (context) => ({ ...about(context), authorize: false }),
      },
    ),
    row(
      style,
      { does: "approves it", answer: AUTHORIZED },
      {
        path: "/codes/short/authorize",
        scope: "codes.authorize",
        body: (context) => ({ ...about(context), code: context.code }),
      },
    ),
  ];
};

const webWait = (style: Style, more: Json, told: Partial<Told> = {}): Row =>
  row(
    style,
    { does: "waits for a code", answer: RESULT, keep: keepResult(webOf), ...told },
    {
      path: "/authenticate/code/wait",
      body: (context) => ({
        client_id: context.web,
        username: context.username,
        authentication_code: { code: context.code, type: "short" },
        ...more,
      }),
    },
  );

/** `authorization`: what the header is where the app gave no token. */
const webAdd = (style: Style, authorization?: string): Row =>
  row(
    { ...style, extra: { ...ORIGIN, ...(authorization ? { Authorization: authorization } : {}) } },
    { does: "begins a passkey with a code", answer: CREATION },
    {
      path: "/credentials/fido2/init/code",
      body: (context) => ({
        client_id: context.web,
        username: context.username,
        authentication_code: { code: context.code, type: "short" },
      }),
    },
  );

const webSelf = (style: Style): Row =>
  row(
    style,
    { does: "begins a code by a passkey", answer: ASSERTION },
    {
      path: "/codes/short/generate/fido2/init",
      body: (context) => ({ client_id: context.web, username: context.username, purpose: TEMPORARY }),
    },
  );

const PASSKEY_SIGN_IN = ["/register/fido2/init", "/register/password", "/authenticate/fido2/init"];
const REMOTE_SESSIONS = ["/push_authentication/init", "/add_authenticator/init"];

const web13 = web("0.13.2");
const web12 = web("0.12.1");
const web9 = web("0.9.10");

const webRows: readonly (readonly Row[])[] = [
  [
    ...asBackend(TEMPORARY),
    webWait(web13, { no_wait: false, no_jwt: false }),
    ...[...PASSKEY_SIGN_IN, "/authenticate/authid/init", "/api/tx", "/api/tx/init"].map((path) =>
      closed(web13, path, "signs in by another way"),
    ),
  ],
  [
    ...asBackend(TEMPORARY).slice(0, 2),
    webWait(web13, { no_wait: true, no_jwt: true }, { status: 400, answer: WRONG, keep: () => undefined }),
    webSelf(web13),
  ],
  [...asBackend("add_credential"), webAdd(web13)],
  [
    ...asBackend("add_credential"),
    webAdd(web12),
    webSelf(web12),
    ...[...PASSKEY_SIGN_IN, ...REMOTE_SESSIONS].map((path) => closed(web12, path, "signs in by another way")),
  ],
  [
    ...asBackend("add_credential"),
    webAdd(web9, "Bearer undefined"),
    ...[...PASSKEY_SIGN_IN, ...REMOTE_SESSIONS].map((path) => closed(web9, path, "signs in by another way")),
  ],
];

// Java.

const java: Style = {
  sdk: "java-server-side-sdk",
  version: "1.0-SNAPSHOT",
  base: "/api/native",
  contentType: "Content-Type",
  extra: { Accept: "application/json", "User-Agent": "LoginID-SDK/1.0.0/java" },
  clientHeader: "X-Client-ID",
  clientHeaderOn: "users",
};

const javaRows = (by: By): readonly Row[] => {
  const [short, long] = [codes(java, by, "short"), codes(java, by, "long")];
  return [
    ...users(java),
    short.generate,
    short.authorize,
    tokenWait(java, "short"),
    certs(java, { Accept: "text/plain, application/json", "Content-Type": "application/json" }),
    long.generate,
    long.end,
    listPost(java, by),
    ...changes(java, by),
    force(java, by),
    closed(java, "/credentials/recovery-code", "asks for a recovery code"),
    closed(java, "/authenticate/publickey/init", "signs in by a public key"),
    by === byId ? removal(java) : removalByName(java),
  ];
};

// Go.

/** Its tokens name the user: the username as `udata`. */
const go = (claims: (context: Context) => Json): Style => ({
  sdk: "nmp (Go)",
  version: "0.3.1",
  base: "",
  contentType: "Content-Type",
  clientHeader: "X-Client-ID",
  clientHeaderOn: "all",
  claims,
});

const goRows = (by: By): readonly Row[] => {
  const style = go(by === byId ? byId : ({ username }) => ({ udata: username }));
  const short = codes(style, by, "short");
  return [
    ...users(go(({ userId, username }) => (userId === "" ? { udata: username } : byIdOf(userId)))),
    short.generate,
    short.authorize,
    // Approving again is a success, and ending what is approved too.
    short.authorize,
    tokenWait(
      go(({ username }) => ({ udata: username })),
      "short",
    ),
    certs(style, { "Content-Type": "application/json" }),
    short.end,
    listPost(style, by),
    ...changes(style, by),
    force(style, by, { options: { roaming_authenticator: false } }),
    closed(style, "/credentials/recovery-code", "asks for a recovery code"),
    removal(go(({ userId }) => byIdOf(userId))),
  ];
};

const byIdOf = (userId: string): Json => ({ user_id: userId });

// Python.

const FORM = "application/x-www-form-urlencoded";

const oldPython: Style = {
  sdk: "loginid (Python)",
  version: "camel case",
  base: "",
  contentType: "Content-type",
  clientHeader: "x-client-id",
  clientHeaderOn: "users",
};

const newPython: Style = {
  ...oldPython,
  version: "snake case",
  clientHeader: "X-Client-ID",
  clientHeaderOn: "all",
};

/** Tries one purpose and then the other: the first must be refused, and cost nothing. */
const wrongPurpose = (style: Style): Row =>
  row(
    style,
    { does: "tries the wrong purpose first", status: 404, answer: WRONG },
    {
      path: "/codes/short/authorize",
      scope: "codes.authorize",
      body: ({ backend, userId, code }) => ({
        client_id: backend,
        user_id: userId,
        purpose: "add_credential",
        code,
      }),
    },
  );

const oldPythonRows = (): readonly Row[] => {
  const short = codes(oldPython, byId, "short");
  return [
    ...users(oldPython, FORM),
    ...Array.from({ length: 7 }, () => [short.generate, wrongPurpose(oldPython), short.authorize]).flat(),
    tokenWait(oldPython, "short"),
    certs(oldPython),
    short.end,
    removal(oldPython, FORM),
  ];
};

const newPythonRows = (by: By): readonly Row[] => {
  const [short, phrase] = [codes(newPython, by, "short"), codes(newPython, by, "phrase")];
  return [
    ...users(newPython),
    short.generate,
    short.authorize,
    tokenWait(newPython, "short"),
    certs(newPython),
    phrase.generate,
    phrase.end,
    removalByName(newPython),
  ];
};

// React Native, and the guide.

const reactNative: Style = {
  sdk: "@loginid/react-native-sdk",
  version: "0.65.32",
  base: "/api/native",
  contentType: "Content-Type",
  clientHeaderOn: "users",
};

const reactNativeRows: readonly Row[] = [
  "/register/fido2/init",
  "/register/password",
  "/authenticate/fido2/init",
  "/authenticate/password",
  "/api/tx/init",
].map((path) => closed(reactNative, path, "signs in by another way"));

const guide: Style = { ...node("2022"), sdk: "the guide's own calls", base: "/api/native" };

/** The guide names the user in `user_id` by either name, and has one client for backend and browser. */
const guideRows = (by: By): readonly Row[] => {
  const short = codes(guide, by, "short");
  return [
    ...users(guide),
    short.generate,
    { ...short.authorize, answer: { ...AUTHORIZED, completed_at: "date" } },
    webWait(
      { ...guide, extra: ORIGIN },
      { credential_name: "Kiosk" },
      { does: "waits and names its session" },
    ),
    short.end,
  ];
};

/** Each list is played in its order, with users and clients of its own. */
export const PLAYS: readonly (readonly Row[])[] = [
  nodeRows("0.7.4"),
  nodeRows("0.8.3"),
  ...webRows,
  javaRows(byId),
  javaRows(byName),
  goRows(byId),
  goRows(byName),
  oldPythonRows(),
  newPythonRows(byId),
  newPythonRows(byName),
  reactNativeRows,
  guideRows(byId),
  guideRows(({ username }) => ({ user_id: username })),
];
