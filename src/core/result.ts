/** A value or an expected "no". Refusals travel as values; whatever is thrown is a fault. */
export type Result<T, E> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

/** Wraps a success. */
export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });

/** Wraps a refusal. */
export const no = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });
