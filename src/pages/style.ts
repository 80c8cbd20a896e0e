/** The palettes of both schemes. */
export const LIGHT =
  "--ground:#f4f5f7;--card:#fff;--ink:#1a1d21;--soft:#565d66;--line:#d9dce1;--accent:#1d4ed8;--on-accent:#fff;--bad:#b42318;--good:#146c3a";
export const DARK =
  "--ground:#111317;--card:#1b1e24;--ink:#eceef1;--soft:#a3abb6;--line:#343a43;--accent:#8fb0ff;--on-accent:#0d1117;--bad:#ff9a8f;--good:#7fd8a2";

/**
 * The one stylesheet. It is part of the page: the policy admits it by its hash and nothing else, so that a page is one request.
 * Contrast of ink on ground is above 12 : 1 and of links above 4.5 : 1 in both schemes.
 */
export const STYLE = `
:root{color-scheme:light dark;${LIGHT}}
@media (prefers-color-scheme:dark){:root{${DARK}}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%;text-size-adjust:100%}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans",sans-serif;overflow-wrap:anywhere}
main{max-width:26rem;margin:0 auto;padding:24px 20px;background:var(--card);min-height:100vh;min-height:100svh}
@media (min-width:30rem){body{padding:48px 16px}main{min-height:0;padding:32px;border:1px solid var(--line);border-radius:16px}}
h1{font-size:28px;line-height:1.2;margin:0 0 12px;letter-spacing:-.01em;text-wrap:balance}
h2{font-size:16px;line-height:1.5;margin:28px 0 8px}
p{margin:0 0 12px}
.lead{font-size:20px;line-height:1.4;color:var(--soft);text-wrap:pretty}
.soft{color:var(--soft);font-size:14px}
.brand{display:flex;align-items:center;gap:8px;margin:0 0 24px;font-size:14px;font-weight:600;color:var(--soft)}
.brand svg{flex:none}
a{color:var(--accent);text-underline-offset:.2em}
a:focus-visible,button:focus-visible,input:focus-visible,summary:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:4px}
ul,ol,dl{margin:0;padding:0;list-style:none}
.rows{border-top:1px solid var(--line)}
.rows>li,.rows>div{display:flex;flex-wrap:wrap;gap:0 16px;align-items:baseline;justify-content:space-between;padding:10px 0;border-bottom:1px solid var(--line)}
.rows a{display:inline-flex;align-items:center;min-height:24px}
dt{color:var(--soft)}dd{margin:0}
ol.steps{counter-reset:step}
ol.steps>li{counter-increment:step;position:relative;padding:0 0 8px 28px}
ol.steps>li::before{content:counter(step);position:absolute;left:0;color:var(--soft);font-variant-numeric:tabular-nums}
code,pre,.figures{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-variant-numeric:tabular-nums;font-size:14px}
pre{margin:0 0 12px;padding:12px;border-radius:8px;background:var(--ground);white-space:pre-wrap}
.button{display:flex;align-items:center;justify-content:center;min-height:44px;padding:8px 16px;border:1px solid var(--line);border-radius:10px;background:none;color:var(--ink);font:inherit;font-weight:600;text-align:center;text-wrap:balance;text-decoration:none}
.button.primary{background:var(--accent);border-color:var(--accent);color:var(--on-accent)}
@media (prefers-reduced-motion:reduce){*{animation:none!important;transition:none!important}}
`;
