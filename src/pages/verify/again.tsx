import { verifyWords } from "./words.ts";

/** What a page that waits for a code or link says of its letters. */
export type Letters = {
  /** Another one was sent a moment ago. */
  readonly again: boolean;
  /** Milliseconds until the next may be asked for. */
  readonly wait: number;
  /** What was sent is not good any more. */
  readonly ended: boolean;
};

export type AgainProps = {
  readonly kind: "code" | "wait";
  readonly locale: string;
  readonly letters: Letters;
  readonly action: string;
  readonly csrf: string;
  /** What the form carries on besides, by name. */
  readonly fields?: Readonly<Record<string, string>>;
};

/** What a form carries on without showing it. */
export const Hidden = ({ csrf, fields = {} }: Pick<AgainProps, "csrf" | "fields">) => (
  <>
    <input type="hidden" name="csrf" value={csrf} />
    {Object.entries(fields).map(([name, value]) => (
      <input type="hidden" name={name} value={value} />
    ))}
  </>
);

/** Said after another letter: that it was sent, and when the next may be. */
export const SentAgain = ({ kind, locale, letters }: Pick<AgainProps, "kind" | "locale" | "letters">) => {
  const words = verifyWords(locale)[kind];
  if (!letters.again) return null;
  return (
    <p class="note" role="status">
      {words.sentAgain}
      {letters.wait > 0 && ` ${words.nextIn(Math.ceil(letters.wait / 1_000))}`}
    </p>
  );
};

/** Asks for another letter: the one way on when what was sent has ended. Waiting is the script's. */
export const AgainForm = ({ kind, locale, letters, action, csrf, fields }: AgainProps) => {
  const words = verifyWords(locale)[kind];
  return (
    <form method="post" action={`${action}/again`}>
      <Hidden csrf={csrf} {...(fields === undefined ? {} : { fields })} />
      <button
        class={letters.ended ? "button primary" : "quiet"}
        type="submit"
        data-wait={letters.wait}
        data-words={words.againIn}
      >
        {words.again}
      </button>
    </form>
  );
};
