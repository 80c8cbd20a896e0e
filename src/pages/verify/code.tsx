import { AgainForm, Hidden, type Letters, SentAgain } from "./again.tsx";
import { ErrorNote, type Setting, VerifyFrame } from "./frame.tsx";
import { CODE_SCRIPT } from "./scripts.ts";
import type { Said } from "./time.tsx";
import { verifyWords } from "./words.ts";

export type CodeProps = {
  readonly setting: Setting;
  readonly phone: boolean;
  /** The address that the code went to. */
  readonly address: string;
  /** Path of this page: `/again` below it sends another code. */
  readonly action: string;
  /** Where the code goes: that path with what this page knows of its letters. */
  readonly submit: string;
  readonly csrf: string;
  /** What its forms carry on besides, by name. */
  readonly fields?: Readonly<Record<string, string>>;
  /** Where another address may be given. */
  readonly restart: string;
  /** Milliseconds for which the code is good. */
  readonly left: number;
  readonly letters: Letters;
  readonly error?: Said;
};

const MINUTE = 60_000;
const SECOND = 1_000;

/** Seconds after which a page without script asks again, because what it shows is over. */
export const refreshAfter = (left: number): number => Math.ceil(Math.max(0, left) / SECOND) + 1;

/** The one field for the digits. */
export const CodeField = ({
  label,
  error,
  framed,
}: {
  readonly label: string;
  readonly error?: Said;
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

type Words = ReturnType<typeof verifyWords>["code"];

/** The field, for as long as a code is good. */
const Field = ({ words, ...props }: CodeProps & { readonly words: Words }) => {
  const { setting, submit, csrf, fields = {}, phone, left, error } = props;
  return (
    <>
      <form method="post" action={submit} novalidate>
        <Hidden csrf={csrf} fields={fields} />
        <ErrorNote id="error" said={error} reader={setting} />
        <CodeField label={words.label} {...(error === undefined ? {} : { error })} />
        <button class="button primary" type="submit">
          {words.submit}
        </button>
      </form>
      <p class="hint" data-left={left} data-words={words.timeLeft}>
        {words.goodFor(Math.max(1, Math.round(left / MINUTE)))}
      </p>
      <p class="hint" id="secret">
        {words.secret(setting.brand.name)}
      </p>
      <p class="hint">{phone ? words.nothingPhone : words.nothing}</p>
    </>
  );
};

/**
 * Asks for the code; once it has ended, whether to send another. The countdown is script's; without it the page says how long the code is
 * good.
 */
export const Code = (props: CodeProps) => {
  const { setting, address, action, csrf, fields = {}, restart, left, letters } = props;
  const { locale, brand } = setting;
  const { code: words } = verifyWords(locale);
  const more = { kind: "code", locale, letters, action, csrf, fields } as const;
  return (
    <VerifyFrame
      setting={setting}
      title={words.title}
      script={CODE_SCRIPT}
      {...(letters.ended ? {} : { refresh: refreshAfter(left) })}
    >
      <h1>{words.heading}</h1>
      <p>
        {words.lead}{" "}
        <span class="address" dir="auto">
          {address}
        </span>
        . {words.purpose(brand.name)}
      </p>
      <SentAgain {...more} />
      {letters.ended ? (
        <>
          <ErrorNote id="error" said={props.error ?? { text: words.ended }} reader={setting} />
          <AgainForm {...more} />
        </>
      ) : (
        <Field {...props} words={words} />
      )}
      <div class="others">
        {!letters.ended && <AgainForm {...more} />}
        <a class="quiet" href={restart}>
          {words.other}
        </a>
      </div>
    </VerifyFrame>
  );
};
