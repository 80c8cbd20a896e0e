import type { JWTPayload } from "jose";
import { numberOf } from "./api.ts";
import {
  type App,
  answer,
  enrol,
  newestPrompt,
  type Person,
  type Prompt,
  registerApp,
  type SignIn,
  signUp,
  startSignIn,
} from "./cast.ts";
import { type Device, makeDevice } from "./device.ts";
import { expect } from "./expect.ts";
import type { Timeline } from "./print.ts";
import { redeem, refresh, type Tokens, verify } from "./tokens.ts";

export type Stage = {
  readonly origin: string;
  readonly adminToken: string;
  readonly timeline: Timeline;
};

type Cast = { readonly app: App; readonly person: Person; readonly phone: Device };

/** How long a sign-in of the third act may wait for its answer. */
const SHORT_LIFE_SECONDS = 2;

/** Three sign-ins: approved, denied, and left alone. Throws at the first thing that is not as it must be. */
export async function play(stage: Stage): Promise<void> {
  const cast = await prepare(stage);
  await approval(stage, cast);
  await denial(stage, cast);
  await expiry(stage, cast);
}

async function prepare({ origin, adminToken, timeline }: Stage): Promise<Cast> {
  timeline.heading("A person with a trusted phone");
  const app = await timeline.step(
    "server",
    "registers the app",
    () => registerApp(origin, adminToken),
    ({ clientId }) => clientId,
  );
  const person = await timeline.step(
    "phone",
    "signs the person up",
    () => signUp(app),
    ({ identifier }) => identifier,
  );
  const phone = await timeline.step("phone", "makes an Ed25519 key", makeDevice, (made) => made.publicKey);
  await timeline.step("phone", "enrols the key as the first trusted device", () => enrol(app, person, phone));
  return { app, person, phone };
}

/** The laptop asks and listens; the phone sees the prompt, under another number than the laptop's. */
async function ask(
  { timeline }: Stage,
  app: App,
  person: Person,
): Promise<{ signIn: SignIn; prompt: Prompt }> {
  const signIn = await timeline.step("laptop", "starts a sign-in", () => startSignIn(app, person));
  await timeline.step(
    "laptop",
    "waits on its socket",
    async () => {
      const state = await signIn.waiter.first;
      expect(state === "pending", "pending", state);
      return state;
    },
    (state) => state,
  );
  const prompt = await timeline.step(
    "phone",
    "is shown the prompt",
    async () => {
      const shown = await newestPrompt(app, person);
      expect(shown.new === true && shown.approved === false, "an open prompt", shown);
      expect(
        String(numberOf(shown, "ID")) !== signIn.number,
        "a number that is not the laptop's",
        "the same",
      );
      return shown;
    },
    (shown) => `${shown.event} from ${shown.ip}, ${shown.location}`,
  );
  return { signIn, prompt };
}

/** The phone answers; passes on when the answer left it. */
async function decide(
  { timeline }: Stage,
  { app, person, phone }: Cast,
  prompt: Prompt,
  approved: boolean,
): Promise<number> {
  return await timeline.step(
    "phone",
    approved ? "approves with a signature" : "denies with a signature",
    async () => {
      const sentAt = performance.now();
      const event = await answer(app, person, phone, prompt, approved);
      expect(event.approved === approved && event.new === false, `approved ${approved}`, event);
      return sentAt;
    },
  );
}

async function told({ timeline }: Stage, { waiter }: SignIn, wanted: string, since: number): Promise<void> {
  await timeline.step(
    "laptop",
    "is told by the socket",
    async () => {
      const { state, at } = await waiter.settled;
      expect(state === wanted, wanted, state);
      return { state, after: at - since };
    },
    ({ state, after }) => `${state}, ${after.toFixed(0)} ms after the phone sent its answer`,
  );
}

async function approval(stage: Stage, cast: Cast): Promise<void> {
  const { timeline } = stage;
  const { app, person } = cast;
  timeline.heading("A laptop that nobody trusts wants in, and the phone approves");
  const { signIn, prompt } = await ask(stage, app, person);
  const sentAt = await decide(stage, cast, prompt, true);
  await told(stage, signIn, "approved", sentAt);
  const tokens = await timeline.step("laptop", "redeems the sign-in for tokens", () =>
    redeem(app.api, signIn.number),
  );
  await checkedByBackend(stage, cast, signIn, tokens);
}

async function checkedByBackend(stage: Stage, cast: Cast, signIn: SignIn, tokens: Tokens): Promise<void> {
  const { timeline } = stage;
  const { app, person } = cast;
  const expected = { issuer: signIn.issuer, audience: app.clientId };
  const checked = async (accessToken: string): Promise<JWTPayload> => {
    const payload = await verify(app.api, accessToken, expected);
    expect(payload.sub === person.userId, "the person as the token's subject", payload.sub);
    return payload;
  };
  const subject = ({ sub }: JWTPayload) => `sub ${sub}`;
  await timeline.step(
    "backend",
    "verifies the access token with the JWKS",
    () => checked(tokens.accessToken),
    subject,
  );
  const next = await timeline.step("laptop", "refreshes", async () => {
    const fresh = await refresh(app.api, tokens.refreshToken);
    expect(fresh.refreshToken !== tokens.refreshToken, "another refresh token", "the same");
    return fresh;
  });
  await timeline.step("backend", "verifies the new access token", () => checked(next.accessToken), subject);
}

async function denial(stage: Stage, cast: Cast): Promise<void> {
  const { timeline } = stage;
  const { app, person } = cast;
  timeline.heading("Somebody else's laptop wants in, and the phone denies");
  const { signIn, prompt } = await ask(stage, app, person);
  const sentAt = await decide(stage, cast, prompt, false);
  await told(stage, signIn, "denied", sentAt);
  await refused(stage, app, signIn, 403, "Event is rejected");
}

async function expiry(stage: Stage, cast: Cast): Promise<void> {
  const { origin, adminToken, timeline } = stage;
  const { person } = cast;
  timeline.heading("A laptop wants in, and nobody answers");
  const app = await timeline.step(
    "server",
    `registers an app whose sign-ins last ${SHORT_LIFE_SECONDS} s`,
    () => registerApp(origin, adminToken, { challenge_seconds: SHORT_LIFE_SECONDS }),
    ({ clientId }) => clientId,
  );
  const { signIn } = await ask(stage, app, person);
  await timeline.step(
    "laptop",
    "is told by the socket",
    async () => {
      const { state } = await signIn.waiter.settled;
      expect(state === "expired", "expired", state);
      return state;
    },
    (state) => state,
  );
  await refused(stage, app, signIn, 404, "Event not found");
}

async function refused(
  { timeline }: Stage,
  app: App,
  { number }: SignIn,
  status: number,
  msg: string,
): Promise<void> {
  await timeline.step(
    "laptop",
    "gets no tokens",
    async () => {
      const body = await app.api.read(`/api/v0/event/get/${number}?oauth_token=true`, status);
      expect(body.msg === msg && body.oauth_token === undefined, msg, body.msg);
      return body.msg;
    },
    (text) => `${status} ${text}`,
  );
}
