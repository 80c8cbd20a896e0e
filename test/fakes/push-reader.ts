/// <reference path="./http-ece.d.ts" />
import { createECDH, randomBytes } from "node:crypto";
import ece from "http_ece";

/** A browser's half of a subscription: the keys that it gives away, and how it reads what comes, by another implementation than ours. */
export function newPushReader() {
  const ecdh = createECDH("prime256v1");
  const p256dh = ecdh.generateKeys().toString("base64url");
  const auth = randomBytes(16).toString("base64url");
  return {
    keys: { p256dh, auth },
    /** The text of a body of content encoding `aes128gcm`; throws when it is not for these keys. */
    read: (body: Uint8Array): string =>
      ece
        .decrypt(Buffer.from(body), { version: "aes128gcm", privateKey: ecdh, authSecret: auth })
        .toString("utf8"),
  };
}
