import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { STYLE } from "../style.ts";
import { brandStyle, type PageBrand } from "./brand.ts";
import { VERIFY_STYLE } from "./style.ts";

/** What every verification page is made with. */
export type Setting = {
  readonly locale: string;
  readonly brand: PageBrand;
  /** Admits this answer's own style and script, and nothing else (CSP Level 3 §2.3.1). */
  readonly nonce: string;
  /** Inside another page: no card, no ground. */
  readonly framed?: boolean;
};

export type FrameProps = {
  readonly setting: Setting;
  /** The tab's title tells the state. */
  readonly title: string;
  /** Source of the page's script; it waits, counts down or talks to the framing page. */
  readonly script?: string;
  /** Seconds after which a browser without script asks again; only where there is something to wait for. */
  readonly refresh?: number;
  readonly children: Child;
};

const Brand = ({ brand }: { readonly brand: PageBrand }) => (
  <p class="brand">
    {brand.logo && <img src={brand.logo} alt="" />}
    <span dir="auto">{brand.name}</span>
  </p>
);

/** The frame of the verification pages: the shared look, under the client's name and in its colour. */
export const VerifyFrame = ({ setting, title, script, refresh, children }: FrameProps) => (
  <>
    {raw("<!doctype html>")}
    <html lang={setting.locale}>
      <head>
        <meta charset="utf-8" />
        <title>{`${title} - ${setting.brand.name}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
        <style>{raw(STYLE)}</style>
        <style nonce={setting.nonce}>{raw(VERIFY_STYLE + brandStyle(setting.brand))}</style>
        {refresh !== undefined && (
          <noscript>
            <meta http-equiv="refresh" content={String(refresh)} />
          </noscript>
        )}
      </head>
      <body class={setting.framed ? "frame" : ""}>
        <main>
          {!setting.framed && <Brand brand={setting.brand} />}
          {children}
        </main>
        {script !== undefined && <script nonce={setting.nonce}>{raw(script)}</script>}
      </body>
    </html>
  </>
);

/** What went wrong, beside its field; announced when the page comes with one. */
export const ErrorNote = ({ id, text }: { readonly id: string; readonly text: string | undefined }) =>
  text === undefined ? null : (
    <p class="error" id={id} role="alert">
      {text}
    </p>
  );
