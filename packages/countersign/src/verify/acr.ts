/** How a user was signed in, the weakest first (docs/oauth.md, "How the user signed in"). */
const RANKS = [
  "urn:signin:acr:identifier",
  "urn:signin:acr:device",
  "urn:signin:acr:device-match",
  "urn:signin:acr:device-match-uv",
] as const;
export type Acr = (typeof RANKS)[number];

const rankOf = (acr: string): number => (RANKS as readonly string[]).indexOf(acr);

export const isAcr = (acr: unknown): acr is Acr => typeof acr === "string" && rankOf(acr) >= 0;

/** Whether a sign-in is as strong as asked, or stronger. One that this version does not know is weaker than all. */
export const meetsAcr = (acr: string, least: Acr): boolean => rankOf(acr) >= rankOf(least);
