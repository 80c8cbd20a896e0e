const HIDDEN = "[hidden]";
const DEEPEST = 6;

/** Words in a field's name that make its value a secret; `challengeId` and the like have none of them. */
const SECRET_WORDS: ReadonlySet<string> = new Set(
  (
    "auth authorization cookie cookies credential credentials token tokens secret secrets code codes otp handle handles " +
    "signature signatures key keys jwk verifier password passwords passphrase pin pepper proof nonce salt sealed assertion jwt bearer"
  ).split(" "),
);

/** Shapes of secrets inside text, whatever the field is called. */
const SECRET_SHAPES: readonly RegExp[] = [
  // Authorization values (RFC 9110 §11.6.2), also in the middle of a message.
  /\b(?:Bearer|Basic|DPoP)\s+[^\s"',;]+/gi,
  // A handle, or a refresh token with its generation behind the MAC; the id in front carries no authority but the pair does.
  /\b[0-9a-f]{64}\.[A-Za-z0-9_-]{43,}/gi,
  // A JWS or JWE in compact form.
  /\beyJ[A-Za-z0-9_-]*\.[A-Za-z0-9_-]*\.[A-Za-z0-9_.-]*/g,
  /-----BEGIN [A-Z ]+-----[\s\S]*?(?:-----END [A-Z ]+-----|$)/g,
  // Padded base64: signatures and keys of the vendors' devices.
  /[A-Za-z0-9+/]{40,}={1,2}/g,
];

/** 256 bits as text: what our own secrets look like. Hex of 64 digits is a public id. */
const LONG_RUN = /[A-Za-z0-9_-]{40,}/g;
const PUBLIC_ID = /^[0-9a-f]{64}$/;

function isSecretName(name: string): boolean {
  const words = name
    .replace(/([a-z0-9])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word));
}

/** Text without anything that has the shape of a secret. */
export function scrubText(text: string): string {
  const known = SECRET_SHAPES.reduce((rest, shape) => rest.replace(shape, HIDDEN), text);
  return known.replace(LONG_RUN, (run) => (PUBLIC_ID.test(run) ? run : HIDDEN));
}

/** A copy that may be logged: secret fields and secret shapes hidden, errors as name and message, depth bounded. */
export function scrub(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return scrubText(value);
  if (value === null || typeof value === "number" || typeof value === "boolean") return value;
  if (typeof value !== "object") return value === undefined ? undefined : scrubText(String(value));
  if (depth >= DEEPEST) return "[deeper]";
  if (value instanceof Error) {
    const { name, message, stack, cause } = value;
    return scrub({ name, message, stack, ...(cause !== undefined && { cause }) }, depth + 1);
  }
  if (Array.isArray(value)) return value.map((item) => scrub(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [
      scrubText(name),
      isSecretName(name) ? HIDDEN : scrub(item, depth + 1),
    ]),
  );
}
