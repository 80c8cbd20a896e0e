import type { Instant } from "../../core/time.ts";
import { Hidden } from "../verify/again.tsx";
import type { Setting } from "../verify/frame.tsx";
import { LocalTime, Sentence } from "../verify/time.tsx";
import { Blank, type FormProps, Given, SignInFrame, Unsaid } from "./parts.tsx";
import { ADD_PASSKEY_SCRIPT } from "./passkey-scripts.ts";
import { signInWords } from "./words.ts";

export type PasskeyRow = {
  readonly id: string;
  readonly name: string;
  readonly since: Instant;
  /** Whether it was backed up when it was last used, and so is on other devices of the user too. */
  readonly copied: boolean;
};

/** Why none can be added here and now. */
export type PasskeyClosed =
  | { readonly kind: "full" | "stronger" | "stale" | "nowhere" }
  | { readonly kind: "waits"; readonly until: Instant };

export type PasskeysProps = FormProps & {
  readonly setting: Setting;
  readonly account: string;
  readonly rows: readonly PasskeyRow[];
  /** What was done a moment ago. */
  readonly done?: "added" | "removed";
  /** What the browser made was not taken. */
  readonly refused: boolean;
  /** The device that signed this session in is new, and was to remove an older one. */
  readonly tooNew?: boolean;
  readonly closed?: PasskeyClosed;
  /** This page, and this page behind a new sign-in: each a GET. */
  readonly here: string;
  readonly again: string;
};

const Row = ({
  row,
  setting,
  removes,
}: {
  readonly row: PasskeyRow;
  readonly setting: Setting;
  readonly removes: boolean;
}) => {
  const { passkeys: words } = signInWords(setting.locale);
  return (
    <li class="session">
      <h2 dir="auto">{row.name}</h2>
      <dl>
        <dt>{words.since}</dt>
        <dd>
          <LocalTime at={row.since} reader={setting} />
        </dd>
        <dt>{words.kept}</dt>
        <dd>{row.copied ? words.copied : words.stays}</dd>
      </dl>
      {removes && (
        <button
          class="button"
          type="submit"
          name="id"
          value={row.id}
          aria-label={`${words.remove}: ${row.name}`}
        >
          {words.remove}
        </button>
      )}
    </li>
  );
};

/** Adds one by script: what the browser makes goes to `action`, what it is asked comes from `/begin` below it. */
const Add = (props: PasskeysProps) => {
  const { setting, action, here } = props;
  const { passkeys: words } = signInWords(setting.locale);
  return (
    <>
      {(["unable", "failed", "twice"] as const).map((id) => (
        <Unsaid id={id} text={words[id]} />
      ))}
      <form method="post" action={action} id="add" hidden data-begin={`${action}/begin`} data-again={here}>
        <Hidden {...props} />
        <Blank names={["challenge", "credential_id", "client_data", "attestation_data"]} />
        <button class="button primary" type="submit">
          {words.add}
        </button>
      </form>
      <noscript>
        <p class="hint">{words.scriptless}</p>
      </noscript>
    </>
  );
};

const SIGN_IN_HELPS = ["stronger", "stale", "waits"];

const NotNow = ({ setting, closed, again }: PasskeysProps & { readonly closed: PasskeyClosed }) => {
  const { passkeys: words } = signInWords(setting.locale);
  const text = words.closed[closed.kind];
  return (
    <>
      <p>
        <Sentence said={closed.kind === "waits" ? { text, at: closed.until } : { text }} reader={setting} />
      </p>
      {SIGN_IN_HELPS.includes(closed.kind) && (
        <a class="button primary" href={again}>
          {words.again}
        </a>
      )}
    </>
  );
};

/** A user's passkeys: each can be removed, and one be added. The form of a row sends its `id` to `/remove` below `action`. */
export const Passkeys = (props: PasskeysProps) => {
  const { setting, account, action, rows, done, refused, tooNew = false, closed } = props;
  const { passkeys: words } = signInWords(setting.locale);
  return (
    <SignInFrame setting={setting} title={words.title} script={ADD_PASSKEY_SCRIPT}>
      <h1>{words.title}</h1>
      {done !== undefined && (
        <p class="note" role="status">
          {words.done[done]}
        </p>
      )}
      {(refused || tooNew) && (
        <p class="error" role="status">
          {tooNew ? words.tooNew : words.refused}
        </p>
      )}
      <p>
        {words.account} <Given text={account} />.
      </p>
      <p>{words.about}</p>
      {rows.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <form method="post" action={`${action}/remove`}>
          <Hidden {...props} />
          <ul class="sessions">
            {rows.map((row) => (
              <Row row={row} setting={setting} removes={closed?.kind !== "stale"} />
            ))}
          </ul>
        </form>
      )}
      {closed === undefined ? <Add {...props} /> : <NotNow {...props} closed={closed} />}
    </SignInFrame>
  );
};
