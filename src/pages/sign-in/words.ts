import type { Widen } from "../verify/words.ts";

const english = {
  errors: {
    userCode: "This code is not known. Look at the other device, and type the code that it shows now.",
    tooManyCodes: "Too many wrong codes. Try again after {time}.",
    identifier: "Type your e-mail address, phone number or username.",
    address:
      "A code goes to an e-mail address or a phone number. Type one of yours, or continue on your phone.",
  },
  signIn: {
    title: "Sign in",
    lead: "To continue to {app}.",
    known: "You are signed in here already.",
    goOn: "Continue as {account}",
    other: "Use another account",
    label: "E-mail address, phone number or username",
    device: "Continue on my phone",
    code: "Send me a code",
  },
  passkey: {
    use: "Use a passkey",
    failed: "No passkey was used. Try again, or choose another way.",
    refused: "This passkey did not work here. Try again, or choose another way.",
    scriptless: "To use a passkey, allow scripts for this page and load it again.",
  },
  passkeys: {
    title: "Your passkeys",
    account: "You are signed in as",
    about: "With a passkey you sign in by the fingerprint, face or PIN of your device. No code is sent.",
    none: "You have no passkey yet.",
    since: "Added",
    kept: "Kept",
    copied: "also on your other devices",
    stays: "on one device",
    remove: "Remove",
    add: "Add a passkey",
    scriptless: "A passkey needs script. Allow scripts for this page and load it again.",
    unable: "This browser cannot make a passkey. Open this page in another browser.",
    failed: "No passkey was made. You can try again.",
    twice: "This device has a passkey of yours already.",
    refused: "The passkey was not added. You can try again.",
    tooNew: "You signed in by a device that is new. For its first day it removes none that you had before.",
    done: { added: "The passkey was added.", removed: "The passkey was removed." },
    closed: {
      full: "You have as many passkeys as you can have. Remove one before you add another.",
      stronger:
        "You signed in by a code. Before you add a passkey, sign in with one that you have, or with your phone.",
      waits:
        "A passkey was removed a short while ago. You can add one after {time}, or sooner if you sign in with your phone.",
      stale: "To add or remove a passkey, sign in again.",
      nowhere: "Passkeys cannot be used at this address.",
    },
    again: "Sign in again",
  },
  match: {
    title: "Approve on your phone",
    number: "Type this number on your phone",
    asked: "Open the app on your phone. It asks you about a sign-in as",
    plain: "Read what it says there, and approve it.",
    alive: "Waiting for your phone",
    scan: "Or scan this code",
    scanned: "Scan with your phone's camera. It must open {page}.",
    qr: "QR code for your phone's camera",
    nothing: "Nothing on your phone? Check that it is online, and that the name above is right.",
    code: "Send me a code instead",
    restart: "Start again",
    scriptless: "When you have approved it, come back here and press Continue.",
    go: "Continue",
  },
  decision: { deny: "Decline", approve: "Approve" },
  consent: {
    title: "Share your account?",
    heading: "Give this app access?",
    gets: "If you approve, it can",
    resource: "For use at",
    unchecked: "Nobody here has checked this app",
    unverified:
      "It calls itself “{app}”, but an app can take any name. Check the address. Approve only if you know it and began this there yourself.",
    nowhere:
      "It calls itself “{app}”, but an app can take any name. Approve only if you know this app and began this there yourself.",
    from: "Its address",
    returns: "You go on to",
    onDevice:
      "You go on to a program on this device. Any program here could say that it is this app: approve only if you have just started it.",
  },
  scopes: {
    openid: "Know that it is you",
    profile: "See your name and username",
    email: "See your e-mail address",
    phone: "See your phone number",
    offline_access: "Stay signed in until you end it",
  },
  otherScope: "Use what it calls “{scope}”",
  deviceCode: {
    title: "Connect a device",
    lead: "Type the code that the other device shows.",
    label: "Code on the other device",
    hint: "Eight letters, such as WDJB-MJHT.",
    submit: "Continue",
    phone: "Approve on the phone page instead",
  },
  deviceConfirm: {
    title: "Sign in on another device?",
    app: "App",
    account: "Account",
    place: "Place",
    device: "Device",
    time: "Time",
    code: "Code",
    unknown: "unknown",
    sure: "Approve only if you began this yourself and a device that you have in your hands shows the same code.",
    talked: "Did somebody else send you this code? Then decline.",
    notMe: "This was not me",
  },
  ended: {
    approved: {
      title: "Approved",
      text: "The other device is signed in. Go back to it: it goes on by itself. You can close this page.",
    },
    declined: {
      title: "Declined",
      text: "Nobody was signed in. There is nothing more to do, and you can close this page.",
    },
    reported: {
      title: "Thank you for telling us",
      text: "Nobody was signed in, and we have noted that this was not you. Look where you are signed in, and sign out what you do not know.",
    },
    expired: {
      title: "Time is up",
      text: "For your safety a request is good for a few minutes only. Start again where you began.",
    },
    signed_out: {
      title: "You are signed out",
      text: "You are signed out in this browser. You can close this page.",
    },
    used: {
      title: "Already answered",
      text: "This request was answered before, and a request is good once. If you still want to sign in, start again where you began.",
    },
    unknown_code: {
      title: "This code is not known",
      text: "The code was mistyped, or it is too old. Look at the other device, and type the code that it shows now.",
    },
    stopped: {
      title: "This sign-in was stopped",
      text: "It was declined on your phone, or a newer one took its place, so nobody was signed in. If you still want to sign in, start again.",
    },
  },
  back: {
    app: "Back to {app}",
    plain: "Continue",
    sessions: "Where you are signed in",
    restart: "Start again",
    code: "Type the code again",
  },
  trouble: {
    detail: "For those who run the app:",
    client: {
      title: "This app is not known here",
      text: "The app that sent you here is not registered with this service. Nothing was shared. Tell those who run the app.",
    },
    redirect: {
      title: "We cannot send you back to this app",
      text: "The address that the app wants you to return to is not registered for it. So that nobody else gets your sign-in, we stop here. Tell those who run the app.",
    },
    request: {
      title: "This link does not work",
      text: "Something is missing in the address of this page, or it was changed on its way. Go back to the app and start again.",
    },
    form: {
      title: "This page is too old",
      text: "The form belongs to another browser, or you opened it too long ago. Nothing was done. Go back to the app and start again.",
    },
    busy: {
      title: "Wait a moment",
      text: "Too many requests came from your network. Wait a minute, then load this page again.",
    },
    fault: {
      title: "Something went wrong",
      text: "The fault is on our side. Wait a moment, then go back to the app and start again.",
    },
    locked: {
      title: "This account is locked",
      text: "Nobody can sign in to it. Only those who run the app can open it again: ask them.",
    },
  },
  sessions: {
    title: "Where you are signed in",
    account: "You are signed in as",
    current: "You are here",
    browser: "Browser",
    app: "Device",
    place: "Place",
    since: "Since",
    last: "Last used",
    unknown: "unknown",
    end: "Sign out",
    hint: "You do not know one of these? Sign it out.",
    all: "Sign out everywhere",
    none: "You are signed in nowhere.",
    nobody: "You are not signed in in this browser.",
  },
  signOut: {
    title: "Sign out?",
    text: "You are signed in as",
    plain: "You are signed in in this browser.",
    stay: "Stay signed in",
    go: "Sign out",
  },
} as const;

/** Every string of the standard door's pages. A language is one more of these; `{app}` and the like are put in by the page. */
export type SignInWords = Widen<typeof english>;

/** By primary language tag. */
const CATALOGUES: ReadonlyMap<string, SignInWords> = new Map([["en", english]]);

/** The catalogue of a language tag, English where there is none (RFC 4647 §3.4, by primary language). */
export const signInWords = (locale: string): SignInWords =>
  CATALOGUES.get(locale.split("-")[0]?.toLowerCase() ?? "") ?? english;
