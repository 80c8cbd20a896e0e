import { CARRY_WITHIN, type Carrier } from "../carrier.ts";
import { mailbox, post } from "../http.ts";

export type ResendOptions = { readonly url: string; readonly key: string; readonly from: string };

/** 409 with one key: the same message is being sent this moment. */
const CONCURRENT = 409;

/** E-mail by Resend's HTTP API, `POST /emails`; the letter's id is the idempotency key, which holds for 24 hours there. */
export const resendCarrier =
  ({ url, key, from }: ResendOptions): Carrier =>
  async (letter) =>
    await post({
      url: `${url}/emails`,
      headers: {
        authorization: `Bearer ${key}`,
        "content-type": "application/json",
        "idempotency-key": letter.id,
        "user-agent": "Countersign",
      },
      body: JSON.stringify({
        from: mailbox(letter.from, from),
        to: [letter.to],
        subject: letter.subject,
        html: letter.html,
        text: letter.text,
      }),
      within: CARRY_WITHIN,
      readsCode: true,
      passing: [CONCURRENT],
    });
