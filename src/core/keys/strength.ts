/** 32 random bytes have fewer than 16 values, or fewer than 16 steps from one to the next, once in 10^10. */
const VARIETY = 16;
const TOKEN_LENGTH = 32;
/** Digits alone are enough for a long token, a few signs over and over are not. */
const TOKEN_VARIETY = 6;

/** Whether a key in base64url looks drawn by chance. */
export function isVaried(key: string): boolean {
  const bytes = Uint8Array.fromBase64(key, { alphabet: "base64url" });
  const steps = bytes.slice(1).map((byte, index) => (byte - (bytes[index] ?? 0) + 256) % 256);
  return new Set(bytes).size >= VARIETY && new Set(steps).size >= VARIETY;
}

/** Whether a secret text is long, and not a few signs over and over. */
export function isLong(token: string): boolean {
  const drawn = token.replace(/^whsec_/, "");
  return drawn.length >= TOKEN_LENGTH && new Set(drawn).size >= TOKEN_VARIETY;
}
