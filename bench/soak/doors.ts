/** Sign-ins through each door whose wire needs no browser, as the soak drives them. */
import { openWaiter } from "../../scripts/demo/waiter.ts";
import { makePerson, type makeShop, pushed } from "../authsignal.ts";
import { newPerson, startCotter } from "../flows/cotter.ts";
import type { Http } from "../load/http.ts";
import type { makeLoginid } from "../loginid.ts";
import { usual, type Way } from "./way.ts";

type Headers = Readonly<Record<string, string>>;
type Person = Awaited<ReturnType<typeof newPerson>>;

const CIBA = "urn:openid:params:grant-type:ciba";

/** The claims of a token: its signature is another each time that it is made. */
const claimsOf = (token: unknown): string | undefined =>
  typeof token === "string" ? token.split(".")[1] : undefined;

/** The phone asks what waits, and signs what its person says to it. */
async function answerCotter(
  http: Http,
  headers: Headers,
  { userId, phone }: Person,
  approved: boolean,
): Promise<void> {
  const { body: prompt } = await http.read(`/api/v0/event/new?cotter_user_id=${userId}`, 200, { headers });
  const issuer = headers.api_key_id;
  const text = `${userId}${issuer}${prompt.event}${prompt.timestamp}TRUSTED_DEVICE${approved}`;
  const signed = {
    approved,
    public_key: phone.publicKey,
    algorithm: "ED25519",
    code: await phone.sign(text),
  };
  await http.read(`/api/v0/event/respond/${prompt.ID}`, 200, {
    headers,
    json: { ...prompt, client_user_id: userId, issuer, ...signed },
  });
}

/** `isHeard`: who waits has a socket open, too. */
export const cotterWay = (http: Http, headers: Headers, isHeard: boolean): Way => ({
  ...usual,
  name: isHeard ? "cotter, by socket" : "cotter",
  async begin() {
    const person = await newPerson(http, headers);
    const { ID, socket_uri } = await startCotter(http, headers, person.userId);
    const waiter = isHeard ? openWaiter(socket_uri, String(ID)) : undefined;
    await waiter?.first;
    const heard = waiter?.settled.then(
      ({ state }) => state,
      () => undefined,
    );
    return {
      user: `user_id=${person.userId}`,
      decide: (isApproved) => answerCotter(http, headers, person, isApproved),
      collect: () => http.call(`/api/v0/event/get/${ID}?oauth_token=true`, { headers }),
      resultOf: ({ body }) => body.oauth_token?.refresh_token,
      use: (token) =>
        http.call("/api/v0/token", {
          headers,
          json: { grant_type: "refresh_token", refresh_token: token },
        }),
      ...(heard ? { heard } : {}),
    };
  },
});

/** Answered by the phones of a Cotter app: the client's settings let devices of its realm answer. */
export const cibaWay = (http: Http, headers: Headers, basic: Headers): Way => ({
  ...usual,
  name: "standard door, CIBA",
  async begin() {
    const person = await newPerson(http, headers);
    const form = { scope: "openid offline_access", login_hint: person.userId };
    const { body: asked } = await http.read("/oauth/bc-authorize", 200, { headers: basic, form });
    const collected = { grant_type: CIBA, auth_req_id: asked.auth_req_id };
    return {
      user: `user_id=${person.userId}`,
      decide: (isApproved) => answerCotter(http, headers, person, isApproved),
      collect: () => http.call("/oauth/token", { headers: basic, form: collected }),
      resultOf: ({ body }) => body.refresh_token,
      use: (token) =>
        http.call("/oauth/token", {
          headers: basic,
          form: { grant_type: "refresh_token", refresh_token: token },
        }),
    };
  },
});

/** Its backend only ever says yes. */
export const loginidWay = (http: Http, loginid: Awaited<ReturnType<typeof makeLoginid>>): Way => ({
  ...usual,
  name: "loginid",
  opensGrant: false,
  canDecline: false,
  async begin() {
    const { username, userId } = await loginid.newUser();
    const code = await loginid.generate(userId);
    const json = { client_id: loginid.web, username, authentication_code: { code, type: "short" } };
    return {
      user: `user_id=${userId}`,
      decide: () => loginid.authorize(userId, code),
      collect: () => http.call("/api/native/authenticate/code/wait", { json }),
      resultOf: ({ body }) => claimsOf(body.jwt),
    };
  },
});

export const authsignalWay = (http: Http, shop: Awaited<ReturnType<typeof makeShop>>): Way => ({
  ...usual,
  name: "authsignal",
  purpose: "signIn",
  opensGrant: false,
  async begin() {
    const person = await makePerson(shop, "push");
    const token = await shop.track(person.user, "signIn");
    const challengeId = await pushed(shop, token);
    const headers = { authorization: `Bearer ${token}` };
    return {
      user: `external_id=${person.user}`,
      decide: (approved) => person.post("/challenge", challengeId, { approved }),
      collect: () => http.call("/v1/client/verify/push", { headers, json: { challengeId } }),
      resultOf: ({ body }) => (body.isVerified === true ? claimsOf(body.accessToken) : undefined),
    };
  },
});
