import { expect, test } from "vitest";
import { type App, makeApp } from "../support/app.ts";
import { answerNewest, type Pending, poll, refresh, startSignIn } from "../support/events.ts";
import { loseAnswer } from "../support/lost-answer.ts";
import { makePerson, type Person } from "../support/people.ts";
import { place } from "../support/place.ts";
import { claims } from "../support/tokens.ts";

type Bundle = Record<"access_token" | "id_token" | "refresh_token", string>;

async function approved(): Promise<{ app: App; person: Person; pending: Pending }> {
  const app = await makeApp(place());
  const person = await makePerson(app);
  const pending = await startSignIn(app, person.userId);
  await answerNewest(app, person, true);
  return { app, person, pending };
}

async function collected(app: App, pending: Pending): Promise<Bundle> {
  const { status, body } = await poll(app, pending.number);
  expect([status, body.approved]).toEqual([200, true]);
  return body.oauth_token as Bundle;
}

/** What must be the same whenever the same redemption is answered again; signature bytes may differ (settled question 1). */
const substance = (bundle: Bundle) => ({
  access: claims(bundle.access_token),
  id: claims(bundle.id_token),
  refresh: bundle.refresh_token,
});

/** Grants of sign-ins: the enrolment opened one of its own. */
async function signInGrants(app: App, person: Person): Promise<number> {
  const listed = await app.admin("GET", `/admin/users/${person.userId}/grants`);
  return (listed.body.grants as unknown[]).length - 1;
}

test("T45 race: fifty polls of an approved sign-in, one token set, and the grant lives", async () => {
  const { app, person, pending } = await approved();
  const bundles = await Promise.all(Array.from({ length: 50 }, () => collected(app, pending)));
  const first = substance(bundles[0]!);
  for (const bundle of bundles) expect(substance(bundle)).toEqual(first);
  expect(await signInGrants(app, person)).toBe(1);
  expect((await refresh(app, first.refresh)).status).toBe(200);
});

test("T45 another client's poll of the same number finds nothing, and does no harm", async () => {
  const { app, pending } = await approved();
  const other = await makeApp(place());
  const before = await poll(other, pending.number);
  expect([before.status, before.json]).toEqual([404, { msg: "Event not found" }]);
  const bundle = await collected(app, pending);
  const after = await poll(other, pending.number);
  expect([after.status, after.json]).toEqual([404, { msg: "Event not found" }]);
  expect((await refresh(app, bundle.refresh_token)).status).toBe(200);
});

test("T47 a lost answer: the winning poll hangs up, the next ones get the same token set, minted once", async () => {
  const { app, person, pending } = await approved();
  const url = `${app.origin}/api/v0/event/get/${pending.number}?oauth_token=true`;
  expect(await loseAnswer(url, app.sdk.headers(app.clientId))).toBe(200);
  expect(await signInGrants(app, person)).toBe(1);
  const [second, third] = [await collected(app, pending), await collected(app, pending)];
  expect(substance(second)).toEqual(substance(third));
  expect(await signInGrants(app, person)).toBe(1);
  const audit = await app.admin("GET", `/admin/audit?user_id=${person.userId}&type=sign_in.redeemed`);
  const rows = audit.body.events as { data: { timeline: { what: string }[] } }[];
  expect(rows).toHaveLength(1);
  expect(rows[0]?.data.timeline.filter(({ what }) => what === "redeemed")).toHaveLength(1);
  expect((await refresh(app, second.refresh_token)).status).toBe(200);
});
