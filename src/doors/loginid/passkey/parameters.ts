/** The passkeys that are taken, for `pubKeyCredParams` (WebAuthn §5.4), the preferred first: ES256, then RS256 for Windows (RFC 8812 §2). */
export const PASSKEY_PARAMETERS = [
  { type: "public-key", alg: -7 },
  { type: "public-key", alg: -257 },
] as const;
