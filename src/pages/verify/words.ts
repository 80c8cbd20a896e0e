const english = {
  entry: {
    email: { title: "Your e-mail address", label: "E-mail address", hint: "We send a code to it." },
    phone: {
      title: "Your phone number",
      label: "Phone number",
      hint: "With the country code, such as +49 151 12345678. We send a code to it.",
    },
    emailLink: { title: "Your e-mail address", label: "E-mail address", hint: "We send a link to it." },
    phoneLink: {
      title: "Your phone number",
      label: "Phone number",
      hint: "With the country code, such as +49 151 12345678. We send a link to it.",
    },
    lead: (app: string) => `To sign in to ${app}.`,
    channel: "Send it by",
    sms: "Text message",
    whatsapp: "WhatsApp",
    send: "Continue",
    known: "In this browser you have confirmed",
    goOn: "Continue with it",
    other: "Not you, or another address? Give it below.",
  },
  code: {
    title: "Enter your code",
    heading: "Enter your code",
    lead: "We sent six digits to",
    purpose: (app: string) => (app === "" ? "They sign you in." : `They sign you in to ${app}.`),
    label: "Code",
    submit: "Confirm",
    again: "Send another code",
    againIn: "Send another code in {seconds} s",
    sentAgain: "We sent you a new code. The one before it works too.",
    nextIn: (seconds: number) => `You can ask for another one in ${seconds} seconds.`,
    ended: "That code is not good any more. Have another one sent.",
    other: "Use another address",
    nothing: "Nothing there? Look into your spam folder, or have another code sent.",
    nothingPhone: "Nothing there? It can take a minute. Then have another code sent.",
    secret: (app: string) =>
      `Nobody ${app === "" ? "" : `at ${app} `}will ever ask you for this code. Type it here and nowhere else.`,
    goodFor: (minutes: number) => (minutes === 1 ? "Good for one minute." : `Good for ${minutes} minutes.`),
    timeLeft: "Time left:",
  },
  wait: {
    title: "Open the link we sent you",
    heading: "Open the link we sent you",
    lead: "It is in the message to",
    alive: "Waiting for you to open it",
    stay: "Leave this page open. It goes on by itself.",
    scriptless: "When you have opened the link, come back here and press Continue.",
    again: "Send another link",
    againIn: "Send another link in {seconds} s",
    sentAgain: "We sent you a new link. The one before it works too.",
    ended: "That link is not good any more. Have another one sent.",
    nextIn: (seconds: number) => `You can ask for another one in ${seconds} seconds.`,
    go: "Continue",
  },
  confirm: {
    title: "Is it you?",
    heading: "Is it you?",
    leads: {
      sign_in: (app: string) =>
        `Somebody asked to sign in to ${app} with your address. Say yes only if it was you, a moment ago.`,
      add_address: (app: string) =>
        `Somebody wants to add your address to their account at ${app}, as a way to sign in. Say yes only if that account is yours and you asked for it a moment ago.`,
      action: (app: string) =>
        `${app} asks whether it is you who is doing this. Say yes only if you began it, a moment ago.`,
    },
    app: "App",
    purpose: "For",
    effects: {
      sign_in: "Sign in",
      add_address: "Add your address",
      action: (words: string) => `“${words}”`,
    },
    address: "Address",
    place: "From",
    device: "Device",
    time: "Asked at",
    unknown: "unknown",
    question: "Was it you?",
    deny: "No, it was not me",
    approve: "Yes, it was me",
    go: "Continue",
    choose: "Choose one of the two.",
  },
  confirmed: {
    title: "Confirmed",
    heading: "That is confirmed",
    text: "Go back to where you started: it goes on by itself there. You can close this page.",
  },
  confirmedBefore: {
    title: "Confirmed already",
    heading: "You have confirmed this already",
    text: "The link has done its work. Go back to where you started. You can close this page.",
  },
  declinedBefore: {
    title: "Stopped already",
    heading: "You have stopped this already",
    text: "Nothing was confirmed, and the link does nothing any more. You can close this page.",
  },
  declined: {
    title: "Stopped",
    heading: "Nothing was confirmed",
    text: "Thank you for looking. The request is dead, and nothing came of it. You can close this page.",
  },
  done: {
    title: "Confirmed",
    heading: "That is confirmed",
    text: (app: string) => `You are being taken back to ${app}.`,
    go: (app: string) => `Continue to ${app}`,
  },
  refused: {
    title: "Not signed in",
    heading: "You were not signed in",
  },
  over: {
    title: "Already done",
    heading: "This is done",
    text: (app: string) => `Go back to ${app}. You can close this page.`,
  },
  errors: {
    email: "That is not an e-mail address. It looks like name@example.com.",
    phone: "That is not a phone number. Type it with its country code, such as +49 151 12345678.",
    empty: "Type the six digits of the code.",
    wrong: (left: number) =>
      left === 1
        ? "That is not the code. You can try once more."
        : `That is not the code. You can try ${left} more times.`,
    over: "Too many wrong codes. For your safety this code is not good any more. Start again to get another.",
    expiredCode: "That code is not good any more. Have another one sent.",
    tooMany: "Too many codes were asked for. Wait a few minutes, then try again.",
    tooManyUntil: "Too many codes were asked for. Try again after {time}.",
    notSent: "The message could not be sent. Try again, or use another address.",
    notAllowed: "No message can be sent to this number. Use another one.",
    notTheirs: "This address is not the one of your account. Use the one that you signed up with.",
  },
  trouble: {
    back: (app: string) => `Back to ${app}`,
    restart: "Start again",
    retry: "Try again",
    request: {
      title: "This link does not work",
      heading: "This link does not work",
      text: "Something is missing in the address of this page, or it was changed on its way. Go back to the app and start again.",
    },
    client: {
      title: "This app is not known here",
      heading: "This app is not known here",
      text: "The app that sent you here is not registered with this service. Nothing was sent, and nothing will be.",
    },
    redirect: {
      title: "We cannot send you back",
      heading: "We cannot send you back to this app",
      text: "The address that the app wants you to return to is not registered for it. So that nobody else gets your sign-in, we stop here.",
    },
    browser: {
      title: "Open it where you started",
      heading: "Open this where you started",
      text: "This page belongs to the browser in which you started. Go back there, or start again in the app.",
    },
    expired: {
      title: "Time is up",
      heading: "This took too long",
      text: "For your safety we wait only a few minutes. Start again, and you get a fresh code.",
    },
    stopped: {
      title: "Stopped",
      heading: "This was stopped",
      text: "Somebody who opened the link said that it was not them, so nothing was confirmed. If that was a mistake, start again.",
    },
    guesses: {
      title: "Too many wrong codes",
      heading: "Too many wrong codes",
      text: "For your safety this code is not good any more. Start again, and you get a fresh one.",
    },
    link: {
      title: "This link is not good any more",
      heading: "This link is not good any more",
      text: "It was used already, or it is too old, or newer ones were sent. Ask for another where you started.",
    },
    locked: {
      title: "This account is locked",
      heading: "This account is locked",
      text: "The address is confirmed, but the account that it belongs to is locked. Only the people who run the app can open it again.",
    },
    uncarried: {
      title: "No messages can be sent",
      heading: "No messages can be sent",
      text: "This service has no way to send codes or links now. Trying again does not help: tell the people who run the app.",
    },
    fault: {
      title: "Something went wrong",
      heading: "That did not work",
      text: "The fault is on our side. Wait a moment, then try again.",
    },
    framed: {
      title: "This form cannot be shown here",
      heading: "This form cannot be shown here",
      text: "The page around it is not one of those that the app has registered with this service. Whoever runs it can add it to the app's allowed origins.",
    },
    alone: {
      title: "This page stands alone",
      heading: "This page stands alone",
      text: "For your safety it is not shown inside another page. Open it in a tab of its own.",
    },
    busy: {
      title: "Wait a moment",
      heading: "Wait a moment",
      text: "Too many requests came from your network. Wait a minute, then try again.",
    },
  },
  frame: {
    sending: "One moment",
    done: "Confirmed",
    needsScript: "This form needs JavaScript. Turn it on, then load the page again.",
    failed: "That did not work. Try again.",
  },
} as const;

