import { mkdirSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Page } from "playwright-core";
import { makeApi } from "../wire/support/api.ts";
import { newestTo, type Sent, sentTo } from "../wire/support/outbox.ts";

/** Where pictures go for users to look at; none are taken without it. */
const pictures = process.env.SCREENSHOTS;

export async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return;
  mkdirSync(pictures, { recursive: true });
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
}

export type Site = { readonly port: number; readonly origin: string; close(): Promise<void> };

/** A web server of the client: what an app or a site of theirs would be. */
export async function startSite(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<Site> {
  const server = createServer(answer);
  await new Promise<void>((done) => server.listen(0, "localhost", done));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    origin: `http://localhost:${port}`,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}

export type Place = { readonly origin: string; readonly adminToken: string };

/** A fresh public client; the answer is its id. */
export async function makeClient({ origin, adminToken }: Place, parts: object): Promise<string> {
  const admin = makeApi(origin, { Authorization: `Bearer ${adminToken}` });
  const made = await admin("POST", "/admin/clients", { json: { name: "Shop", kind: "public", ...parts } });
  if (made.status !== 201) throw new Error(`no client: ${made.status} ${made.text}`);
  return String(made.body.client_id);
}

/** The newest message to this address with a code, or a link, once it is there; with `after` a newer one. */
export const newest = ({ origin }: Place, to: string, after?: Sent, has?: "code" | "link"): Promise<Sent> =>
  newestTo(makeApi(origin), to, after, has);

export const newestLink = async (place: Place, to: string): Promise<string> =>
  (await newest(place, to, undefined, "link")).link;

/** What was sent last to this address up to now: the mark before something newer is asked for. */
export const lastSent = async ({ origin }: Place, to: string): Promise<Sent | undefined> =>
  (await sentTo(makeApi(origin), to))[0];

/** How wide, tall and legible everything on a page is; run in the page. */
export function layout() {
  const { documentElement: root } = document;
  const shown = [...document.querySelectorAll<HTMLElement>("main *")].filter(
    (element) => element.checkVisibility() && element.getBoundingClientRect().width > 0,
  );
  const clipped = shown.filter(
    (element) =>
      element.scrollWidth > element.clientWidth + 1 &&
      getComputedStyle(element).overflowX === "hidden" &&
      !element.matches(".brand span"),
  );
  const beyond = shown.filter((element) => element.getBoundingClientRect().right > root.clientWidth + 1);
  const controls = shown.filter((element) =>
    element.matches("button,.button,input:not([type=radio],[type=checkbox]),.choice,.quiet"),
  );
  const low = controls.filter((element) => element.getBoundingClientRect().height < 44);
  const overlapping = controls.flatMap((a, index) =>
    controls.slice(index + 1).filter((b) => {
      const [x, y] = [a.getBoundingClientRect(), b.getBoundingClientRect()];
      return x.left < y.right && y.left < x.right && x.top < y.bottom && y.top < x.bottom;
    }),
  );
  const nameless = [...document.querySelectorAll<HTMLInputElement>("input:not([type=hidden])")].filter(
    (input) => (input.labels?.length ?? 0) === 0,
  );
  return {
    sideways: root.scrollWidth - root.clientWidth,
    clipped: clipped.map((element) => element.outerHTML.slice(0, 80)),
    beyond: beyond.map((element) => element.outerHTML.slice(0, 80)),
    low: low.map((element) => element.outerHTML.slice(0, 80)),
    overlapping: overlapping.map((element) => element.outerHTML.slice(0, 80)),
    nameless: nameless.length,
    headings: [...document.querySelectorAll("h1")].filter((heading) => heading.checkVisibility()).length,
  };
}

export const WELL_LAID_OUT = {
  sideways: 0,
  clipped: [],
  beyond: [],
  low: [],
  overlapping: [],
  nameless: 0,
};
