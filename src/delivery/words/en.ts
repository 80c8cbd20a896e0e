import type { CodeEffect } from "../../core/message/code-effect.ts";
import type { Facts, Wording, Words } from "./wording.ts";

const minutes = (count: number): string => (count === 1 ? "1 minute" : `${count} minutes`);

const askedFrom = ({ place }: Facts): readonly string[] =>
  place === undefined ? [] : [`The request came from ${place}.`];

const wordsOf = ({ effect }: Facts): string => (effect?.kind === "action" ? effect.words : "");

/** What the code is for. */
function toDo(facts: Facts): string {
  switch (facts.effect?.kind) {
    case "sign_in":
      return `to sign in to ${facts.brand}`;
    case "add_address":
      return `to add this address to your account at ${facts.brand}`;
    case "action":
      return `to confirm “${wordsOf(facts)}” at ${facts.brand}`;
    case undefined:
      return `to confirm your address for ${facts.brand}`;
  }
}

type LinkWording = Pick<Wording, "subject" | "heading" | "before" | "short">;

/** A link by what comes of it. */
const LINKS: Readonly<Record<CodeEffect["kind"] | "unsaid", (facts: Facts) => LinkWording>> = {
  sign_in: (facts) => ({
    subject: `Sign in to ${facts.brand}`,
    heading: `Sign in to ${facts.brand}`,
    before: ["Somebody asked to sign in with this address. If it was you, open the page and confirm there:"],
    short: `Sign in to ${facts.brand}, and pass this on to nobody: ${facts.link}`,
  }),
  add_address: (facts) => ({
    subject: `Add your address to ${facts.brand}`,
    heading: "Add your address",
    before: [
      `Somebody asked to add this address to their account at ${facts.brand}, as a way to sign in. If it was you, open the page and confirm there:`,
    ],
    short: `Add this to your account at ${facts.brand}, and pass this on to nobody: ${facts.link}`,
  }),
  action: (facts) => ({
    subject: `Confirm “${wordsOf(facts)}” at ${facts.brand}`,
    heading: "Confirm that it is you",
    before: [
      `${facts.brand} asks you to confirm “${wordsOf(facts)}”. If it was you, open the page and confirm there:`,
    ],
    short: `Confirm “${wordsOf(facts)}” at ${facts.brand}, and pass this on to nobody: ${facts.link}`,
  }),
  unsaid: (facts) => ({
    subject: `Confirm your address for ${facts.brand}`,
    heading: "Confirm your address",
    before: [`${facts.brand} wants to know that this address is yours. Open the page and confirm there:`],
    short: `Confirm your number for ${facts.brand}, and pass this on to nobody: ${facts.link}`,
  }),
};

/** English. */
export const EN: Words = {
  orOpen: "Or open this address:",

  one_time_code: (facts) => ({
    subject: `Your ${facts.brand} code`,
    heading: `Your ${facts.brand} code`,
    before: [`Type this code where you were asked for it, ${toDo(facts)}:`],
    warning: `Never read this code to anyone, and never pass it on: ${facts.brand} will not ask you for it on the phone, in a chat or by mail.`,
    after: [
      `It works once, within ${minutes(facts.minutes)}.`,
      ...askedFrom(facts),
      "If you did not ask for it, you need not do anything. Without the code nobody gets in.",
    ],
    short: `${facts.code} is your ${facts.brand} code. Never read it to anyone.`,
  }),

  magic_link: (facts) => ({
    ...LINKS[facts.effect?.kind ?? "unsaid"](facts),
    button: "Open the page",
    warning: `Never pass this message on, and never read its address to anyone: ${facts.brand} will not ask you for it.`,
    after: [
      `It works once, within ${minutes(facts.minutes)}.`,
      ...askedFrom(facts),
      "If you did not ask for it, you need not do anything. Nothing happens until somebody confirms.",
    ],
  }),

  device_enrolled: (facts) => ({
    subject: `A new device can sign you in to ${facts.brand}`,
    heading: "A new device was added",
    before: [
      `“${facts.device}” can now approve your sign-ins to ${facts.brand}.`,
      "If this was not you, take it back within 24 hours:",
    ],
    button: "This was not me",
    after: [
      ...askedFrom(facts),
      "If this was you, all is well. If it was not, change how you sign in as well: whoever added the device was signed in as you.",
    ],
    short: `${facts.brand}: a new device, “${facts.device}”, can now approve your sign-ins. Not you? Take it back: ${facts.link}`,
  }),

  recovery_begun: (facts) => ({
    subject: `Somebody asks for a new device for ${facts.brand}`,
    heading: "A new device was asked for",
    before: [
      `Somebody who reads one of your addresses says that your device is lost. In three days “${facts.device}” may take its place and approve your sign-ins to ${facts.brand}.`,
      "If this was not you, stop it:",
    ],
    button: "This was not me",
    after: [
      ...askedFrom(facts),
      "If this was you, wait three days, and do not use the old device: that stops it too.",
    ],
    short: `${facts.brand}: somebody asks for a new device in your name. Not you? Stop it: ${facts.link}`,
  }),

  address_replaced: (facts) => ({
    subject: `${facts.brand} sends your codes to another address`,
    heading: "Your codes go to another address",
    before: [
      `${facts.brand} was told of a new address or number of yours. Codes are not sent here any more.`,
    ],
    after: ["If this was you, all is well. If it was not, tell the people who run the app at once."],
    short: `${facts.brand}: your codes are not sent to this address any more. Not you? Tell the people who run the app.`,
  }),

  device_removed: (facts) => ({
    subject: `A device can no longer sign you in to ${facts.brand}`,
    heading: "A device was removed",
    before: [`“${facts.device}” can no longer approve your sign-ins to ${facts.brand}.`],
    after: [
      ...askedFrom(facts),
      "If this was you, all is well. If it was not, add the device again, and tell the people who run the app.",
    ],
    short: `${facts.brand}: your device “${facts.device}” was removed and can no longer approve your sign-ins. Not you? Add it again.`,
  }),
};
