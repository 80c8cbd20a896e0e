/** Sign-ins through each door whose wire needs no browser, as the soak drives them. */
import { makePerson, makeShop, pushed } from "../authsignal.ts";
import { approveCotter, newApp, newPerson, startCotter } from "../flows/cotter.ts";
import type { Answer, Http } from "../load/http.ts";
import { makeLoginid } from "../loginid.ts";

/** A sign-in that has begun. */
export type Begun = {
  /** Where the admin API finds its user: `user_id=…` or `external_id=…`. */
  readonly user: string;
  /** The phone's yes. */
  approve(): Promise<unknown>;
  /** Asks for the result; the same again gets the same result. */
  collect(): Promise<Answer>;
  /** What of a good answer is the same when it is asked for again, and another's never; undefined: no result. */
  resultOf(answer: Answer): string | undefined;
  /** What a client does with its result. */
  use?(result: string): Promise<Answer>;
};

/** One way in. `opensGrant`: a grant is listed for its user; `type` is what its audit row is called. */
export type Way = {
  readonly name: string;
  readonly opensGrant: boolean;
  readonly type: string;
  begin(): Promise<Begun>;
};

const CIBA = "urn:openid:params:grant-type:ciba";

/** The claims of a token: its signature is another each time that it is made. */
const claimsOf = (token: unknown): string | undefined =>
  typeof token === "string" ? token.split(".")[1] : undefined;

type Headers = Readonly<Record<string, string>>;

const cotterWay = (http: Http, headers: Headers): Way => ({
  name: "cotter",
  opensGrant: true,
  type: "sign_in.redeemed",
  async begin() {
    const person = await newPerson(http, headers);
    const { ID } = await startCotter(http, headers, person.userId);
    return {
      user: `user_id=${person.userId}`,
      approve: () => approveCotter(http, headers, person),
      collect: () => http.call(`/api/v0/event/get/${ID}?oauth_token=true`, { headers }),
      resultOf: ({ body }) => body.oauth_token?.refresh_token,
      use: (token) =>
        http.call("/api/v0/token", {
          headers,
          json: { grant_type: "refresh_token", refresh_token: token },
        }),
    };
  },
});

/** Approved by the same phones: the client's settings let devices of its realm answer. */
const cibaWay = (http: Http, headers: Headers, basic: Headers): Way => ({
  name: "standard door, CIBA",
  opensGrant: true,
  type: "sign_in.redeemed",
  async begin() {
    const person = await newPerson(http, headers);
    const form = { scope: "openid offline_access", login_hint: person.userId };
    const { body: asked } = await http.read("/oauth/bc-authorize", 200, { headers: basic, form });
    const collected = { grant_type: CIBA, auth_req_id: asked.auth_req_id };
    return {
      user: `user_id=${person.userId}`,
      approve: () => approveCotter(http, headers, person),
      collect: () => http.call("/oauth/token", { headers: basic, form: collected }),
      resultOf: ({ body }) => body.refresh_token,
    };
  },
});

const loginidWay = (http: Http, loginid: Awaited<ReturnType<typeof makeLoginid>>): Way => ({
  name: "loginid",
  opensGrant: false,
  type: "sign_in.redeemed",
  async begin() {
    const { username, userId } = await loginid.newUser();
    const code = await loginid.generate(userId);
    const json = { client_id: loginid.web, username, authentication_code: { code, type: "short" } };
    return {
      user: `user_id=${userId}`,
      approve: () => loginid.authorize(userId, code),
      collect: () => http.call("/api/native/authenticate/code/wait", { json }),
      resultOf: ({ body }) => claimsOf(body.jwt),
    };
  },
});

const authsignalWay = (http: Http, shop: Awaited<ReturnType<typeof makeShop>>): Way => ({
  name: "authsignal",
  opensGrant: false,
  type: "signIn.redeemed",
  async begin() {
    const person = await makePerson(shop, "push");
    const token = await shop.track(person.user, "signIn");
    const challengeId = await pushed(shop, token);
    const headers = { authorization: `Bearer ${token}` };
    return {
      user: `external_id=${person.user}`,
      approve: () => person.post("/challenge", challengeId, { approved: true }),
      collect: () => http.call("/v1/client/verify/push", { headers, json: { challengeId } }),
      resultOf: ({ body }) => (body.isVerified === true ? claimsOf(body.accessToken) : undefined),
    };
  },
});

/** All of them, each with clients of its own; a round takes them in turn. */
export async function openWays(http: Http, origin: string, adminToken: string): Promise<readonly Way[]> {
  const place = { origin, adminToken };
  const headers = await newApp(http, adminToken);
  const { body: party } = await http.read("/admin/clients", 201, {
    headers: { authorization: `Bearer ${adminToken}` },
    json: {
      name: "Soak",
      kind: "confidential",
      grant_types: [CIBA, "refresh_token"],
      settings: { approve_through: "realm", match_code: "off", starts_per_minute: 0 },
    },
  });
  const basic = { authorization: `Basic ${btoa(`${party.client_id}:${party.client_secret}`)}` };
  const cotter = cotterWay(http, headers);
  return [
    cotter,
    cibaWay(http, headers, basic),
    cotter,
    loginidWay(http, await makeLoginid(place)),
    authsignalWay(http, await makeShop(place)),
  ];
}
