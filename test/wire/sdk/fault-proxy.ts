/** A proxy in front of a served Worker that does to single requests and sockets what networks do to them. */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { tunnel } from "./fault-tunnel.ts";

/** What a request of the library is for. */
export type Kind = "discovery" | "start" | "redeem" | "refresh" | "revoke" | "hold" | "socket";

export type Fault =
  /** Cut before the server hears of it. A socket's upgrade is answered 502. */
  | "refuse"
  /** The server has done its work; the connection ends without an answer. */
  | "lose"
  /** The same, but the connection stands and nobody says a word. */
  | "mute"
  /** The headers and half of the body, then a cut. */
  | "cut"
  /** Of something in between: 503, HTML, `Retry-After: 1`. */
  | "busy"
  /** Passed on, this many ms later. */
  | { readonly delay: number };
export type SocketFault =
  | "refuse"
  /** The upgrade comes through, and then nothing. */
  | "mute"
  /** Cut behind its first frame. */
  | "first frame"
  /** Cut in the place of its last frame. */
  | "last frame"
  /** Its last frame gets lost; the socket stands. */
  | "swallow";

export type Rule =
  | { readonly on: Exclude<Kind, "socket">; readonly do: Fault; readonly times?: number }
  | { readonly on: "socket"; readonly do: SocketFault; readonly times?: number };

type Happened = Kind | "frame" | "redeemed";

// biome-ignore lint/suspicious/noExplicitAny: a test reads members that it asserts
type Body = any;

export type FaultProxy = {
  readonly origin: string;
  /** Whom it stands before. */
  serve(port: number): void;
  /** Begins anew with these faults. Each is used up by as many requests of its kind. */
  follow(rules: readonly Rule[]): void;
  /** Faults that nothing has met yet. */
  left(): readonly Rule[];
  /** How many came this far: to the server, or a frame to the client. */
  count(what: Happened): number;
  /** When one of these has happened, and how often. */
  reached(what: readonly Happened[], times?: number): Promise<void>;
  /** What the server answered to this kind of request, lost answers too. */
  answers(kind: Kind): readonly Body[];
  /** While it is asleep no byte passes, in neither direction; then all of them do. */
  sleep(): void;
  wake(): void;
  stop(): Promise<void>;
};

const PATHS: readonly (readonly [RegExp, Kind])[] = [
  [/^\/\.well-known\/openid-configuration$/, "discovery"],
  [/^\/oauth\/(?:device_authorization|bc-authorize)/, "start"],
  [/^\/oauth\/revoke$/, "revoke"],
  [/^\/challenges\/[^/]+\/wait$/, "hold"],
  [/^\/challenges\/[^/]+\/socket$/, "socket"],
];

function kindOf({ method, url = "" }: IncomingMessage, body: string): Kind | undefined {
  if (method === "OPTIONS") return undefined;
  const path = url.split("?")[0] ?? "";
  if (path === "/oauth/token") return body.includes("grant_type=refresh_token") ? "refresh" : "redeem";
  return PATHS.find(([pattern]) => pattern.test(path))?.[1];
}

async function all(message: IncomingMessage): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece);
  return Buffer.concat(pieces);
}

type Answer = { readonly message: IncomingMessage; readonly body: Buffer };

function forward(port: number, asked: IncomingMessage, body: Buffer): Promise<Answer> {
  return new Promise((done, fail) => {
    const { method, url } = asked;
    // What is answered is read here, so it must not be packed.
    const headers = { ...asked.headers, "accept-encoding": "identity" };
    const sent = request({ host: "127.0.0.1", port, method, path: url, headers, agent: false });
    sent.once("response", (message) => all(message).then((read) => done({ message, body: read }), fail));
    sent.once("error", fail);
    sent.end(body);
  });
}

function pass({ message, body }: Answer, answer: ServerResponse, length = body.length): void {
  const headers = Object.entries(message.headers).filter(([name]) => !HOP.has(name));
  answer.writeHead(message.statusCode ?? 502, {
    ...Object.fromEntries(headers),
    "content-length": String(body.length),
  });
  if (length < body.length) answer.write(body.subarray(0, length), () => answer.destroy());
  else answer.end(body);
}
const HOP = new Set(["connection", "keep-alive", "transfer-encoding", "content-length"]);

