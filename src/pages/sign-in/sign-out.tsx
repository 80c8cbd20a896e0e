import { Hidden } from "../verify/again.tsx";
import type { Setting } from "../verify/frame.tsx";
import { type FormProps, Given, SignInFrame } from "./parts.tsx";
import { signInWords } from "./words.ts";

export type SignOutProps = FormProps & {
  readonly setting: Setting;
  readonly account?: string;
};

/** Asks before an app's link signs somebody out (OpenID Connect RP-Initiated Logout 1.0, section 2). Answered by `decision`: `stay` or `sign_out`. */
export const SignOut = (props: SignOutProps) => {
  const { setting, action, account } = props;
  const { signOut: words } = signInWords(setting.locale);
  return (
    <SignInFrame setting={setting} title={words.title}>
      <h1>{words.title}</h1>
      {account === undefined ? (
        <p>{words.plain}</p>
      ) : (
        <p>
          {words.text} <Given text={account} />.
        </p>
      )}
      <form method="post" action={action}>
        <Hidden {...props} />
        <div class="decision">
          <button class="button" type="submit" name="decision" value="stay">
            {words.stay}
          </button>
          <button class="button" type="submit" name="decision" value="sign_out">
            {words.go}
          </button>
        </div>
      </form>
    </SignInFrame>
  );
};
