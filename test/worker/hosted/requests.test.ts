import { describe, expect, test } from "vitest";
import type { ClientSettings } from "../../../src/core/client/settings.ts";
import { fresh, type Json } from "../support/cotter.ts";
import {
  appPath,
  browser,
  enter,
  exchange,
  newPageClient,
  ORIGIN,
  type PageDeployment,
  pageDeployment,
  REDIRECT,
  readable,
  s256,
  VERIFIER,
} from "../support/page.ts";

const email = () => `${fresh("ana")}@example.com`;
const CHALLENGE = await s256(VERIFIER);
const SITE = "https://shop.example";

/** A page that everybody may frame: it does nothing, leads nowhere, and names nobody. */
async function expectHarmless(seen: Response): Promise<void> {
  const policy = (seen.headers.get("Content-Security-Policy") ?? "").split("; ");
  expect(policy).toEqual([
    "default-src 'none'",
    expect.stringMatching(/^style-src 'sha256-[^']+' 'sha256-[^']+'$/),
    ...["base-uri 'none'", "form-action 'none'", "sandbox", "frame-ancestors *"],
  ]);
  expect(seen.headers.getSetCookie()).toEqual([]);
  const text = await seen.text();
  for (const part of ["<form", "<input", "<button", "<script", "<a ", "<img", "<link", "href", "Shop"]) {
    expect(text).not.toContain(part);
  }
  expect(readable(text)).toMatch(/cannot be shown here|stands alone|does not work|not known here/);
}