const BUSY = { "Content-Type": "text/html", "Retry-After": "1" };

/** What has happened since the script began. */
function ledger() {
  let rules: { readonly rule: Rule; left: number }[] = [];
  let happened: Happened[] = [];
  let answers: { readonly kind: Kind; readonly body: Body }[] = [];
  let waiting: (() => void)[] = [];
  const count = (what: Happened) => happened.filter((one) => one === what).length;
  return {
    begin(script: readonly Rule[]) {
      rules = script.map((rule) => ({ rule, left: rule.times ?? 1 }));
      [happened, answers, waiting] = [[], [], []];
    },
    take(kind: Kind): Rule["do"] | undefined {
      const found = rules.find(({ rule, left }) => rule.on === kind && left > 0);
      if (found) found.left -= 1;
      return found?.rule.do;
    },
    left: () => rules.filter(({ left }) => left > 0).map(({ rule }) => rule),
    count,
    note(what: Happened) {
      happened.push(what);
      for (const look of waiting) look();
    },
    reached: (what: readonly Happened[], times: number) =>
      new Promise<void>((done) => {
        const look = () => what.some((one) => count(one) >= times) && done();
        waiting.push(look);
        look();
      }),
    keep(kind: Kind, body: Buffer) {
      if (body.length > 0) answers.push({ kind, body: JSON.parse(String(body)) });
    },
    answers: (kind: Kind) => answers.filter((one) => one.kind === kind).map(({ body }) => body),
  };
}

/** A gate that everything passes: open, or shut while the laptop sleeps. */
function gate() {
  let open = Promise.resolve();
  let lift = () => {};
  return {
    passed: () => open,
    shut: () => {
      open = new Promise((done) => {
        lift = done;
      });
    },
    lift: () => lift(),
  };
}

export async function startFaultProxy(): Promise<FaultProxy> {
  const book = ledger();
  const sleeping = gate();
  const sockets = new Set<Socket>();
  let port = 0;

  async function handle(asked: IncomingMessage, answer: ServerResponse): Promise<void> {
    const sent = await all(asked);
    const kind = kindOf(asked, String(sent));
    // It is the laptop that sleeps: the phone and the operator come through.
    const passed = kind ? sleeping.passed : async () => {};
    await passed();
    const fault = kind && book.take(kind);
    if (fault === "refuse") return void answer.destroy();
    if (fault === "busy") return void answer.writeHead(503, BUSY).end("<h1>Down for a moment</h1>");
    if (typeof fault === "object") await new Promise((wake) => setTimeout(wake, fault.delay));
    const coming = forward(port, asked, sent);
    if (kind) book.note(kind);
    const answered = await coming;
    if (kind) book.keep(kind, answered.body);
    if (kind === "redeem") book.note("redeemed");
    await passed();
    if (fault === "lose") answer.destroy();
    else if (fault === "cut") pass(answered, answer, Math.floor(answered.body.length / 2));
    else if (fault !== "mute") pass(answered, answer);
  }

  const server: Server = createServer((asked, answer) => {
    handle(asked, answer).catch(() => answer.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (asked, socket: Socket) => {
    const fault = book.take("socket") as SocketFault | undefined;
    if (fault === "refuse") return void socket.end("HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    book.note("socket");
    tunnel({ asked, socket, port, fault, passed: sleeping.passed, onFrame: () => book.note("frame") });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));

  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    serve: (at) => {
      port = at;
    },
    follow: (rules) => {
      sleeping.lift();
      book.begin(rules);
    },
    left: book.left,
    count: book.count,
    reached: (what, times = 1) => book.reached(what, times),
    answers: book.answers,
    sleep: sleeping.shut,
    wake: sleeping.lift,
    stop: async () => {
      sleeping.lift();
      for (const socket of sockets) socket.destroy();
      await new Promise((done) => server.close(done));
    },
  };
}
