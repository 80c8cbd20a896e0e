import { ErrorNote, type Setting, VerifyFrame } from "./frame.tsx";
import type { Said } from "./time.tsx";
import { verifyWords } from "./words.ts";

export type EntryProps = {
  readonly setting: Setting;
  readonly type: "EMAIL" | "PHONE";
  readonly method: "otp" | "link";
  /** Where the form goes: this page with its own query. */
  readonly action: string;
  readonly csrf: string;
  /** What was typed or given before. */
  readonly value?: string;
  /** Ways to reach a phone, when there is a choice. */
  readonly channels: readonly ("sms" | "whatsapp")[];
  readonly error?: Said;
  /** The address by which this browser may go on without another code. */
  readonly known?: string;
};

/** The words for an address of this kind that is sent a code or a link. */
export function entryWords(locale: string, type: EntryProps["type"], method: EntryProps["method"]) {
  const { entry } = verifyWords(locale);
  if (type === "PHONE") return method === "link" ? entry.phoneLink : entry.phone;
  return method === "link" ? entry.emailLink : entry.email;
}

export type AddressFieldProps = Pick<EntryProps, "type" | "value" | "error"> & {
  readonly label: string;
  readonly hint: string;
  /** A browser lets no frame take the focus by itself. */
  readonly framed?: boolean;
};

/** The field of an address, its hint below and its error beside it. */
export const AddressField = ({ type, value, error, label, hint, framed }: AddressFieldProps) => (
  <div class="field">
    <label for="identifier">{label}</label>
    <input
      id="identifier"
      name="identifier"
      type={type === "PHONE" ? "tel" : "email"}
      autocomplete={type === "PHONE" ? "tel" : "email"}
      inputmode={type === "PHONE" ? "tel" : "email"}
      maxlength={254}
      value={value ?? ""}
      required
      autofocus={!framed}
      aria-describedby={error === undefined ? "hint" : "error hint"}
      {...(error === undefined ? {} : { "aria-invalid": "true" })}
    />
    <p class="hint" id="hint">
      {hint}
    </p>
  </div>
);

export const Channels = ({
  channels,
  locale,
}: {
  readonly channels: EntryProps["channels"];
  readonly locale: string;
}) => {
  const { entry } = verifyWords(locale);
  return (
    <fieldset>
      <legend>{entry.channel}</legend>
      {channels.map((channel, index) => (
        <label class="choice">
          <input type="radio" name="channel" value={channel} checked={index === 0} />
          {entry[channel]}
        </label>
      ))}
    </fieldset>
  );
};

/** A heading of two lines breaks between words, not inside of one. */
const unbroken = (text: string): string => text.replaceAll("-", "-\u2060");

/** Asks for the address. */
export const Entry = (props: EntryProps) => {
  const { setting, type, method, action, csrf, channels, error, value, known } = props;
  const { entry } = verifyWords(setting.locale);
  const words = entryWords(setting.locale, type, method);
  return (
    <VerifyFrame setting={setting} title={words.title}>
      <h1>{unbroken(words.title)}</h1>
      <p>{entry.lead(setting.brand.name)}</p>
      {known !== undefined && (
        <form method="post" action={action}>
          <input type="hidden" name="csrf" value={csrf} />
          <input type="hidden" name="remembered" value="1" />
          <p>
            {entry.known}{" "}
            <span class="address" dir="auto">
              {known}
            </span>
            .
          </p>
          <button class="button primary" type="submit">
            {entry.goOn}
          </button>
          <p class="hint">{entry.other}</p>
        </form>
      )}
      <form method="post" action={action} novalidate>
        <input type="hidden" name="csrf" value={csrf} />
        <ErrorNote id="error" said={error} reader={setting} />
        <AddressField
          type={type}
          label={words.label}
          hint={words.hint}
          {...(value === undefined ? {} : { value })}
          {...(error === undefined ? {} : { error })}
        />
        {type === "PHONE" && channels.length > 1 && <Channels channels={channels} locale={setting.locale} />}
        <button class={known === undefined ? "button primary" : "button"} type="submit">
          {entry.send}
        </button>
      </form>
    </VerifyFrame>
  );
};
