/**
 * Closes texts that rest for a while (queue bodies, the development outbox) and opens them again: AES-GCM under a key derived
 * from KEY_ENCRYPTION_KEY for this purpose and id alone, so that a sealed text opens nowhere else. Opening throws an Outage when
 * the key's version is gone or the text is not whole.
 */
export type Sealing = {
  seal(text: string, purpose: string, id: string): Promise<string>;
  unseal(sealed: string, purpose: string, id: string): Promise<string>;
};
