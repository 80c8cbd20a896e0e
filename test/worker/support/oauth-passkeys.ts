import { toBase64Url } from "../../../src/core/base64.ts";
import type { UserId } from "../../../src/core/ids.ts";
import type { newAuthenticator, Spoilt } from "../../fakes/authenticator.ts";
import { authorizePath, exchangeCode, handedBack, type Rp, signInByCode } from "./oauth.ts";
import { type Browser, browser, ORIGIN, type PageDeployment, type Seen } from "./page.ts";

export type Authenticator = Awaited<ReturnType<typeof newAuthenticator>>;

/** What our own pages ask authenticators for. */
const askedOf = (challenge: string) => ({
  challenge,
  origin: ORIGIN,
  rpId: new URL(ORIGIN).hostname,
});

export const challengeIn = ({ text }: Pick<Seen, "text">): string =>
  /name="challenge" value="([^"]+)"/.exec(text)?.[1] ?? "";

export const passkeysAt = ({ id }: Rp): string => `/oauth/passkeys?client_id=${id}`;

/** What the page's script is told to make; the status where it is told nothing. */
export async function begun(
  person: Browser,
  rp: Rp,
): Promise<{
  readonly status: number;
  // biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
  readonly body: any;
}> {
  await person.get(passkeysAt(rp));
  const answer = await person.post("/oauth/passkeys/begin", { client_id: rp.id });
  return { status: answer.status, body: JSON.parse(answer.text) };
}

/** A browser that is signed in makes a passkey; the answer is the page's. */
export async function enrolled(
  person: Browser,
  rp: Rp,
  authenticator: Authenticator,
  spoilt: Spoilt = {},
): Promise<Seen> {
  const { status, body } = await begun(person, rp);
  if (status !== 200) throw new Error(`no ceremony began: ${status} ${JSON.stringify(body)}`);
  return await finished(person, rp, authenticator, body.challenge, spoilt);
}

export const finished = async (
  person: Browser,
  rp: Rp,
  authenticator: Authenticator,
  challenge: string,
  spoilt: Spoilt = {},
): Promise<Seen> =>
  person.post("/oauth/passkeys", {
    client_id: rp.id,
    challenge,
    ...(await authenticator.create(askedOf(challenge), spoilt)),
  });

/** Somebody signs in by a code, and makes a passkey. */
export async function withPasskey(
  at: PageDeployment,
  rp: Rp,
  address: string,
  authenticator: Authenticator,
  spoilt: Spoilt = {},
): Promise<{ readonly person: Browser; readonly userId: UserId }> {
  const person = browser(at);
  const led = await signInByCode(at, await authorizePath(rp), address, person);
  const { body } = await exchangeCode(at, rp, handedBack(led).code ?? "");
  const made = await enrolled(person, rp, authenticator, spoilt);
  if (made.status !== 303) throw new Error(`no passkey was made: ${made.status} ${made.text}`);
  return { person, userId: claimsIn(body.id_token).sub as UserId };
}

export const claimsIn = (token: string): Readonly<Record<string, unknown>> =>
  JSON.parse(atob((token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/")));

export const handleOf = (userId: string): string => toBase64Url(new TextEncoder().encode(userId));

/** What a browser sends for a passkey that signed the page's challenge. */
export async function signature(
  authenticator: Authenticator,
  userId: string,
  to: string,
  challenge: string,
  spoilt: Spoilt = {},
): Promise<Readonly<Record<string, string>>> {
  const signed = await authenticator.get(askedOf(challenge), spoilt);
  return { to, challenge, ...signed, user_handle: handleOf(userId) };
}

export const sendSigned = (person: Browser, form: Readonly<Record<string, string>>): Promise<Seen> =>
  person.post("/oauth/sign-in/passkey", form);

/** A passkey signs in at the page of this path; the answer is the page's. */
export async function signIn(
  person: Browser,
  path: string,
  authenticator: Authenticator,
  userId: string,
  spoilt: Spoilt = {},
): Promise<Seen> {
  const challenge = challengeIn(await person.get(path));
  return await sendSigned(person, await signature(authenticator, userId, path, challenge, spoilt));
}
