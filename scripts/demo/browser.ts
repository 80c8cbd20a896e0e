import type { Fields } from "./api.ts";
import { expect } from "./expect.ts";

/** A browser, as far as forms go: it keeps cookies, follows redirects of this server, and sends forms as the page has them. */
export type Browser = {
  open(url: string): Promise<void>;
  /** Fills in and sends the form of this page that has all of these fields; a button is a field too. */
  submit(fields: Fields): Promise<void>;
  /** Where it is now: a page of the server, or the address of an app that it was led to. */
  readonly url: URL;
  /** The page's HTML; empty at the address of an app. */
  readonly html: string;
};

const MOST_HOPS = 10;

export function makeBrowser(origin: string): Browser {
  const jar = new Map<string, string>();
  let url = new URL(origin);
  let html = "";

  const ask = async (to: URL, init: RequestInit): Promise<string | undefined> => {
    const answer = await fetch(to, {
      ...init,
      redirect: "manual",
      headers: {
        ...(init.method === "POST" ? { Origin: to.origin, "Sec-Fetch-Site": "same-origin" } : {}),
        Cookie: [...jar].map((pair) => pair.join("=")).join("; "),
      },
      signal: AbortSignal.timeout(15_000),
    });
    for (const cookie of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      jar.set(name, value);
    }
    html = await answer.text();
    const isRedirect = answer.status >= 300 && answer.status < 400;
    expect(isRedirect || answer.ok, `a page at ${to.pathname}`, answer.status);
    return isRedirect ? (answer.headers.get("Location") ?? undefined) : undefined;
  };

  const visit = async (to: URL, init: RequestInit = {}): Promise<void> => {
    url = to;
    let next = await ask(url, init);
    for (let hops = 0; next !== undefined && hops < MOST_HOPS; hops += 1) {
      url = new URL(next, url);
      if (url.origin !== new URL(origin).origin) {
        html = "";
        return;
      }
      next = await ask(url, {});
    }
    expect(next === undefined, "an end of the redirects", url.pathname);
  };

  return {
    get url() {
      return url;
    },
    get html() {
      return html;
    },
    open: (to) => visit(new URL(to, origin)),
    async submit(fields) {
      const form = formsOf(html).find(({ takes }) => Object.entries(fields).every(takes));
      expect(form !== undefined, `a form with ${Object.keys(fields)}`, headingOf(html));
      const body = new URLSearchParams({ ...form.hidden, ...fields });
      await visit(new URL(form.action || url, url), { method: "POST", body });
    },
  };
}

const headingOf = (html: string): string => /<h1[^>]*>([^<]*)/.exec(html)?.[1] ?? "no heading";

type Form = {
  readonly action: string;
  readonly hidden: Fields;
  takes(field: readonly [string, string]): boolean;
};

function formsOf(html: string): readonly Form[] {
  return [...html.matchAll(/<form\b[^>]*>[\s\S]*?<\/form>/g)].map(([text]) => {
    const inputs = [...text.matchAll(/<(?:input|button)\b[^>]*>/g)].map(([tag]) => ({
      name: attribute(tag, "name"),
      value: attribute(tag, "value"),
      isHidden: attribute(tag, "type") === "hidden",
      isButton: tag.startsWith("<button"),
    }));
    return {
      action: attribute(/^<form\b[^>]*>/.exec(text)?.[0] ?? "", "action"),
      hidden: Object.fromEntries(
        inputs.filter(({ isHidden }) => isHidden).map(({ name, value }) => [name, value]),
      ),
      takes: ([name, value]) =>
        inputs.some((input) => input.name === name && (!input.isButton || input.value === value)),
    };
  });
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", quot: '"', lt: "<", gt: ">", "#39": "'" };

function attribute(tag: string, name: string): string {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(tag)?.[1] ?? "";
  return value.replaceAll(/&(\w+|#39);/g, (entity, word) => ENTITIES[word] ?? entity);
}
