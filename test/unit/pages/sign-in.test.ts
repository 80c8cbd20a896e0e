import { describe, expect, test } from "vitest";
import { CodeEntry } from "../../../src/pages/sign-in/code-entry.tsx";
import { Consent } from "../../../src/pages/sign-in/consent.tsx";
import { Ended } from "../../../src/pages/sign-in/ending.tsx";
import { MatchWait } from "../../../src/pages/sign-in/match-wait.tsx";
import { SignIn } from "../../../src/pages/sign-in/sign-in.tsx";
import { signInWords } from "../../../src/pages/sign-in/words.ts";
import type { Setting } from "../../../src/pages/verify/frame.tsx";
import { ENDED, ORDINARY, type Said, signInPages, TROUBLES } from "../../fakes/sign-in-pages.ts";

type Html = string;
type Page = ReturnType<typeof SignIn>;
const render = async (page: Page): Promise<Html> => String(await page);

const SETTING: Setting = { locale: "en", brand: { name: "Shop", colour: "#0a7d4b" }, nonce: "n0nce" };
const FORM = { setting: SETTING, action: "/oauth/page", csrf: "c5rf", fields: { request: "r1" } } as const;

/** Every page with these words on it, by name. */
async function all(
  said: Said,
  setting = SETTING,
  fields = {},
): Promise<readonly (readonly [string, Html])[]> {
  const pages = Object.entries<Page>(signInPages(said, setting, fields));
  return await Promise.all(pages.map(async ([name, page]) => [name, await render(page)] as const));
}

const found = (html: Html, pattern: RegExp): readonly string[] =>
  [...html.matchAll(pattern)].map(([whole, part]) => part ?? whole);
const titleOf = (html: Html) => found(html, /<title>([^<]*)<\/title>/g)[0];
/** Buttons in focus order: name, value and class. */
const buttonsOf = (html: Html) =>
  found(html, /<button[^>]*>/g).map((tag) => ({
    name: /\bname="([^"]*)"/.exec(tag)?.[1],
    value: /\bvalue="([^"]*)"/.exec(tag)?.[1],
    class: /\bclass="([^"]*)"/.exec(tag)?.[1],
  }));
/** The one script that a page loads. */
const DRAWER = '<script nonce="n0nce" src="/qr.js" id="drawer" async="">';
const body = (html: Html): Html => html.slice(html.indexOf("<main>"), html.indexOf("</main>"));

