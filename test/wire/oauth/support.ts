import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type Api, makeApi } from "../support/api.ts";
import { type App, freshEmail, makeApp } from "../support/app.ts";
import { newestTo, sentTo } from "../support/outbox.ts";
import { makePerson, type Person } from "../support/people.ts";
import { place } from "../support/place.ts";

/** Where a browser is led that is done here; nobody answers there. */
export const CALLBACK = "https://shop.example/cb";

export const DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code";
export const CIBA = "urn:openid:params:grant-type:ciba";

/** The server as its clients name it. */
export const issuer = (): URL => new URL(place().origin);

export const admin = (): Api => makeApi(place().origin, { Authorization: `Bearer ${place().adminToken}` });

/** A client of the standard door as its operator registers it. */
export type Registered = { readonly id: string; readonly secret: string };

export async function register(
  kind: "public" | "confidential",
  parts: Readonly<Record<string, unknown>> = {},
): Promise<Registered> {
  const made = await admin()("POST", "/admin/clients", {
    json: { name: "Shop", kind, redirect_uris: [CALLBACK], ...parts },
  });
  if (made.status !== 201) throw new Error(`no client: ${made.status} ${made.text}`);
  return { id: String(made.body.client_id), secret: String(made.body.client_secret ?? "") };
}

/** A web site in this process: an app that is built with one of the libraries. */
export type Site = (request: Request) => Response | Promise<Response>;

/** What a browser shows: the address, and the page unless nobody answers there. */
export type Shown = { readonly url: URL; readonly status: number; readonly html: string };

/**
 * A browser, as far as HTTP goes: keeps cookies, follows redirects, posts forms as they were shown. It stops at an address of a site that
 * is neither the server nor one of `sites`.
 */
export class Browser {
  private readonly jars = new Map<string, Map<string, string>>();
  private readonly sites: Readonly<Record<string, Site>>;
  private shown: Shown | undefined;

  constructor(sites: Readonly<Record<string, Site>> = {}) {
    this.sites = sites;
  }

  get page(): Shown {
    if (!this.shown) throw new Error("no page was opened");
    return this.shown;
  }

  go(to: URL | string): Promise<Shown> {
    return this.ask(new URL(to), { method: "GET" });
  }

  /** Fills and sends the form of this page that has all these fields; a button counts as a field. */
  submit(fields: Readonly<Record<string, string>>): Promise<Shown> {
    const { url, html } = this.page;
    const form = formsOf(html).find((one) =>
      Object.entries(fields).every(([name, value]) => one.takes(name, value)),
    );
    if (!form) throw new Error(`no form for ${Object.keys(fields)} at ${url}: ${html.slice(-800)}`);
    return this.ask(new URL(form.action, url), {
      method: "POST",
      headers: { Origin: url.origin, "Sec-Fetch-Site": "same-origin" },
      body: new URLSearchParams({ ...form.hidden, ...fields }),
    });
  }

  /** Calls a site as its own page's script does. */
  async fetch(to: URL | string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(to);
    const jar = this.jarOf(url);
    const headers = new Headers(init.headers);
    if (jar.size > 0) headers.set("Cookie", [...jar].map(([name, value]) => `${name}=${value}`).join("; "));
    const request = new Request(url, { ...init, headers, redirect: "manual" });
    const answer = await (this.sites[url.origin] ?? fetch)(request);
    for (const set of answer.headers.getSetCookie()) keep(jar, set);
    return answer;
  }

  private async ask(first: URL, init: RequestInit): Promise<Shown> {
    let [url, how] = [first, init];
    for (let hop = 0; hop < MOST_HOPS; hop++) {
      if (url.origin !== issuer().origin && !this.sites[url.origin]) {
        this.shown = { url, status: 0, html: "" };
        return this.shown;
      }
      const answer = await this.fetch(url, how);
      const html = await answer.text();
      const location = answer.headers.get("Location");
      if (answer.status < 300 || answer.status > 399 || location === null) {
        this.shown = { url, status: answer.status, html };
        return this.shown;
      }
      url = new URL(location, url);
      how = { method: "GET" };
    }
    throw new Error(`led round in circles: ${url}`);
  }

  private jarOf({ origin }: URL): Map<string, string> {
    const jar = this.jars.get(origin) ?? new Map<string, string>();
    this.jars.set(origin, jar);
    return jar;
  }
}

