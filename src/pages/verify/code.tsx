import { ErrorNote, type Setting, VerifyFrame } from "./frame.tsx";
import { COUNTDOWN_SCRIPT } from "./scripts.ts";
import { verifyWords } from "./words.ts";

export type CodeProps = {
  readonly setting: Setting;
  readonly phone: boolean;
  /** The address that the code went to. */
  readonly address: string;
  /** Path of this page: the forms go there, and to `/again` below it. */
  readonly action: string;
  readonly csrf: string;
  /** Where another address may be given. */
  readonly restart: string;
  /** When the code ends: epoch milliseconds; and the present instant. */
  readonly expiresAt: number;
  readonly now: number;
  readonly error?: string;
};

const MINUTE = 60_000;

/** The one field for the digits. */
export const CodeField = ({
  label,
  error,
  framed,
}: {
  readonly label: string;
  readonly error?: string;
  readonly framed?: boolean;
}) => (
  <div class="field">
    <label for="code">{label}</label>
    <input
      id="code"
      name="code"
      class="figures"
      type="text"
      inputmode="numeric"
      autocomplete="one-time-code"
      maxlength={64}
      required
      autofocus={!framed}
      aria-describedby={error === undefined ? "secret" : "error secret"}
      {...(error === undefined ? {} : { "aria-invalid": "true" })}
    />
  </div>
);

/** Asks for the code. The countdown is script's; without it the page says how long the code is good. */
export const Code = (props: CodeProps) => {
  const { setting, phone, address, action, csrf, restart, expiresAt, now, error } = props;
  const { code: words } = verifyWords(setting.locale);
  return (
    <VerifyFrame setting={setting} title={words.title} script={COUNTDOWN_SCRIPT}>
      <h1>{words.heading}</h1>
      <p>
        {words.lead}{" "}
        <span class="address" dir="auto">
          {address}
        </span>
        .
      </p>
      <form method="post" action={action} novalidate>
        <input type="hidden" name="csrf" value={csrf} />
        <ErrorNote id="error" text={error} />
        <CodeField label={words.label} {...(error === undefined ? {} : { error })} />
        <button class="button primary" type="submit">
          {words.submit}
        </button>
      </form>
      <p class="hint" data-left={Math.max(0, expiresAt - now)} data-words={words.timeLeft}>
        {words.goodFor(Math.max(1, Math.round((expiresAt - now) / MINUTE)))}
      </p>
      <p class="hint" id="secret">
        {words.secret(setting.brand.name)}
      </p>
      <p class="hint">{phone ? words.nothingPhone : words.nothing}</p>
      <div class="others">
        <form method="post" action={`${action}/again`}>
          <input type="hidden" name="csrf" value={csrf} />
          <button class="quiet" type="submit">
            {words.again}
          </button>
        </form>
        <a class="quiet" href={restart}>
          {words.other}
        </a>
      </div>
    </VerifyFrame>
  );
};
