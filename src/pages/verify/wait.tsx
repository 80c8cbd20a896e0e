import { ErrorNote, type Setting, VerifyFrame } from "./frame.tsx";
import { WAIT_SCRIPT } from "./scripts.ts";
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
  readonly expiresAt: number;
  readonly now: number;
  readonly error?: string;
};

const SCRIPTLESS_SECONDS = 10;

/** Waits for the link to be opened anywhere; settles by itself over the challenge's socket. */
export const Wait = (props: WaitProps) => {
  const { setting, address, action, csrf, restart, socketUri, handle, expiresAt, now, error } = props;
  const { wait: words, code } = verifyWords(setting.locale);
  return (
    <VerifyFrame setting={setting} title={words.title} script={WAIT_SCRIPT} refresh={SCRIPTLESS_SECONDS}>
      <h1>{words.heading}</h1>
      <p>
        {words.lead}{" "}
        <span class="address" dir="auto">
          {address}
        </span>
        .
      </p>
      <ErrorNote id="error" text={error} />
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
      <p class="hint" data-left={Math.max(0, expiresAt - now)} data-words={code.timeLeft}>
        {code.goodFor(Math.max(1, Math.round((expiresAt - now) / 60_000)))}
      </p>
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
        <form method="post" action={`${action}/again`}>
          <input type="hidden" name="csrf" value={csrf} />
          <button class="quiet" type="submit">
            {words.again}
          </button>
        </form>
        <a class="quiet" href={restart}>
          {code.other}
        </a>
      </div>
    </VerifyFrame>
  );
};