const MOST_HOPS = 10;

function keep(jar: Map<string, string>, set: string): void {
  const [pair = "", ...rules] = set.split(";");
  const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
  const isGone = rules.some((rule) => /^ *(max-age=0|expires=thu, 01 jan 1970)/i.test(rule));
  if (isGone) jar.delete(name);
  else jar.set(name, value);
}

type Form = {
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  takes(name: string, value: string): boolean;
};

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", quot: '"', lt: "<", gt: ">", "#39": "'" };
const plain = (text: string): string => text.replaceAll(/&(\w+|#39);/g, (all, name) => ENTITIES[name] ?? all);
const attribute = (tag: string, name: string): string | undefined => {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1];
  return value === undefined ? undefined : plain(value);
};

function formsOf(html: string): readonly Form[] {
  return [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)].map(([text]) => {
    const tags = [...text.matchAll(/<(?:input|button)\b[^>]*>/g)].map(([tag]) => ({
      name: attribute(tag, "name") ?? "",
      value: attribute(tag, "value") ?? "",
      type: attribute(tag, "type"),
      isButton: tag.startsWith("<button"),
    }));
    const hidden = tags.filter(({ type, name }) => type === "hidden" && name !== "");
    return {
      action: attribute(text, "action") ?? "",
      hidden: Object.fromEntries(hidden.map(({ name, value }) => [name, value])),
      takes: (name, value) => tags.some((tag) => tag.name === name && (!tag.isButton || tag.value === value)),
    };
  });
}

/** Somebody at a browser, who reads the mail of an address of their own. */
export type Somebody = { readonly browser: Browser; readonly address: string };

export const somebody = (sites: Readonly<Record<string, Site>> = {}): Somebody => ({
  browser: new Browser(sites),
  address: freshEmail(),
});

/** The sign-in page in front of them, by a code to their address; answers where it leads. */
export async function typeCode({ browser, address }: Somebody): Promise<Shown> {
  const api = makeApi(place().origin);
  const [last] = await sentTo(api, address);
  await browser.submit({ identifier: address, way: "code" });
  return await browser.submit({ code: (await newestTo(api, address, last)).code });
}

/** Opens an authorization request and signs in there by a code; answers where it leads. */
export async function signInAt(who: Somebody, url: URL): Promise<URL> {
  await who.browser.go(url);
  return (await typeCode(who)).url;
}

/** What a device shows its user (RFC 8628 §3.2). */
type DeviceShows = { readonly verification_uri: string; readonly user_code: string };

/** Types the code that a device shows, signs in by a code, and answers. */
export async function answerDevice(
  who: Somebody,
  { verification_uri, user_code }: DeviceShows,
  decision: "approve" | "deny",
): Promise<void> {
  await who.browser.go(verification_uri);
  await who.browser.submit({ user_code });
  const { html } = await typeCode(who);
  if (!html.includes(user_code)) throw new Error(`not asked about ${user_code}: ${html.slice(-800)}`);
  await who.browser.submit({ decision });
}

/** Settings of a client whose people approve by a bare tap on a phone that another client has enrolled. */
export const BY_PHONE = { approve_through: "realm", match_code: "off" } as const;

/** Somebody with a phone that the Cotter app of another client has enrolled. Their address is proven: other clients go by no other one. */
export async function withPhone(): Promise<{ readonly phones: App; readonly person: Person }> {
  const phones = await makeApp(place());
  const person = await makePerson(phones);
  const json = { email: person.identifier, verified: true };
  const proven = await phones.admin("PATCH", `/admin/users/${person.userId}`, { json });
  if (proven.status !== 200) throw new Error(`not proven: ${proven.status} ${proven.text}`);
  return { phones, person };
}

/** A call that the server made to a client. */
export type Told = { readonly headers: IncomingHttpHeaders; readonly body: string };

/** An address of a client that waits for one call of the server. */
export async function listening(): Promise<{
  readonly url: string;
  readonly told: Promise<Told>;
  close(): void;
}> {
  const { promise: told, resolve } = Promise.withResolvers<Told>();
  const server = createServer(async (request, response) => {
    resolve({ headers: request.headers, body: await text(request) });
    response.writeHead(204).end();
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/told`, told, close: () => void server.close() };
}
