import type { Setting } from "../verify/frame.tsx";
import { Filled, SignInFrame } from "./parts.tsx";
import { signInWords } from "./words.ts";

export type EndedKind =
  | "approved"
  | "declined"
  | "reported"
  | "expired"
  | "signed_out"
  | "used"
  | "unknown_code"
  | "stopped";

export type EndedProps = {
  readonly setting: Setting;
  readonly kind: EndedKind;
  /** The way on: a path of ours, or an address that is registered for the app. Never one of the request that was not compared. */
  readonly back?: string;
};

/** Where the way on leads: to the app, to the list of sessions, to the beginning, or to the form for a user code. */
const BACK = {
  approved: "app",
  declined: "app",
  reported: "sessions",
  expired: "restart",
  signed_out: "app",
  used: "restart",
  unknown_code: "code",
  stopped: "restart",
} as const satisfies Record<EndedKind, "app" | "sessions" | "restart" | "code">;

/** How it ended, and what to do. */
export const Ended = ({ setting, kind, back }: EndedProps) => {
  const { ended, back: ways } = signInWords(setting.locale);
  const words = ended[kind];
  const app = setting.brand.name;
  const way = BACK[kind] === "app" && app === "" ? "plain" : BACK[kind];
  return (
    <SignInFrame setting={setting} title={words.title}>
      <h1>{words.title}</h1>
      <p>{words.text}</p>
      {back !== undefined && (
        <a class="button primary" href={back}>
          <span>
            <Filled text={ways[way]} words={{ app }} />
          </span>
        </a>
      )}
    </SignInFrame>
  );
};

export type OAuthTroubleKind = "client" | "redirect" | "request" | "form" | "busy" | "fault" | "locked";

export type OAuthTroubleProps = {
  readonly setting: Setting;
  readonly kind: OAuthTroubleKind;
  /** What a developer needs to know; shown as text. */
  readonly detail?: string;
};

/** What went wrong where nothing may be redirected. It has no link at all (RFC 9700 §4.11). */
export const OAuthTrouble = ({ setting, kind, detail }: OAuthTroubleProps) => {
  const { trouble } = signInWords(setting.locale);
  const words = trouble[kind];
  return (
    <SignInFrame setting={setting} title={words.title}>
      <h1>{words.title}</h1>
      <p>{words.text}</p>
      {detail !== undefined && (
        <p class="soft">
          {trouble.detail}{" "}
          <code class="detail" dir="auto">
            {detail}
          </code>
        </p>
      )}
    </SignInFrame>
  );
};
