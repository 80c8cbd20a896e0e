import type { ListedWire, ScannedWire } from "../../../protocol/src/approver.ts";
import { CountersignError } from "../errors.ts";
import { deviceOf, type PhoneDevice } from "./devices.ts";
import { readLink } from "./links.ts";
import { type Asking, type Prompt, promptOf } from "./prompt.ts";

/** What waits for this phone's user, and what was kept from them. */
export type Listed = {
  /** The newest first. */
  readonly prompts: readonly Prompt[];
  readonly blocked: { readonly count: number; readonly lastAt?: Date };
  /** Apps that the user has reported, and until when they are not heard. */
  readonly silences: readonly { readonly client: string; readonly until: Date }[];
  /** Added in the last 24 hours; they may be removed. */
  readonly newDevices: readonly PhoneDevice[];
  readonly account: string;
  readonly device: PhoneDevice;
};

export async function listRequests(asking: Asking): Promise<Listed> {
  const wire = await asking.seat.call<ListedWire>({ method: "GET", path: "/approver/prompts" });
  const { count, last_at: last } = wire.blocked;
  return {
    prompts: wire.prompts.map((prompt) => promptOf(asking, prompt)),
    blocked: { count, ...(last === undefined ? {} : { lastAt: new Date(last) }) },
    silences: wire.silences.map(({ client, until }) => ({ client, until: new Date(until) })),
    newDevices: wire.new_devices.map(deviceOf),
    account: wire.account,
    device: deviceOf(wire.device),
  };
}

async function seen(asking: Asking, body: object): Promise<Prompt> {
  const call = { method: "POST", path: "/approver/scans", body };
  const { prompt, scan } = await asking.seat.call<ScannedWire>(call);
  return promptOf(asking, prompt, scan);
}

/** The request behind a QR code of a waiting screen. `wrong_link`: a code of something else. */
export async function scanLink(asking: Asking, text: string): Promise<Prompt> {
  const link = readLink(text, asking.seat.line.issuer);
  if (link?.kind === "scan") return await seen(asking, { challenge_id: link.challengeId, frame: link.frame });
  if (link?.kind === "code") return await enterCode(asking, link.userCode);
  throw new CountersignError("invalid_argument", "This is no code of a waiting screen of this service.", {
    error: "wrong_link",
  });
}

/** The request behind the code that a device without a browser shows (RFC 8628 §3.3). Each wrong one counts. */
export const enterCode = (asking: Asking, typed: string): Promise<Prompt> =>
  seen(asking, { user_code: typed.trim() });
