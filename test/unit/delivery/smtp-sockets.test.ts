import { describe, expect, test } from "vitest";
import { smtpCarrier } from "../../../src/delivery/email/smtp.ts";
import type { SmtpSocket } from "../../../src/delivery/email/smtp-session.ts";
import { letter, NOW } from "../../fakes/letters.ts";

const utf8 = { encoder: new TextEncoder(), decoder: new TextDecoder() };
const CRLF = "\r\n";

/** A server that says `answers` one by one, a line for each line that it hears; under TLS it goes on with the next. */
function server(answers: string[], closed: string[], name = "plain"): SmtpSocket {
  const { readable, writable: out } = new TransformStream<Uint8Array, Uint8Array>();
  const voice = out.getWriter();
  const say = () => {
    const answer = answers.shift();
    if (answer !== undefined) voice.write(utf8.encoder.encode(answer + CRLF)).catch(() => undefined);
  };
  if (name === "plain") say();
  return {
    readable,
    writable: new WritableStream({ write: say }),
    startTls: () => server(answers, closed, "tls"),
    async close() {
      closed.push(name);
    },
  };
}

const carry = async (answers: string[]) => {
  const closed: string[] = [];
  const carrier = smtpCarrier({
    host: "mail.example",
    port: 587,
    security: "starttls",
    from: "no-reply@sign.example",
    clock: { now: () => NOW },
    connect: () => server(answers, closed),
  });
  return { outcome: await carrier(letter()), closed };
};

const GREETED = ["220 hello", "250 STARTTLS", "220 go on", "250 hello again"];

describe("the connection under TLS is closed", () => {
  test("when the server says no to the recipient", async () => {
    const { outcome, closed } = await carry([...GREETED, "250 sender", "450 busy"]);
    expect(outcome).toEqual({ kind: "retry", reason: "the server answered 450 to the recipient" });
    expect(closed).toContain("tls");
  });

  test("when it took the letter", async () => {
    const answers = [...GREETED, "250 sender", "250 recipient", "354 go on", "250 mine now", "221 bye"];
    const { outcome, closed } = await carry(answers);
    expect(outcome).toEqual({ kind: "sent" });
    expect(closed).toContain("tls");
  });
});
