import { auditEvent } from "../../../../src/core/audit/record.ts";
import type { ClientSettings } from "../../../../src/core/client/settings.ts";
import type { Device } from "../../../../src/core/device/device.ts";
import { type ClientId, MAIN, newDeviceId, newUserId, type UserId } from "../../../../src/core/ids.ts";
import type { NewUser } from "../../../../src/core/ports/users.ts";
import { readIdentifier } from "../../../../src/core/user/identifier.ts";
import { operator } from "../acts.ts";
import { inside } from "../challenges.ts";
import { fresh, type Json } from "../cotter.ts";
import type { Stage } from "../in-flight.ts";

/** A flow that is about to be run. */
export type Ready = {
  /** The clients through which it runs. */
  readonly clients: readonly [ClientId, ...ClientId[]];
  /** The user, as soon as there is one. */
  who(): Promise<UserId | undefined>;
  /** Runs it, as far as it gets; answers what came out. */
  run(at: Stage): Promise<Json>;
  /** Asks once more for what it was about; nothing may come out of that once the user was locked. */
  again?(at: Stage): Promise<Json>;
};

export type Flow = {
  readonly name: string;
  /** Whether all that it writes is written by the word of a device that the user has at its beginning. */
  readonly byDevice?: boolean;
  /** Whether it is our own pages', which no client's being disabled ends. */
  readonly ofNoClient?: boolean;
  /** Whether its challenge is nobody's until somebody proves or claims it. */
  readonly ofNobody?: boolean;
  /**
   * What is there before it begins: of that nothing is watched. `apart`: through clients of its own, because they will be disabled;
   * else through clients that other runs may have, too.
   */
  ready(apart: boolean): Promise<Ready>;
  /** The first request that no other flow begins with: the ones before are tried there. */
  readonly from?: number;
  /** What comes out when nothing is in its way. */
  readonly works: (out: Json) => boolean;
};

/** Makes it for each run that is apart, and once for all others. */
export function shared<Made>(make: () => Promise<Made>): (apart: boolean) => Promise<Made> {
  let made: Promise<Made> | undefined;
  return async (apart) => {
    if (apart) return await make();
    made ??= make();
    return await made;
  };
}

/** Limits of a client that count, and that no number of runs reaches: what they refuse would be tried no further. */
export const ROOMY: ClientSettings = { starts_per_minute: 100_000, code_sends_per_hour: 100_000 };

export const has =
  (...names: readonly string[]) =>
  (out: Json): boolean =>
    names.every((name) => out[name] !== undefined && out[name] !== null && out[name] !== false);

export const always = (id: string) => async () => id as UserId;

export const email = () => `${fresh("jo")}@example.com`;

export function read(address: string) {
  const identifier = readIdentifier(address);
  if (!identifier) throw new Error("not an address");
  return identifier;
}

const sleep = () => new Promise((wake) => setTimeout(wake, 2));

/** Until somebody waits for the challenge that was begun last, or the wait is over. */
export async function waiting(at: Stage, held: Promise<unknown>): Promise<void> {
  let isOver = false;
  const over = held.finally(() => {
    isOver = true;
  });
  over.catch(() => undefined);
  for (let tries = 0; tries < 500 && !isOver; tries++) {
    const id = [...at.begun].at(-1);
    if (id && (await inside(id, (_, state) => state.getWebSockets().length)) > 0) return;
    await sleep();
  }
}

const { services } = operator;
export const made = (type: string) => auditEvent(services, { type, actor: "admin" });

export type NewDevice = Omit<Device, "id" | "userId" | "realm" | "name" | "enrolledAt">;

/** A user with these names and this device, as the store keeps them: a sign-up over the wire would cost ten calls. */
export async function put(
  user: Omit<NewUser, "id" | "realm">,
  device?: NewDevice | (Omit<NewDevice, "key"> & { readonly text: string }),
): Promise<UserId> {
  const newUser = { ...user, id: newUserId(crypto.randomUUID()), realm: MAIN };
  const at = Date.now();
  if (!device) {
    const inserted = await services.users.insert(newUser, made("user.created"), at);
    if (!inserted.ok) throw new Error(inserted.error.code);
    return newUser.id;
  }
  const row: Device = {
    ...("text" in device ? await keyed(device) : device),
    id: newDeviceId(crypto.randomUUID()),
    userId: newUser.id,
    realm: MAIN,
    name: "Phone",
    enrolledAt: at,
  };
  const inserted = await services.users.insertWithDevice(newUser, row, [made("device.enrolled")], at);
  if (!inserted.ok) throw new Error(inserted.error.code);
  return newUser.id;
}

async function keyed({
  text,
  ...of
}: Omit<NewDevice, "key"> & { readonly text: string }): Promise<NewDevice> {
  const key = await services.proofs.readKey(text, of.door === "cotter" ? "Ed25519" : "EC");
  if (!key.ok) throw new Error(key.error.detail);
  return { ...of, key: key.value };
}
