/** docs/cost.md, made of the counts that the budget tests assert and of Cloudflare's price list. */
import { END, SIGN_INS, type SignIn, WAITING } from "../test/worker/whole/budget/counts.ts";

/** Prices beyond what the plan includes, in dollars for a million, and what it includes in a month (millions). */
const PRICES = {
  requests: { per: 0.3, included: 10 },
  cpuMs: { per: 0.02, included: 30 },
  objects: { per: 0.15, included: 1 },
  objectGbS: { per: 12.5, included: 0.4 },
  d1RowsWritten: { per: 1, included: 50 },
  objectRows: { per: 1, included: 50 },
  queueOperations: { per: 0.4, included: 1 },
} as const;
const PLAN = 5;

/** What is assumed, because no deployment was billed yet. */
const CPU_MS_PER_REQUEST = 2;
const OBJECT_MS_PER_REQUEST = 15;
const OBJECT_GB = 0.128;
/** Writing, reading and deleting a message. */
const OPERATIONS_PER_MESSAGE = 3;
const MEAN_WAIT_SECONDS = 15;
const HOLD_SECONDS = 25;

type Unit = keyof typeof PRICES;
type Use = Readonly<Record<Unit, number>>;

const UNITS = Object.keys(PRICES) as Unit[];

const unitsOf = ({ requests, objects, d1RowsWritten, objectRows, queue }: SignIn): Use => ({
  requests,
  cpuMs: requests * CPU_MS_PER_REQUEST,
  objects,
  objectGbS: (objects * OBJECT_MS_PER_REQUEST * OBJECT_GB) / 1000,
  d1RowsWritten,
  objectRows,
  queueOperations: queue * OPERATIONS_PER_MESSAGE,
});

const plus = (...all: readonly SignIn[]): SignIn => {
  const sum = (name: keyof SignIn) => all.reduce((total, one) => total + one[name], 0);
  return {
    requests: sum("requests"),
    objects: sum("objects"),
    d1Calls: sum("d1Calls"),
    d1RowsWritten: sum("d1RowsWritten"),
    objectRows: sum("objectRows"),
    queue: sum("queue"),
  };
};

const times = (one: SignIn, count: number): SignIn => plus(...Array.from({ length: count }, () => one));

/** The opened socket, which is counted in a sign-in: one request of the Worker and one of the object. */
const SOCKET: SignIn = { requests: -1, objects: -1, d1Calls: 0, d1RowsWritten: 0, objectRows: 0, queue: 0 };

const holds = Math.ceil(MEAN_WAIT_SECONDS / HOLD_SECONDS);
const polls = (seconds: number): SignIn => plus(SOCKET, times(WAITING.poll, MEAN_WAIT_SECONDS / seconds));

/** Sign-ins by door and by the way of waiting, each with what is cleaned up after it. */
const ROWS: readonly (readonly [door: string, wait: string, SignIn])[] = [
  ["Cotter", "socket", plus(SIGN_INS.cotter, END.grant)],
  ["Cotter", "long-poll", plus(SIGN_INS.cotter, END.grant, SOCKET, times(WAITING.hold, holds))],
  ["Cotter", "a poll each 5 s", plus(SIGN_INS.cotter, END.grant, polls(5))],
  ["Cotter", "a poll each second, as its SDKs do", plus(SIGN_INS.cotter, END.grant, polls(1))],
  ["standard door, CIBA", "socket", plus(SIGN_INS.ciba, END.grant)],
  ["standard door, CIBA", "long-poll", plus(SIGN_INS.ciba, END.grant, SOCKET, times(WAITING.hold, holds))],
  ["standard door, CIBA", "a poll each 5 s", plus(SIGN_INS.ciba, END.grant, polls(5))],
  ["LoginID", "its held wait", plus(SIGN_INS.loginid, END.none)],
  [
    "Authsignal",
    "a poll each 1.5 s",
    plus(SIGN_INS.authsignal, END.none, times(WAITING.poll, MEAN_WAIT_SECONDS / 1.5)),
  ],
];

