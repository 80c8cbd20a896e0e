import {
  answer,
  basic,
  bearer,
  newKey,
  type Phone,
  phoneCall,
  poll,
  startPush,
  track,
} from "../authsignal.ts";
import { fresh, type Json } from "../cotter.ts";
import type { Stage } from "../in-flight.ts";
import { named, verifyPath, withPhone } from "./authsignal.ts";
import { type Flow, has, put, waiting } from "./flow.ts";

const push = (isHeld: boolean): Flow => ({
  name: `Authsignal: a push, ${isHeld ? "its answer waited for" : "its answer asked for"}`,
  from: isHeld ? 3 : 1,
  byDevice: true,
  works: has("accessToken"),
  async ready(apart) {
    const { tenant, user, phone, who } = await withPhone("push", apart);
    let begun: { readonly token: string; readonly id: string } | undefined;
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const { token, id } = await startPush(at, tenant, user);
        begun = { token, id };
        const headers = { ...bearer(token), Prefer: "wait=1" };
        const held = isHeld ? at.call("POST", verifyPath("push"), { challengeId: id }, headers) : undefined;
        if (held) await waiting(at, held);
        await answer(at, phone, id, true);
        return (await (held ?? poll(at, token, id))).body;
      },
      again: async (at) => (begun ? (await poll(at, begun.token, begun.id)).body : {}),
    };
  },
});

const claim = async (at: Stage, phone: Phone, challengeId: string) =>
  phoneCall(at, phone, "POST", "/challenge/claim", {
    challengeId,
    publicKey: phone.key.text,
    signature: await phone.key.sign(challengeId),
  });

const qr = (of: "nobody" | "a tracked user", isHeld: boolean): Flow => ({
  name: `Authsignal: a QR code of ${of}, its answer ${isHeld ? "waited" : "asked"} for`,
  ofNobody: of === "nobody",
  from: isHeld && of === "nobody" ? 3 : 1,
  byDevice: true,
  works: has("accessToken"),
  async ready(apart) {
    const { tenant, user, phone, who } = await withPhone("qr-code", apart);
    let asked: Json | undefined;
    const ask = async (at: Stage, prefer: Record<string, string> = {}) => {
      const { challengeId, deviceCode } = asked ?? {};
      const body = { challengeId, deviceCode };
      return (await at.call("POST", verifyPath("qr-code"), body, { ...basic(tenant.id), ...prefer })).body;
    };
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const tracked = of === "nobody" ? undefined : (await track(at, tenant, user, "kiosk")).body;
        const by = tracked ? bearer(tracked.token) : basic(tenant.id);
        const path = "/v1/client/challenge/qr-code";
        asked = (await at.call("POST", path, tracked ? {} : { action: "kiosk" }, by)).body;
        const id = String(asked.challengeId ?? "");
        if (id === "") return {};
        await claim(at, phone, id);
        const held = isHeld ? ask(at, { Prefer: "wait=1" }) : undefined;
        if (held) await waiting(at, held);
        await answer(at, phone, id, true);
        return await (held ?? ask(at));
      },
      again: (at) => ask(at),
    };
  },
});

const inApp: Flow = {
  name: "Authsignal: a verification in the app",
  from: 2,
  byDevice: true,
  works: has("token"),
  async ready(apart) {
    const { tenant, user, phone, who } = await withPhone("in-app", apart);
    return {
      clients: [tenant.id],
      who,
      async run(at) {
        const { token } = (await track(at, tenant, user, "pay")).body;
        const begun = await at.call("POST", "/v1/client/challenge", {}, bearer(token));
        const challengeId = String(begun.body.challengeId ?? "");
        const signature = await phone.key.sign(challengeId);
        const body = { challengeId, publicKey: phone.key.text, signature };
        return (await at.call("POST", verifyPath("in-app"), body, bearer(token))).body;
      },
    };
  },
};

const credential = (what: "first" | "further" | "wider" | "moved"): Flow => ({
  name: `Authsignal: a ${what} key by the backend's token`,
  from: what === "first" ? 1 : 2,
  works: has("userAuthenticatorId"),
  async ready(apart) {
    const { tenant, user, phone, who } = await withPhone("push", apart);
    const other = fresh("u");
    const otherId = await put(named(tenant, other));
    const name = what === "first" || what === "moved" ? other : user;
    const key = what === "wider" || what === "moved" ? phone.key : await newKey();
    const id = name === user ? await who() : otherId;
    return {
      clients: [tenant.id],
      who: async () => id,
      async run(at) {
        const scope = what === "first" ? {} : { scope: "add:authenticators" };
        const { token } = (await track(at, tenant, name, "addAuthenticator", scope)).body;
        const path = `/v1/client/user-authenticators/${what === "wider" ? "in-app" : "push"}`;
        const body = { publicKey: key.text, deviceName: "Phone", pushToken: "to" };
        return (await at.call("POST", path, body, bearer(token))).body;
      },
    };
  },
});

export const BY_PHONE: readonly Flow[] = [
  push(false),
  push(true),
  qr("nobody", false),
  qr("nobody", true),
  qr("a tracked user", true),
  inApp,
  credential("first"),
  credential("further"),
  credential("wider"),
  credential("moved"),
];
