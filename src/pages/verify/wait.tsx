import { AgainForm, type Letters, SentAgain } from "./again.tsx";
import { refreshAfter } from "./code.tsx";
import { ErrorNote, type Setting, VerifyFrame } from "./frame.tsx";
import { WAIT_SCRIPT } from "./scripts.ts";
import type { Said } from "./time.tsx";
import { verifyWords } from "./words.ts";

export type WaitProps = {
  readonly setting: Setting;
  readonly address: string;
  /** Path of this page; `/again` below it sends another link, `/done` goes on. */
  readonly action: string;
  readonly csrf: string;
  readonly restart: string;
  /** The challenge's socket and the handle that listens on it. */
  readonly socketUri: string;
  readonly handle: string;
  /** Milliseconds for which the link is good. */
  readonly left: number;
  readonly letters: Letters;
  readonly error?: Said;
};

const SCRIPTLESS_SECONDS = 10;

/** Waits for the link to be opened anywhere; settles by itself over the challenge's socket. */
export const Wait = (props: WaitProps) => {
  const { setting, address, action, csrf, restart, socketUri, handle, left, letters, error } = props;
  const { locale } = setting;
  const more = { kind: "wait", locale, letters, action, csrf } as const;
  const { wait: words, code } = verifyWords(setting.locale);
  return (
    <VerifyFrame
      setting={setting}
      title={words.title}
      script={WAIT_SCRIPT}
      refresh={Math.min(SCRIPTLESS_SECONDS, refreshAfter(left))}
    >
      <h1>{words.heading}</h1>
      <p>
        {words.lead}{" "}
        <span class="address" dir="auto">
          {address}
        </span>
        .
      </p>
      <SentAgain {...more} />
      <ErrorNote
        id="error"
        said={error ?? (letters.ended ? { text: words.ended } : undefined)}
        reader={setting}
      />
      {letters.ended && <AgainForm {...more} />}
      <p
        class="alive"
        id="alive"
        role="status"
        data-socket={socketUri}
        data-handle={handle}
        data-next={`${action}/done`}
      >
        <span class="pulse" aria-hidden="true" />
        <span>{words.alive}</span>
      </p>
      {!letters.ended && (
        <p class="hint" data-left={left} data-words={code.timeLeft}>
          {code.goodFor(Math.max(1, Math.round(left / 60_000)))}
        </p>
      )}
      <p class="hint">{words.stay}</p>
      <noscript>
        <p class="hint">{words.scriptless}</p>
        <a class="button" href={action}>
          {words.go}
        </a>
      </noscript>
      <p id="go" hidden>
        <a class="button primary" href={`${action}/done`}>
          {words.go}
        </a>
      </p>
      <div class="others">
        {!letters.ended && <AgainForm {...more} />}
        <a class="quiet" href={restart}>
          {code.other}
        </a>
      </div>
    </VerifyFrame>
  );
};
