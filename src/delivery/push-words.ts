import type { PushNote } from "../core/ports/pushes.ts";

/** What a notification says, and where it leads. Who looks at a locked screen learns nothing of who asks, for what, or of which device. */
export type PushWords = {
  readonly words: { readonly title: string; readonly body: string };
  /** Of the messages of one mark a device shows the newest. */
  readonly tag: string;
  /** On the phone page. */
  readonly hash: string;
};

const PROMPT = { title: "Sign-in request", body: "Open to see who asks." } as const;
const DEVICE = {
  title: "A device was added",
  body: "Open to see it. If it was not you, remove it.",
} as const;

export const wordsOf = (note: PushNote): PushWords =>
  "challengeId" in note
    ? { words: PROMPT, tag: note.challengeId, hash: `#prompt=${note.challengeId}` }
    : { words: DEVICE, tag: note.newDevice, hash: "#devices" };
