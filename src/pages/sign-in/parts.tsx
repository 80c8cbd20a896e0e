import { Fragment } from "hono/jsx";
import { type FrameProps, VerifyFrame } from "../verify/frame.tsx";
import { SIGN_IN_STYLE } from "./style.ts";
import { signInWords } from "./words.ts";

/** What a form carries on without showing it, by name. */
export type Fields = Readonly<Record<string, string>>;

/** What every form of these pages posts with. */
export type FormProps = {
  /** Where the form goes. */
  readonly action: string;
  /** Sent back as `csrf`. */
  readonly csrf: string;
  /** Hidden inputs; none of them may be named `csrf` or as a field or button of the page. */
  readonly fields: Fields;
};

/** The frame of the verification pages, with the styles of these. */
export const SignInFrame = (props: Omit<FrameProps, "style">) => (
  <VerifyFrame {...props} style={SIGN_IN_STYLE} />
);

/** A sentence of the catalogue with somebody's words in it: they are set apart, so that they turn nothing around them (UAX 9). */
export const Filled = ({ text, words }: { readonly text: string; readonly words: Fields }) => (
  <>
    {text
      .split(/(\{\w+\})/)
      .map((part) =>
        Object.hasOwn(words, part.slice(1, -1)) ? (
          <bdi>{words[part.slice(1, -1)]}</bdi>
        ) : (
          <Fragment>{part}</Fragment>
        ),
      )}
  </>
);

/** An address or name that somebody gave. */
export const Given = ({ text }: { readonly text: string }) => (
  <span class="address" dir="auto">
    {text}
  </span>
);

export const Fact = ({
  label,
  value,
  figures,
}: {
  readonly label: string;
  readonly value: string;
  /** Set as what users compare. */
  readonly figures?: boolean;
}) => (
  <div>
    <dt>{label}</dt>
    <dd class={figures ? "figures" : ""} dir="auto">
      {value}
    </dd>
  </div>
);

/** What an app gets, in words; a scope that is not in the catalogue by its name. */
export const Scopes = ({
  locale,
  scopes,
}: {
  readonly locale: string;
  readonly scopes: readonly string[];
}) => {
  const { scopes: known, otherScope } = signInWords(locale);
  const said = new Map<string, string>(Object.entries(known));
  return (
    <ul class="gets">
      {scopes.map((scope) => (
        <li>{said.get(scope) ?? <Filled text={otherScope} words={{ scope }} />}</li>
      ))}
    </ul>
  );
};

/** Hidden inputs that a script fills in. */
export const Blank = ({ names }: { readonly names: readonly string[] }) => (
  <>
    {names.map((name) => (
      <input type="hidden" name={name} value="" />
    ))}
  </>
);

/** A sentence that a script shows when it is true. */
export const Unsaid = ({ id, text }: { readonly id: string; readonly text: string }) => (
  <p class="error" id={id} hidden data-said="">
    {text}
  </p>
);

/** No and yes of one size and weight. No comes first, for the keyboard too (T29). */
export const Decision = ({ locale }: { readonly locale: string }) => {
  const { decision } = signInWords(locale);
  return (
    <div class="decision">
      {(["deny", "approve"] as const).map((value) => (
        <button class="button" type="submit" name="decision" value={value}>
          {decision[value]}
        </button>
      ))}
    </div>
  );
};
