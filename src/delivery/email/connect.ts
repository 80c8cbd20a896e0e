import { connect as open } from "cloudflare:sockets";
import type { SmtpOptions } from "./smtp.ts";

const TRANSPORT = { starttls: "starttls", tls: "on", none: "off" } as const;

/** A TCP connection of the platform's; certificates are checked against the host's name. */
export const connect: SmtpOptions["connect"] = ({ host, port, security }) =>
  open(
    { hostname: host, port },
    { secureTransport: TRANSPORT[security], allowHalfOpen: false },
  ) as unknown as ReturnType<SmtpOptions["connect"]>;
