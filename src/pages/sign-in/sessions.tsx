import type { Instant } from "../../core/time.ts";
import { Hidden } from "../verify/again.tsx";
import type { Setting } from "../verify/frame.tsx";
import { LocalTime } from "../verify/time.tsx";
import { type FormProps, Given, SignInFrame } from "./parts.tsx";
import { signInWords } from "./words.ts";

/** Where a user is signed in. */
export type SessionRow = {
  readonly id: string;
  /** Name of the app. */
  readonly app: string;
  readonly place?: string;
  /** What users call it, as `deviceName` reads it from a user agent. */
  readonly device?: string;
  readonly since: Instant;
  readonly last?: Instant;
  readonly kind: "browser" | "app";
};

export type SessionsProps = Omit<FormProps, "fields"> & {
  readonly setting: Setting;
  readonly account: string;
  /** Id of the row that is this browser. */
  readonly current?: string;
  readonly rows: readonly SessionRow[];
};

const Row = ({
  row,
  setting,
  here,
}: {
  readonly row: SessionRow;
  readonly setting: Setting;
  readonly here: boolean;
}) => {
  const { sessions: words } = signInWords(setting.locale);
  const device = row.device ?? words.unknown;
  const place = row.place ?? words.unknown;
  return (
    <li class="session">
      <h2 dir="auto">{row.app}</h2>
      {here && <p class="here">{words.current}</p>}
      <dl>
        <dt>{words[row.kind]}</dt>
        <dd dir="auto">{device}</dd>
        <dt>{words.place}</dt>
        <dd dir="auto">{place}</dd>
        <dt>{words.since}</dt>
        <dd>
          <LocalTime at={row.since} reader={setting} />
        </dd>
        {row.last !== undefined && (
          <>
            <dt>{words.last}</dt>
            <dd>
              <LocalTime at={row.last} reader={setting} />
            </dd>
          </>
        )}
      </dl>
      <button
        class="button"
        type="submit"
        name="end"
        value={row.id}
        aria-label={`${words.end}: ${row.app}, ${device}, ${place}`}
      >
        {words.end}
      </button>
    </li>
  );
};

/** Said to whoever is not signed in in this browser, and nothing else. */
export const SignedInNowhere = ({ setting }: Pick<SessionsProps, "setting">) => {
  const { sessions: words } = signInWords(setting.locale);
  return (
    <SignInFrame setting={setting} title={words.title}>
      <h1>{words.title}</h1>
      <p>{words.nobody}</p>
    </SignInFrame>
  );
};

/** Where a user is signed in; each place can be ended, and all of them. `end` is a row's id or `all`. */
export const Sessions = ({ setting, account, current, rows, action, csrf }: SessionsProps) => {
  const { sessions: words } = signInWords(setting.locale);
  return (
    <SignInFrame setting={setting} title={words.title}>
      <h1>{words.title}</h1>
      <p>
        {words.account} <Given text={account} />.
      </p>
      {rows.length === 0 ? (
        <p>{words.none}</p>
      ) : (
        <form method="post" action={action}>
          <Hidden csrf={csrf} fields={{}} />
          <p class="hint">{words.hint}</p>
          <ul class="sessions">
            {rows.map((row) => (
              <Row row={row} setting={setting} here={row.id === current} />
            ))}
          </ul>
          <button class="button" type="submit" name="end" value="all">
            {words.all}
          </button>
        </form>
      )}
    </SignInFrame>
  );
};
