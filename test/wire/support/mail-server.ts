import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { connect, createServer, type Server, type Socket } from "node:net";
import { resolve } from "node:path";
import PostalMime, { type Email } from "postal-mime";
import { SMTPServer } from "smtp-server";

const folder = resolve(import.meta.dirname, "../../vectors/smtp");

/** Certificate of `localhost`, signed by itself: the served Worker is told to trust it. For this server only. */
export const CERTIFICATE = resolve(folder, "cert.pem");
export const LOGIN = { user: "countersign", password: "a password – with Ümläuts" };

export type Arrived = {
  readonly from: string;
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly user: string;
  readonly mail: Email;
};

/** How the server behaves towards the next connections. */
export type Manner =
  | "good"
  | "hangs up"
  | "hangs up after the greeting"
  | "strips STARTTLS"
  | "speaks before TLS";

export type MailServer = {
  readonly port: number;
  readonly arrived: readonly Arrived[];
  /** Every line that clients said in the clear to a server that does not behave. */
  readonly overheard: readonly string[];
  behave(manner: Manner): void;
  /** Answers to the next recipients, before they are taken again. */
  refuse(codes: readonly number[]): void;
  stop(): Promise<void>;
};

const listening = (server: Server): Promise<number> =>
  new Promise((done) => server.listen(0, () => done((server.address() as AddressInfo).port)));

/** A real SMTP server that wants TLS and a login, behind a door that can be made to misbehave. */
export async function startMailServer(options: { readonly secure: boolean }): Promise<MailServer> {
  const arrived: Arrived[] = [];
  const overheard: string[] = [];
  let refusals: number[] = [];
  let manner: Manner = "good";
  const smtp = new SMTPServer({
    secure: options.secure,
    key: readFileSync(resolve(folder, "key.pem")),
    cert: readFileSync(CERTIFICATE),
    authMethods: ["PLAIN"],
    onAuth({ username, password }, _session, done) {
      const good = username === LOGIN.user && password === LOGIN.password;
      done(good ? null : new Error("Invalid username or password"), good ? { user: username } : undefined);
    },
    onRcptTo(_address, _session, done) {
      const code = refusals.shift();
      if (code === undefined) return done();
      done(Object.assign(new Error("not now, 493027"), { responseCode: code }));
    },
    onData(stream, session, done) {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", async () => {
        const { mailFrom, rcptTo } = session.envelope;
        arrived.push({
          from: mailFrom ? mailFrom.address : "",
          to: rcptTo.map(({ address }) => address),
          secure: session.secure,
          user: String(session.user),
          mail: await PostalMime.parse(Buffer.concat(parts)),
        });
        done();
      });
    },
  });
  smtp.on("error", () => undefined);
  const inner = await listening(smtp.server as Server);
  const sockets = new Set<Socket>();
  const front = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    if (manner === "good") pipe(socket, inner);
    else misbehave(socket, manner, overheard);
  });
  const port = await listening(front);
  return {
    port,
    arrived,
    overheard,
    behave: (next) => {
      manner = next;
    },
    refuse: (codes) => {
      refusals = [...codes];
    },
    async stop() {
      for (const socket of sockets) socket.destroy();
      await Promise.all([
        new Promise((done) => front.close(done)),
        new Promise<void>((done) => smtp.close(() => done())),
      ]);
    },
  };
}

function pipe(socket: Socket, port: number): void {
  const onward = connect(port, "localhost");
  onward.on("error", () => socket.destroy());
  socket.pipe(onward).pipe(socket);
}

function misbehave(socket: Socket, manner: Exclude<Manner, "good">, overheard: string[]): void {
  if (manner === "hangs up") return void socket.destroy();
  socket.write("220 localhost ESMTP\r\n");
  if (manner === "hangs up after the greeting") return void socket.end();
  socket.on("data", (data) => {
    const lines = data.toString("latin1").split("\r\n").filter(Boolean);
    overheard.push(...lines);
    for (const line of lines) {
      if (line === "STARTTLS") socket.write("220 go\r\n250 injected before TLS\r\n");
      else if (!line.startsWith("EHLO")) socket.write("250 ok\r\n");
      else if (manner === "strips STARTTLS") socket.write("250-localhost\r\n250 AUTH PLAIN LOGIN\r\n");
      else socket.write("250-localhost\r\n250 STARTTLS\r\n");
    }
  });
}
