import { Hidden } from "../verify/again.tsx";
import { refreshAfter } from "../verify/code.tsx";
import type { Setting } from "../verify/frame.tsx";
import { verifyWords } from "../verify/words.ts";
import { type FormProps, Given, SignInFrame } from "./parts.tsx";
import { Scan } from "./scan.tsx";
import { SCAN_SCRIPT } from "./scan-script.ts";
import { signInWords } from "./words.ts";

export type MatchWaitProps = FormProps & {
  readonly setting: Setting;
  /** The match code, six digits; none where the phone only asks for yes or no. */
  readonly code?: string;
  /** Who was asked, as they typed it. */
  readonly identifier: string;
  /** The challenge's socket and the handle that listens on it. */
  readonly socketUri: string;
  readonly handle: string;
  /** Milliseconds for which the request is good. The page asks for its own address when they are over, so it must be one of a GET. */
  readonly left: number;
  /** Where to go when it settles, whichever way. */
  readonly next: string;
  /** What a phone's camera is shown: the text of the code before its value, and the page that has to open. */
  readonly scan: { readonly address: string; readonly page: string };
  /** Whether a code may be sent instead (`way` is `code`). */
  readonly canSendCode: boolean;
  /** Where somebody else may sign in: a GET. */
  readonly restart: string;
};

const SCRIPTLESS_SECONDS = 10;
const MINUTE = 60_000;

/** `482913` as users compare it: `482 913`. */
const grouped = (digits: string): string => digits.replace(/^(\d{3})(\d{3})$/, "$1 $2");

const Alive = ({ setting, socketUri, handle, next }: MatchWaitProps) => {
  const { match: words } = signInWords(setting.locale);
  return (
    <>
      <p class="alive" id="alive" role="status" data-socket={socketUri} data-handle={handle} data-next={next}>
        <span class="pulse" aria-hidden="true" />
        <span>{words.alive}</span>
      </p>
      <noscript>
        <p class="hint">{words.scriptless}</p>
        <a class="button" href={next}>
          {words.go}
        </a>
      </noscript>
      <p id="go" hidden>
        <a class="button primary" href={next}>
          {words.go}
        </a>
      </p>
    </>
  );
};

/** Waits for the phone, with the number to type there; goes on by itself over the challenge's socket. */
export const MatchWait = (props: MatchWaitProps) => {
  const { setting, code, identifier, action, left, scan, canSendCode, restart } = props;
  const { match: words } = signInWords(setting.locale);
  const { code: times } = verifyWords(setting.locale);
  return (
    <SignInFrame
      setting={setting}
      title={words.title}
      script={SCAN_SCRIPT}
      refresh={Math.min(SCRIPTLESS_SECONDS, refreshAfter(left))}
    >
      <h1>{words.title}</h1>
      <p>
        {words.asked} <Given text={identifier} />.
      </p>
      {code === undefined ? (
        <p>{words.plain}</p>
      ) : (
        <>
          <p class="label">{words.number}</p>
          <p class="number figures">{grouped(code)}</p>
        </>
      )}
      <Scan setting={setting} {...scan} />
      <Alive {...props} />
      <p class="hint" data-left={left} data-words={times.timeLeft}>
        {times.goodFor(Math.max(1, Math.round(left / MINUTE)))}
      </p>
      <p class="hint">{words.nothing}</p>
      <div class="others">
        {canSendCode && (
          <form method="post" action={action}>
            <Hidden {...props} />
            <button class="quiet" type="submit" name="way" value="code">
              {words.code}
            </button>
          </form>
        )}
        <a class="quiet" href={restart}>
          {words.restart}
        </a>
      </div>
    </SignInFrame>
  );
};