export type Widen<T> = T extends string
  ? string
  : T extends (...args: infer Args) => string
    ? (...args: Args) => string
    : { readonly [Name in keyof T]: Widen<T[Name]> };

/** Every string of the verification pages. A language is one more of these. */
export type VerifyWords = Widen<typeof english>;

/** By primary language tag. */
const CATALOGUES: ReadonlyMap<string, VerifyWords> = new Map([["en", english]]);

/** The catalogue of a language tag, English where there is none (RFC 4647 §3.4, by primary language). */
export const verifyWords = (locale: string): VerifyWords =>
  CATALOGUES.get(locale.split("-")[0]?.toLowerCase() ?? "") ?? english;

/** The catalogue that the reader's browser asks for first among those there are (RFC 9110 §12.5.4). */
export function localeOf(acceptLanguage: string | undefined): string {
  const wanted = (acceptLanguage ?? "").split(",").flatMap((part) => {
    const [tag = "", quality] = part.trim().split(/\s*;\s*q=/);
    const weight = quality === undefined ? 1 : Number(quality);
    return weight > 0 ? [{ tag: tag.split("-")[0]?.toLowerCase() ?? "", weight }] : [];
  });
  wanted.sort((a, b) => b.weight - a.weight);
  return wanted.find(({ tag }) => CATALOGUES.has(tag))?.tag ?? "en";
}