/** Dollars for a million sign-ins beyond all that is included. */
export const marginal = (one: SignIn): number => {
  const used = unitsOf(one);
  return UNITS.reduce((sum, unit) => sum + used[unit] * PRICES[unit].per, 0);
};

/** Dollars of a month with so many million sign-ins and nothing else. */
export const bill = (one: SignIn, millions: number): number => {
  const used = unitsOf(one);
  return UNITS.reduce((sum, unit) => {
    const beyond = Math.max(0, used[unit] * millions - PRICES[unit].included);
    return sum + beyond * PRICES[unit].per;
  }, PLAN);
};

const dollars = (amount: number): string => `$${amount.toFixed(2)}`;
const row = (cells: readonly (string | number)[]): string => `| ${cells.join(" | ")} |`;

function costs(): string[] {
  const head = [
    "door",
    "wait",
    "a million more",
    "first million of a month",
    "a month of 10 million",
    "of 100 million",
  ];
  const body = ROWS.map(([door, wait, one]) =>
    row([
      door,
      wait,
      dollars(marginal(one)),
      ...[1, 10, 100].map((millions) => dollars(bill(one, millions))),
    ]),
  );
  return [row(head), row(head.map(() => "---")), ...body];
}

function counts(): string[] {
  const head = [
    "door",
    "wait",
    "Worker requests",
    "object requests",
    "D1 calls",
    "D1 rows",
    "object rows",
    "messages",
  ];
  const body = ROWS.map(([door, wait, one]) =>
    row([door, wait, one.requests, one.objects, one.d1Calls, one.d1RowsWritten, one.objectRows, one.queue]),
  );
  return [row(head), row(head.map(() => "---")), ...body];
}

function parts(one: SignIn): string[] {
  const used = unitsOf(one);
  const names: Readonly<Record<Unit, string>> = {
    requests: "Worker requests",
    cpuMs: `Worker CPU, ${CPU_MS_PER_REQUEST} ms a request assumed`,
    objects: "object requests",
    objectGbS: `object time, ${OBJECT_MS_PER_REQUEST} ms a request assumed (GB-s)`,
    d1RowsWritten: "D1 rows written",
    objectRows: "object rows written",
    queueOperations: "queue operations",
  };
  const body = UNITS.map((unit) =>
    row([
      names[unit],
      Number(used[unit].toFixed(3)),
      dollars(PRICES[unit].per),
      dollars(used[unit] * PRICES[unit].per),
    ]),
  );
  return [
    row(["", "for each sign-in", "price of a million", "for a million sign-ins"]),
    row(["---", "---", "---", "---"]),
    ...body,
  ];
}

const cotter = ROWS[0]?.[2] ?? SIGN_INS.cotter;

/** The page, whole. */
export const costPage = (): string => `# Cost

This page is made by \`npm run cost\` from counts that tests assert (\`test/worker/whole/budget/counts.ts\`), so it changes when they do. Prices are those of Cloudflare's paid plan as published in November 2026: check them. **No bill of a real deployment was seen yet.**

## Dollars
${costs().join("\n")}

*A million more* is beyond everything that the plan includes. The other columns are whole bills of a month, the ${dollars(PLAN)} of the plan included, with nothing else running in the account.

## What a sign-in takes
${counts().join("\n")}

From the start to the tokens, with what is cleaned up later. A user decides after ${MEAN_WAIT_SECONDS} s in the mean. A long-poll holds for ${HOLD_SECONDS} s. Counting a client's starts adds one row for a block of starts.

## Where it goes
A Cotter sign-in that waits on a socket:

${parts(cotter).join("\n")}

Rows are most of it. What each row is, and why it was left: [scaling.md](scaling.md), [decision 73](decisions/0073-listing-moves-the-alarm.md).

## Not counted
- Storage: a live grant keeps its object, about 20 KB, $0.20 per GB and month. An audit row is about 1 KB with its index, $0.75 per GB and month.
- Mail and text messages, which cost more than all of this.
- A refresh: 1 Worker request, 2 object requests, 1 object row.
- That an object costs nothing while its waiter's socket is idle was seen in local workerd and not on a bill ([operating.md](operating.md#the-first-deployment)).
`;
