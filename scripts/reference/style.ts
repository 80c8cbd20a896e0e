import { STYLE } from "../../src/pages/style.ts";

/** Our pages' own style, and a layout with a list of routes beside it where there is room. */
export const REFERENCE_STYLE = `${STYLE}
body{padding:0}
.page{display:block}
nav{padding:16px 20px;border-bottom:1px solid var(--line);background:var(--card)}
nav .brand{margin:0 0 8px}
nav p{margin:8px 0}
nav summary{padding:6px 0;min-height:32px}
nav ul{padding:0 0 8px}
nav li a{display:block;padding:6px 0;font-size:14px;text-decoration:none;color:var(--ink)}
main{max-width:none;min-height:0;margin:0;padding:24px 20px;border:0;border-radius:0;background:var(--ground)}
h2{font-size:24px;line-height:1.25;margin:48px 0 8px}
h3{font-size:18px;line-height:1.35;margin:0 0 4px}
article{margin:16px 0;padding:16px;border:1px solid var(--line);border-radius:12px;background:var(--card);scroll-margin-top:16px}
article:target{border-color:var(--accent)}
section{scroll-margin-top:16px}
.call{margin:0 0 8px}
.call b,nav b{font-size:12px;letter-spacing:.03em;color:var(--soft)}
b.get{color:var(--good)}b.delete{color:var(--bad)}b.post,b.put,b.patch{color:var(--accent)}
details{margin:4px 0}
summary{cursor:pointer;min-height:32px;padding:4px 0}
.members{margin:4px 0 8px;padding:0 0 0 12px;border-left:2px solid var(--line)}
.members li{padding:4px 0}
pre{max-height:24rem;overflow:auto;border:1px solid var(--line)}
pre:focus-visible{outline:3px solid var(--accent);outline-offset:2px}
@media (min-width:60rem){
.page{display:grid;grid-template-columns:20rem minmax(0,1fr);min-height:100vh}
nav{position:sticky;top:0;align-self:start;max-height:100vh;overflow:auto;border-bottom:0;border-right:1px solid var(--line);min-height:100vh}
main{max-width:56rem;padding:32px 40px}
}
`;
