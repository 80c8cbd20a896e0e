import type { CodeEffect } from "../../core/message/code-effect.ts";
import { deviceName } from "./device.ts";
import { ErrorNote, type Setting, VerifyFrame } from "./frame.tsx";
import { LocalTime } from "./time.tsx";
import { verifyWords } from "./words.ts";

export type ConfirmProps = {
  readonly setting: Setting;
  readonly action: string;
  /** The secret that the link carried: it travels on in the form. */
  readonly secret: string;
  readonly address: string;
  readonly place: string | undefined;
  /** User agent of the browser that asked. */
  readonly device: string | undefined;
  readonly startedAt: number;
  /** What comes of a yes. */
  readonly effect: CodeEffect;
  /** The button was pressed and nothing was chosen. */
  readonly unchosen?: boolean;
};

const Fact = ({ label, value }: { readonly label: string; readonly value: string }) => (
  <div>
    <dt>{label}</dt>
    <dd dir="auto">{value}</dd>
  </div>
);

/**
 * What a link opens: the facts, and a choice between no and yes with a button below it. Looking at it says nothing, and neither does the
 * button alone: mail scanners look, and press (T68, T221).
 */
export const Confirm = (props: ConfirmProps) => {
  const { setting, action, secret, address, place, device, startedAt, effect, unchosen } = props;
  const { confirm: words } = verifyWords(setting.locale);
  const { name } = setting.brand;
  const purpose = effect.kind === "action" ? words.effects.action(effect.words) : words.effects[effect.kind];
  return (
    <VerifyFrame setting={setting} title={words.title}>
      <h1>{words.heading}</h1>
      <p>{words.leads[effect.kind](name)}</p>
      <dl class="rows">
        <Fact label={words.app} value={name} />
        <Fact label={words.purpose} value={purpose} />
        <Fact label={words.address} value={address} />
        <Fact label={words.place} value={place ?? words.unknown} />
        <Fact label={words.device} value={deviceName(device) ?? words.unknown} />
        <div>
          <dt>{words.time}</dt>
          <dd>
            <LocalTime at={startedAt} reader={setting} />
          </dd>
        </div>
      </dl>
      <form class="decide" method="post" action={action}>
        <input type="hidden" name="secret" value={secret} />
        <ErrorNote id="error" said={unchosen ? { text: words.choose } : undefined} reader={setting} />
        <fieldset aria-describedby={unchosen ? "error" : undefined}>
          <legend>{words.question}</legend>
          <label class="choice">
            <input type="radio" name="decision" value="deny" required />
            {words.deny}
          </label>
          <label class="choice">
            <input type="radio" name="decision" value="approve" required />
            {words.approve}
          </label>
        </fieldset>
        <button class="button primary" type="submit">
          {words.go}
        </button>
      </form>
    </VerifyFrame>
  );
};
