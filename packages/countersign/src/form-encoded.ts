/** A text as a form has it, and as RFC 6749 §2.3.1 wants ids and secrets before they are joined. */
export const formEncoded = (text: string): string => new URLSearchParams({ "": text }).toString().slice(1);
