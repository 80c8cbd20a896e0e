import { type Setting, VerifyFrame } from "./frame.tsx";

/** English; a further language is one more member. */
const WORDS = {
  title: "Stop the new device",
  heading: "Did you ask for a new device?",
  lead: (brand: string) =>
    `Somebody who reads one of your addresses says that your device is lost. If nobody objects, another device will take its place and approve your sign-ins to ${brand}.`,
  sure: "It was not me. No other device may take its place.",
  stop: "Stop it",
  doneTitle: "Stopped",
  doneText: "No device takes the place of yours. If somebody else reads your mail, change its password now.",
} as const;

/** What the letter about a lost device opens. Looking ends nothing, and neither does a program that only presses the button. */
export const StopRecovery = ({
  setting,
  action,
  secret,
}: {
  readonly setting: Setting;
  readonly action: string;
  readonly secret: string;
}) => (
  <VerifyFrame setting={setting} title={WORDS.title}>
    <h1>{WORDS.heading}</h1>
    <p>{WORDS.lead(setting.brand.name)}</p>
    <form method="post" action={action}>
      <input type="hidden" name="secret" value={secret} />
      <p>
        <label>
          <input type="checkbox" name="sure" value="yes" required /> {WORDS.sure}
        </label>
      </p>
      <button class="button primary" type="submit">
        {WORDS.stop}
      </button>
    </form>
  </VerifyFrame>
);

/** What is said once it is stopped. */
export const RecoveryStopped = ({ setting }: { readonly setting: Setting }) => (
  <VerifyFrame setting={setting} title={WORDS.doneTitle}>
    <h1>{WORDS.doneTitle}</h1>
    <p>{WORDS.doneText}</p>
  </VerifyFrame>
);