describe("what the page is asked", () => {
  test.each([
    ["no client", { api_key: undefined }, "not known here"],
    ["an unknown client", { api_key: "nobody" }, "not known here"],
    ["no redirect address", { redirect_url: undefined }, "cannot send you back"],
    [
      "T82 an unregistered redirect address",
      { redirect_url: "https://evil.example/" },
      "cannot send you back",
    ],
    ["T82 a longer redirect address", { redirect_url: `${REDIRECT}/x` }, "cannot send you back"],
    ["T82 script for a redirect address", { redirect_url: "javascript:alert(1)" }, "cannot send you back"],
    ["no type", { type: undefined }, "does not work"],
    ["another type", { type: "USERNAME" }, "does not work"],
    ["T80 no code challenge", { code_challenge: undefined }, "does not work"],
    ["T80 an empty code challenge", { code_challenge: "" }, "does not work"],
    ["T80 a short code challenge", { code_challenge: "abc" }, "does not work"],
    ["T80 a padded code challenge", { code_challenge: `${CHALLENGE}=` }, "does not work"],
    ["T80 plain", { code_challenge_method: "plain" }, "does not work"],
    ["T80 an empty method", { code_challenge_method: "" }, "does not work"],
    ["a state without end", { state: "x".repeat(513) }, "does not work"],
    ["a state of control characters", { state: "\u0001".repeat(86) }, "does not work"],
    ["a person who is none", { cotter_user_id: "1" }, "does not work"],
  ])("%s is told by a page of our own, and leads nowhere", async (_name, over, words) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const path = await appPath(client, over);
    const seen = await browser(at).get(path);
    expect(seen.status).toBe(400);
    expect(readable(seen.text)).toContain(words);
    expect(seen.location).toBe("");
    expect(seen.text).not.toContain("evil.example");
    expect(seen.text).not.toContain('href="javascript');
    expect(seen.text).not.toContain("<form");
    const posted = await browser(at).post(path, { identifier: email() });
    expect(posted.status).toBe(400);
    expect(at.messages).toEqual([]);
  });

  test.each(["api_key", "redirect_url", "type", "code_challenge", "state"])(
    "T82 %s twice is refused, also when both are alike",
    async (name) => {
      const at = pageDeployment();
      const client = await newPageClient(at);
      const path = await appPath(client);
      const value = new URLSearchParams(path.slice(5)).get(name) ?? "";
      const seen = await browser(at).get(`${path}&${name}=${encodeURIComponent(value)}`);
      expect(seen.status).toBe(400);
      expect(seen.location).toBe("");
    },
  );

  test("a disabled client's page is gone, in the middle of a verification too", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    await at.services.clients.disable(client, Date.now());
    expect((await person.post(check, { code: at.last().code ?? "" })).status).toBe(400);
    expect((await person.get(await appPath(client))).status).toBe(400);
  });

  test("T82 an address that was struck off in the middle of a verification is not gone to", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    await at.services.clients.update(client, { redirectUris: ["https://shop.example/new"] }, Date.now());
    for (const shown of [await person.get(check), await person.post(check, { code: at.last().code ?? "" })]) {
      expect(shown.status).toBe(400);
      expect(readable(shown.text)).toContain("cannot send you back");
      expect(shown.location).toBe("");
      expect(shown.text).not.toContain(REDIRECT);
    }
  });

  test("as React Native sends it: the redirect address unescaped, several channels", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const query = `api_key=${client}&redirect_url=${REDIRECT}&type=PHONE&code_challenge=${CHALLENGE}&state=9rmc2791c5o&phone_channels[]=SMS&phone_channels[]=WHATSAPP`;
    const entry = await person.get(`/app?${query}`);
    expect(entry.text).toContain('value="sms" checked');
    expect(entry.text).toContain('value="whatsapp"');
    const sent = await person.post(`/app?${query}`, { identifier: "+15005550006", channel: "whatsapp" });
    expect(sent.status).toBe(303);
    expect(at.last()).toMatchObject({ channel: "whatsapp", to: "+15005550006" });
  });

  test.each([
    [
      "RN by e-mail",
      { type: "EMAIL", input: "bo+1@example.com" },
      { channel: "email", to: "bo+1@example.com" },
    ],
    [
      "RN by WhatsApp",
      { type: "PHONE", input: "+15005550006", use_channel: "WHATSAPP" },
      { channel: "whatsapp" },
    ],
    ["FL by e-mail", { type: "EMAIL", input: "fl@example.com", use_channel: "null" }, { channel: "email" }],
    [
      "IOS, the plus unescaped",
      { type: "PHONE", input: " 15005550006" },
      { channel: "sms", to: "+15005550006" },
    ],
    [
      "a link",
      { type: "EMAIL", input: "ml@example.com", auth_method: "MAGIC_LINK" },
      { template: "magic_link" },
    ],
  ])("direct_login sends at once: %s", async (_name, over, message) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const sent = await person.get(await appPath(client, { ...over, direct_login: "true" }));
    expect(sent.status).toBe(303);
    expect((await person.get(sent.location)).status).toBe(200);
    expect(at.messages).toMatchObject([message]);
  });

  test("direct_login: a look ahead, a picture and HEAD send nothing; direct_login=false asks", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const path = await appPath(client, { direct_login: "true", input: "bo@example.com" });
    for (const headers of [
      { "Sec-Purpose": "prefetch" },
      { Purpose: "prefetch" },
      { "Sec-Fetch-Dest": "image" },
    ]) {
      expect((await at.ask(path, { headers })).status).toBe(200);
    }
    await expectHarmless(await at.ask(path, { headers: { "Sec-Fetch-Dest": "iframe" } }));
    expect((await at.ask(path, { method: "HEAD" })).status).toBe(200);
    const asked = await at.ask(await appPath(client, { direct_login: "false", input: "bo@example.com" }));
    expect(await asked.text()).toContain('value="bo@example.com"');
    expect(at.messages).toEqual([]);
  });

  test.each(["cross-site", "same-site"])(
    "T135 direct_login: what a page of another site (%s) leads to sends nothing before a press",
    async (site) => {
      const at = pageDeployment();
      const client = await newPageClient(at);
      const to = email();
      const path = await appPath(client, { direct_login: "true", input: to });
      const person = browser(at);
      const shown = await person.get(path, {
        "Sec-Fetch-Site": site,
        "Sec-Fetch-Mode": "navigate",
        "Sec-Fetch-Dest": "document",
      });
      expect([shown.status, at.messages]).toEqual([200, []]);
      expect(shown.text).toContain(`value="${to}"`);
      const sent = await person.post(path, { identifier: to });
      expect([sent.status, at.messages.length]).toEqual([303, 1]);
    },
  );

  test.each([{}, { "Sec-Fetch-Site": "none" }, { "Sec-Fetch-Site": "same-origin" }])(
    "T135 direct_login: an app, or a page of ours, sends at once: %j",
    async (headers) => {
      const at = pageDeployment();
      const client = await newPageClient(at);
      const to = email();
      const path = await appPath(client, { direct_login: "true", input: to });
      expect([(await at.ask(path, { headers })).status, at.messages.length]).toEqual([303, 1]);
    },
  );

  test("S9 the letter goes to the address that it proves, whatever signs fold into it", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const kelvin = "\u212Aevin";
    for (const [typed, to] of [
      [`${kelvin}@example.com`, "kevin@example.com"],
      ["KeVin@EXAMPLE.com", "kevin@example.com"],
      ["J\u00f6rg@B\u00fccher.example", "j\u00f6rg@xn--bcher-kva.example"],
      ["Jo\u0308rg@example.com", "j\u00f6rg@example.com"],
    ] as const) {
      await enter(browser(at), client, typed);
      expect(at.last().to, typed).toBe(to);
    }
  });

  test.each([
    ["EMAIL", ""],
    ["EMAIL", "ana"],
    ["EMAIL", "ana@localhost"],
    ["EMAIL", "+15005550006"],
    ["EMAIL", "ana@example.com\r\nBcc: x@example.com"],
    ["PHONE", "ana@example.com"],
    ["PHONE", "12"],
    ["PHONE", "+999"],
  ])("what is no address is said beside the field: %s %j", async (type, identifier) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const path = await appPath(client, { type });
    await person.get(path);
    const seen = await person.post(path, { identifier });
    expect(seen.status).toBe(422);
    expect(seen.text).toContain('role="alert"');
    expect(seen.text).toContain('aria-invalid="true"');
    expect(at.messages).toEqual([]);
  });

  test("T14 what users and operators write stays text", async () => {
    const at = pageDeployment();
    const settings: ClientSettings = { brand: { name: '<b onclick="x()">Shop</b>' } };
    const client = await newPageClient(at, settings);
    const person = browser(at);
    const path = await appPath(client, { state: '"><script>x</script>' });
    await person.get(path);
    const seen = await person.post(path, { identifier: '"><img src=x>' });
    expect(seen.text).not.toContain("<img src=x>");
    expect(seen.text).not.toContain("<b onclick");
    expect(seen.text).not.toContain("<script>x");
  });

  test("the longest of everything fits into a challenge", async () => {
    const at = pageDeployment();
    const redirect_url = `https://shop.example/${"x".repeat(1_003)}`;
    const client = await newPageClient(at, {}, [redirect_url]);
    const person = browser(at);
    const identifier = `${'"'.repeat(100)}${"é".repeat(90)}@${"b".repeat(50)}.example`;
    const over = { redirect_url, state: "\u0001".repeat(85), cotter_user_id: crypto.randomUUID() };
    expect(redirect_url).toHaveLength(1_024);
    expect(await enter(person, client, identifier, over)).toMatch(/^\/app\/check\//);
    const framed = await newPageClient(at, {}, [redirect_url]);
    const begun = await framePost(at, framePath(framed, over).replace("?", "/start?"), {
      secret: "A".repeat(43),
      identifier,
      method: "otp",
      channel: "email",
    });
    expect(begun.status).toBe(200);
  });

  test("a state comes back as it was, and adds no parameter", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at, {}, ["https://shop.example/cb?app=1"]);
    const state = "a&code=forged#x %é=";
    const redirect_url = "https://shop.example/cb?app=1";
    const person = browser(at);
    const check = await enter(person, client, email(), { state, redirect_url });
    const done = await person.post(check, { code: at.last().code ?? "" });
    const url = new URL(done.location);
    expect(done.location.startsWith("https://shop.example/cb?app=1&code=")).toBe(true);
    expect(url.searchParams.get("state")).toBe(state);
    expect(url.searchParams.getAll("code")).toHaveLength(1);
    expect(url.hash).toBe("");
  });
});

