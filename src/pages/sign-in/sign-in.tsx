import { Hidden } from "../verify/again.tsx";
import { ErrorNote, type Setting } from "../verify/frame.tsx";
import type { Said } from "../verify/time.tsx";
import { Blank, Filled, type FormProps, SignInFrame, Unsaid } from "./parts.tsx";
import { USE_PASSKEY_SCRIPT } from "./passkey-scripts.ts";
import { signInWords } from "./words.ts";

/** How a user may show who they are. */
export type Way = "device" | "code";

/** A third way, which a script shows where the browser can: the page itself asks for a passkey. */
export type PasskeyWay = {
  /** Where the signature goes. */
  readonly action: string;
  readonly challenge: string;
  readonly rpId: string;
  /** Milliseconds for which the challenge is good. */
  readonly left: number;
  /** This page with another challenge: a GET. */
  readonly again: string;
  /** The passkey that was used a moment ago did not do. */
  readonly refused: boolean;
};

export type SignInProps = FormProps & {
  readonly setting: Setting;
  /** What was typed or given before, as it was. */
  readonly value?: string;
  readonly error?: Said;
  /** One button each, in this order; the first is the page's main one. The button says itself as `way`. */
  readonly ways: readonly Way[];
  readonly passkey?: PasskeyWay;
  /** Who is signed in already and may go on (`way` is `account`). */
  readonly account?: { readonly label: string };
};

const Identifier = ({ setting, value, error, account, passkey }: SignInProps) => (
  <div class="field">
    <label for="identifier">{signInWords(setting.locale).signIn.label}</label>
    <input
      id="identifier"
      name="identifier"
      type="text"
      inputmode="email"
      autocomplete={passkey === undefined ? "username" : "username webauthn"}
      autocapitalize="none"
      spellcheck={false}
      maxlength={254}
      value={value ?? ""}
      required
      autofocus={account === undefined || error !== undefined}
      {...(error === undefined && !passkey?.refused ? {} : { "aria-describedby": "error" })}
      {...(error === undefined ? {} : { "aria-invalid": "true" })}
    />
  </div>
);

const PasskeyForm = ({ passkey, ...props }: SignInProps & { readonly passkey: PasskeyWay }) => {
  const { passkey: words } = signInWords(props.setting.locale);
  const { action, challenge, rpId, left, again } = passkey;
  return (
    <>
      <form
        method="post"
        action={action}
        id="passkey"
        hidden
        data-rp={rpId}
        data-left={left}
        data-again={again}
      >
        <Hidden {...props} />
        <input type="hidden" name="challenge" value={challenge} />
        <Blank names={["credential_id", "client_data", "authenticator_data", "signature", "user_handle"]} />
        <button class="button" type="submit">
          {words.use}
        </button>
        <Unsaid id="passkey-failed" text={words.failed} />
      </form>
      <noscript>
        <p class="hint">{words.scriptless}</p>
      </noscript>
    </>
  );
};

/** Asks who signs in, and how; whoever is signed in already may go on or be somebody else. */
export const SignIn = (props: SignInProps) => {
  const { setting, action, ways, account, passkey } = props;
  const { signIn: words, passkey: said } = signInWords(setting.locale);
  const error = passkey?.refused ? { text: said.refused } : props.error;
  const app = setting.brand.name;
  return (
    <SignInFrame setting={setting} title={words.title} {...(passkey && { script: USE_PASSKEY_SCRIPT })}>
      <h1>{words.title}</h1>
      {app !== "" && (
        <p>
          <Filled text={words.lead} words={{ app }} />
        </p>
      )}
      {account !== undefined && (
        <form method="post" action={action}>
          <Hidden {...props} />
          <p>{words.known}</p>
          <button class="button primary" type="submit" name="way" value="account">
            <span>
              <Filled text={words.goOn} words={{ account: account.label }} />
            </span>
          </button>
        </form>
      )}
      {ways.length > 0 && (
        <form method="post" action={action} novalidate>
          <Hidden {...props} />
          {account !== undefined && <h2 class="other">{words.other}</h2>}
          <ErrorNote id="error" said={error} reader={setting} />
          <Identifier {...props} />
          {ways.map((way, index) => (
            <button
              class={index === 0 && account === undefined ? "button primary" : "button"}
              type="submit"
              name="way"
              value={way}
            >
              {words[way]}
            </button>
          ))}
        </form>
      )}
      {passkey !== undefined && <PasskeyForm {...props} passkey={passkey} />}
    </SignInFrame>
  );
};
