import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { codeSendsPerHour, startsPerMinute } from "../../../src/core/client/settings.ts";
import { CEREMONY } from "../../../src/core/device/ceremony.ts";
import { AFTER_REMOVAL, FRESH, MOST_PASSKEYS, UNDO } from "../../../src/core/device/own-enrolment.ts";
import { QR_TICKET } from "../../../src/core/device/ticket.ts";
import { ROTATION_GRACE } from "../../../src/core/grant/rotate.ts";
import {
  CHOSEN_LETTERS,
  DENIAL_WINDOW,
  DENIALS_TO_SILENCE,
  DEVICE_GUESSES,
  DEVICE_LETTERS,
  ENROLMENT_WINDOW,
  GUESS_LIMIT,
  GUESSES,
  GUESSES_OF_DAY,
  halfOf,
  MATCH_GUESSES,
  NETWORK_SHARE,
  OPEN_LETTERS,
  OPEN_PROMPTS,
  OPEN_PROMPTS_OF_CLIENT,
  OPEN_SHARE,
  OWN_LETTERS,
  PROMPT_WINDOW,
  PROMPTS_OF_NETWORK,
  PROMPTS_PER_MINUTE,
  partOf,
  RECOVERY_CODE_GUESSES,
  RECOVERY_OPEN,
  RECOVERY_PAUSE,
  RECOVERY_WAIT,
  REPEATABLE,
  type Rule,
  SEND_WINDOW,
  SILENCE,
  SPELLINGS,
  SPENT_LIMIT,
  SPENT_MEMORY,
  STARTS_ABOUT,
  STRANGERS_GUESSES,
} from "../../../src/core/inbox/limits.ts";
import { DAY, HOUR, MINUTE, type Millis, SECOND } from "../../../src/core/time.ts";
import { SESSION } from "../../../src/doors/approver/session-token.ts";
import { SKEW } from "../../../src/doors/approver/signed.ts";
import { REPEAT } from "../../../src/doors/authsignal/backend-code/read.ts";
import { TEXTS } from "../../../src/doors/authsignal/code/send.ts";
import { LIVE_CODES } from "../../../src/doors/loginid/code/issue.ts";
import { USER_CODE_LIFETIME } from "../../../src/doors/loginid/code/user-code.ts";
import { TOKEN_AGE } from "../../../src/doors/loginid/service-token.ts";
import { LENGTH, LETTERS } from "../../../src/doors/oauth/device/user-code.ts";
import { DEVICE_CODE_LIFETIME } from "../../../src/doors/oauth/lifetimes.ts";
import { PER_HOST } from "../../../src/doors/oauth/open-client/open-clients.ts";
import { KNOWN_ADDRESSES, KNOWN_DAYS } from "../../../src/hosted/known-browser.ts";
import { WORDS } from "../../../src/keys/words.ts";

const root = resolve(import.meta.dirname, "../../..");
const read = (path: string): string => readFileSync(resolve(root, path), "utf8");
const page = read("docs/limits.md");

const UNITS: readonly (readonly [Millis, string])[] = [
  [DAY, "day"],
  [HOUR, "h"],
  [MINUTE, "min"],
  [SECOND, "s"],
];
const count = (value: number): string => value.toLocaleString("en-US");
const span = (time: Millis): string => {
  const [unit, word] = UNITS.find(([length]) => time % length === 0 && time >= length) ?? [1, "ms"];
  return `${count(time / unit)} ${word}`;
};
const rule = ({ limit, window }: Rule): string => `${count(limit)} in ${span(window)}`;
const rules = (all: readonly Rule[], of: (limit: number) => number = (limit) => limit): string =>
  all.map(({ limit, window }) => rule({ limit: of(limit), window })).join(", ");
const ofDay = (all: readonly Rule[]): number => all.find(({ window }) => window === DAY)?.limit ?? 0;
const shortOf = (all: readonly Rule[]): Rule => {
  const found = all.find(({ window }) => window < DAY);
  if (!found) throw new Error("no rule for a short window");
  return found;
};
const oneIn = (guesses: number, of: number): string => `1 in ${count(Math.round(of / guesses))}`;

/** The number of a counter for an address in wrangler.toml. */
const platform = (name: string): string => {
  const found = new RegExp(`name = "${name}"[^\\[]*?limit = (\\d+), period = (\\d+)`).exec(
    read("wrangler.toml"),
  );
  return rule({ limit: Number(found?.[1]), window: Number(found?.[2]) * SECOND });
};
/** The default of a variable that is a number an hour. */
const perHour = (name: string): number =>
  Number(new RegExp(`${name}: perHour\\(([\\d_]+)\\)`).exec(read("src/env.ts"))?.[1]?.replaceAll("_", ""));