describe("who may go on", () => {
  test("another browser gets nothing of it, with or without a cookie of its own", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const check = await enter(browser(at), client, email());
    const code = at.last().code ?? "";
    const stranger = browser(at);
    expect((await stranger.get(check)).status).toBe(403);
    await stranger.get(await appPath(client));
    for (const answer of [await stranger.get(check), await stranger.post(check, { code })]) {
      expect(answer.status).toBe(403);
      expect(answer.text).not.toContain("@example.com");
      expect(answer.location).toBe("");
    }
  });

  test.each([
    ["no token", { csrf: "" }, {}],
    ["another's token", { csrf: "A".repeat(43) }, {}],
    ["another site", {}, { "Sec-Fetch-Site": "cross-site" }],
    ["a neighbouring site", {}, { "Sec-Fetch-Site": "same-site" }],
    ["another origin", {}, { Origin: "https://evil.example" }],
    ["no cookie", {}, { Cookie: "" }],
  ])("T93 a form with %s is refused at every step", async (_name, fields, headers) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    for (const [path, own] of [
      [await appPath(client), { identifier: email() }],
      [check, { code }],
      [`${check}/again`, {}],
    ] as const) {
      expect((await person.post(path, { ...own, ...fields }, headers)).status, path).toBe(403);
    }
    expect(at.messages).toHaveLength(1);
    expect((await person.post(check, { code }, { Origin: "null" })).status).toBe(303);
  });

  test.each([
    ["JSON", { "Content-Type": "application/json" }, '{"csrf":"x"}'],
    ["a field twice", {}, "csrf=x&code=1&code=2"],
    ["9 KB", {}, `csrf=x&code=${"1".repeat(9_000)}`],
    ["bytes that are no text", {}, "\xff\xfe"],
  ])("T107 %s for a form is refused and never a fault", async (_name, headers, body) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    for (const path of [await appPath(client), check, `${check}/again`]) {
      const answer = await at.ask(path, {
        method: "POST",
        headers: {
          "Content-Type": "application/x-www-form-urlencoded",
          Cookie: person.cookie(),
          "Sec-Fetch-Site": "same-origin",
          ...headers,
        },
        body,
      });
      expect([400, 403]).toContain(answer.status);
    }
  });

  test("T107 a field twice is refused, also when everything else is right", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    const twice = [
      ["csrf", person.csrf()],
      ["code", "x"],
      ["code", code],
    ];
    const answer = await at.ask(check, {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded", Cookie: person.cookie() },
      body: new URLSearchParams(twice).toString(),
    });
    expect(answer.status).toBe(403);
    expect((await person.post(check, { code })).status).toBe(303);
  });

  test("T92 T93 every page and answer: not stored, not framed, no referrer, its own policy and cookie", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const entry = await at.ask(await appPath(client));
    const cookie = entry.headers.get("Set-Cookie") ?? "";
    expect(cookie).toMatch(
      /^countersign_page=[A-Za-z0-9_-]{43}; Max-Age=3600; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const https = pageDeployment({ ISSUER: "https://sign.example" });
    const path = await appPath(await newPageClient(https));
    const secure = await https.ask(path);
    expect(secure.headers.get("Set-Cookie")).toMatch(
      /^__Host-countersign_page=[A-Za-z0-9_-]{43}; Max-Age=3600; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    // One that a neighbour has planted is not read: the page is given another.
    const planted = await https.ask(path, { headers: { Cookie: `countersign_page=${"A".repeat(43)}` } });
    expect(planted.headers.get("Set-Cookie")).not.toContain("A".repeat(43));
    const check = await enter(person, client, email());
    const nonces = new Set<string>();
    for (const answer of [
      entry,
      await person.get(check),
      await person.post(check, { code: "x" }),
      await person.get(`${check}?e=wrong&n=1`),
      await person.post(check, { code: at.last().code ?? "" }),
      await person.get(check),
      await person.get("/app?api_key=x"),
      await person.get(`/app/check/${"0".repeat(64)}`),
    ]) {
      const policy = answer.headers.get("Content-Security-Policy") ?? "";
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain("unsafe");
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
      expect(answer.headers.get("Referrer-Policy")).toBe("no-referrer");
      expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
      const nonce = /'nonce-([^']+)'/.exec(policy)?.[1];
      if (nonce !== undefined) nonces.add(nonce);
    }
    expect(nonces.size).toBeGreaterThanOrEqual(6);
  });

  test("T92 the exchange is for the client's own pages, and stored nowhere", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    for (const [origin, allowed] of [
      [SITE, SITE],
      ["https://evil.example", null],
    ] as const) {
      const answer = await at.ask("/api/v0/verify/get_identity", {
        method: "POST",
        headers: { "Content-Type": "application/json", API_KEY_ID: client, Origin: origin },
        body: "{}",
      });
      expect(answer.status).toBe(400);
      expect(answer.headers.get("Access-Control-Allow-Origin")).toBe(allowed);
      expect(answer.headers.get("Cache-Control")).toBe("no-store");
    }
  });

  test("T61 an address that has guessed wrong too often waits", async () => {
    const misses: (string | undefined)[] = [];
    const at = pageDeployment({}, ({ limits }) => ({
      limits: {
        ...limits,
        miss: async (ip) => misses.push(ip) < 2,
        blocked: () => misses.length >= 2,
      },
    }));
    const client = await newPageClient(at);
    const person = browser(at, { "CF-Connecting-IP": "192.0.2.9" });
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    const wrong = code === "000000" ? "111111" : "000000";
    await person.post(check, { code: wrong });
    await person.post(check, { code: wrong });
    expect(misses).toEqual(["192.0.2.9", "192.0.2.9"]);
    const blocked = await person.post(check, { code });
    expect(blocked.status).toBe(429);
    expect(blocked.headers.get("Retry-After")).toBe("60");
    expect((await person.post(`${check}/again`, {})).status).toBe(429);
  });

  test("going back, and typing the code once more, leads to the same place; afterwards the page says that it is done", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    const first = await person.post(check, { code });
    expect((await person.post(check, { code })).location).toBe(first.location);
    const shown = await person.get(check);
    expect(readable(shown.text)).toContain("Continue to Shop");
    expect(shown.text).toContain(first.location.replaceAll("&", "&amp;"));
    const given = Object.fromEntries(new URLSearchParams(first.location.split("?")[1]));
    await exchange(at, client, given as never);
    const over = await person.get(check);
    expect(readable(over.text)).toContain("This is done");
    expect(over.text).not.toContain(given.code);
    expect((await person.post(`${check}/again`, {})).location).toBe(check);
  });
});

