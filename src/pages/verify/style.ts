import { DARK, LIGHT } from "../style.ts";

/** Inside a page of the client the scheme may be fixed: it is that page's, not the device's. */
export const FRAME_SCHEMES = `:root.light{color-scheme:only light;${LIGHT}}:root.dark{color-scheme:only dark;${DARK}}`;

/** What forms and waiting need beside the shared stylesheet. */
export const VERIFY_STYLE = `
.brand img{height:24px;width:auto;max-width:120px;object-fit:contain}
.brand span{overflow:hidden;text-overflow:ellipsis;display:-webkit-box;-webkit-line-clamp:2;-webkit-box-orient:vertical}
form{margin:0}
label,legend{display:block;font-weight:600;margin:0 0 4px;padding:0}
fieldset{border:0;margin:0 0 16px;padding:0;min-width:0}
.choice{display:flex;align-items:center;gap:12px;min-height:44px;font-weight:400;margin:0}
.choice input{width:20px;height:20px;accent-color:var(--accent);margin:0;flex:none}
.field{margin:0 0 16px}
.field input{width:100%;min-height:44px;padding:8px 12px;border:1px solid var(--soft);border-radius:10px;background:var(--card);color:var(--ink);font:inherit}
.field input.figures{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:28px;letter-spacing:.25em;text-align:center;padding-left:calc(12px + .25em)}
.field input[aria-invalid=true]{border-color:var(--bad);border-width:2px}
.hint{color:var(--soft);font-size:14px;margin:4px 0 0}
.error{color:var(--bad);margin:0 0 16px;padding:8px 12px;border:1px solid currentColor;border-left-width:4px;border-radius:10px}
.error:empty{display:none}
.button{width:100%;cursor:pointer;margin:0 0 12px;text-align:center}
.button.plain{background:var(--ink);border-color:var(--ink);color:var(--card)}
.quiet{border:0;background:none;color:var(--accent);font:inherit;text-decoration:underline;text-underline-offset:.2em;padding:10px 0;min-height:44px;cursor:pointer;display:inline-flex;align-items:center}
.quiet[disabled]{color:var(--soft);text-decoration:none;cursor:default}
.others{display:flex;flex-wrap:wrap;gap:0 24px;justify-content:space-between;border-top:1px solid var(--line);margin-top:8px;padding-top:4px}
.address{font-weight:600}
.pulse{display:inline-block;width:12px;height:12px;border-radius:50%;background:var(--accent);animation:pulse 2s ease-in-out infinite;flex:none}
@keyframes pulse{50%{opacity:.25}}
.alive{display:flex;align-items:center;gap:12px;margin:0 0 16px}
.rows dt,.rows dd{min-width:0}.rows dd{text-align:right;max-width:100%}
.decide{margin-top:20px}
.decide .choice{font-size:16px}
.note{margin:0 0 16px;padding:8px 12px;border:1px solid var(--line);border-left:4px solid var(--good);border-radius:10px}
[hidden]{display:none!important}
.frame main{border:0;border-radius:0;min-height:0;padding:16px}.frame{padding:0;background:var(--card)}
`;
