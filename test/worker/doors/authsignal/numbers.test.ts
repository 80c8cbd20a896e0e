import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { MAIN } from "../../../../src/core/ids.ts";
import { createUser } from "../../../../src/core/user/create.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { bearer } from "../../support/authsignal.ts";
import { backend } from "../../support/backend-codes.ts";
import { fresh } from "../../support/cotter.ts";

/** A number is one number however it is spelled: also with the trunk zero that users write behind the country's code. */

const INVALID = { status: 400, body: { error: "invalid_request" } };
const SMS = { verificationMethod: "SMS" };

beforeEach(() => void vi.useFakeTimers({ toFake: ["Date"] }));
afterEach(() => void vi.useRealTimers());

/** The spellings of a number, the one that is kept first. */
function spellings(): readonly [string, ...string[]] {
  const digits = `151${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`;
  const local = `${digits.slice(0, 3)} ${digits.slice(3)}`;
  return [`+49${digits}`, `+49 (0)${local}`, `+490${digits}`];
}

test("an enrolled number is one authenticator, and is found and asked again by each spelling", async () => {
  const shop = await backend();
  const user = fresh("u");
  const [plain, ...others] = spellings();
  const at = `/users/${user}`;
  const enrol = (phoneNumber: string, whose = at) =>
    shop.call("POST", `${whose}/authenticators`, { ...SMS, phoneNumber });
  for (const phoneNumber of [...others, plain]) {
    expect((await enrol(phoneNumber)).body).toMatchObject({ authenticator: { phoneNumber: plain } });
    expect(await enrol(phoneNumber, `/users/${fresh("u")}`)).toMatchObject(INVALID);
    expect((await shop.track(user, "look", { phoneNumber })).status).toBe(200);
    expect((await shop.call("PATCH", at, { phoneNumber })).body).toEqual({ userId: user, phoneNumber });
    expect((await shop.call("GET", at)).body).toMatchObject({
      phoneNumber: plain,
      phoneNumberVerified: true,
    });
    const found = await shop.call("GET", `/users?phoneNumber=${encodeURIComponent(phoneNumber)}`);
    expect(found.body.users).toMatchObject([{ userId: user }]);
  }
  expect((await shop.call("GET", `${at}/authenticators`)).body).toHaveLength(1);
  const { body } = await shop.challenge({ ...SMS, action: "pay", userId: user, phoneNumber: others[0] });
  for (const phoneNumber of others) {
    vi.setSystemTime(Date.now() + 11_000);
    const again = await shop.challenge({ challengeId: body.challengeId, phoneNumber });
    expect(again.status, phoneNumber).toBe(200);
  }
  expect((await shop.verify(body.challengeId, shop.lastCode())).body.isVerified).toBe(true);
  expect(shop.messages.map(({ to }) => to)).toEqual([plain, plain, plain]);
});

test("T62 a page enrols a number by each spelling, and all are one count", async () => {
  const shop = await backend();
  const [plain, ...others] = spellings();
  const enrol = async (phoneNumber: string) => {
    const { token } = (await shop.track(fresh("u"), "signUp")).body;
    return await shop.at.call("POST", "/v1/client/user-authenticators/sms", { phoneNumber }, bearer(token));
  };
  const all: number[] = [];
  for (const phoneNumber of [plain, ...others, ...others, ...others, ...others]) {
    all.push((await enrol(phoneNumber)).status);
  }
  const sent = all.filter((status) => status === 200).length;
  expect(all).toEqual([...Array<number>(sent).fill(200), ...Array<number>(all.length - sent).fill(429)]);
  expect(sent).toBeLessThanOrEqual(6);
  expect(new Set(shop.messages.map(({ to }) => to))).toEqual(new Set([plain]));
});

test("a number that the operator gave is found as it was written", async () => {
  const shop = await backend();
  const [, written = ""] = spellings();
  const identifier = readIdentifier(written);
  if (!identifier) throw new Error("not a number");
  const draft = {
    realm: MAIN,
    externalId: fresh("u"),
    identifiers: [{ ...identifier, assertedBy: "admin" as const }],
  };
  expect((await createUser(shop.at.services, draft, { actor: "admin" })).ok).toBe(true);
  const found = await shop.call("GET", `/users?phoneNumber=${encodeURIComponent(written)}`);
  expect(found.body.users).toMatchObject([{ userId: draft.externalId }]);
});
