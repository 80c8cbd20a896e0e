import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { STYLE } from "../style.ts";
import { brandStyle, frameStyle, type PageBrand } from "./brand.ts";
import { LOCAL_TIME_SCRIPT } from "./scripts.ts";
import { FRAME_SCHEMES, VERIFY_STYLE } from "./style.ts";
import { type Reader, type Said, Sentence } from "./time.tsx";

/** What every verification page is made with. */
export type Setting = Reader & {
  /** Who asks; a page for nobody in particular has none. */
  readonly brand: PageBrand;
  /** Admits this answer's own style and script, and nothing else (CSP Level 3 §2.3.1). */
  readonly nonce: string;
  /** Inside another page: no card, no ground. */
  readonly framed?: boolean;
  /** Nothing runs and nothing is loaded. */
  readonly bare?: boolean;
};

export type FrameProps = {
  readonly setting: Setting;
  /** The tab's title tells the state. */
  readonly title: string;
  /** Source of the page's script; it waits, counts down or talks to the framing page. */
  readonly script?: string;
  /** Seconds after which a browser without script asks again; only where there is something to wait for. */
  readonly refresh?: number;
  /** Rules of this kind of page alone. */
  readonly style?: string;
  readonly children: Child;
};

const Brand = ({ brand }: { readonly brand: PageBrand }) => (
  <p class="brand">
    {brand.logo && <img src={brand.logo} alt="" />}
    <span dir="auto">{brand.name}</span>
  </p>
);

/** A frame cannot see the look of the page around it: it takes the client's word, or is light as a page is that says nothing. */
function schemeOf({ framed, brand }: Setting): string {
  const scheme = framed ? (brand.frame_scheme ?? "light") : "auto";
  return scheme === "auto" ? "light dark" : `only ${scheme}`;
}

/** What an answer adds to the shared stylesheet. */
export const styleOf = ({ framed, brand }: Setting): string =>
  framed ? VERIFY_STYLE + FRAME_SCHEMES + frameStyle(brand) : VERIFY_STYLE + brandStyle(brand);

/** The frame of the verification pages: the shared look, under the client's name and in its colour. */
export const VerifyFrame = ({ setting, title, script = "", refresh, style = "", children }: FrameProps) => (
  <>
    {raw("<!doctype html>")}
    <html lang={setting.locale} class={setting.framed ? (setting.brand.frame_scheme ?? "light") : ""}>
      <head>
        <meta charset="utf-8" />
        <title>{setting.brand.name === "" ? title : `${title} - ${setting.brand.name}`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content={schemeOf(setting)} />
        <meta name="robots" content="noindex" />
        {!setting.bare && <link rel="icon" href="/favicon.svg" type="image/svg+xml" />}
        <style>{raw(STYLE)}</style>
        <style nonce={setting.nonce}>{raw(styleOf(setting) + style)}</style>
        {refresh !== undefined && (
          <noscript>
            <meta http-equiv="refresh" content={String(refresh)} />
          </noscript>
        )}
      </head>
      <body class={setting.framed ? "frame" : ""}>
        <main>
          {!setting.framed && setting.brand.name !== "" && <Brand brand={setting.brand} />}
          {children}
        </main>
        {!setting.bare && <script nonce={setting.nonce}>{raw(LOCAL_TIME_SCRIPT + script)}</script>}
      </body>
    </html>
  </>
);

/** What went wrong, beside its field; announced when the page comes with one. */
export const ErrorNote = ({
  id,
  said,
  reader,
}: {
  readonly id: string;
  readonly said: Said | undefined;
  readonly reader: Reader;
}) =>
  said === undefined ? null : (
    <p class="error" id={id} role="alert">
      <Sentence said={said} reader={reader} />
    </p>
  );
