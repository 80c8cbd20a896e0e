import type { JWTPayload } from "jose";
import {
  type App,
  answer,
  enrol,
  newestPrompt,
  type Person,
  type Prompt,
  proveAddress,
  registerApp,
} from "./cast.ts";
import { type Device, makeDevice } from "./device.ts";
import { expect } from "./expect.ts";
import {
  type Asked,
  askPerson,
  discover,
  redeem,
  refresh,
  registerBackend,
  type Tokens,
  userinfo,
} from "./oauth.ts";
import { type Party, pendingAt, refused, type Stage, told } from "./steps.ts";
import { television } from "./television.ts";
import { fetchKeys, verifyAccess, verifyId } from "./tokens.ts";

/** A person, the app on their phone, and the key that the phone holds. */
type Phone = { readonly app: App; readonly person: Person; readonly device: Device };

/** How long a request of the third act may wait for its answer. */
const SHORT_LIFE_SECONDS = 5;

/** Four requests through the standard door: approved, denied, left alone, and a television's. Throws at the first thing that is not as it must be. */
export async function play(stage: Stage): Promise<void> {
  const phone = await preparePhone(stage);
  const shop = await prepareShop(stage);
  await approval(stage, shop, phone);
  await denial(stage, shop, phone);
  await expiry(stage, shop, phone);
  await television(stage, shop, phone.person);
}

async function preparePhone({ origin, adminToken, timeline }: Stage): Promise<Phone> {
  timeline.heading("A person with a trusted phone");
  const app = await timeline.step(
    "operator",
    "registers the phone's app",
    () => registerApp(origin, adminToken),
    ({ clientId }) => clientId,
  );
  const person = await timeline.step(
    "phone",
    "proves an address with a code",
    () => proveAddress(origin, app),
    ({ identifier }) => identifier,
  );
  const device = await timeline.step("phone", "makes an Ed25519 key", makeDevice, (made) => made.publicKey);
  await timeline.step("phone", "enrols the key as the first trusted device", () =>
    enrol(app, person, device),
  );
  return { app, person, device };
}

async function prepareShop({ origin, adminToken, timeline }: Stage): Promise<Party> {
  timeline.heading("A backend that asks people");
  const client = await timeline.step(
    "operator",
    "registers the shop's backend, for CIBA",
    () => registerBackend(origin, adminToken),
    ({ clientId }) => clientId,
  );
  const metadata = await timeline.step(
    "backend",
    "finds the endpoints by discovery",
    () => discover(origin),
    ({ issuer }) => `issuer ${issuer}`,
  );
  return { client, metadata };
}

/** The backend asks and listens; the phone sees the prompt. */
async function ask(
  stage: Stage,
  { client, metadata }: Party,
  { app, person }: Phone,
  seconds?: number,
): Promise<{ asked: Asked; prompt: Prompt }> {
  const { timeline } = stage;
  const expiry = seconds === undefined ? {} : { requested_expiry: String(seconds) };
  const asked = await timeline.step(
    "backend",
    "asks the person to sign in",
    () => askPerson(client, metadata, { login_hint: person.identifier, ...expiry }),
    ({ expiresIn }) => `they have ${expiresIn} s`,
  );
  await pendingAt(stage, "backend", asked);
  const prompt = await timeline.step(
    "phone",
    "is shown the prompt",
    async () => {
      const shown = await newestPrompt(app, person);
      expect(shown.new === true && shown.approved === false, "an open prompt", shown);
      expect(shown.issuer === client.clientId, "the shop as the asking client", shown.issuer);
      return shown;
    },
    (shown) => `${shown.event} for the shop`,
  );
  return { asked, prompt };
}

/** The phone answers; passes on when the answer left it. */
async function decide(
  { timeline }: Stage,
  { app, person, device }: Phone,
  prompt: Prompt,
  approved: boolean,
): Promise<number> {
  return await timeline.step(
    "phone",
    approved ? "approves with a signature" : "denies with a signature",
    async () => {
      const sentAt = performance.now();
      const event = await answer(app, person, device, prompt, approved);
      expect(event.approved === approved && event.new === false, `approved ${approved}`, event);
      return sentAt;
    },
  );
}

async function approval(stage: Stage, shop: Party, phone: Phone): Promise<void> {
  const { timeline } = stage;
  const { client, metadata } = shop;
  timeline.heading("The backend asks, and the phone approves");
  const { asked, prompt } = await ask(stage, shop, phone);
  const sentAt = await decide(stage, phone, prompt, true);
  await told(stage, "backend", asked, "approved", sentAt);
  const tokens = await timeline.step("backend", "redeems auth_req_id for tokens", () =>
    redeem(client, metadata, asked.grant),
  );
  await checkTokens(stage, shop, phone.person, tokens);
}

async function checkTokens(stage: Stage, shop: Party, person: Person, tokens: Tokens): Promise<void> {
  const { timeline } = stage;
  const { client, metadata } = shop;
  const { clientId } = client;
  const isPersons = (payload: JWTPayload): JWTPayload => {
    expect(payload.sub === person.userId, "the person as the token's subject", payload.sub);
    return payload;
  };
  const keys = await timeline.step("backend", "fetches the public keys", () => fetchKeys(metadata));
  await timeline.step(
    "backend",
    "verifies the access token",
    async () => isPersons(await verifyAccess(metadata, keys, tokens, clientId)),
    ({ sub, acr }) => `sub ${sub}, ${acr}`,
  );
  await timeline.step(
    "backend",
    "verifies the ID token",
    async () => isPersons(await verifyId(metadata, keys, tokens, clientId)),
    ({ amr }) => `amr ${amr}`,
  );
  const next = await timeline.step("backend", "refreshes", async () => {
    const fresh = await refresh(client, metadata, tokens);
    expect(fresh.refreshToken !== tokens.refreshToken, "another refresh token", "the same");
    return fresh;
  });
  await timeline.step("backend", "verifies the new access token", async () => {
    isPersons(await verifyAccess(metadata, keys, next, clientId));
  });
  await timeline.step(
    "backend",
    "asks userinfo who it is",
    async () => {
      const info = await userinfo(metadata, next);
      expect(info.email === person.identifier && info.email_verified === true, person.identifier, info);
      return info;
    },
    ({ email }) => `${email}, verified`,
  );
}

async function denial(stage: Stage, shop: Party, phone: Phone): Promise<void> {
  stage.timeline.heading("The backend asks, and the phone denies");
  const { asked, prompt } = await ask(stage, shop, phone);
  const sentAt = await decide(stage, phone, prompt, false);
  await told(stage, "backend", asked, "denied", sentAt);
  await refused(stage, "backend", shop, asked, "access_denied");
}

async function expiry(stage: Stage, shop: Party, phone: Phone): Promise<void> {
  stage.timeline.heading("The backend asks, and nobody answers");
  const { asked } = await ask(stage, shop, phone, SHORT_LIFE_SECONDS);
  await told(stage, "backend", asked, "expired");
  await refused(stage, "backend", shop, asked, "expired_token");
}
