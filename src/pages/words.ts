/** Every string that a user reads on the service's own pages, in English. */
export const WORDS = {
  brand: "Countersign",
  home: {
    title: "Countersign",
    heading: "Sign in here by approving over there",
    lead: "When you sign in on a new device, a device you already trust shows the request, and you approve or decline it.",
    how: "How it goes",
    steps: [
      "An app on the new device asks to sign you in, and waits.",
      "Your trusted device shows who is asking, from where, and when.",
      "You approve. The new device is signed in; nothing was typed.",
    ],
    decline: "You did not start it? Decline, and nothing happens.",
    doors: "Open doors",
    developers: "For developers",
    jwks: "Signing keys (JWKS)",
    health: "Health",
    verify: "Tokens are ES256. Any backend checks them with the signing keys.",
    demo: "Try it",
    demoPage: "An app and a phone side by side, in this browser",
    demoText: "The same from another terminal, with this server running:",
    demoCommand: "npm run demo",
    demoNote: "It plays both devices: it starts a sign-in, approves it, and checks the tokens.",
  },
  notFound: {
    title: "Page not found - Countersign",
    heading: "There is nothing here",
    text: "The address may be mistyped, or the link may be old. If you were signing in, go back to the app and start again.",
    back: "About this service",
  },
  fault: {
    title: "Something went wrong - Countersign",
    heading: "That did not work",
    text: "The fault is on our side. Wait a moment, then load this page again.",
  },
} as const;
