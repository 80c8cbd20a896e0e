/** What these pages need beside the styles of the verification pages. */
export const SIGN_IN_STYLE = `
.number{font-size:28px;font-weight:600;line-height:1.2;letter-spacing:.04em;text-align:center;white-space:nowrap;margin:0 0 16px;padding:16px 4px;border:1px solid var(--line);border-radius:10px;background:var(--ground)}
.qr{display:block;width:100%;max-width:240px;height:auto;margin:8px auto;border-radius:10px;forced-color-adjust:none}
.scan{margin:0 0 16px;padding:0 0 16px;border-bottom:1px solid var(--line);text-align:center}
.scan bdi{color:var(--ink);font-weight:600}
.label{font-weight:600;margin:0 0 4px}
.field input.spelt{text-transform:uppercase;letter-spacing:.12em;padding-left:calc(12px + .12em)}
.field input.spelt::placeholder{color:var(--soft)}
.warning{margin:0 0 16px;padding:12px;border:1px solid var(--soft);border-left-width:4px;border-radius:10px}
.warning p:last-child{margin:0}
.host{font-size:20px;font-weight:600;line-height:1.4;margin:0 0 12px}
.gets{margin:0 0 16px}
.gets li{position:relative;padding:4px 0 4px 20px}
.gets li::before{content:"";position:absolute;left:4px;top:14px;width:6px;height:6px;border-radius:50%;background:var(--soft)}
.rows{margin:0 0 16px}
.rows dd.figures{font-size:20px;font-weight:600}
.decision{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,9rem),1fr));gap:12px;margin:20px 0 12px}
.decision .button{margin:0;padding:8px;border-color:var(--soft)}
.detail{display:block}
.others .quiet{text-align:start}
.picture{display:block;height:44px;width:auto;max-width:160px;object-fit:contain;margin:0 0 12px}
.session{padding:16px 0;border-top:1px solid var(--line)}
.session:last-child{border-bottom:1px solid var(--line)}
.session h2{margin:0 0 8px}
.session dl{display:grid;grid-template-columns:auto 1fr;gap:0 16px;font-size:14px;margin:0 0 12px}
.session .button{margin:0}
.sessions{margin:16px 0}
.here{display:inline-block;color:var(--good);font-size:14px;font-weight:600;margin:0 0 8px}
h2.other{margin-top:24px;padding-top:20px;border-top:1px solid var(--line)}
`;