const starts = startsPerMinute({});
const sends = codeSendsPerHour({});
const open = partOf(sends, OPEN_SHARE);
const [range, country] = [perHour("SMS_PER_RANGE"), perHour("SMS_PER_COUNTRY")];
const hourly = (limit: number) => rule({ limit, window: HOUR });
const minutely = (limit: number) => rule({ limit, window: MINUTE });
const twice = (limit: number) => limit * SPELLINGS;
const carried = rules([GUESSES, GUESSES_OF_DAY]);

const NUMBERS: Readonly<Record<string, string>> = {
  "prompts of a user, over all clients and doors": rule({
    limit: PROMPTS_PER_MINUTE,
    window: PROMPT_WINDOW,
  }),
  "a stranger's is listed while fewer than": rule({ limit: OPEN_PROMPTS, window: PROMPT_WINDOW }),
  "strangers of one network": rule({ limit: PROMPTS_OF_NETWORK, window: PROMPT_WINDOW }),
  "strangers at one client": rule({ limit: OPEN_PROMPTS_OF_CLIENT, window: PROMPT_WINDOW }),
  "one client's, whose asker brought something": rule({ limit: OPEN_PROMPTS, window: PROMPT_WINDOW }),
  "live prompts of a user and client": "1",
  "denials that silence an asker": `${rule({ limit: DENIALS_TO_SILENCE, window: DENIAL_WINDOW })}, for ${span(SILENCE)}`,
  "starts at a client by strangers, by known browsers, and by its backend: each": minutely(starts),
  "starts about one user, or one address, at a client: by strangers, known browsers, or with an action's token":
    minutely(STARTS_ABOUT),
  "of them, one network that is no known browser's": minutely(halfOf(STARTS_ABOUT)),
  "starts about one user, or one address, by a client's backend itself": minutely(STARTS_ABOUT),
  "what a device signs: memory of used signing inputs of a user": rule({
    limit: SPENT_LIMIT,
    window: SPENT_MEMORY,
  }),
  "to an address for strangers, over all clients": rules(OPEN_LETTERS),
  "of them, one network": rules(OPEN_LETTERS, halfOf),
  "to an address for a known browser, or for one client's backend": rules(OWN_LETTERS),
  "of a backend's, one network, where it is told": rules(OWN_LETTERS, halfOf),
  "to all spellings that are counted together, in such a lane": rules(OWN_LETTERS, twice),
  "of them, to one that nobody has enrolled": rules([shortOf(OWN_LETTERS), CHOSEN_LETTERS]),
  "of those, one network, where it is told": rules([shortOf(OWN_LETTERS), CHOSEN_LETTERS], halfOf),
  "to one that nobody has enrolled, while all of that client's to it are fewer than": rule({
    limit: partOf(ofDay(OWN_LETTERS), OPEN_SHARE),
    window: DAY,
  }),
  "Authsignal: texts to a number for a client": rule(TEXTS),
  "of them, one network, of a client's texts": rules([TEXTS], halfOf),
  "Authsignal: a backend's code for one challenge": rule({ limit: 1, window: REPEAT }),
  "letters that tell of an enrolled device, and those of a removed one, each: to a user by one client":
    rule(DEVICE_LETTERS),
  "letters to an address that a backend has replaced: by one client": rule(DEVICE_LETTERS),
  "letters of a client": rule({ limit: sends, window: SEND_WINDOW }),
  "a stranger's goes out while fewer than": hourly(open),
  "strangers of one network, of a client's": hourly(partOf(sends, NETWORK_SHARE)),
  "texts to a range of numbers": hourly(range),
  "a stranger's goes out while fewer than, to a range": hourly(partOf(range, OPEN_SHARE)),
  "strangers of one network, to a range": hourly(halfOf(partOf(range, OPEN_SHARE))),
  "texts to a country": hourly(country),
  "a stranger's goes out while fewer than, to a country": hourly(partOf(country, OPEN_SHARE)),
  "strangers of one network, to a country": hourly(halfOf(partOf(country, OPEN_SHARE))),
  "wrong one-time codes of a challenge, over all codes that were sent for it": `${GUESS_LIMIT}`,
  "wrong match codes of a challenge": `${GUESS_LIMIT}`,
  "wrong match codes that a user's devices type": rule(MATCH_GUESSES),
  "wrong user codes (`short`, `phrase`) of strangers of one network, for a user": carried,
  "the same of one client's backend, and of its waiters with a token: each": carried,
  "the same of strangers of all networks together": rule(STRANGERS_GUESSES),
  "starts and sign-ups": platform("LIMIT_START"),
  "waits; readings by a device's public key, which are counted for that key in its network too":
    platform("LIMIT_WAIT"),
  "misses: unknown numbers, keys, codes and secrets; then refused for the rest of the minute":
    platform("LIMIT_MISS"),
  letters: platform("LIMIT_SEND"),
  "calls that read a table and bring no credential ([decision](decisions/0037-what-strangers-read.md))":
    platform("LIMIT_READ"),
  "credentials that only a table can tell, of clients and secrets that this isolate has not found good in the last hour; counted apart":
    platform("LIMIT_READ"),
  "admin calls without the token": platform("LIMIT_ADMIN"),
  "documents of open clients that are not known yet, of one host: by one isolate ([decision](decisions/0083-an-open-clients-id-is-its-id-everywhere.md))":
    minutely(PER_HOST),
  "the window for a first device": span(ENROLMENT_WINDOW),
  "how long after signing in a session may add and remove passkeys": span(FRESH),
  "what a browser may take to make or use a passkey on our page": `${span(CEREMONY)}, once`,
  "live passkeys and phones of our pages that a user may have": `${MOST_PASSKEYS}`,
  "the session of a phone, by the key of its page": span(SESSION),
  "leave for one more phone, in the QR code of an older one": `${span(QR_TICKET)}, once`,
  "what a phone signs to remove a device, let one in or make recovery codes, from its own time": `${span(SKEW)}, once`,
  "how long a new phone removes no older device, and one that a code let in approves nothing that an older one of a vendor's could":
    span(UNDO),
  "how long after a removed passkey a code adds none": span(AFTER_REMOVAL),
  "the link that takes a new device back, in the letter that tells of it": span(UNDO),
  "the wait for a device in place of a lost one": span(RECOVERY_WAIT),
  "how long after it that device may be enrolled": span(RECOVERY_OPEN),
  "no such wait begins after one was ended": span(RECOVERY_PAUSE),
  "the refresh token before the last": span(ROTATION_GRACE),
  "the identical signed request of the Cotter door": span(REPEATABLE),
  "a service token of the LoginID door, by its nonce": `${span(TOKEN_AGE)}, once`,
  "wrong codes of the device grant that a user types, and those that are typed in one network: each": rules([
    GUESSES,
    GUESSES_OF_DAY,
  ]),
  "the same over the whole deployment": rule(DEVICE_GUESSES),
  "wrong recovery codes that a user types": rule(RECOVERY_CODE_GUESSES),
};

