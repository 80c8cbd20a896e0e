/** What the operator's pages need beside the stylesheet that every page shares. */
export const CONSOLE_STYLE = `
:root{--edge:#7d858f}
[hidden]{display:none!important}
main,nav{width:100%;max-width:56rem;margin:0 auto}
main.small{max-width:26rem}
nav{display:flex;flex-wrap:wrap;gap:4px;padding:8px 20px;background:var(--card)}
nav a,nav button{display:flex;align-items:center;justify-content:center;min-height:44px;padding:0 12px;border:0;border-radius:10px;background:none;color:var(--ink);font:inherit;font-size:14px;font-weight:600;text-decoration:none;cursor:pointer}
nav a[aria-current]{background:var(--ground);color:var(--accent)}
nav button{margin-inline-start:auto;color:var(--soft)}
@media (max-width:29.99rem){body{background:var(--card)}}
@media (min-width:30rem){body{padding:24px 16px}nav{padding:0 0 12px;background:none}nav a[aria-current]{background:var(--card)}}
@media (max-width:15rem){h1{font-size:20px}.button{padding:8px}}
main[aria-busy=true]{opacity:.6;transition:opacity .2s .3s}
h1:focus{outline:none}
h2{font-size:20px;line-height:1.4}
.button{padding:8px 16px;border-color:var(--edge);text-align:center;cursor:pointer}
.button[aria-disabled=true]{cursor:progress}
.button.bad{color:var(--bad);border-color:var(--bad)}
.button:focus-visible,nav a:focus-visible,nav button:focus-visible,select:focus-visible,textarea:focus-visible{outline:3px solid var(--accent);outline-offset:2px;border-radius:10px}
.tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:0 0 16px}
.tools p{flex:1 1 100%;margin:0}
.fields{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,16rem),1fr));gap:16px;margin:0 0 16px}
.fields .wide{grid-column:1/-1}
.field label,.field legend{display:block;font-weight:600;margin:0 0 4px;padding:0}
.field{margin:0;padding:0;border:0;min-width:0}
.field input:not([type=checkbox]),.field select,.field textarea{width:100%;min-height:44px;padding:8px 12px;border:1px solid var(--edge);border-radius:10px;background:var(--card);color:var(--ink);font:inherit}
.field textarea{min-height:6rem;font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;font-size:14px;resize:vertical}
.field textarea.long{min-height:18rem}
.field .choice{display:flex;gap:8px;align-items:center;min-height:44px;font-weight:400;margin:0}
.choice input{flex:none;width:20px;height:20px;margin:0}
.hint{color:var(--soft);font-size:14px;margin:4px 0 0}
.note{margin:0 0 16px;padding:12px;border:1px solid var(--edge);border-left-width:4px;border-radius:10px}
.note p:last-child{margin:0}
.note:focus{outline:none}
.list>li:focus{outline:none}
[role=status]:empty{display:none}
.note.error{border-color:var(--bad);color:var(--bad)}
.note.good{border-color:var(--good)}
.secret{font-size:16px;font-weight:600}
.list{margin:0 0 16px;border-top:1px solid var(--line)}
.list>li{display:flex;flex-wrap:wrap;gap:4px 16px;align-items:center;justify-content:space-between;padding:12px 0;border-bottom:1px solid var(--line)}
.list .what{flex:1 1 14rem;min-width:0}
.list .what a{display:inline-flex;align-items:center;min-height:24px}
.list p{margin:0}
.list .tools{margin:0}
.list>li:has(>details){padding:0}
.list details{flex:1 1 100%}
.list summary::before{content:"+";flex:none;width:12px;color:var(--soft)}
.list details[open] summary::before{content:"-"}
.list summary{min-height:44px;padding:8px 0;display:flex;flex-wrap:wrap;gap:0 16px;align-items:center;cursor:pointer}
.what strong,.what a{font-weight:600;unicode-bidi:isolate}
.rows{margin:0 0 16px}
dd,dt,summary span{unicode-bidi:isolate;min-width:0}
dd{font-weight:600}
pre{max-height:24rem;overflow:auto}
.mark{display:inline-block;padding:0 8px;border:1px solid var(--edge);border-radius:10px;font-size:14px;color:var(--soft)}
.mark.bad{color:var(--bad);border-color:var(--bad)}
`;
