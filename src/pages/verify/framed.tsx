import { CodeField } from "./code.tsx";
import { AddressField, Channels, entryWords } from "./entry.tsx";
import { type Setting, VerifyFrame } from "./frame.tsx";
import { FRAME_SCRIPT } from "./frame-script.ts";
import { verifyWords } from "./words.ts";

export type FramedProps = {
  readonly setting: Setting;
  readonly type: "EMAIL" | "PHONE";
  readonly method: "otp" | "link";
  /** What the script needs: the parent's origin, the form's id, where to ask, and the browser's secret. */
  readonly wiring: Readonly<Record<string, string>>;
};

/** The form inside another page: all steps at once, shown one by one by the script, which talks to the framing page (Cotter §8.2). */
export const Framed = ({ setting, type, method, wiring }: FramedProps) => {
  const words = verifyWords(setting.locale);
  const entry = entryWords(setting.locale, type, method);
  const { code, wait, frame, errors } = words;
  return (
    <VerifyFrame setting={setting} title={entry.title} script={FRAME_SCRIPT}>
      <noscript>
        <p class="error">{frame.needsScript}</p>
      </noscript>
      <p class="error" id="error" role="alert" />
      <form id="entry" novalidate>
        <AddressField type={type} label={entry.label} hint={entry.hint} framed />
        <div id="channels" hidden>
          <Channels channels={["sms", "whatsapp"]} locale={setting.locale} />
        </div>
        <button class="button primary" type="submit" id="send">
          {words.entry.send}
        </button>
      </form>
      <form id="typing" novalidate hidden>
        <p>
          {code.lead} <span class="address" data-address dir="auto" />. {code.purpose(setting.brand.name)}
        </p>
        <CodeField label={code.label} framed />
        <button class="button primary" type="submit">
          {code.submit}
        </button>
        <p class="hint" id="secret">
          {code.secret(setting.brand.name)}
        </p>
      </form>
      <div id="waiting" hidden>
        <p>
          {wait.lead} <span class="address" data-address dir="auto" />.
        </p>
        <p class="alive" role="status">
          <span class="pulse" aria-hidden="true" />
          <span>{wait.alive}</span>
        </p>
      </div>
      <p class="note" id="note" role="status" hidden />
      <div class="others" id="others" hidden>
        <button class="quiet" type="button" id="again">
          {method === "link" ? wait.again : code.again}
        </button>
        <button class="quiet" type="button" id="other">
          {code.other}
        </button>
      </div>
      <p class="alive" id="finished" role="status" hidden>
        {frame.done}
      </p>
      <div
        id="wiring"
        hidden
        data-failed={frame.failed}
        data-ended={errors.expiredCode}
        data-wait-words={method === "link" ? wait.againIn : code.againIn}
        data-invalid={errors[type === "PHONE" ? "phone" : "email"]}
        {...wiring}
      />
    </VerifyFrame>
  );
};
