import { CodeEntry } from "../../src/pages/sign-in/code-entry.tsx";
import { Consent } from "../../src/pages/sign-in/consent.tsx";
import { DeviceCode, DeviceConfirm } from "../../src/pages/sign-in/device.tsx";
import {
  Ended,
  type EndedKind,
  OAuthTrouble,
  type OAuthTroubleKind,
} from "../../src/pages/sign-in/ending.tsx";
import { MatchWait } from "../../src/pages/sign-in/match-wait.tsx";
import { Passkeys } from "../../src/pages/sign-in/passkeys.tsx";
import { Sessions } from "../../src/pages/sign-in/sessions.tsx";
import { SignIn } from "../../src/pages/sign-in/sign-in.tsx";
import { SignOut } from "../../src/pages/sign-in/sign-out.tsx";
import type { Setting } from "../../src/pages/verify/frame.tsx";

/** What outsiders say on the pages. */
export type Said = {
  readonly app: string;
  readonly account: string;
  readonly host: string;
  readonly place: string;
  readonly device: string;
  readonly detail: string;
};

export const ORDINARY: Said = {
  app: "Shop",
  account: "ana@example.com",
  host: "shop.example",
  place: "Berlin, DE",
  device: "Firefox, Windows",
  detail: "redirect_uri is missing",
};

export const ENDED: readonly EndedKind[] = [
  ...(["approved", "declined", "reported", "expired"] as const),
  ...(["signed_out", "used", "unknown_code", "stopped"] as const),
];
export const TROUBLES: readonly OAuthTroubleKind[] = [
  ...(["client", "redirect", "request", "form"] as const),
  ...(["busy", "fault", "locked"] as const),
];

const AT = Date.UTC(2026, 9, 20, 12);
const MINUTE = 60_000;
const SCOPES = ["openid", "profile", "email", "phone", "offline_access"];

/** Every page of the standard door by a name of its own, with these words on it. */
export function signInPages(said: Said, setting: Setting, fields: Readonly<Record<string, string>> = {}) {
  const { app, account, host, place, device, detail } = said;
  const form = { setting, action: "/oauth/page", csrf: "c5rf", fields } as const;
  const left = 3 * MINUTE;
  const error = { text: "That is neither an e-mail address nor a phone number nor a username." };
  const match = {
    ...form,
    identifier: account,
    socketUri: "wss://id.example/challenges/1/socket",
    handle: "h4ndle",
    left,
    next: "/oauth/next",
    scan: { address: "https://id.example/phone#scan=1.", page: "id.example/phone" },
    canSendCode: true,
    restart: "/oauth/authorize",
  } as const;
  const code = {
    ...form,
    address: account,
    restart: "/oauth/authorize",
    left,
    letters: { again: false, wait: 0, ended: false },
  } as const;
  const consent = {
    ...form,
    client: { name: app, host },
    account,
    scopes: SCOPES,
    unverified: false,
  } as const;
  const facts = { client: app, account, place, device, at: AT, code: "WDJB-MJHT" };
  const rows = [
    { id: "g1", app, place, device, since: AT, last: AT + MINUTE, kind: "browser" },
    { id: "g2", app: "Till", since: AT, kind: "app" },
  ] as const;
  const ways = ["device", "code"] as const;
  const passkey = {
    action: "/oauth/sign-in/passkey",
    challenge: "YWJj",
    rpId: "id.example",
    left: 5 * MINUTE,
    again: "/oauth/authorize?a=1",
    refused: false,
  };
  const passkeys = {
    ...form,
    account,
    rows: [
      { id: "d1", name: device, since: AT, copied: true },
      { id: "d2", name: "Passkey", since: AT + MINUTE, copied: false },
    ],
    refused: false,
    here: "/oauth/passkeys?client_id=shop",
    again: "/oauth/passkeys?client_id=shop&again=1",
  };
  return {
    "sign-in": SignIn({ ...form, ways }),
    "sign-in-error": SignIn({ ...form, ways, value: account, error }),
    "sign-in-passkey": SignIn({ ...form, ways, passkey }),
    "sign-in-passkey-error": SignIn({ ...form, ways, passkey: { ...passkey, refused: true } }),
    "sign-in-account": SignIn({ ...form, ways, account: { label: account } }),
    match: MatchWait({ ...match, code: "482913" }),
    "match-plain": MatchWait({ ...match, canSendCode: false }),
    code: CodeEntry(code),
    "code-error": CodeEntry({ ...code, error: { text: "That is not the code. You can try once more." } }),
    consent: Consent({ ...consent, resource: `https://${host}/api` }),
    "consent-unverified": Consent({ ...consent, scopes: [...SCOPES, "orders:read"], unverified: true }),
    "device-code": DeviceCode({ ...form, phone: "/phone" }),
    "device-code-error": DeviceCode({
      ...form,
      phone: "/phone#code=WDJB-MJHT",
      value: "WDJB-MJH",
      error: { text: "That is not the code. Look at the other device." },
    }),
    "device-confirm": DeviceConfirm({ ...form, facts, scopes: ["openid", "offline_access"] }),
    ...Object.fromEntries(
      ENDED.map((kind) => [`ended-${kind}`, Ended({ setting, kind, back: "https://shop.example/cb" })]),
    ),
    ...Object.fromEntries(
      TROUBLES.map((kind) => [`trouble-${kind}`, OAuthTrouble({ setting, kind, detail })]),
    ),
    sessions: Sessions({ ...form, account, current: "g1", rows }),
    "sessions-none": Sessions({ ...form, account, rows: [] }),
    passkeys: Passkeys({ ...passkeys, done: "added" }),
    "passkeys-none": Passkeys({ ...passkeys, rows: [] }),
    "passkeys-refused": Passkeys({ ...passkeys, refused: true }),
    "passkeys-stronger": Passkeys({ ...passkeys, closed: { kind: "stronger" } }),
    "passkeys-waits": Passkeys({ ...passkeys, rows: [], closed: { kind: "waits", until: AT } }),
    "passkeys-stale": Passkeys({ ...passkeys, done: "removed", closed: { kind: "stale" } }),
    "sign-out": SignOut({ ...form, account }),
  } as const;
}