describe("T64 a code is nowhere but in its message", () => {
  test("T64 no answer, header, queue body or audit row of the whole flow holds it", async () => {
    const lines: string[] = [];
    const at = pageDeployment({ ENVIRONMENT: "development" }, (services) => ({
      log: (level, message, fields) => {
        lines.push(JSON.stringify({ level, message, fields }));
      },
      records: {
        ...services.records,
        finish: async (event, grant) => {
          lines.push(JSON.stringify({ event, grant }));
          return await services.records.finish(event, grant);
        },
      },
    }));
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    const seen: string[] = [];
    const keep = (answer: { text: string; headers: Headers }) => {
      seen.push(answer.text, JSON.stringify([...answer.headers]));
    };
    keep(await person.get(check));
    const wrong = await person.post(check, { code: code === "000000" ? "111111" : "000000" });
    keep(wrong);
    keep(await person.get(wrong.location));
    keep(await person.post(check, { code }));
    keep(await person.get(check));
    expect(at.queued.length).toBeGreaterThan(0);
    const digits = new RegExp(`(?<![0-9a-zA-Z_-])${code}(?![0-9a-zA-Z_-])`);
    for (const text of [...seen, ...lines, JSON.stringify(at.queued)]) expect(text).not.toMatch(digits);
  });
});

