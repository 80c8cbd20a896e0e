import { CARRY_WITHIN, type Carrier, type Letter } from "../carrier.ts";
import { post } from "../http.ts";

export type TwilioOptions = {
  readonly url: string;
  readonly account: string;
  /** Name of an API key whose secret `secret` is; without it that is the account's auth token. */
  readonly apiKey?: string;
  readonly secret: string;
  /** A number, an alphanumeric sender, or the `MG…` id of a messaging service. */
  readonly from: string;
  /** WhatsApp lets a business begin with an approved template only: its `HX…` id, the code its first variable. */
  readonly template?: string;
};

const SERVICE = /^MG[0-9a-f]{32}$/i;

function formOf(letter: Letter, { from, template }: TwilioOptions): URLSearchParams {
  const isWhatsapp = letter.channel === "whatsapp";
  const address = (number: string) => (isWhatsapp ? `whatsapp:${number}` : number);
  const form = new URLSearchParams({ To: address(letter.to) });
  if (SERVICE.test(from)) form.set("MessagingServiceSid", from);
  else form.set("From", address(from));
  if (isWhatsapp && template !== undefined) {
    form.set("ContentSid", template);
    form.set("ContentVariables", JSON.stringify({ "1": letter.code ?? letter.link ?? letter.short }));
  } else {
    form.set("Body", letter.short);
  }
  return form;
}

/** Texts and WhatsApp messages by Twilio's `Messages` resource. It knows no idempotency key. */
export const twilioCarrier =
  (options: TwilioOptions): Carrier =>
  async (letter) => {
    const { url, account, apiKey, secret } = options;
    return await post({
      url: `${url}/2010-04-01/Accounts/${account}/Messages.json`,
      headers: {
        authorization: `Basic ${btoa(`${apiKey ?? account}:${secret}`)}`,
        "content-type": "application/x-www-form-urlencoded",
        "user-agent": "Countersign",
      },
      body: formOf(letter, options).toString(),
      within: CARRY_WITHIN,
      readsCode: true,
    });
  };
