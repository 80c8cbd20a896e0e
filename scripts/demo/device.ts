/** A phone: an Ed25519 key whose private half never leaves it. */
export type Device = {
  /** Standard base64 of the 32 bytes. */
  readonly publicKey: string;
  /** Standard base64 of the 64 bytes of a signature over the text. */
  sign(text: string): Promise<string>;
};

const toBase64 = (bytes: ArrayBuffer): string => Buffer.from(bytes).toString("base64");

export async function makeDevice(): Promise<Device> {
  const { privateKey, publicKey } = await crypto.subtle.generateKey("Ed25519", false, ["sign", "verify"]);
  return {
    publicKey: toBase64(await crypto.subtle.exportKey("raw", publicKey)),
    sign: async (text) =>
      toBase64(await crypto.subtle.sign("Ed25519", privateKey, new TextEncoder().encode(text))),
  };
}
