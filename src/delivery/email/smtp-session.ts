/** The part of a socket that a session speaks over (`cloudflare:sockets`). */
export type SmtpSocket = {
  readonly readable: ReadableStream<Uint8Array>;
  readonly writable: WritableStream<Uint8Array>;
  startTls(): SmtpSocket;
  close(): Promise<void>;
};

/** What the server said no to. `passing`: it may say yes another time (4xx, RFC 5321 §4.2.1). */
export class SmtpRefusal extends Error {
  override readonly name = "SmtpRefusal";
  readonly passing: boolean;

  constructor(what: string, passing: boolean) {
    super(what);
    this.passing = passing;
  }
}

export type SmtpSession = {
  /** Sends one line, and answers the reply's lines without their codes; refuses any code but those that begin with `want`. */
  say(line: string, want: "2" | "3", called?: string): Promise<readonly string[]>;
  /** Reads a reply that nothing was said for: the greeting. */
  hear(): Promise<readonly string[]>;
  /** The same session under TLS. Refuses what the server said before it in the clear: anybody may have said that. */
  secure(): SmtpSession;
};

const REPLY_LIMIT = 16_384;

/** One SMTP connection, a command and its reply at a time (RFC 5321). Replies are read for their codes; errors hold no word of them. */
export function openSession(socket: SmtpSocket): SmtpSession {
  const reader = socket.readable.getReader();
  const writer = socket.writable.getWriter();
  const utf8 = { decoder: new TextDecoder(), encoder: new TextEncoder() };
  let buffered = "";

  async function line(): Promise<string> {
    for (;;) {
      const end = buffered.indexOf("\n");
      if (end >= 0) {
        const text = buffered.slice(0, end).replace(/\r$/, "");
        buffered = buffered.slice(end + 1);
        return text;
      }
      if (buffered.length > REPLY_LIMIT) throw new SmtpRefusal("the server's reply has no end", true);
      const { value, done } = await reader.read();
      if (done) throw new SmtpRefusal("the server hung up", true);
      buffered += utf8.decoder.decode(value, { stream: true });
    }
  }

  async function reply(want: string, called: string): Promise<readonly string[]> {
    const lines: string[] = [];
    for (;;) {
      const text = await line();
      const [, code = "", more = "", rest = ""] = /^([2-5]\d\d)([- ]|$)(.*)$/.exec(text) ?? [];
      if (code === "") throw new SmtpRefusal("the server does not speak SMTP", true);
      lines.push(rest);
      if (lines.length > 100) throw new SmtpRefusal("the server's reply has no end", true);
      if (more === "-") continue;
      if (code.startsWith(want)) return lines;
      throw new SmtpRefusal(`the server answered ${code} to ${called}`, !code.startsWith("5"));
    }
  }

  return {
    hear: () => reply("2", "the connection"),
    async say(text, want, called = text.split(" ")[0] ?? "") {
      await writer.write(utf8.encoder.encode(`${text}\r\n`));
      return await reply(want, called);
    },
    secure() {
      if (buffered !== "") throw new SmtpRefusal("the server spoke out of turn before TLS", true);
      reader.releaseLock();
      writer.releaseLock();
      return openSession(socket.startTls());
    },
  };
}