const framePath = (client: string, over: Readonly<Record<string, string>> = {}, at = "signup") =>
  `/${at}?${new URLSearchParams({
    challenge: CHALLENGE,
    type: "EMAIL",
    domain: SITE,
    api_key: client,
    redirect_url: "undefined",
    state: "s1",
    id: "form1",
    ...over,
  })}`;

const data = (text: string, name: string): string =>
  (new RegExp(`data-${name}="([^"]*)"`).exec(text)?.[1] ?? "").replaceAll("&amp;", "&");

async function framePost(at: PageDeployment, path: string, body: object, headers: object = {}) {
  const answer = await at.ask(path, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Origin: ORIGIN,
      "Sec-Fetch-Site": "same-origin",
      ...headers,
    },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Json, headers: answer.headers };
}

describe("inside a page of the client", () => {
  test("a frame is told what became of its own messages, and a stranger nothing", async () => {
    let failed = "";
    const at = pageDeployment({}, ({ deliveries }) => ({
      deliveries: { ...deliveries, stateOf: async (_subject, id) => (id === failed ? "failed" : "sent") },
    }));
    const text = await (await at.ask(framePath(await newPageClient(at)))).text();
    const secret = data(text, "secret");
    const asked = { secret, identifier: email(), method: "otp", channel: "email" };
    const { id, message } = (await framePost(at, data(text, "start"), asked)).body;
    const ask = async (over: object = {}) =>
      (await framePost(at, data(text, "sent"), { secret, id, message, ...over })).body;
    expect(await ask()).toEqual({});
    failed = String(message);
    expect((await ask()).unsent).toContain("could not be sent");
    expect(await ask({ secret: "B".repeat(42).concat("A") })).toEqual({});
    expect(await ask({ message: "other" })).toEqual({});
    const again = (await framePost(at, data(text, "again"), { secret, id })).body;
    expect(again.message).not.toBe(message);
  });

  test("a form of a page is framed by that page alone, and its code is for that page's origin", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const frame = await at.ask(framePath(client));
    const text = await frame.text();
    expect(frame.status).toBe(200);
    expect(frame.headers.get("Content-Security-Policy")).toContain(`frame-ancestors ${SITE}`);
    expect(frame.headers.get("Set-Cookie")).toBeNull();
    expect(data(text, "parent")).toBe(SITE);
    const secret = data(text, "secret");
    const address = email();
    const begun = await framePost(at, data(text, "start"), {
      secret,
      identifier: address,
      method: "otp",
      channel: "email",
    });
    expect(begun.status).toBe(200);
    expect(begun.headers.get("Cache-Control")).toBe("no-store");
    const { id } = begun.body;
    const code = at.last().code ?? "";
    const wrong = await framePost(at, "/signup/check", { secret, id, code: code === "1" ? "2" : "1" });
    expect(wrong).toMatchObject({ status: 422, body: { error: expect.stringContaining("not the code") } });
    const other = "B".repeat(42).concat("A");
    expect((await framePost(at, "/signup/check", { secret: other, id, code })).status).toBe(422);
    const done = await framePost(at, "/signup/check", { secret, id, code });
    expect(done.body).toEqual({ authorization_code: expect.any(String), challenge_id: expect.any(Number) });
    const given = {
      code: String(done.body.authorization_code),
      state: "s1",
      challenge_id: String(done.body.challenge_id),
    };
    const identity = await exchange(at, client, given, { redirect_url: SITE });
    expect(identity.status).toBe(200);
    expect(identity.body.user.identifier).toBe(address);
  });

  test("a registered redirect address is accepted beside the origin, an unregistered one is not", async () => {
    const at = pageDeployment();
    const registered = "https://shop.example/after";
    const client = await newPageClient(at, {}, [registered]);
    for (const [redirect_url, named, status] of [
      [registered, registered, 200],
      [registered, SITE, 200],
      ["https://shop.example/else", "https://shop.example/else", 400],
      ["https://shop.example/else", SITE, 200],
      ["undefined", "undefined", 400],
      [registered, `${SITE}/`, 400],
    ] as const) {
      const text = await (await at.ask(framePath(client, { redirect_url }))).text();
      const secret = data(text, "secret");
      const start = data(text, "start");
      const begun = await framePost(at, start, {
        secret,
        identifier: email(),
        method: "otp",
        channel: "email",
      });
      const code = at.last().code ?? "";
      const done = await framePost(at, "/signup/check", { secret, id: begun.body.id, code });
      const given = {
        code: String(done.body.authorization_code),
        state: "",
        challenge_id: String(done.body.challenge_id),
      };
      const identity = await exchange(at, client, given, { redirect_url: named });
      expect(identity.status, `${redirect_url} ${named}`).toBe(status);
    }
  });

  test("a link confirmed elsewhere is finished by the frame that asked", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const path = framePath(client, { code_challenge: CHALLENGE, auth_method: "MAGIC_LINK" }, "login");
    const text = await (await at.ask(path)).text();
    expect(data(text, "method")).toBe("link");
    const secret = data(text, "secret");
    const begun = await framePost(at, data(text, "start"), {
      secret,
      identifier: email(),
      method: "link",
      channel: "email",
    });
    expect(begun.body).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{64}$/),
      message: expect.any(String),
      left: expect.any(Number),
      handle: expect.any(String),
      wait_uri: `http://localhost:8787/challenges/${begun.body.id}/wait`,
      socket_uri: `ws://localhost:8787/challenges/${begun.body.id}/socket`,
    });
    const headers = { Authorization: `Bearer ${begun.body.handle}` };
    const held = await at.ask(`/challenges/${begun.body.id}/wait?timeout=1`, { headers });
    expect([held.status, await held.json()]).toMatchObject([200, { state: "pending" }]);
    expect((await framePost(at, "/login/finish", { secret, id: begun.body.id })).status).toBe(410);
    const link = new URL(at.last().link ?? "");
    await browser(at).post(link.pathname, { secret: link.searchParams.get("t") ?? "", decision: "approve" });
    const done = await framePost(at, "/login/finish", { secret, id: begun.body.id });
    expect(done.body.authorization_code).toMatch(/^[0-9a-f]{64}\./);
    expect(
      (await framePost(at, "/login/finish", { secret: "B".repeat(42).concat("A"), id: begun.body.id }))
        .status,
    ).toBe(422);
  });

  test.each([
    ["an origin that the client does not list", { domain: "https://evil.example" }],
    ["a longer origin", { domain: "https://shop.example.evil.example" }],
    ["an origin with a path", { domain: "https://shop.example/x" }],
    ["an origin with a slash", { domain: "https://shop.example/" }],
    ["no origin", { domain: "" }],
    ["a policy in an origin", { domain: "https://shop.example; script-src *" }],
    ["an app's scheme", { domain: "myapp://x" }],
    ["a star", { domain: "*" }],
    ["no challenge", { challenge: "" }],
    ["an unknown client", { api_key: "nobody" }],
  ])(
    "T93 T223 %s is refused, by a page that may be framed because there is nothing on it",
    async (_name, over) => {
      const at = pageDeployment();
      const client = await newPageClient(at);
      for (const place of ["signup", "login"]) {
        const seen = await at.ask(framePath(client, over, place));
        expect(seen.status).toBe(400);
        await expectHarmless(seen);
        const path = framePath(client, over, place).replace("?", "/start?");
        const begun = await framePost(at, path, {
          secret: "A".repeat(43),
          identifier: email(),
          method: "otp",
          channel: "email",
        });
        expect(begun.status).toBe(403);
      }
      expect(at.messages).toEqual([]);
    },
  );

  test.each(["https://shop.example/x", "https://shop.example; script-src *", "myapp://x", "*", "null"])(
    "T93 a client whose origins are everybody still has pages for parents: not %s",
    async (domain) => {
      const at = pageDeployment();
      const client = await newPageClient(at);
      await at.services.clients.update(client, { allowedOrigins: ["*"] }, Date.now());
      expect((await at.ask(framePath(client, { domain: "https://any.example" }))).status).toBe(200);
      const seen = await at.ask(framePath(client, { domain }));
      expect(seen.status).toBe(400);
      await expectHarmless(seen);
    },
  );

  test.each([
    ["the site around it", { Origin: SITE, "Sec-Fetch-Site": "cross-site" }],
    ["a neighbour", { "Sec-Fetch-Site": "same-site" }],
    ["an old browser of another site", { Origin: "https://evil.example", "Sec-Fetch-Site": "" }],
  ])("T93 calls of %s are refused", async (_name, headers) => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const begun = await framePost(
      at,
      framePath(client).replace("?", "/start?"),
      { secret: "A".repeat(43), identifier: email(), method: "otp", channel: "email" },
      headers,
    );
    expect(begun.status).toBe(403);
    expect(at.messages).toEqual([]);
  });

  test("a frame's verification is not shown at /app, nor one of /app in a frame", async () => {
    const at = pageDeployment();
    const client = await newPageClient(at);
    const person = browser(at);
    const check = await enter(person, client, email());
    const code = at.last().code ?? "";
    const secret = person.cookie().split("=")[1] ?? "";
    const id = check.split("/").at(-1) ?? "";
    expect((await framePost(at, "/signup/check", { secret, id, code })).status).toBe(422);
    const text = await (await at.ask(framePath(client))).text();
    const begun = await framePost(at, data(text, "start"), {
      secret,
      identifier: email(),
      method: "otp",
      channel: "email",
    });
    expect((await person.get(`/app/check/${begun.body.id}`)).status).toBe(403);
  });

  test("T107 bodies that cannot be read are refused, never a fault", async () => {
    const at = pageDeployment();
    for (const path of ["start", "check", "again", "finish"]) {
      for (const body of ["", "{", "[]", '{"secret":1}', `{"secret":"${"x".repeat(70_000)}"}`]) {
        const answer = await at.ask(`/signup/${path}`, {
          method: "POST",
          headers: { "Content-Type": "application/json", Origin: ORIGIN },
          body,
        });
        expect(answer.status, `${path} ${body.slice(0, 20)}`).toBe(400);
      }
    }
  });
});
