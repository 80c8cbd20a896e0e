import { type ClientId, MAIN } from "../../src/core/ids.ts";
import type { Authenticators } from "../../src/core/ports/authenticators.ts";
import type { Clients, Nonces } from "../../src/core/ports/clients.ts";
import type { Health } from "../../src/core/ports/edge.ts";
import type { KeyStore } from "../../src/core/ports/keys.ts";
import type { PersonalData } from "../../src/core/ports/personal-data.ts";
import type { Devices, Records, UserCodes } from "../../src/core/ports/records.ts";
import type { RecoveryCodes } from "../../src/core/ports/recovery-codes.ts";
import { ANY_REALM, type Users } from "../../src/core/ports/users.ts";
import type { Actions } from "../../src/doors/authsignal/ports.ts";
import { makeActions } from "../../src/doors/authsignal/store.ts";
import { makeAuthenticators } from "../../src/store/authenticators.ts";
import { makeClientCache } from "../../src/store/client-cache.ts";
import { makeClients } from "../../src/store/clients.ts";
import { openStore } from "../../src/store/database.ts";
import { makeDevices } from "../../src/store/devices.ts";
import { makeHealth } from "../../src/store/health.ts";
import { makeKeyStore } from "../../src/store/key-store.ts";
import { makeNonces } from "../../src/store/nonces.ts";
import { makePersonalData } from "../../src/store/personal-data.ts";
import { makeRecords } from "../../src/store/records.ts";
import { makeRecoveryCodes } from "../../src/store/recovery-codes.ts";
import { makeUserCodes } from "../../src/store/user-codes.ts";
import { makeUsers } from "../../src/store/users.ts";
import {
  CLIENT,
  given,
  makeAction,
  makeAuthenticator,
  makeClient,
  makeCode,
  makeDevice,
  makeEvent,
  makeGrant,
  makeKey,
  makeNonce,
  makeUser,
  NOW,
  newDeviceId,
  newGrantId,
  newUserId,
  viewOf,
} from "./fixtures.ts";

/** One call of every method of a port: a method without one does not compile. */
type CallsOf<Port> = { readonly [Method in keyof Port]: (port: Port) => Promise<unknown> };

const clientCalls: CallsOf<Clients> = {
  find: (port) => port.find(CLIENT),
  fresh: (port) => port.fresh(CLIENT),
  findBySecret: (port) => port.findBySecret("hash", NOW),
  secretsOf: (port) => port.secretsOf(CLIENT, NOW),
  insert: (port) => port.insert(makeClient(), { hash: crypto.randomUUID(), sealed: "s" }, NOW),
  update: (port) => port.update(CLIENT, { name: "n" }, NOW),
  disable: (port) => port.disable(CLIENT, NOW),
  replaceSecret: (port) => port.replaceSecret(CLIENT, { hash: "h", sealed: "s" }, NOW, NOW),
  page: (port) => port.page("a" as ClientId, 5),
};

const userCalls: CallsOf<Users> = {
  byId: (port) => port.byId(newUserId(), MAIN),
  byExternalId: (port) => port.byExternalId(viewOf(), "x"),
  withWays: (port) => port.withWays(viewOf(), { externalId: "x" }),
  byIdentifier: (port) => port.byIdentifier(viewOf(), given("x"), { first: "own", anonymous: true }),
  byAnyName: (port) => port.byAnyName(viewOf(), "x@example.com"),
  byAnyNameWithKey: (port) => port.byAnyNameWithKey(viewOf(), "x@example.com", "print"),
  byDeviceKey: (port) => port.byDeviceKey(MAIN, "print"),
  holdersOf: (port) => port.holdersOf(MAIN, given("x")),
  named: (port) => port.named(ANY_REALM, { externalId: "x" }),
  insert: (port) => port.insert(makeUser(), makeEvent(), NOW),
  insertWithDevice: (port) =>
    port.insertWithDevice(makeUser(), makeDevice(), [makeEvent(), makeEvent()], NOW, makeGrant()),
  update: (port) =>
    port.update(
      { id: newUserId(), realm: MAIN },
      {
        status: "locked",
        externalId: "e",
        identifiers: { of: CLIENT, given: [given("x", "proof", NOW), given("y")] },
      },
      NOW,
    ),
  end: (port) => port.end(newUserId(), NOW),
  remove: (port) => port.remove(newUserId(), makeEvent()),
  page: (port) => port.page(MAIN, newUserId(), 5),
  pageFor: (port) => port.pageFor(viewOf(), newUserId(), 5),
};

