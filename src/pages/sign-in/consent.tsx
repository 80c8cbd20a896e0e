import { Hidden } from "../verify/again.tsx";
import type { Setting } from "../verify/frame.tsx";
import { Decision, Fact, Filled, type FormProps, Scopes, SignInFrame } from "./parts.tsx";
import { signInWords } from "./words.ts";

export type ConsentProps = FormProps & {
  readonly setting: Setting;
  readonly client: {
    readonly name: string;
    /** Host of the app's own address, as a URL parser gives it (so in punycode): what is known of an app that nobody registered. */
    readonly host?: string;
    /** Shown of registered clients only; the page's policy has to admit its origin. */
    readonly logo?: string;
  };
  /** Whose access it is. */
  readonly account: string;
  readonly scopes: readonly string[];
  /** Where the access is used (RFC 8707). */
  readonly resource?: string;
  /** Where the app sends the user on, when that is another host than its own. */
  readonly returnsTo?: string;
  /** It goes on in a program on this device, and any program there could say that it is this app. */
  readonly onDevice?: boolean;
  /** Nobody registered this client by hand: its name is its own word. */
  readonly unverified: boolean;
};

/** An app that nobody registered gives the page neither its name nor its colour: they would look like ours. */
const plain = (setting: Setting): Setting => ({ ...setting, brand: { name: "" } });

const Warning = ({ setting, client, onDevice }: Pick<ConsentProps, "setting" | "client" | "onDevice">) => {
  const { consent: words } = signInWords(setting.locale);
  const { name: app, host } = client;
  return (
    <div class="warning">
      <p class="label">{words.unchecked}</p>
      {host !== undefined && (
        <>
          <p class="hint">{words.from}</p>
          <p class="host" dir="ltr">
            {host}
          </p>
        </>
      )}
      <p>
        <Filled text={host === undefined ? words.nowhere : words.unverified} words={{ app }} />
      </p>
      {onDevice && <p>{words.onDevice}</p>}
    </div>
  );
};

/** Asks whether an app may have what it asks for. Answered by `decision`: `deny` or `approve`. */
export const Consent = (props: ConsentProps) => {
  const { setting, action, client, account, scopes, resource, returnsTo, unverified } = props;
  const { consent: words, deviceConfirm: facts } = signInWords(setting.locale);
  const hasPicture = !unverified && client.logo !== undefined && client.logo !== setting.brand.logo;
  return (
    <SignInFrame setting={unverified ? plain(setting) : setting} title={words.title}>
      {hasPicture && <img class="picture" src={client.logo} alt="" />}
      <h1>{words.heading}</h1>
      {unverified && <Warning {...props} />}
      <dl class="rows">
        {!unverified && <Fact label={facts.app} value={client.name} />}
        {!unverified && client.host !== undefined && <Fact label={words.from} value={client.host} />}
        <Fact label={facts.account} value={account} />
        {returnsTo !== undefined && <Fact label={words.returns} value={returnsTo} />}
        {resource !== undefined && <Fact label={words.resource} value={resource} />}
      </dl>
      {scopes.length > 0 && (
        <>
          <p class="label">{words.gets}</p>
          <Scopes locale={setting.locale} scopes={scopes} />
        </>
      )}
      <form method="post" action={action}>
        <Hidden {...props} />
        <Decision locale={setting.locale} />
      </form>
    </SignInFrame>
  );
};
