import { deviceName } from "./device.ts";
import { type Setting, VerifyFrame } from "./frame.tsx";
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
  /** What it is for, when not a sign-in: the address becomes a way into an account, or a word of the app's for what is to be done. */
  readonly purpose?: "enrol" | { readonly word: string };
};

const Fact = ({
  label,
  value,
  mono,
}: {
  readonly label: string;
  readonly value: string;
  readonly mono?: boolean;
}) => (
  <div>
    <dt>{label}</dt>
    <dd dir="auto" class={mono ? "figures" : ""}>
      {value}
    </dd>
  </div>
);

function leadOf({ setting, purpose }: ConfirmProps): string {
  const { confirm: words } = verifyWords(setting.locale);
  if (purpose === undefined) return words.lead;
  return purpose === "enrol" ? words.enrolLead(setting.brand.name) : words.actionLead(setting.brand.name);
}

/** What a link opens: the facts, and a button each for no and yes. Looking at it confirms nothing (T68). */
export const Confirm = (props: ConfirmProps) => {
  const { setting, action, secret, address, place, device, startedAt, purpose } = props;
  const { confirm: words } = verifyWords(setting.locale);
  const time = `${new Date(startedAt).toISOString().slice(0, 16).replace("T", " ")} UTC`;
  return (
    <VerifyFrame setting={setting} title={words.title}>
      <h1>{words.heading}</h1>
      <p>{leadOf(props)}</p>
      <dl class="rows">
        <Fact label={words.app} value={setting.brand.name} />
        {typeof purpose === "object" && <Fact label={words.purpose} value={`“${purpose.word}”`} />}
        <Fact label={words.address} value={address} />
        <Fact label={words.place} value={place ?? words.unknown} />
        <Fact label={words.device} value={deviceName(device) ?? words.unknown} />
        <Fact label={words.time} value={time} />
      </dl>
      <form class="pair" method="post" action={action}>
        <input type="hidden" name="secret" value={secret} />
        <button class="button plain" type="submit" name="decision" value="deny">
          {words.deny}
        </button>
        <button class="button primary" type="submit" name="decision" value="approve">
          {words.approve}
        </button>
      </form>
    </VerifyFrame>
  );
};