describe("every page of the standard door", () => {
  const HOSTILE = `"><img src=x onerror=alert(1)><script>x</script>'&{app}{scope}`;
  const hostile = Object.fromEntries(Object.keys(ORDINARY).map((name) => [name, HOSTILE])) as Said;

  test("T14 shows what outsiders say as text, whatever they say", async () => {
    const setting: Setting = { ...SETTING, brand: { name: HOSTILE } };
    const ordinary = new Map(await all(ORDINARY, SETTING, { request: "r1" }));
    for (const [name, html] of await all(hostile, setting, { [HOSTILE]: HOSTILE })) {
      const tags = (text: Html | undefined) => found(text ?? "", /<(\w+)/g);
      expect(tags(html), name).toEqual(tags(ordinary.get(name)));
      expect(html, name).toContain("&lt;script&gt;x&lt;/script&gt;");
      expect(html, name).not.toContain("<img");
    }
  });

  test("T14 what looks like a place for words in somebody's words stays as it is", async () => {
    const html = await render(
      Ended({ setting: { ...SETTING, brand: { name: "{app} & {scope}" } }, kind: "approved", back: "/" }),
    );
    expect(body(html)).toContain("Back to <bdi>{app} &amp; {scope}</bdi>");
  });

  test("T93 has no handler in its mark-up, and no script or style that the nonce or the hash does not admit", async () => {
    for (const [name, html] of await all(ORDINARY)) {
      expect(found(html, /<[^>]*\s(?:on\w+|style)=[^>]*>/g), name).toEqual([]);
      expect(html, name).not.toContain("javascript:");
      const drawer = name.startsWith("match") ? [DRAWER] : [];
      expect(found(html, /<script[^>]*>/g), name).toEqual([...drawer, '<script nonce="n0nce">']);
      expect(found(html, /<style[^>]*>/g), name).toEqual(["<style>", '<style nonce="n0nce">']);
    }
  });

  test("binds each label to its field, and an error to the field that it is about", async () => {
    for (const [name, html] of await all(ORDINARY)) {
      const fields = found(html, /<input(?![^>]*type="hidden")[^>]*>/g);
      const ids = fields.map((field) => /\bid="([^"]*)"/.exec(field)?.[1]);
      expect(found(html, /<label for="([^"]*)"/g), name).toEqual(ids);
      const described = fields.flatMap(
        (field) => /aria-describedby="([^"]*)"/.exec(field)?.[1]?.split(" ") ?? [],
      );
      for (const id of described) expect(html, name).toContain(`id="${id}"`);
      expect(described.includes("error"), name).toBe(name.endsWith("-error"));
      expect(html.includes('role="alert"'), name).toBe(name.endsWith("-error"));
    }
  });

  test("sends the hidden fields with every form, escaped", async () => {
    const fields = { request: `a"b<c>&d`, flow: "" };
    const hidden = [
      '<input type="hidden" name="csrf" value="c5rf"/>',
      '<input type="hidden" name="request" value="a&quot;b&lt;c&gt;&amp;d"/>',
      '<input type="hidden" name="flow" value=""/>',
    ].join("");
    for (const [name, html] of await all(ORDINARY, SETTING, fields)) {
      const forms = found(html, /<form method="post"[^>]*>/g).length;
      expect(found(html, /<form\b/g).length, name).toBe(forms);
      const carried = name.startsWith("sessions")
        ? '<input type="hidden" name="csrf" value="c5rf"/>'
        : hidden;
      expect(html.split(carried).length - 1, name).toBe(forms);
    }
  });

  test("has a title that no other has, in the tab with the name of who asks", async () => {
    const words = signInWords("en");
    const titles = [
      ...Object.values(words).flatMap((part) =>
        typeof part === "object" && "title" in part ? part.title : [],
      ),
      ...ENDED.map((kind) => words.ended[kind].title),
      ...TROUBLES.map((kind) => words.trouble[kind].title),
    ];
    expect(titles.length).toBe(23);
    expect(new Set(titles).size).toBe(titles.length);
    for (const [name, html] of await all(ORDINARY)) {
      const isStranger = name === "consent-unverified";
      expect(titleOf(html)?.endsWith(" - Shop"), name).toBe(!isStranger);
      expect(found(html, /<h1>/g), name).toHaveLength(1);
    }
  });

  test("says nobody's name where nobody is known to ask", async () => {
    for (const [name, html] of await all(ORDINARY, { ...SETTING, brand: { name: "" } })) {
      expect(html, name).not.toContain('class="brand"');
      expect(body(html).replaceAll(/<[^>]*>/g, ""), name).not.toMatch(/\b(?:to|at|for)\s*[.?]/);
      expect(titleOf(html), name).not.toMatch(/ - $/);
    }
  });

  test("has English words in an unknown language", () => {
    expect(signInWords("tlh-Latn")).toBe(signInWords("en-GB"));
    expect(signInWords("constructor")).toBe(signInWords("en"));
  });
});

