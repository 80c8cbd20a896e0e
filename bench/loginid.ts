import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { makeApi, textOf } from "../scripts/demo/api.ts";
import { committedAt, heldFor, type Sample } from "./committed.ts";
import { held } from "./held.ts";
import type { Place } from "./subject/place.ts";

/** A backend that approves codes by its service tokens, and an app without a secret whose device waits. */
export async function makeLoginid(place: Place) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const admin = makeApi(place.origin, { Authorization: `Bearer ${place.adminToken}` });
  const register = async (client: object, settings: object = {}): Promise<string> => {
    const body = { name: "Bench", settings: { starts_per_minute: 0, ...settings }, ...client };
    return textOf(await admin.read("/admin/clients", 201, { method: "POST", body }), "client_id");
  };
  const clientId = await register({
    kind: "confidential",
    public_keys: [publicKey.export({ type: "spki", format: "pem" })],
  });
  // The app takes the codes of its backend.
  const web = await register({ kind: "public" }, { names_from: [clientId] });
  const tokenFor = (type: string): string => {
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const claims = { client_id: clientId, type, nonce: randomUUID(), iat: Math.floor(Date.now() / 1_000) };
    const input = `${encoded({ alg: "ES256", typ: "JWT" })}.${encoded(claims)}`;
    const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
    return `${input}.${sign("sha256", Buffer.from(input), key).toString("base64url")}`;
  };
  const api = makeApi(place.origin, {});

  /** Asks for a code of a user, or approves it. */
  const codes = (verb: "generate" | "authorize", userId: string, more: object = {}) => {
    const headers = { Authorization: `Bearer ${tokenFor(`codes.${verb}`)}` };
    const body = { client_id: clientId, user_id: userId, purpose: "temporary_authentication", ...more };
    return api.read(`/api/native/codes/short/${verb}`, 200, { method: "POST", body, headers });
  };
  return {
    admin,
    web,
    async newUser() {
      const username = `bench-${randomUUID()}`;
      const made = await admin.read("/admin/users", 201, { method: "POST", body: { username } });
      return { username, userId: textOf(made, "user_id") };
    },
    generate: async (userId: string) => textOf(await codes("generate", userId), "code"),
    authorize: (userId: string, code: string) => codes("authorize", userId, { code }),
    wait(username: string, code: string) {
      const body = { client_id: web, username, authentication_code: { code, type: "short" } };
      return held(`${place.origin}/api/native/authenticate/code/wait`, {}, body);
    },
  };
}

/** One approval from the backend to the device that waits for it. */
export async function loginidRound(place: Place): Promise<() => Promise<Sample>> {
  const { admin, newUser, generate, authorize, wait } = await makeLoginid(place);
  return async () => {
    const { username, userId } = await newUser();
    const code = await generate(userId);
    const waited = wait(username, code);
    await heldFor();
    const sent = performance.now();
    await authorize(userId, code);
    const accepted = performance.now();
    const { at: told } = await waited;
    const committed = await committedAt(admin, `user_id=${userId}`);
    return {
      sentToTold: told - sent,
      committedToTold: performance.timeOrigin + told - committed,
      acceptedToTold: told - accepted,
    };
  };
}
