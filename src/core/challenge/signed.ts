/** The public half of a device's key, as it is kept with the device. */
type PublicKey = { readonly algorithm: "Ed25519" | "EC" | "RSA"; readonly bytes: string };

/**
 * What a device's key has signed, as it was found good, with that key: whoever is shown it can check it again. A `signature` is base64url, of
 * ECDSA r and s, 64 bytes (RFC 7518 §3.4).
 */
export type Signed = { readonly key: PublicKey } & (
  | { readonly form: "jws"; readonly jws: string }
  /** Over the UTF-8 of `text`. */
  | { readonly form: "text"; readonly text: string; readonly signature: string }
  | {
      /** Over `authenticatorData` and the SHA-256 of `clientData` (WebAuthn §6.3.3), both base64url. */
      readonly form: "webauthn";
      /** What the challenge in the client data is the SHA-256 of, where it is of a text. */
      readonly text?: string;
      readonly clientData: string;
      readonly authenticatorData: string;
      readonly signature: string;
    }
);

/**
 * A `Signed` as JSON, closed under an id of its own: the text may hold the number that was typed, which nothing at rest shows (T67), and by a
 * digest of it the number could be guessed.
 */
export type Sealed = { readonly id: string; readonly sealed: string };

/** What a signature is sealed for. */
export const SEALED_FOR = "signed";
