import { raw } from "hono/html";
import type { Child } from "hono/jsx";
import { STYLE } from "./style.ts";
import { WORDS } from "./words.ts";

export type LayoutProps = {
  /** The tab's title: unique to the page, it tells the state. */
  readonly title: string;
  readonly children: Child;
};

const Mark = () => (
  <svg
    width="20"
    height="20"
    viewBox="0 0 20 20"
    fill="none"
    stroke="currentColor"
    stroke-width="2"
    aria-hidden="true"
  >
    <rect x="2" y="2" width="16" height="16" rx="5" />
    <path d="m6.5 10.5 2.5 2.5 5-6" stroke-linecap="round" stroke-linejoin="round" />
  </svg>
);

/** The frame of every page that a user meets: one card, one stylesheet, no script. */
export const Layout = ({ title, children }: LayoutProps) => (
  <>
    {raw("<!doctype html>")}
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{title}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <main>
          <p class="brand">
            <Mark />
            {WORDS.brand}
          </p>
          {children}
        </main>
      </body>
    </html>
  </>
);
