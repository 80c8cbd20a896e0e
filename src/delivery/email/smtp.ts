import type { DeliveryOutcome } from "../../core/ports/deliveries.ts";
import type { Clock } from "../../core/ports/edge.ts";
import { CARRY_WITHIN, type Carrier, type Letter } from "../carrier.ts";
import { base64, mimeMessage } from "./mime.ts";
import { openSession, SmtpRefusal, type SmtpSession, type SmtpSocket } from "./smtp-session.ts";

export type SmtpOptions = {
  readonly host: string;
  readonly port: number;
  /** `starttls` and `tls` send nothing in the clear; `none` is for a server on this machine. */
  readonly security: "starttls" | "tls" | "none";
  readonly username?: string;
  readonly password?: string;
  readonly from: string;
  readonly clock: Clock;
  readonly connect: (options: Pick<SmtpOptions, "host" | "port" | "security">) => SmtpSocket;
};

/** E-mail by SMTP submission (RFC 6409). */
export const smtpCarrier =
  (options: SmtpOptions): Carrier =>
  async (letter) => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: everything that is not ASCII
    if (/[^\x00-\x7f]/.test(letter.to)) return { kind: "refused", reason: "the address is not ASCII" };
    const held: SmtpSocket[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<DeliveryOutcome>((done) => {
      timer = setTimeout(() => done({ kind: "retry", reason: "no answer in time" }), CARRY_WITHIN);
    });
    try {
      const session = openSession(tracked(options.connect(options), held));
      return await Promise.race([submit(options, session, letter), late]);
    } catch (error) {
      return outcomeOf(error);
    } finally {
      if (timer !== undefined) clearTimeout(timer);
      // Of a server that no longer listens nothing is waited for.
      held
        .at(-1)
        ?.close()
        .catch(() => undefined);
    }
  };

/** Keeps the socket, and the one under TLS that takes its place: an invocation may hold six connections, and each must end. */
function tracked(socket: SmtpSocket, held: SmtpSocket[]): SmtpSocket {
  held.push(socket);
  return {
    readable: socket.readable,
    writable: socket.writable,
    startTls: () => tracked(socket.startTls(), held),
    close: () => socket.close(),
  };
}

function outcomeOf(error: unknown): DeliveryOutcome {
  if (!(error instanceof SmtpRefusal)) return { kind: "retry", reason: "no connection" };
  return { kind: error.passing ? "retry" : "refused", reason: error.message };
}

async function submit(options: SmtpOptions, session: SmtpSession, letter: Letter): Promise<DeliveryOutcome> {
  const { from, security, clock } = options;
  const hello = `EHLO ${from.slice(from.lastIndexOf("@") + 1)}`;
  await session.hear();
  let open = session;
  let offers = await open.say(hello, "2");
  if (security === "starttls") {
    // Never in the clear, also when somebody on the way has taken the offer out (RFC 3207 §6).
    if (!offers.some((offer) => /^STARTTLS$/i.test(offer))) {
      throw new SmtpRefusal("the server offers no STARTTLS", false);
    }
    await open.say("STARTTLS", "2");
    open = open.secure();
    offers = await open.say(hello, "2");
  }
  await authenticate(open, options, offers);
  await open.say(`MAIL FROM:<${from}>`, "2", "the sender");
  await open.say(`RCPT TO:<${letter.to}>`, "2", "the recipient");
  await open.say("DATA", "3");
  await open.say(`${mimeMessage(letter, from, new Date(clock.now()))}.`, "2", "the message");
  // It is the server's now; how the farewell goes changes nothing.
  await open.say("QUIT", "2").catch(() => undefined);
  return { kind: "sent" };
}

/** AUTH PLAIN, or LOGIN where a server knows only that (RFC 4954). */
async function authenticate(
  session: SmtpSession,
  { username, password }: SmtpOptions,
  offers: readonly string[],
): Promise<void> {
  if (username === undefined || password === undefined) return;
  const methods = offers
    .filter((offer) => /^AUTH[ =]/i.test(offer))
    .join(" ")
    .toUpperCase()
    .split(/[ =]+/);
  if (methods.includes("PLAIN")) {
    await session.say(`AUTH PLAIN ${base64(`\0${username}\0${password}`)}`, "2", "AUTH");
    return;
  }
  if (!methods.includes("LOGIN")) throw new SmtpRefusal("the server offers no AUTH PLAIN or LOGIN", false);
  await session.say("AUTH LOGIN", "3", "AUTH");
  await session.say(base64(username), "3", "AUTH");
  await session.say(base64(password), "2", "AUTH");
}
