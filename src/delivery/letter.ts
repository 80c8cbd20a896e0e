import type { Origin } from "../core/challenge/state.ts";
import type { Message } from "../core/ports/deliveries.ts";
import { oneLine } from "../core/shown-text.ts";
import { type Instant, MINUTE } from "../core/time.ts";
import type { Letter } from "./carrier.ts";
import { lookOf } from "./email/brand.ts";
import { emailHtml } from "./email/html.tsx";
import { emailText } from "./email/text.ts";
import { noAddress } from "./plain.ts";
import { wordsFor } from "./words/catalogue.ts";
import type { Facts } from "./words/wording.ts";

const NAME_LIMIT = 60;
/** A text message of 160 characters has no room for more. */
const SHORT_NAME_LIMIT = 24;
const SUBJECT_LIMIT = 120;

/** Messages whose reader could do nothing without it. */
const NEED_LINK: ReadonlySet<Message["template"]> = new Set([
  "magic_link",
  "recovery_begun",
  "device_enrolled",
]);

/** The host for which the code is meant: browsers offer the code of a text on no other page (T69). */
export type LetterPlace = { readonly host: string };

/** Puts a message into words. Throws when the message lacks what its template tells of. */
export function writeLetter(message: Message, { host }: LetterPlace, now: Instant): Letter {
  const { id, channel, to, template, locale, code, link } = message;
  const look = lookOf(message.brand);
  const brand = oneLine(message.brand.name, NAME_LIMIT) || host;
  const { words, language } = wordsFor(locale);
  const facts = factsOf(message, brand, language, now);
  const wording = words[template](facts);
  const short = words[template]({ ...facts, brand: oneLine(brand, SHORT_NAME_LIMIT) }).short;
  const content = { ...wording, language, brand, look, orOpen: words.orOpen, code, link };
  return {
    id,
    channel,
    to: asciiDomain(to),
    template,
    locale: language,
    from: brand,
    subject: oneLine(wording.subject, SUBJECT_LIMIT),
    text: emailText(content),
    html: emailHtml(content),
    short: bound(short, channel, host, code),
    ...(code === undefined ? {} : { code }),
    ...(link === undefined ? {} : { link }),
  };
}

function factsOf(message: Message, brand: string, language: string, now: Instant): Facts {
  const { template, code, link, deviceName, origin, effect } = message;
  if (template === "one_time_code" && !code) throw new TypeError("a one-time code's message has no code");
  if (NEED_LINK.has(template) && !link) throw new TypeError(`the message ${template} has no link`);
  const place = placeOf(origin, language);
  return {
    brand,
    minutes: Math.max(1, Math.round((message.expiresAt - now) / MINUTE)),
    code: code ?? "",
    link: link ?? "",
    device: oneLine(noAddress(deviceName ?? ""), NAME_LIMIT) || "A device",
    ...(effect === undefined ? {} : { effect }),
    ...(place === undefined ? {} : { place }),
  };
}

/** Country and address. The user agent is the caller's own text: a stranger could write to the reader with it. */
function placeOf(origin: Origin | undefined, language: string): string | undefined {
  const { country, ip } = origin ?? {};
  const name = country === undefined ? undefined : countryName(country, language);
  if (name === undefined) return ip;
  return ip === undefined ? name : `${name} (${ip})`;
}

function countryName(country: string, language: string): string {
  try {
    return new Intl.DisplayNames([language], { type: "region" }).of(country) ?? country;
  } catch {
    return country;
  }
}

/** The last line binds the code to its page (Origin-bound one-time codes delivered via SMS, WICG). */
const bound = (short: string, channel: Message["channel"], host: string, code: string | undefined): string =>
  channel === "sms" && code !== undefined ? `${short}\n\n@${host} #${code}` : short;

/** An e-mail address with its domain as the DNS has it (RFC 5891); everything else as it is. */
function asciiDomain(to: string): string {
  const at = to.lastIndexOf("@");
  if (at < 0) return to;
  const host = URL.parse(`http://${to.slice(at + 1)}`)?.hostname;
  return host ? `${to.slice(0, at)}@${host}` : to;
}