describe("a decision", () => {
  test.each(["consent", "consent-unverified", "device-confirm", "sign-out"] as const)(
    "T29 %s: no comes first and is like yes in size and weight",
    async (name) => {
      const [no, yes, ...others] = buttonsOf(await render(signInPages(ORDINARY, SETTING)[name]));
      const values = name === "sign-out" ? ["stay", "sign_out"] : ["deny", "approve"];
      expect([no?.value, yes?.value]).toEqual(values);
      expect([no?.name, yes?.name]).toEqual(["decision", "decision"]);
      expect(no?.class).toBe(yes?.class);
      expect(others).toEqual(
        name === "device-confirm" ? [{ name: "decision", value: "not_me", class: "quiet" }] : [],
      );
    },
  );

  test("T29 another device: app, account, place, device, time and code, and when to decline", async () => {
    const html = await render(signInPages(ORDINARY, SETTING)["device-confirm"]);
    expect(found(html, /<dt>([^<]*)<\/dt>/g)).toEqual(["Code", "App", "Account", "Place", "Device", "Time"]);
    for (const fact of ["WDJB-MJHT", "Shop", "ana@example.com", "Berlin, DE", "Firefox, Windows"]) {
      expect(html).toContain(`dir="auto">${fact}</dd>`);
    }
    expect(html).toContain('<time datetime="2026-10-20T12:00:00.000Z">');
    expect(html).toContain("only if you began this yourself");
    expect(html).toContain("Then decline.");
  });

  const consent = {
    ...FORM,
    client: { name: "Your bank", host: "evil.example", logo: "https://cdn.example/a.svg" },
    account: "ana@example.com",
    scopes: ["openid", "orders:read", "constructor"],
    unverified: true,
  } as const;

  test("T29 an app that nobody registered: its host in plain sight, its name quoted, its look nowhere", async () => {
    const setting: Setting = { ...SETTING, brand: { name: "Your bank", colour: "#ff0000" } };
    const html = await render(Consent({ ...consent, setting }));
    expect(html).toContain('<p class="host" dir="ltr">evil.example</p>');
    expect(html).toContain("Nobody here has checked this app");
    expect(html.match(/Your bank/g)).toHaveLength(1);
    expect(html).toContain("“<bdi>Your bank</bdi>”");
    expect(html).not.toContain("cdn.example");
    expect(html).not.toContain("--accent:#ff0000");
  });

  test("an app on this device is told from one that was checked: where it goes on, and that others could say the same", async () => {
    const html = await render(Consent({ ...consent, returnsTo: "localhost:3000", onDevice: true }));
    expect(html).toContain('<dd class="" dir="auto">localhost:3000</dd>');
    expect(html).toContain("Any program here could say that it is this app");
    expect(await render(Consent(consent))).not.toContain("Any program here");
  });

  test("an app that was registered: its name and picture, and no warning", async () => {
    const html = await render(Consent({ ...consent, unverified: false }));
    expect(html).toContain('src="https://cdn.example/a.svg" alt=""');
    expect(html).not.toContain('class="warning"');
  });

  test("says what an app gets in words, and what has none by its name", async () => {
    const html = await render(Consent(consent));
    expect(found(html, /<li>(.*?)<\/li>/g)).toEqual([
      "Know that it is you",
      "Use what it calls “<bdi>orders:read</bdi>”",
      "Use what it calls “<bdi>constructor</bdi>”",
    ]);
  });
});

describe("signing in", () => {
  const way = (value: string, main: boolean) => ({
    name: "way",
    value,
    class: main ? "button primary" : "button",
  });

  test("has one main button: the first way, or going on with the account that is here", async () => {
    const both = await render(SignIn({ ...FORM, ways: ["device", "code"] }));
    expect(buttonsOf(both)).toEqual([way("device", true), way("code", false)]);
    const one = await render(SignIn({ ...FORM, ways: ["code"] }));
    expect(buttonsOf(one)).toEqual([way("code", true)]);
    const known = await render(SignIn({ ...FORM, ways: ["device"], account: { label: "ana@example.com" } }));
    expect(buttonsOf(known)).toEqual([way("account", true), way("device", false)]);
    expect(known).not.toContain("autofocus");
    const none = await render(SignIn({ ...FORM, ways: [], account: { label: "ana@example.com" } }));
    expect(buttonsOf(none)).toEqual([way("account", true)]);
  });

  const match = {
    ...FORM,
    identifier: "ana@example.com",
    socketUri: "wss://id.example/s?a=1&b=2",
    handle: "h4ndle",
    left: 90_000,
    next: "/oauth/next",
    scan: { address: "https://id.example/phone#scan=1.", page: "id.example/phone" },
    canSendCode: false,
    restart: "/oauth/authorize?a=1",
  } as const;

  test("a page that waits names its socket, shows the number in groups, and asks again without script", async () => {
    const html = await render(MatchWait({ ...match, code: "482913" }));
    expect(html).toContain('<p class="number figures">482 913</p>');
    expect(html).toContain(
      'data-socket="wss://id.example/s?a=1&amp;b=2" data-handle="h4ndle" data-next="/oauth/next"',
    );
    expect(html).toContain('<noscript><meta http-equiv="refresh" content="10"/></noscript>');
    expect(html).toContain('<a class="quiet" href="/oauth/authorize?a=1">');
    expect(buttonsOf(html)).toEqual([]);
    const soon = await render(MatchWait({ ...match, left: 3_000, canSendCode: true }));
    expect(soon).toContain('http-equiv="refresh" content="4"');
    expect(soon).not.toContain('class="number');
    expect(buttonsOf(soon)).toEqual([{ name: "way", value: "code", class: "quiet" }]);
  });

  test("T96 a page that waits has room for a QR code, and says which page it must open; without script there is the number", async () => {
    const html = await render(MatchWait({ ...match, code: "482913" }));
    expect(html).toContain(
      '<div class="scan" id="scan" data-address="https://id.example/phone#scan=1." hidden="">',
    );
    expect(html).toContain('<svg class="qr" role="img" aria-label="QR code for your phone&#39;s camera">');
    expect(html).toContain("It must open <bdi>id.example/phone</bdi>.");
    expect(html.indexOf("482 913")).toBeLessThan(html.indexOf('id="scan"'));
    // It is drawn for nobody who waits without script.
    expect(found(html, /<(?:path|rect|img)\b/g)).toEqual([]);
  });

  const code = {
    ...FORM,
    address: "ana@example.com",
    restart: "/oauth/authorize",
    left: 90_000,
    letters: { again: false, wait: 20_000, ended: false },
  } as const;
  const actions = (html: Html) => found(html, /<form method="post" action="([^"]*)"/g);

  test("a code goes to the page's own action, another letter is asked for below it", async () => {
    expect(actions(await render(CodeEntry(code)))).toEqual(["/oauth/page", "/oauth/page/again"]);
    expect(actions(await render(CodeEntry({ ...code, submit: "/oauth/code?m=1" })))).toEqual([
      "/oauth/code?m=1",
      "/oauth/page/again",
    ]);
    const ended = { ...code, left: 0, letters: { again: false, wait: 0, ended: true } };
    expect(actions(await render(CodeEntry(ended)))).toEqual(["/oauth/page/again"]);
  });
});