/** Rows of every table under this head. */
function tables(head: string): readonly (readonly string[])[] {
  return page
    .split(`${head}\n`)
    .slice(1)
    .flatMap((after) => {
      const rows = after.split("\n").slice(1);
      return rows.slice(
        0,
        rows.findIndex((row) => !row.startsWith("|")),
      );
    })
    .map((row) =>
      row
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

describe("docs/limits.md", () => {
  test("T161 every number of every table of limits is the code's, and none stands there that is not", () => {
    const shown = Object.fromEntries(
      tables("| limit | number | protects |").map(([name = "", number = ""]) => [name, number]),
    );
    expect(shown).toEqual(NUMBERS);
  });

  test("T161 what a known browser's cookie holds", () => {
    expect(page).toContain(`at most ${KNOWN_ADDRESSES} addresses and ${KNOWN_DAYS} days`);
  });

  test("T161 T200 all letters that one address gets in a day, and whose share of them is whose", () => {
    const [open, own] = [ofDay(OPEN_LETTERS), ofDay(OWN_LETTERS)];
    for (const said of [
      `at most ${open} letters of strangers, and at each client ${own} by its backend and tokens and ${own} by browsers`,
      `at most ${CHOSEN_LETTERS.limit} of the ${own} letters that a client may send to it, and none of the last ${own - partOf(own, OPEN_SHARE)}.`,
    ]) {
      expect(page).toContain(said);
    }
    expect(SPELLINGS).toBe(2);
    expect(page).toContain("A mailbox with many spellings gets twice the latter.");
  });

  test("T161 the chance of a guess at a one-time code, computed", () => {
    const rows = [
      ["strangers of one network, at one address", halfOf(ofDay(OPEN_LETTERS)) * GUESS_LIMIT],
      ["strangers of any number of networks, at one address", ofDay(OPEN_LETTERS) * GUESS_LIMIT],
      ["whoever holds tokens of one client's actions for the address", ofDay(OWN_LETTERS) * GUESS_LIMIT],
      ["of them, who has merely chosen the address", CHOSEN_LETTERS.limit * GUESS_LIMIT],
      [`strangers, over all addresses of one client at ${open} letters an hour`, open * 24 * GUESS_LIMIT],
    ] as const;
    expect(tables("| who guesses | guesses in a day | chance in a day |")).toEqual(
      rows.map(([who, guesses]) => [who, count(guesses), oneIn(guesses, 1e6)]),
    );
  });

  test("T161 the chance of a guess at a user code, computed", () => {
    const live = 2 * LIVE_CODES;
    const rows = [
      ["strangers of one network", GUESSES_OF_DAY.limit],
      ["strangers of any number of networks", STRANGERS_GUESSES.limit],
    ] as const;
    const head = `| who guesses | guesses in a day | chance in a day, one code live all day | chance in a day, ${live} live all day |`;
    expect(tables(head)).toEqual(
      rows.map(([who, guesses]) => [who, count(guesses), oneIn(guesses, 1e6), oneIn(guesses * live, 1e6)]),
    );
    expect(page).toContain(`A \`short\` user code lives ${USER_CODE_LIFETIME.short / SECOND} s.`);
    expect(page).toContain(`at most ${LIVE_CODES} live ones of a user, client, type and purpose`);
    expect(page).toContain(`those of both purposes: ${live}, for each client whose codes are taken`);
    // A window that rolls lets no more through in the shorter life of a code.
    expect(USER_CODE_LIFETIME.short).toBeLessThan(GUESSES.window);
    expect(page).toContain(`at most ${GUESSES.limit} guesses: ${oneIn(GUESSES.limit, 1e6)}.`);
    const phrases = WORDS.length ** 4;
    expect(page).toContain(
      `A \`phrase\` has ${count(WORDS.length)}⁴ values: ${STRANGERS_GUESSES.limit} guesses a day are ${oneIn(STRANGERS_GUESSES.limit, phrases)}.`,
    );
  });

  test("T66 the chance of a guess at a device's code, computed", () => {
    const values = LETTERS.length ** LENGTH;
    // A fixed window may be full at its end, and the next one at its beginning.
    const windows = Math.ceil(DEVICE_CODE_LIFETIME / DEVICE_GUESSES.window) + 1;
    const sum = windows * DEVICE_GUESSES.limit;
    for (const said of [
      `lives ${DEVICE_CODE_LIFETIME / SECOND} s`,
      `makes at most ${GUESSES.limit} guesses: ${oneIn(GUESSES.limit, values)}.`,
      `All of them together make at most ${count(sum)}, in two windows: ${oneIn(sum, values)} for one code`,
      `${oneIn(sum * 1_000, values)} that one of 1,000`,
      `for at most ${span(DEVICE_GUESSES.window)} nobody finds`,
    ]) {
      expect(page).toContain(said);
    }
    expect([LENGTH, LETTERS.length]).toEqual([8, 20]);
  });

  test("T161 what a stranger can still do, computed", () => {
    const day = DAY / SECOND;
    const perNetwork = Number(platform("LIMIT_START").split(" ")[0]);
    const letters = Number(platform("LIMIT_SEND").split(" ")[0]);
    const part = partOf(sends, NETWORK_SHARE);
    const openDay = ofDay(OPEN_LETTERS);
    for (const said of [
      `At one request a second (${count(day)} a day)`,
      `From one network: ${halfOf(openDay)} letters a day in all; ${PROMPTS_OF_NETWORK} prompts a minute until the user has denied ${DENIALS_TO_SILENCE} at a client`,
      `then none of that client's for ${span(SILENCE)}`,
      `From many networks: the ${openDay} letters of strangers`,
      `the ${STRANGERS_GUESSES.limit} guesses at user codes`,
      `and ${OPEN_PROMPTS} prompts a minute, ${OPEN_PROMPTS_OF_CLIENT} of them at one client`,
      `at most ${OPEN_PROMPTS} of the ${PROMPTS_PER_MINUTE} prompts`,
      `${perNetwork} starts a minute from each address, ${STARTS_ABOUT} a minute about each user`,
      `that name ${starts / STARTS_ABOUT} users`,
      `${part} letters an hour from each network, ${open} in all; the last ${sends - open} are not theirs`,
      `${count(day)} starts are about $${((day * (0.3 + 3 * 0.15 + 3)) / 1e6).toFixed(2)}`,
      `${count(letters * 60 * 24)} letters a day leave from one address over all clients, ${count(part * 24)} from one network for one client`,
    ]) {
      expect(page).toContain(said);
    }
    expect(starts / perNetwork).toBe(5);
    expect(page).toContain("five addresses");
  });
});