const deviceCalls: CallsOf<Devices> = {
  byFingerprint: (port) => port.byFingerprint(MAIN, "x"),
  byCredentialId: (port) => port.byCredentialId(MAIN, "x"),
  ofUserByFingerprint: (port) => port.ofUserByFingerprint(newUserId(), "x"),
  byId: (port) => port.byId(newDeviceId()),
  ofUser: (port) => port.ofUser(newUserId()),
  insert: (port) => port.insert(makeDevice(), makeEvent(), makeGrant(), newDeviceId()),
  insertFirst: (port) => port.insertFirst(makeDevice(), makeEvent()),
  insertOwn: (port) => port.insertOwn(makeDevice(), makeEvent(), { most: 1, since: NOW }),
  insertRecovered: (port) => port.insertRecovered(makeDevice(), makeEvent(), []),
  rekind: (port) => port.rekind(makeDevice(), "device", CLIENT, makeEvent()),
  replace: (port) => port.replace({ device: makeDevice(), event: makeEvent() }, makeDevice(), makeEvent()),
  rename: (port) => port.rename(newUserId(), newDeviceId(), "n", makeEvent()),
  notePasskey: (port) =>
    port.notePasskey(newDeviceId(), { signCount: 1, backupEligible: false, backedUp: false }),
  revoke: (port) => port.revoke(newUserId(), newDeviceId(), makeEvent(), NOW),
};

const actionCalls: CallsOf<Actions> = {
  track: (port) => port.track(makeAction()),
  find: (port) => port.find(makeAction()),
  begin: (port) => port.begin(makeAction(), newGrantId(), NOW),
  succeed: (port) =>
    port.succeed(
      makeAction(),
      { challengeId: newGrantId(), method: "push", verifiedBy: "d", deviceId: newDeviceId(), since: NOW },
      NOW,
    ),
  fail: (port) => port.fail(makeAction(), newGrantId(), NOW),
  setState: (port) => port.setState(makeAction(), "allow", NOW),
  ofUser: (port) =>
    port.ofUser({ clientId: CLIENT, userId: newUserId(), from: NOW, codes: ["a"], state: "allow", size: 5 }),
  openOf: (port) => port.openOf(newUserId(), NOW, 5),
};

const authenticatorCalls: CallsOf<Authenticators> = {
  ofUser: (port) => port.ofUser(newUserId()),
  find: (port) => port.find(newUserId(), "x"),
  put: (port) => port.put(makeAuthenticator()),
  enrol: (port) => port.enrol({ ...makeAuthenticator(), verifiedAt: NOW }, makeEvent(), CLIENT),
  enrolFirst: (port) => port.enrolFirst({ ...makeAuthenticator(), verifiedAt: NOW }, makeEvent(), CLIENT),
  touch: (port) => port.touch(newUserId(), "x", NOW),
  remove: (port) => port.remove(newUserId(), "x", NOW, CLIENT),
  forget: (port) => port.forget(newUserId(), "x"),
  profile: (port) => port.profile(newUserId(), { client: CLIENT, from: [] }),
  changeProfile: (port) => port.changeProfile(newUserId(), CLIENT, {}, NOW),
  removeProfile: (port) => port.removeProfile(newUserId(), CLIENT),
};

