import { oneLine } from "../../core/shown-text.ts";
import type { Instant } from "../../core/time.ts";
import { ErrorNote, type Setting, VerifyFrame } from "./frame.tsx";
import { LocalTime, Sentence } from "./time.tsx";

/** English; a further language is one more member. */
const WORDS = {
  title: "Take the new device back",
  heading: "Did you add this device?",
  lead: (brand: string) =>
    brand === "" ? "It can approve your sign-ins." : `It can approve your sign-ins to ${brand}.`,
  device: "Device",
  added: "Added",
  will: "If you take it back, it approves nothing any more, and it is signed out everywhere.",
  sure: "It was not me. Take this device back.",
  unsure: "Tick the box if it was not you.",
  undo: "Take it back",
  until: "You can do this until {time}. If you added the device, close this page.",
  undone: {
    title: "The device was taken back",
    text: "It approves nothing any more, and it is signed out everywhere. Whoever added it was signed in as you: sign out on your other devices, and change the password of your mailbox if somebody else may know it.",
  },
  gone: {
    title: "This device is gone already",
    text: "It was removed before. There is nothing left to do here.",
  },
  over: {
    title: "The time to take it back is over",
    text: "This link was good for 24 hours. Remove the device where you manage your devices, or ask the people who run the app.",
  },
} as const;

/** Longest name of a device that is shown: it is somebody's own words. */
const NAME_LIMIT = 60;

type UndoProps = {
  readonly setting: Setting;
  readonly action: string;
  readonly token: string;
  readonly device: { readonly name: string; readonly enrolledAt: Instant };
  /** When the link ends. */
  readonly until: Instant;
  /** The button was pressed and the box was not ticked. */
  readonly unsure?: boolean;
};

/** What the letter about a new device opens. Looking changes nothing, and neither does a program that only presses the button (T68, T221). */
export const UndoEnrolment = ({ setting, action, token, device, until, unsure }: UndoProps) => (
  <VerifyFrame setting={setting} title={WORDS.title}>
    <h1>{WORDS.heading}</h1>
    <p>{WORDS.lead(setting.brand.name)}</p>
    <dl class="rows">
      <div>
        <dt>{WORDS.device}</dt>
        <dd dir="auto">{oneLine(device.name, NAME_LIMIT)}</dd>
      </div>
      <div>
        <dt>{WORDS.added}</dt>
        <dd>
          <LocalTime at={device.enrolledAt} reader={setting} />
        </dd>
      </div>
    </dl>
    <form class="decide" method="post" action={action}>
      <input type="hidden" name="t" value={token} />
      <p>{WORDS.will}</p>
      <ErrorNote id="error" said={unsure ? { text: WORDS.unsure } : undefined} reader={setting} />
      <p>
        <label class="choice">
          <input
            type="checkbox"
            name="sure"
            value="yes"
            required
            {...(unsure && { "aria-describedby": "error" })}
          />
          {WORDS.sure}
        </label>
      </p>
      <button class="button primary" type="submit">
        {WORDS.undo}
      </button>
    </form>
    <p class="hint">
      <Sentence said={{ text: WORDS.until, at: until }} reader={setting} />
    </p>
  </VerifyFrame>
);

/** How it ended, or why nothing is to be done. */
export const UndoEnding = ({
  setting,
  kind,
}: {
  readonly setting: Setting;
  readonly kind: "undone" | "gone" | "over";
}) => (
  <VerifyFrame setting={setting} title={WORDS[kind].title}>
    <h1>{WORDS[kind].title}</h1>
    <p>{WORDS[kind].text}</p>
  </VerifyFrame>
);
