import { generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { isObject, makeApi, objectOf, textOf } from "../scripts/demo/api.ts";
import { expect } from "../scripts/demo/expect.ts";
import { committedAt, heldFor, type Sample } from "./committed.ts";
import { held } from "./held.ts";
import type { Place } from "./subject/place.ts";

/** A waiting page: begun for a new user, told once their phone has answered. */
type Waiting = { readonly challengeId: string; readonly told: Promise<number> };

/** A tenant: its backend, its pages and its phones. */
export async function makeShop({ origin, adminToken }: Place) {
  const admin = makeApi(origin, { Authorization: `Bearer ${adminToken}` });
  const body = { name: "Bench", kind: "confidential", settings: { starts_per_minute: 0 } };
  const made = await admin.read("/admin/clients", 201, { method: "POST", body });
  const clientId = textOf(made, "client_id");
  const basic = (name: string) => ({ Authorization: `Basic ${btoa(`${name}:`)}` });
  const backend = makeApi(`${origin}/v1`, basic(textOf(made, "client_secret")));
  const phone = makeApi(`${origin}/v1/client`, basic(clientId));
  const track = async (user: string, action: string, more: object = {}): Promise<string> => {
    const path = `/users/${user}/actions/${action}`;
    return textOf(await backend.read(path, 200, { method: "POST", body: more }), "token");
  };
  /** What the backend makes of the token that its page was given. */
  const validate = (token: string) => backend.read("/validate", 200, { method: "POST", body: { token } });
  const page = (token: string) => makeApi(`${origin}/v1/client`, { Authorization: `Bearer ${token}` });
  return { origin, admin, clientId, phone, track, validate, page };
}

type Shop = Awaited<ReturnType<typeof makeShop>>;

/** A user with a phone whose key was added in this namespace. */
export async function makePerson({ track, page, phone }: Shop, namespace: "push" | "qr-code") {
  const user = `bench-${randomUUID()}`;
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const token = await track(user, "addAuthenticator", { scope: "add:authenticators" });
  const path = `/user-authenticators/${namespace}`;
  const added = await page(token).read(path, 200, { method: "POST", body: { publicKey: key } });
  const post = (rest: string, challengeId: string, more: object = {}) => {
    const signature = sign("sha256", Buffer.from(challengeId), privateKey).toString("base64");
    const body = { challengeId, publicKey: key, signature, ...more };
    return phone.read(`${path}${rest}`, 200, { method: "POST", body });
  };
  return { user, post, deviceId: textOf(added, "userAuthenticatorId") };
}

type Person = Awaited<ReturnType<typeof makePerson>>;

/** Asks the phones of a tracked action's user; answers the challenge's id. */
export async function pushed({ page }: Shop, token: string): Promise<string> {
  const body = { action: "signIn" };
  return textOf(await page(token).read("/challenge/push", 200, { method: "POST", body }), "challengeId");
}

/** A push challenge whose poll is held by `Prefer: wait`. */
async function heldPoll(shop: Shop, { user }: Person): Promise<Waiting> {
  const token = await shop.track(user, "signIn");
  const challengeId = await pushed(shop, token);
  const headers = { Authorization: `Bearer ${token}`, Prefer: "wait=10" };
  const told = held(`${shop.origin}/v1/client/verify/push`, headers, { challengeId }).then(({ at, body }) => {
    expect(isObject(body) && body.isVerified === true, "a verified poll", body);
    return at;
  });
  return { challengeId, told };
}

/** A QR challenge on its socket, claimed by the phone. */
async function qrSocket(shop: Shop, person: Person): Promise<Waiting> {
  const url = `${shop.origin.replace(/^http/, "ws")}/ws-v1-challenge`;
  const socket = new WebSocket(url, ["authsignal-ws", `x.authsignal.tenant.${shop.clientId}`]);
  const created = Promise.withResolvers<string>();
  const told = Promise.withResolvers<number>();
  socket.addEventListener("message", ({ data }) => {
    const at = performance.now();
    const message = JSON.parse(String(data)) as Record<string, unknown>;
    const about = objectOf(message, "data");
    if (message.type === "CHALLENGE_CREATED") created.resolve(textOf(about, "challengeId"));
    if (about.state !== "approved") return;
    told.resolve(at);
    socket.close();
  });
  socket.addEventListener("error", () => created.reject(new Error("the socket failed")));
  await new Promise((opened) => socket.addEventListener("open", opened));
  const data = { challengeType: "QR_CODE", actionCode: "kiosk" };
  socket.send(JSON.stringify({ type: "CREATE_CHALLENGE", data }));
  const challengeId = await created.promise;
  await person.post("/challenge/claim", challengeId);
  return { challengeId, told: told.promise };
}

/** One approval from a phone to the page that waits for it, by a held poll or by the QR socket. */
export async function authsignalRound(place: Place, way: "poll" | "socket"): Promise<() => Promise<Sample>> {
  const shop = await makeShop(place);
  return async () => {
    const person = await makePerson(shop, way === "poll" ? "push" : "qr-code");
    const { challengeId, told } = await (way === "poll" ? heldPoll : qrSocket)(shop, person);
    await heldFor();
    const sent = performance.now();
    await person.post("/challenge", challengeId, { approved: true });
    const accepted = performance.now();
    const at = await told;
    const committed = await committedAt(
      shop.admin,
      `client_id=${shop.clientId}&type=${way === "poll" ? "signIn" : "kiosk"}.redeemed`,
      challengeId,
    );
    return {
      sentToTold: at - sent,
      committedToTold: performance.timeOrigin + at - committed,
      acceptedToTold: at - accepted,
    };
  };
}
