import { createVerifier } from "countersign/verify";

const { ISSUER = "", CLIENT_ID = "" } = process.env;

// The number was typed or scanned. Ask for `urn:signin:acr:device-match-uv` where a fingerprint or a face is needed too.
const verifier = createVerifier({ issuer: ISSUER, audience: CLIENT_ID, acr: "urn:signin:acr:device-match" });

/** Approvals that were used: one pays once. Yours are in the database, written in the transaction that pays. */
const used = new Set<string>();

/** Pays what the user has approved. It takes the token alone, so nobody on the way can change amount or payee. */
export async function pay(accessToken: string): Promise<string> {
  const { sid, sub, authorization_details: details = [] } = await verifier.verify(accessToken);
  const [payment] = details;
  if (details.length !== 1 || payment?.type !== "payment") throw new Error("This approves no payment");
  if (used.has(sid)) throw new Error("This approval was used before");
  used.add(sid);
  return `Paid ${payment.amount} ${payment.currency} to ${payment.to}, as ${sub} approved`;
}
