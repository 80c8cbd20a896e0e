import { html } from "hono/html";

const page = (body: unknown) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Example web app</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/style.css">
  </head>
  <body>
    <main>${body}</main>
  </body>
</html>`;

export const signInPage = () =>
  page(html`
    <h1>Sign in</h1>
    <form id="sign-in">
      <label>E-mail address <input name="address" type="email" autocomplete="username" required></label>
      <button>Continue on my phone</button>
      <p id="trouble" role="alert"></p>
    </form>
    <section id="waiting" aria-label="Waiting" tabindex="-1" hidden>
      <p>Type this number on your phone:</p>
      <output id="number" aria-live="polite"></output>
      <p>Waiting for your answer. Time left: <span id="left" role="timer"></span></p>
      <button id="cancel" type="button">Cancel</button>
    </section>
    <noscript>This page waits for your phone, which needs JavaScript.</noscript>
    <script type="module" src="/page.js"></script>
  `);

export const signedInPage = (user: string) =>
  page(html`
    <h1>Signed in</h1>
    <p>You are user <code>${user}</code>.</p>
    <form method="post" action="/sign-out"><button>Sign out</button></form>
  `);
