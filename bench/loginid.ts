import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { makeApi, textOf } from "../scripts/demo/api.ts";
import { committedAt, heldFor, type Sample } from "./committed.ts";
import { held } from "./held.ts";
import type { Place } from "./subject/place.ts";

/** A backend that approves codes by its service tokens, and an app without a secret whose device waits. */
export async function loginidRound(subject: Place): Promise<() => Promise<Sample>> {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const admin = makeApi(subject.origin, { Authorization: `Bearer ${subject.adminToken}` });
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
  const api = makeApi(subject.origin, {});

  return async () => {
    const username = `bench-${randomUUID()}`;
    const made = await admin.read("/admin/users", 201, { method: "POST", body: { username } });
    const userId = textOf(made, "user_id");
    const about = { client_id: clientId, user_id: userId, purpose: "temporary_authentication" };
    const call = (verb: string, more: object = {}) => {
      const headers = { Authorization: `Bearer ${tokenFor(`codes.${verb}`)}` };
      const body = { ...about, ...more };
      return api.read(`/api/native/codes/short/${verb}`, 200, { method: "POST", body, headers });
    };
    const code = textOf(await call("generate"), "code");
    const wait = { client_id: web, username, authentication_code: { code, type: "short" } };
    const waited = held(`${subject.origin}/api/native/authenticate/code/wait`, {}, wait);
    await heldFor();
    const sent = performance.now();
    await call("authorize", { code });
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
