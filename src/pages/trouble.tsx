import { Layout } from "./layout.tsx";
import { WORDS } from "./words.ts";

/** What a browser is shown at an address that leads nowhere. */
export const NotFound = () => (
  <Layout title={WORDS.notFound.title}>
    <h1>{WORDS.notFound.heading}</h1>
    <p>{WORDS.notFound.text}</p>
    <p>
      <a href="/">{WORDS.notFound.back}</a>
    </p>
  </Layout>
);

/** What a browser is shown when the service failed; the reason stays in the log. */
export const Fault = () => (
  <Layout title={WORDS.fault.title}>
    <h1>{WORDS.fault.heading}</h1>
    <p>{WORDS.fault.text}</p>
  </Layout>
);
