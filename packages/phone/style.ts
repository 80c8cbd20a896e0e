/** What the phone page needs beside the stylesheet that every page shares. */
export const PHONE_STYLE = `
:root{--edge:#7d858f}
body{display:flex;flex-direction:column;min-height:100vh;min-height:100svh}
[hidden]{display:none!important}
main,nav,footer{width:100%;max-width:26rem;margin:0 auto}
main{flex:1;min-height:0}
nav{display:flex;gap:4px;padding:calc(8px + env(safe-area-inset-top,0px)) 20px 0;background:var(--card)}
nav a{flex:1;display:flex;align-items:center;justify-content:center;min-height:44px;border-radius:10px;color:var(--ink);font-size:14px;font-weight:600;text-decoration:none}
nav a[aria-current]{background:var(--ground);color:var(--accent)}
footer{padding:0 20px calc(16px + env(safe-area-inset-bottom,0px));color:var(--soft);font-size:14px;background:var(--card)}
footer p{margin:0}
@media (max-width:29.99rem){body{background:var(--card)}}
@media (min-width:30rem){body{padding:32px 16px}main{flex:none}nav{padding:0 0 12px;background:none}nav a[aria-current]{background:var(--card)}footer{padding:12px 32px;background:none}}
@media (max-width:15rem){h1{font-size:20px}nav{flex-wrap:wrap}nav a{flex:1 1 auto;padding:0 8px}.button{padding:8px}.lead,.account,.host,.quoted blockquote{font-size:16px}}
#view[aria-busy=true]{opacity:.6;transition:opacity .2s .3s}
h1:focus{outline:none}
h2{margin:0 0 4px}
.hint{color:var(--soft);font-size:14px}
.account,.host{font-size:20px;font-weight:600;line-height:1.4}
.label{font-weight:600;margin:0 0 4px}
.button{width:100%;margin:0 0 12px;padding:8px 16px;border-color:var(--edge);text-align:center;text-wrap:balance;cursor:pointer}
.button[aria-disabled=true]{cursor:progress}
.button:disabled{color:var(--soft);border-style:dashed;cursor:not-allowed}
.button:focus-visible{border-radius:10px}
.quiet{display:inline-flex;align-items:center;min-height:44px;padding:0;border:0;background:none;color:var(--accent);font:inherit;text-align:start;text-decoration:underline;text-underline-offset:.2em;cursor:pointer}
.others{margin:8px 0 0}
.field{margin:0 0 16px}
.field label{display:block;font-weight:600;margin:0 0 4px}
.field input{width:100%;min-height:44px;padding:8px 12px;border:1px solid var(--edge);border-radius:10px;background:var(--card);color:var(--ink);font:inherit}
.field input[aria-invalid]{border-color:var(--bad);border-width:2px}
.field .hint{margin:8px 0 0}
.field .note{margin:8px 0 0}
.field input.spelt{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:20px;letter-spacing:.12em;text-transform:uppercase}
.rows{margin:0 0 16px}
.rows dd{font-weight:600}
dd{unicode-bidi:isolate;min-width:0}
.note{margin:0 0 16px;padding:12px;border:1px solid var(--edge);border-left-width:4px;border-radius:10px}
.note.warning{border-left-color:var(--ink)}
.note.error{border-color:var(--bad);color:var(--bad)}
.note.good{border-color:var(--good)}
.note p:last-child,.note .button:last-child{margin-bottom:0}
.quoted{margin:0 0 16px;padding:12px;border:1px solid var(--line);border-radius:10px;background:var(--ground)}
.quoted blockquote{margin:0;font-size:20px;font-weight:600;unicode-bidi:isolate}
.details>div{padding:4px 0}
.details dt{color:var(--soft);font-weight:400}
.details dd{font-weight:600;white-space:pre-wrap}
.details+.details{margin-top:8px;padding-top:8px;border-top:1px solid var(--line)}
.details .details{padding-left:12px;border-left:2px solid var(--line)}
.decision{display:grid;grid-auto-rows:1fr;grid-template-columns:repeat(auto-fit,minmax(min(100%,9rem),1fr));gap:12px;margin:20px 0 12px}
.decision .button{margin:0;padding:8px;min-height:52px}
.decision .button:nth-child(3){grid-column:1/-1}
.prompts,.devices,.events,.menu{margin:0 0 16px}
.prompts li,.events li{padding:12px 0;border-bottom:1px solid var(--line)}
.prompts .button{margin:0}
.what{display:block;font-weight:600;margin:0 0 8px}
.events .what{margin:0}
.devices{border-top:1px solid var(--line)}
.devices li{padding:16px 0;border-bottom:1px solid var(--line)}
.devices li p{margin:0 0 4px}
.devices li.fresh{border-left:4px solid var(--bad);padding-left:12px}
.tools{display:flex;flex-wrap:wrap;gap:8px;margin-top:8px}
.tools .button{width:auto;flex:1 1 7rem;margin:0}
.tools>.field,.tools>p{flex:1 1 100%}
.here{color:var(--good);font-size:14px;font-weight:600}
.codes{margin:0 0 16px;padding:12px;border:1px solid var(--line);border-radius:10px}
.codes li{padding:4px 0;font-size:16px}
.qr{display:block;width:100%;max-width:320px;margin:0 auto 12px;background:#fff;border-radius:10px}
.camera{display:block;width:100%;aspect-ratio:1;object-fit:cover;margin:0 0 12px;border-radius:10px;background:#000}
.line{margin:20px 0 4px}
.line::before{content:"";display:inline-block;width:8px;height:8px;margin-right:8px;border-radius:50%;background:var(--soft)}
.line.live::before{background:var(--good);animation:pulse 2.4s ease-in-out infinite}
@keyframes pulse{50%{opacity:.35}}
@media (prefers-reduced-motion:reduce){*,::before{animation:none!important;transition:none!important}}
@media print{nav,footer,.button,.others{display:none}}
`;
