import { readWebhookSecret } from "../../core/client/webhook-secret.ts";
import type { Clock } from "../../core/ports/edge.ts";
import { CARRY_WITHIN, type Carrier } from "../carrier.ts";
import { post } from "../http.ts";
import { signatureHeaders } from "./sign.ts";

export type WebhookCarrierOptions = {
  readonly url: string;
  /** `whsec_` and base64, or any other text, whose UTF-8 is the key. */
  readonly secret: string;
  readonly clock: Clock;
};

/**
 * Hands the letter to the operator's own sender: one signed POST (Standard Webhooks 1.0), JSON with everything that the letter says.
 * `webhook-id` is the letter's id: a receiver that has seen it sends nothing again.
 */
export const webhookCarrier =
  ({ url, secret, clock }: WebhookCarrierOptions): Carrier =>
  async (letter) => {
    const { id, channel, to, template, locale, from, subject, text, html, short, code, link } = letter;
    const words = channel === "email" ? { subject, text, html } : { text: short };
    const data = { channel, to, template, locale, from, ...words, code, link };
    const body = JSON.stringify({ id, type: "message.send", data });
    const key = readWebhookSecret(secret);
    if (key === undefined) throw new Error("the webhook secret was not checked");
    const signed = await signatureHeaders([key], id, clock.now(), body);
    return await post({
      url,
      headers: { "content-type": "application/json", "user-agent": "Countersign", ...signed },
      body,
      within: CARRY_WITHIN,
      readsCode: true,
    });
  };
