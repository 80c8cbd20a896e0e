import { contactOf, readServiceAccount } from "../core/message/push-sender.ts";
import type { Clock } from "../core/ports/edge.ts";
import type { Keyring } from "../core/ports/keys.ts";
import type { Pushes } from "../core/ports/pushes.ts";
import { type Fcm, makeFcm } from "./fcm/send.ts";
import { makeWebPush, type WebPush } from "./web-push/send.ts";

/** The part of the environment that says who wakes devices. */
export type PushVariables = {
  readonly ISSUER: string;
  readonly ALLOW_PRIVATE_CALLBACKS: "true" | "false";
  readonly PUSH_CONTACT?: string | undefined;
  readonly PUSH_HOSTS?: string | undefined;
  readonly FCM_SERVICE_ACCOUNT?: string | undefined;
  readonly FCM_URL: string;
  readonly FCM_TOKEN_URL: string;
};

type Powers = { readonly clock: Clock; readonly keyring: Pick<Keyring, "signVapid" | "vapidKey"> };

/** What wakes devices here: Web Push where push services can write to the deployment, FCM where it has a service account. */
export function choosePushes(env: PushVariables, powers: Powers): Pushes {
  const [web, fcm] = [webPush(env, powers), fcmOf(env, powers)];
  return {
    publicKey: async () => await web?.publicKey(),
    async faultOf(target) {
      if ("fcm" in target) return fcm === undefined ? "off" : undefined;
      return web === undefined ? "off" : await web.faultOf(target);
    },
    async send(target, note) {
      const sent = "fcm" in target ? fcm?.send(target.fcm, note) : web?.send(target, note);
      return (await sent) ?? { kind: "refused", reason: "nothing carries it" };
    },
  };
}

function webPush(env: PushVariables, { clock, keyring }: Powers): WebPush | undefined {
  const contact = contactOf(env.PUSH_CONTACT, env.ISSUER);
  if (contact === undefined) return undefined;
  const more = (env.PUSH_HOSTS ?? "").split(",").flatMap((host) => host.trim() || []);
  const hosts = { more, allowPrivate: env.ALLOW_PRIVATE_CALLBACKS === "true" };
  return makeWebPush({ contact, issuer: env.ISSUER, hosts, keyring, clock });
}

function fcmOf(env: PushVariables, { clock }: Powers): Fcm | undefined {
  const account = env.FCM_SERVICE_ACCOUNT && readServiceAccount(env.FCM_SERVICE_ACCOUNT);
  if (!account) return undefined;
  return makeFcm({ account, url: env.FCM_URL, tokenUrl: env.FCM_TOKEN_URL, clock });
}