describe("passkeys", () => {
  const idOf = (html: Html) => found(html, /<form method="post" action="([^"]*)"/g);

  test("signing in by one is a form of its own, which only a script shows", async () => {
    const html = await render(signInPages(ORDINARY, SETTING)["sign-in-passkey"]);
    expect(idOf(html)).toEqual(["/oauth/page", "/oauth/sign-in/passkey"]);
    expect(html).toContain('id="passkey" hidden="" data-rp="id.example" data-left="300000"');
    expect(html).toContain('autocomplete="username webauthn"');
    expect(buttonsOf(html).map(({ class: style }) => style)).toEqual(["button primary", "button", "button"]);
    expect(html).toContain('<noscript><p class="hint">To use a passkey, allow scripts');
    const without = await render(signInPages(ORDINARY, SETTING)["sign-in"]);
    expect(body(without)).not.toContain("passkey");
  });

  test("each is removed by its id, and each button says which; a page that is too old has none", async () => {
    const pages = signInPages(ORDINARY, SETTING, {});
    const html = await render(pages.passkeys);
    expect(idOf(html)).toEqual(["/oauth/page/remove", "/oauth/page"]);
    expect(found(html, /aria-label="([^"]*)"/g)).toEqual(["Remove: Firefox, Windows", "Remove: Passkey"]);
    expect(html).toContain('id="add" hidden="" data-begin="/oauth/page/begin"');
    expect(html).toContain('<noscript><p class="hint">A passkey needs script.');
    const stale = await render(pages["passkeys-stale"]);
    expect(buttonsOf(stale)).toEqual([]);
    expect(stale).toContain('href="/oauth/passkeys?client_id=shop&amp;again=1"');
    expect(await render(pages["passkeys-waits"])).toContain('<time datetime="2026-10-20T12:00:00.000Z">');
  });
});

describe("the end", () => {
  test("T82 what cannot be redirected has no link and no form, whatever the request said", async () => {
    const pages = (await all({ ...ORDINARY, detail: "https://evil.example" })).filter(([name]) =>
      name.startsWith("trouble-"),
    );
    expect(pages).toHaveLength(TROUBLES.length);
    for (const [name, html] of pages) {
      expect(found(body(html), /<(?:a|form|img)\b/g), name).toEqual([]);
      expect(html, name).toContain(">https://evil.example</code>");
    }
  });

  test("a session is ended by its id, all by one button, and each button says which", async () => {
    const html = await render(signInPages(ORDINARY, SETTING).sessions);
    expect(buttonsOf(html).map(({ name, value }) => `${name}=${value}`)).toEqual([
      "end=g1",
      "end=g2",
      "end=all",
    ]);
    const labels = found(html, /aria-label="([^"]*)"/g);
    expect(labels).toEqual([
      "Sign out: Shop, Firefox, Windows, Berlin, DE",
      "Sign out: Till, unknown, unknown",
    ]);
    expect(html.match(/You are here/g)).toHaveLength(1);
    expect(buttonsOf(await render(signInPages(ORDINARY, SETTING)["sessions-none"]))).toEqual([]);
  });
});
