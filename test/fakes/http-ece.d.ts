declare module "http_ece" {
  import type { ECDH } from "node:crypto";

  type Parameters = {
    readonly version: "aes128gcm";
    readonly privateKey: ECDH;
    /** base64url. */
    readonly authSecret: string;
  };
  const ece: { decrypt(body: Buffer, parameters: Parameters): Buffer };
  export = ece;
}
