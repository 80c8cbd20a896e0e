import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Authsignal } from "@authsignal/browser";
import type { Page } from "playwright-core";
import type { Json } from "../wire/support/api.ts";
import { Device, IOS, makeTenant, type Namespace, type Tenant } from "../wire/support/authsignal.ts";
import { type OpenPage, openPage } from "./browser.ts";
import { type Place, type Site, startSite } from "./verify-support.ts";

/** What the SDK called back with, oldest first. */
export type Told = { readonly what: string; readonly id?: string; readonly token?: string };

declare global {
  interface Window {
    shop: Authsignal;
    told: Told[];
  }
}

/** The vendor's own browser SDK, unmodified: the module that its package names. */
const SDK = readFileSync(createRequire(import.meta.url).resolve("@authsignal/browser"));

const PAGE = `<!doctype html>
<title>Shop</title>
<link rel="icon" href="data:,">
<script type="module">
  import { Authsignal } from "/sdk.js";
  const words = new URLSearchParams(location.search);
  window.told = [];
  window.shop = new Authsignal({
    baseUrl: words.get("base"),
    tenantId: words.get("tenant"),
    onTokenExpired: () => window.told.push({ what: "expired" }),
  });
</script>`;

/** A site of a client, whose pages have the SDK at hand. */
export const startShop = (): Promise<Site> =>
  startSite((request, response) => {
    const isScript = request.url === "/sdk.js";
    response.setHeader("Content-Type", isScript ? "text/javascript" : "text/html; charset=utf-8");
    response.end(isScript ? SDK : PAGE);
  });

/** A client that lists the site's origin. */
export const tenantOf = (place: Place, site: Site, settings: Json = {}): Promise<Tenant> =>
  makeTenant(place, { allowed_origins: [site.origin], settings });

export type Shop = OpenPage & {
  /** The CORS preflights of the page, with the status of their answers. */
  readonly preflights: readonly { readonly path: string; readonly status: number }[];
};

/** A page of the site in a browser of its own, its SDK made for the tenant. `path` is the base URL's. */
export async function openShop(site: Site, tenant: Tenant, path = "/v1"): Promise<Shop> {
  const opened = await openPage();
  const preflights: { path: string; status: number }[] = [];
  const devtools = await opened.page.context().newCDPSession(opened.page);
  devtools.on("Network.responseReceived", ({ type, response }) => {
    if (type === "Preflight") {
      preflights.push({ path: new URL(response.url).pathname, status: response.status });
    }
  });
  await devtools.send("Network.enable");
  await opened.page.goto(
    `${site.origin}/?${new URLSearchParams({ base: `${tenant.origin}${path}`, tenant: tenant.id })}`,
  );
  return { ...opened, preflights };
}

export const setToken = (page: Page, token: string): Promise<void> =>
  page.evaluate((text) => window.shop.setToken(text), token);

/** A user with a phone that has a credential in this namespace. */
export async function makePerson(tenant: Tenant, userId: string, namespace: Namespace = "push") {
  const { token } = await tenant.sdk.track({
    userId,
    action: "addAuthenticator",
    attributes: { scope: "add:authenticators" },
  });
  const phone = new Device(tenant, IOS, namespace);
  const { status, text } = await phone.add(token);
  if (status !== 200) throw new Error(`no credential: ${status} ${text}`);
  return phone;
}
