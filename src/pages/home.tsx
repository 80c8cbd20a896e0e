import { Layout } from "./layout.tsx";
import { WORDS } from "./words.ts";

/** A door as the home page names it. */
export type OpenDoor = { readonly name: string; readonly path: string };

export type HomeProps = {
  readonly issuer: string;
  readonly doors: readonly OpenDoor[];
  /** Whether to say how the demo is run, and where the pages for trying things out are. */
  readonly development: boolean;
};

const words = WORDS.home;

/** Where `npm run demo` looks for a server by itself. */
const USUAL = "http://127.0.0.1:8787";

/** What plays the demo against this server: without the address it would start another one. */
const demoCommand = (issuer: string): string =>
  issuer === USUAL ? words.demoCommand : `${words.demoCommand} -- --url ${issuer}`;

/** What a developer looks at next; a deployment's people find their way by links of their own. */
const PLACES = [
  ["/docs/api", words.reference],
  ["/openapi.json", words.openapi],
  ["/phone", words.phone],
  ["/console", words.console],
] as const;

const Row = ({ href, name }: { readonly href: string; readonly name: string }) => (
  <li>
    <a href={href}>{name}</a>
  </li>
);

const Demo = ({ issuer }: Pick<HomeProps, "issuer">) => (
  <section aria-labelledby="demo">
    <h2 id="demo">{words.demo}</h2>
    <p>
      <a href="/demo">{words.demoPage}</a>
    </p>
    <p>{words.demoText}</p>
    <pre>
      <code>{demoCommand(issuer)}</code>
    </pre>
    <p class="soft">{words.demoNote}</p>
  </section>
);

/** `/`: what this is, which doors are open, where the keys are. */
export const Home = ({ issuer, doors, development }: HomeProps) => (
  <Layout title={words.title}>
    <h1>{words.heading}</h1>
    <p class="lead">{words.lead}</p>
    <section aria-labelledby="how">
      <h2 id="how">{words.how}</h2>
      <ol class="steps">
        {words.steps.map((step) => (
          <li>{step}</li>
        ))}
      </ol>
      <p>{words.decline}</p>
    </section>
    <section aria-labelledby="doors">
      <h2 id="doors">{words.doors}</h2>
      <ul class="rows">
        {doors.map(({ name, path }) => (
          <li>
            <span>{name}</span>
            <code>{path}</code>
          </li>
        ))}
      </ul>
    </section>
    <section aria-labelledby="developers">
      <h2 id="developers">{words.developers}</h2>
      <p>{words.verify}</p>
      <ul class="rows">
        <Row href="/.well-known/jwks.json" name={words.jwks} />
        <Row href="/healthz" name={words.health} />
        {development && PLACES.map(([href, name]) => <Row href={href} name={name} />)}
      </ul>
    </section>
    {development && <Demo issuer={issuer} />}
    <p class="soft">{issuer}</p>
  </Layout>
);
