import { type Setting, VerifyFrame } from "./frame.tsx";
import { verifyWords } from "./words.ts";

type Back = { readonly setting: Setting; readonly href: string; readonly isRefused?: boolean };

/** Confirmed or refused, in the browser that asked: the way back to the app, for where the redirect did not get through. */
export const Done = ({ setting, href, isRefused = false }: Back) => {
  const { done, refused } = verifyWords(setting.locale);
  const { title, heading } = isRefused ? refused : done;
  return (
    <VerifyFrame setting={setting} title={title}>
      <h1>{heading}</h1>
      <p>{done.text(setting.brand.name)}</p>
      <a class="button primary" href={href}>
        {done.go(setting.brand.name)}
      </a>
    </VerifyFrame>
  );
};

/** The code was exchanged: nothing is left to do here. */
export const Over = ({ setting }: { readonly setting: Setting }) => {
  const { over } = verifyWords(setting.locale);
  return (
    <VerifyFrame setting={setting} title={over.title}>
      <h1>{over.heading}</h1>
      <p>{over.text(setting.brand.name)}</p>
    </VerifyFrame>
  );
};

/** What the reader of a link is told after saying yes or no, or who opens it `again` after that. */
export const Answered = ({
  setting,
  approved,
  again,
}: {
  readonly setting: Setting;
  readonly approved: boolean;
  readonly again?: boolean;
}) => {
  const all = verifyWords(setting.locale);
  const before = approved ? all.confirmedBefore : all.declinedBefore;
  const words = again ? before : approved ? all.confirmed : all.declined;
  return (
    <VerifyFrame setting={setting} title={words.title}>
      <h1>{words.heading}</h1>
      <p>{words.text}</p>
    </VerifyFrame>
  );
};

export type TroubleKind =
  | "request"
  | "client"
  | "redirect"
  | "browser"
  | "expired"
  | "stopped"
  | "guesses"
  | "link"
  | "locked"
  | "uncarried"
  | "fault"
  | "framed"
  | "alone"
  | "busy";

export type TroubleProps = {
  readonly setting: Setting;
  readonly kind: TroubleKind;
  /** Where to begin again, and the registered address of the app: only where they are known to be good. */
  readonly restart?: string;
  readonly back?: string;
  /** This very page once more: where only time is wanting. */
  readonly retry?: string;
};

/** What went wrong, in the service's own words, with a way on. It never leads to an address that nobody registered (T82). */
export const VerifyTrouble = ({ setting, kind, restart, back, retry }: TroubleProps) => {
  const { trouble } = verifyWords(setting.locale);
  const words = trouble[kind];
  return (
    <VerifyFrame setting={setting} title={words.title}>
      <h1>{words.heading}</h1>
      <p>{words.text}</p>
      {retry !== undefined && (
        <a class="button primary" href={retry}>
          {trouble.retry}
        </a>
      )}
      {restart !== undefined && (
        <a class="button primary" href={restart}>
          {trouble.restart}
        </a>
      )}
      {back !== undefined && (
        <a class="button" href={back}>
          {trouble.back(setting.brand.name)}
        </a>
      )}
    </VerifyFrame>
  );
};