const recordCalls: CallsOf<Records> = {
  finish: (port) => port.finish(makeEvent(), makeGrant({ deviceId: newDeviceId() })),
  note: (port) => port.note(makeEvent(), { userId: newUserId(), clientId: CLIENT }),
  audit: (port) => port.audit([makeEvent()]),
  grantsOfUser: (port) =>
    port.grantsOfUser(newUserId(), { after: newGrantId(), deviceId: newDeviceId(), sessionId: newGrantId() }),
  grant: (port) => port.grant(newUserId(), newGrantId()),
  moveGrants: (port) => port.moveGrants(newUserId(), newGrantId(), newGrantId()),
  removeGrant: (port) => port.removeGrant(newUserId(), newGrantId(), makeEvent()),
  events: (port) => port.events({ userId: newUserId(), type: "t", after: "a", size: 5 }),
};

const heldCalls: CallsOf<PersonalData> = {
  rows: (port) => port.rows(newUserId(), "actions", ["x", "y", "z"], 5),
  erase: (port) => port.erase(newUserId(), 5, makeEvent()),
  eraseLate: (port) => port.eraseLate(5),
  endErasures: (port) => port.endErasures(NOW, 5),
  trim: (port) => port.trim(NOW, 5),
};

const nonceCalls: CallsOf<Nonces> = {
  spend: (port) => port.spend(makeNonce()),
  purge: (port) => port.purge(NOW, 5),
};

const codeCalls: CallsOf<UserCodes> = {
  issue: (port) =>
    port.issue({ ...makeCode(), userId: newUserId() }, NOW, { nonce: makeNonce(), event: makeEvent() }),
  lookUp: (port) => port.lookUp("x", makeNonce()),
  lookUpOf: (port) => port.lookUpOf(newUserId(), "hash"),
  ofUser: (port) => port.ofUser({ userId: newUserId(), kind: "short", purpose: "sign_in" }, NOW, makeNonce()),
  insert: (port) => port.insert(makeCode(), NOW),
  find: (port) => port.find("x", NOW),
  remove: (port) => port.remove("x"),
  purge: (port) => port.purge(NOW, 5),
};

const standing = () => ({ userId: newUserId(), clientId: CLIENT, since: NOW });
const recoveryCalls: CallsOf<RecoveryCodes> = {
  replace: (port) => port.replace(["a", "b"], standing(), makeEvent()),
  use: (port) => port.use("a", standing(), makeEvent()),
  left: (port) => port.left(newUserId()),
};

const shelfCalls: CallsOf<KeyStore> = {
  all: (port) => port.all(),
  insert: (port) => port.insert(makeKey()),
  remove: (port) => port.remove("cotter", 1),
};

const healthCalls: CallsOf<Health> = { check: (port) => port.check() };

type NamedCall = { readonly name: string; readonly run: () => Promise<unknown> };

const named = <Port>(name: string, port: Port, calls: CallsOf<Port>): NamedCall[] =>
  Object.entries(calls).map(([method, call]) => ({
    name: `${name}.${method}`,
    run: () => (call as (port: Port) => Promise<unknown>)(port),
  }));

/** Every method of every port of the store, on this database, with a cache of its own. */
export function callsOn(d1: D1Database): NamedCall[] {
  const db = openStore(d1);
  return [
    ...named("clients", makeClients(db, makeClientCache()), clientCalls),
    ...named("users", makeUsers(db), userCalls),
    ...named("devices", makeDevices(db), deviceCalls),
    ...named("actions", makeActions(db), actionCalls),
    ...named("authenticators", makeAuthenticators(db), authenticatorCalls),
    ...named("records", makeRecords(db), recordCalls),
    ...named("held", makePersonalData(db), heldCalls),
    ...named("userCodes", makeUserCodes(db), codeCalls),
    ...named("recoveryCodes", makeRecoveryCodes(db), recoveryCalls),
    ...named("nonces", makeNonces(db), nonceCalls),
    ...named("keyShelf", makeKeyStore(db), shelfCalls),
    ...named("health", makeHealth(db), healthCalls),
  ];
}
