import { Outage } from "../../../../src/core/fault.ts";
import { type UserId, userSubject } from "../../../../src/core/ids.ts";
import { ANY_REALM } from "../../../../src/core/ports/users.ts";
import { operator } from "../acts.ts";
import {
  deployment,
  type Json,
  newClient,
  newPhone,
  poll,
  prompt,
  refresh,
  respond,
  start,
} from "../cotter.ts";
import { enrolByPhone, signInByPhone } from "../cotter-signed.ts";
import { always, email, type Flow, has, made, put, ROOMY, shared } from "./flow.ts";

const { services } = operator;

const shop = shared(() => newClient(operator, ROOMY));

async function cotterPerson(apart: boolean) {
  const [client, phone] = await Promise.all([shop(apart), newPhone()]);
  const device = { door: "cotter", kind: "phone", clientId: client, text: phone.publicKey } as const;
  const id = await put({ identifiers: [] }, device);
  return { client, person: { id, identifier: "", phone } };
}

const pending: Flow = {
  name: "Cotter: a laptop asks, the phone approves, the laptop collects",
  byDevice: true,
  works: has("oauth_token"),
  async ready(apart) {
    const { client, person } = await cotterPerson(apart);
    let waiter: Json | undefined;
    return {
      clients: [client],
      who: always(person.id),
      async run(at) {
        waiter = (await start(at, client, person)).body;
        const shown = await prompt(at, client, person);
        if (shown?.ID) await respond(at, client, person, shown, true);
        return (await poll(at, client, waiter)).body;
      },
      again: async (at) => (waiter ? (await poll(at, client, waiter)).body : {}),
    };
  },
};

const atOnce: Flow = {
  name: "Cotter: a phone signs itself in",
  byDevice: true,
  works: has("oauth_token"),
  async ready(apart) {
    const { client, person } = await cotterPerson(apart);
    return {
      clients: [client],
      who: always(person.id),
      run: async (at) => (await signInByPhone(at, client, person)).body,
    };
  },
};

const firstDevice = (query: string): Flow => ({
  name: `Cotter: a sign-up and its first device ${query === "" ? "without" : "with"} tokens`,
  from: query === "" ? 2 : 1,
  works: query === "" ? has("enrolled") : has("oauth_token"),
  async ready(apart) {
    const [client, phone] = await Promise.all([shop(apart), newPhone()]);
    let id = "";
    return {
      clients: [client],
      async who() {
        const record = id === "" ? undefined : await operator.services.users.byId(id as UserId, ANY_REALM);
        return record?.user.id;
      },
      async run(at) {
        const headers = { API_KEY_ID: client };
        const user = await at.call("POST", "/api/v0/user/create", { identifier: email() }, headers);
        id = String(user.body.ID ?? "");
        const key = { code: phone.publicKey, algorithm: "ED25519" };
        const body = { method: "TRUSTED_DEVICE", enrolled: true, ...key };
        const path = `/api/v0/user/methods?cotter_user_id=${id}${query}`;
        return (await at.call("PUT", path, body, headers)).body;
      },
    };
  },
});

const forgetful = shared(() => newClient(operator, { ...ROOMY, recovery: "removed" }));

/** The app removed the only device; a proof's key is at hand. */
const recovered: Flow = {
  name: "Cotter: a device in place of one that was removed",
  works: has("oauth_token"),
  async ready(apart) {
    const [client, phone, lost] = await Promise.all([forgetful(apart), newPhone(), newPhone()]);
    const device = { door: "cotter", kind: "phone", clientId: client, text: lost.publicKey } as const;
    const id = await put({ identifiers: [] }, device);
    const { devices, inboxes, handles } = services;
    const [only] = await devices.ofUser(id);
    if (!only) throw new Error("no device");
    const removal = { ...made("device.revoked"), reason: "removed_by_app" };
    await devices.revoke(id, only.id, removal, Date.now());
    const who = userSubject(id);
    await inboxes.noteDevice(who);
    const cookie = "k".repeat(43);
    const key = await handles.digest(["first-device", client, cookie]);
    await inboxes.openEnrolment(who, { key, began: Date.now(), recoversAt: client });
    return {
      clients: [client],
      who: always(id),
      async run(at) {
        const body = {
          method: "TRUSTED_DEVICE",
          enrolled: true,
          code: phone.publicKey,
          algorithm: "ED25519",
        };
        const path = `/api/v0/user/methods?cotter_user_id=${id}&oauth_token=true`;
        return (await at.call("PUT", path, body, { API_KEY_ID: client, Cookie: `enrol=${cookie}` })).body;
      },
    };
  },
};

const otherDevice: Flow = {
  name: "Cotter: a phone enrols another one, which signs in",
  byDevice: true,
  works: has("oauth_token"),
  async ready(apart) {
    const { client, person } = await cotterPerson(apart);
    const phone = await newPhone();
    return {
      clients: [client],
      who: always(person.id),
      async run(at) {
        await enrolByPhone(at, client, person, phone);
        return (await signInByPhone(at, client, { ...person, phone })).body;
      },
    };
  },
};

/** A deployment whose grants D1 never takes. */
const unlisting = deployment({}, ({ records }) => ({
  records: {
    ...records,
    finish: async () => {
      throw new Outage("D1 cannot be used");
    },
  },
  log: () => undefined,
}));

const refreshing = (isListed: boolean): Flow => ({
  name: `Cotter: a refresh of a family that D1 ${isListed ? "lists" : "does not list"}`,
  byDevice: true,
  works: has("refresh_token"),
  async ready(apart) {
    const { client, person } = await cotterPerson(apart);
    const { body } = await signInByPhone(isListed ? operator : unlisting, client, person);
    const begun = body.oauth_token as Json;
    return {
      clients: [client],
      who: always(person.id),
      run: async (at) => (await refresh(at, client, begun.refresh_token)).body,
    };
  },
});

export const COTTER: readonly Flow[] = [
  pending,
  atOnce,
  firstDevice("&oauth_token=true"),
  firstDevice(""),
  recovered,
  otherDevice,
  refreshing(true),
  refreshing(false),
];
