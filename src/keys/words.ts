import { wordlist } from "@scure/bip39/wordlists/english.js";

/** The 2,048 English words of BIP 39: 3 to 8 small letters each, no two with the same first four. */
export const WORDS: readonly string[] = wordlist;
