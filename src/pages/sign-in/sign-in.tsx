import { Hidden } from "../verify/again.tsx";
import { ErrorNote, type Setting } from "../verify/frame.tsx";
import type { Said } from "../verify/time.tsx";
import { Filled, type FormProps, SignInFrame } from "./parts.tsx";
import { signInWords } from "./words.ts";

/** How a user may show who they are. */
export type Way = "device" | "code";

export type SignInProps = FormProps & {
  readonly setting: Setting;
  /** What was typed or given before, as it was. */
  readonly value?: string;
  readonly error?: Said;
  /** One button each, in this order; the first is the page's main one. The button says itself as `way`. */
  readonly ways: readonly Way[];
  /** Who is signed in already and may go on (`way` is `account`). */
  readonly account?: { readonly label: string };
};

const Identifier = ({ setting, value, error, account }: SignInProps) => (
  <div class="field">
    <label for="identifier">{signInWords(setting.locale).signIn.label}</label>
    <input
      id="identifier"
      name="identifier"
      type="text"
      inputmode="email"
      autocomplete="username"
      autocapitalize="none"
      spellcheck={false}
      maxlength={254}
      value={value ?? ""}
      required
      autofocus={account === undefined || error !== undefined}
      {...(error === undefined ? {} : { "aria-describedby": "error", "aria-invalid": "true" })}
    />
  </div>
);

/** Asks who signs in, and how; whoever is signed in already may go on or be somebody else. */
export const SignIn = (props: SignInProps) => {
  const { setting, action, error, ways, account } = props;
  const { signIn: words } = signInWords(setting.locale);
  const app = setting.brand.name;
  return (
    <SignInFrame setting={setting} title={words.title}>
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
    </SignInFrame>
  );
};
