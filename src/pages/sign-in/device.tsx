import { Hidden } from "../verify/again.tsx";
import { ErrorNote, type Setting } from "../verify/frame.tsx";
import { LocalTime, type Said } from "../verify/time.tsx";
import { Decision, Fact, type FormProps, Scopes, SignInFrame } from "./parts.tsx";
import { signInWords } from "./words.ts";

export type DeviceCodeProps = FormProps & {
  readonly setting: Setting;
  /** What was typed before, as it was. */
  readonly value?: string;
  readonly error?: Said;
  /** The phone page with this code, for whoever has a phone there. */
  readonly phone: string;
};

/** Asks for the user code that another device shows (RFC 8628 §3.3); posted as `user_code`. */
export const DeviceCode = (props: DeviceCodeProps) => {
  const { setting, action, value, error, phone } = props;
  const { deviceCode: words } = signInWords(setting.locale);
  return (
    <SignInFrame setting={setting} title={words.title}>
      <h1>{words.title}</h1>
      <p>{words.lead}</p>
      <form method="post" action={action} novalidate>
        <Hidden {...props} />
        <ErrorNote id="error" said={error} reader={setting} />
        <div class="field">
          <label for="user_code">{words.label}</label>
          <input
            id="user_code"
            name="user_code"
            class="figures spelt"
            type="text"
            autocomplete="off"
            autocapitalize="characters"
            spellcheck={false}
            maxlength={16}
            value={value ?? ""}
            required
            autofocus
            aria-describedby={error === undefined ? "hint" : "error hint"}
            {...(error === undefined ? {} : { "aria-invalid": "true" })}
          />
          <p class="hint" id="hint">
            {words.hint}
          </p>
        </div>
        <button class="button primary" type="submit">
          {words.submit}
        </button>
      </form>
      <div class="others">
        <a class="quiet" href={phone}>
          {words.phone}
        </a>
      </div>
    </SignInFrame>
  );
};

export type DeviceConfirmProps = FormProps & {
  readonly setting: Setting;
  readonly facts: {
    /** Name of the app. */
    readonly client: string;
    /** Who would be signed in there. */
    readonly account: string;
    readonly place?: string;
    /** What users call it, as `deviceName` reads it from a user agent. */
    readonly device?: string;
    /** When the other device asked. */
    readonly at: Date | number;
    /** The user code as the other device shows it. */
    readonly code: string;
    /** Where the access is used (RFC 8707). */
    readonly resource?: string;
  };
  readonly scopes: readonly string[];
};

/** Asks whether another device may be signed in (RFC 8628 §3.3.1, §5.4). Answered by `decision`: `deny`, `approve` or `not_me`. */
export const DeviceConfirm = (props: DeviceConfirmProps) => {
  const { setting, action, facts, scopes } = props;
  const { locale } = setting;
  const { deviceConfirm: words, consent } = signInWords(locale);
  return (
    <SignInFrame setting={setting} title={words.title}>
      <h1>{words.title}</h1>
      <dl class="rows">
        <Fact label={words.code} value={facts.code} figures />
        <Fact label={words.app} value={facts.client} />
        <Fact label={words.account} value={facts.account} />
        {facts.resource !== undefined && <Fact label={consent.resource} value={facts.resource} />}
        <Fact label={words.place} value={facts.place ?? words.unknown} />
        <Fact label={words.device} value={facts.device ?? words.unknown} />
        <div>
          <dt>{words.time}</dt>
          <dd>
            <LocalTime at={Number(facts.at)} reader={setting} />
          </dd>
        </div>
      </dl>
      {scopes.length > 0 && (
        <>
          <p class="label">{consent.gets}</p>
          <Scopes locale={locale} scopes={scopes} />
        </>
      )}
      <p>
        {words.sure} {words.talked}
      </p>
      <form method="post" action={action}>
        <Hidden {...props} />
        <Decision locale={locale} />
        <button class="quiet" type="submit" name="decision" value="not_me">
          {words.notMe}
        </button>
      </form>
    </SignInFrame>
  );
};
