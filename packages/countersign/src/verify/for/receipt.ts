import { CountersignError } from "../../errors.ts";
import { formEncoded } from "../../form-encoded.ts";
import { makeKeySource } from "../key-source.ts";
import { readAudience, readIssuer } from "../options.ts";
import { type Receipt, readReceipt, receiptRefusal } from "../receipt.ts";
import { badArgument, unavailable } from "../refusal.ts";

export type { Receipt, ReceiptReason, SignedByDevice } from "../receipt.ts";
export type { PublicJwk } from "../receipt-claims.ts";

const SECOND = 1_000;

export type ReceiptOptions = {
  /** The Countersign deployment: an https origin. `http` is for this machine alone. */
  readonly issuer: string;
  /** The client whose requests they are. */
  readonly clientId: string;
  /** Of that client: needed for `read`. */
  readonly clientSecret?: string;
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds since 1970. Default: `Date.now`. */
  readonly clock?: () => number;
};

export type Receipts = {
  /**
   * Reads the receipt of a request by its id, and verifies it. `token` is what was verified: keep it, since the deployment forgets it. `state` is
   * what has become of the request: an approval that is not `redeemed` is a record, and no leave to act. Throws
   * `CountersignError`: `refused` with a `status` (404: forgotten, or of another client; 409: nobody has decided), `unavailable`, `network`,
   * and what `verify` throws.
   */
  read(id: string): Promise<Receipt & { readonly token: string; readonly state: string }>;
  /**
   * What a receipt says, once the signatures of the deployment and of the device are found good. Throws `CountersignError`: `invalid_token`
   * with a `reason`, or `unavailable` when the deployment's keys cannot be had.
   */
  verify(token: string): Promise<Receipt>;
};

const defaultFetch: typeof globalThis.fetch = (input, init) => globalThis.fetch(input, init);

/** Reads and verifies the receipts of one client. Make it once, since it keeps the deployment's keys. */
export function createReceipts(options: ReceiptOptions): Receipts {
  const { clientId, clientSecret, fetch = defaultFetch, clock = Date.now } = options;
  const issuer = readIssuer(options.issuer);
  readAudience(clientId);
  const keys = makeKeySource({ issuer, fetch, clock });

  const verify = (token: string): Promise<Receipt> =>
    readReceipt(keys, token, { issuer, clientId, now: clock() });

  return {
    verify,
    async read(id) {
      if (clientSecret === undefined) throw badArgument("read needs a clientSecret");
      if (!/^[0-9a-f]{64}$/.test(id)) throw badArgument("id is not one of a request");
      const { token, state } = await fetched(`${issuer}/challenges/${id}/receipt`, {
        clientId,
        clientSecret,
        fetch,
      });
      const receipt = await verify(token);
      // Whoever answers in the deployment's name gives no record of another request.
      if (receipt.id !== id) throw receiptRefusal("claims");
      return { ...receipt, token, state };
    },
  };
}

const TIMEOUT = 10 * SECOND;

type Fetched = { readonly token: string; readonly state: string };
type Asker = Required<Pick<ReceiptOptions, "clientId" | "clientSecret" | "fetch">>;

/** The receipt as the deployment gives it to its client (RFC 6749 §2.3.1). */
async function fetched(url: string, { clientId, clientSecret, fetch }: Asker): Promise<Fetched> {
  const basic = btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret)}`);
  try {
    const answer = await fetch(url, {
      headers: { Accept: "application/json", Authorization: `Basic ${basic}` },
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT),
    });
    const { receipt, state, detail } = (await answer.json()) as Readonly<Record<string, unknown>>;
    if (answer.status === 200 && typeof receipt === "string" && typeof state === "string") {
      return { token: receipt, state };
    }
    throw refusedBy(answer, detail);
  } catch (cause) {
    if (cause instanceof CountersignError) throw cause;
    throw new CountersignError("network", "No answer that can be read about this receipt", { cause });
  }
}

function refusedBy({ status, headers }: Response, detail: unknown): CountersignError {
  const description = typeof detail === "string" ? detail : `The server answered ${status}`;
  if (status !== 429 && status < 500) {
    return new CountersignError("refused", description, { status, description });
  }
  return unavailable(description, Number(headers.get("Retry-After") ?? Number.NaN) || 5);
}
