import { raw } from "hono/html";
import type { Content } from "./content.ts";

const FONT = "system-ui,-apple-system,'Segoe UI',Roboto,'Noto Sans',Helvetica,Arial,sans-serif";
const MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,'Liberation Mono',monospace";

/** For readers that know of dark mode; everything else stands in the elements, where every reader finds it. */
const DARK = `:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (prefers-color-scheme:dark){
.ground{background:#111317!important}.card{background:#1b1e24!important;border-left-color:#343a43!important;border-right-color:#343a43!important;border-bottom-color:#343a43!important}
.ink{color:#eceef1!important}.soft{color:#a3abb6!important}.code{background:#111317!important;border-color:#343a43!important;color:#eceef1!important}
.plate{background:#ffffff!important}}`;

const styles = {
  ground: "margin:0;padding:0;background:#f4f5f7",
  outer: "padding:24px 12px;background:#f4f5f7",
  card: "max-width:480px;margin:0 auto;background:#ffffff;border:1px solid #d9dce1;border-radius:12px",
  inner: `padding:28px 24px;text-align:left;font-family:${FONT};font-size:16px;line-height:1.5;overflow-wrap:anywhere;word-break:break-word`,
  brand: "margin:0 0 20px;font-size:14px;font-weight:600;color:#565d66",
  heading: "margin:0 0 12px;font-size:22px;line-height:1.25;font-weight:700;color:#1a1d21",
  text: "margin:0 0 12px;color:#1a1d21",
  soft: "margin:0 0 10px;font-size:14px;color:#565d66",
  code: `margin:20px 0;padding:16px 8px;background:#f4f5f7;border:1px solid #d9dce1;border-radius:8px;text-align:center;font-family:${MONO};font-size:30px;line-height:1.2;font-weight:700;letter-spacing:4px;color:#1a1d21`,
  button:
    "display:inline-block;margin:8px 0 20px;padding:12px 22px;border-radius:8px;font-weight:600;text-decoration:none",
  plate: "display:inline-block;padding:6px;border-radius:8px;background:#ffffff",
  logo: "display:block;height:40px;max-width:200px;border:0",
} as const;

const Brand = ({ brand, look }: Pick<Content, "brand" | "look">) => (
  <p class="soft" style={styles.brand}>
    {look.logo ? (
      <span class="plate" style={styles.plate}>
        <img src={look.logo} alt={brand} height="40" style={styles.logo} />
      </span>
    ) : (
      brand
    )}
  </p>
);

const Key = ({ code, link, look, button, orOpen }: Content) => (
  <>
    {code === undefined ? null : (
      <p class="code" style={styles.code}>
        {code}
      </p>
    )}
    {link === undefined ? null : (
      <>
        <a href={link} style={`${styles.button};background:${look.colour};color:${look.onColour}`}>
          {button ?? link}
        </a>
        <p class="soft" style={styles.soft}>
          {orOpen}
          <br />
          {link}
        </p>
      </>
    )}
  </>
);

const Body = (content: Content) => (
  <div class="card" style={`${styles.card};border-top:4px solid ${content.look.colour}`}>
    <div style={styles.inner}>
      <Brand brand={content.brand} look={content.look} />
      <h1 class="ink" style={styles.heading}>
        {content.heading}
      </h1>
      {content.before.map((paragraph) => (
        <p class="ink" style={styles.text}>
          {paragraph}
        </p>
      ))}
      <Key {...content} />
      {content.warning === undefined ? null : (
        <p class="ink" style={styles.text}>
          {content.warning}
        </p>
      )}
      {content.after.map((paragraph) => (
        <p class="soft" style={styles.soft}>
          {paragraph}
        </p>
      ))}
    </div>
  </div>
);

/** The HTML form of an e-mail: styles in the elements, no picture but the client's, nothing that is loaded otherwise. */
export function emailHtml(content: Content): string {
  const page = (
    <html lang={content.language}>
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="supported-color-schemes" content="light dark" />
        <title>{content.subject}</title>
        <style>{raw(DARK)}</style>
      </head>
      <body class="ground" style={styles.ground}>
        <div class="ground" style={styles.outer}>
          <Body {...content} />
        </div>
      </body>
    </html>
  );
  return `<!doctype html>${page}`;
}
