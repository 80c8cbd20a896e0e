import { env } from "cloudflare:workers";
import { beforeEach, expect, test } from "vitest";
import { makeAuthenticators } from "../../src/store/authenticators.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { freshState } from "../worker/database.ts";
import { countOf, makeAuthenticator, makeDevice, makeEvent, NOW, newUserId, race } from "./fixtures.ts";

const store = openStore(env.DB);
const authenticators = makeAuthenticators(store);
const devices = makeDevices(store);
const sizes = async () => [await countOf("authenticators"), await countOf("audit_events")];
const proven = (userId = newUserId()) => makeAuthenticator({ userId, verifiedAt: NOW });

beforeEach(freshState);

test("T100 race: of twenty enrolments of one address one is new, with one audit row", async () => {
  const row = proven();
  const answers = await race(() => authenticators.enrol(row, makeEvent()));
  expect(answers.filter(Boolean)).toHaveLength(1);
  expect(await sizes()).toEqual([1, 1]);
});

test("T100 race: of twenty first enrolments of one user one stands, with one audit row", async () => {
  const userId = newUserId();
  const answers = await race(() => authenticators.enrolFirst(proven(userId), makeEvent()));
  expect(answers.filter((answer) => answer === "enrolled")).toHaveLength(1);
  expect(answers.filter((answer) => answer === "late")).toHaveLength(19);
  expect(await sizes()).toEqual([1, 1]);
});

test("the first enrolment: a live device comes before it, a removed one, a device's note and a code under way do not", async () => {
  const owner = makeDevice();
  await devices.insert(owner, makeEvent());
  expect(await authenticators.enrolFirst(proven(owner.userId), makeEvent())).toBe("late");
  await devices.revoke(owner.userId, owner.id, makeEvent(), NOW);
  await authenticators.put(makeAuthenticator({ userId: owner.userId, kind: "device", verifiedAt: NOW }));
  await authenticators.put(makeAuthenticator({ userId: owner.userId }));
  const row = proven(owner.userId);
  expect(await authenticators.enrolFirst(row, makeEvent())).toBe("enrolled");
  expect(await authenticators.enrolFirst(row, makeEvent())).toBe("standing");
  expect(await authenticators.enrolFirst(proven(owner.userId), makeEvent())).toBe("late");
  expect(await authenticators.enrolFirst(proven(), makeEvent())).toBe("enrolled");
});

test("a use is noted on a row that stands, and brings back none", async () => {
  const row = proven();
  await authenticators.enrol(row, makeEvent());
  await authenticators.touch(row.userId, row.id, NOW + 5);
  expect(await authenticators.find(row.userId, row.id)).toEqual({ ...row, lastVerifiedAt: NOW + 5 });
  expect(await authenticators.remove(row.userId, row.id)).toBe(true);
  await authenticators.touch(row.userId, row.id, NOW + 6);
  expect(await authenticators.find(row.userId, row.id)).toBeUndefined();
});
