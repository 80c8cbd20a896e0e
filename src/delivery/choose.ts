import type { Clock } from "../core/ports/edge.ts";
import type { Carrier } from "./carrier.ts";
import type { Carriers } from "./deliveries.ts";
import { cloudflareCarrier, type EmailBinding } from "./email/cloudflare.ts";
import { resendCarrier } from "./email/resend.ts";
import { type SmtpOptions, smtpCarrier } from "./email/smtp.ts";
import { twilioCarrier } from "./text/twilio.ts";
import { webhookCarrier } from "./webhook/carrier.ts";

/** The variables that choose and configure carriers; `env.ts` has seen to it that what a chosen one needs is there. */
export type DeliveryVariables = {
  readonly EMAIL_BY?: "cloudflare" | "smtp" | "resend" | "webhook" | undefined;
  readonly SMS_BY?: "twilio" | "webhook" | undefined;
  readonly WHATSAPP_BY?: "twilio" | "webhook" | undefined;
  readonly PUSH_BY?: "webhook" | undefined;
  readonly EMAIL?: EmailBinding | undefined;
  readonly EMAIL_FROM?: string | undefined;
  readonly SMTP_HOST?: string | undefined;
  readonly SMTP_PORT: number;
  readonly SMTP_SECURITY: SmtpOptions["security"];
  readonly SMTP_USERNAME?: string | undefined;
  readonly SMTP_PASSWORD?: string | undefined;
  readonly RESEND_API_KEY?: string | undefined;
  readonly RESEND_URL: string;
  readonly TWILIO_ACCOUNT_SID?: string | undefined;
  readonly TWILIO_API_KEY?: string | undefined;
  readonly TWILIO_AUTH_TOKEN?: string | undefined;
  readonly TWILIO_FROM?: string | undefined;
  readonly TWILIO_WHATSAPP_FROM?: string | undefined;
  readonly TWILIO_WHATSAPP_TEMPLATE?: string | undefined;
  readonly TWILIO_URL: string;
  readonly DELIVERY_WEBHOOK_URL?: string | undefined;
  readonly DELIVERY_WEBHOOK_SECRET?: string | undefined;
};

type Powers = { readonly clock: Clock; readonly connect: SmtpOptions["connect"] };

/** A carrier for each channel that the deployment has chosen one for. */
export function chooseCarriers(env: DeliveryVariables, powers: Powers): Carriers {
  const webhook = () =>
    webhookCarrier({
      url: env.DELIVERY_WEBHOOK_URL ?? "",
      secret: env.DELIVERY_WEBHOOK_SECRET ?? "",
      clock: powers.clock,
    });
  const texts = (by: "twilio" | "webhook" | undefined, from: string | undefined, template?: string) =>
    by === "twilio" ? twilio(env, from ?? "", template) : webhook();
  return {
    ...(env.EMAIL_BY && { email: env.EMAIL_BY === "webhook" ? webhook() : email(env, powers) }),
    ...(env.SMS_BY && { sms: texts(env.SMS_BY, env.TWILIO_FROM) }),
    ...(env.WHATSAPP_BY && {
      whatsapp: texts(env.WHATSAPP_BY, env.TWILIO_WHATSAPP_FROM, env.TWILIO_WHATSAPP_TEMPLATE),
    }),
    ...(env.PUSH_BY && { push: webhook() }),
  };
}

function email(env: DeliveryVariables, { clock, connect }: Powers): Carrier {
  const from = env.EMAIL_FROM ?? "";
  if (env.EMAIL_BY === "resend") {
    return resendCarrier({ url: env.RESEND_URL, key: env.RESEND_API_KEY ?? "", from });
  }
  if (env.EMAIL_BY === "cloudflare" && env.EMAIL) return cloudflareCarrier(env.EMAIL, from);
  return smtpCarrier({
    host: env.SMTP_HOST ?? "",
    port: env.SMTP_PORT,
    security: env.SMTP_SECURITY,
    ...(env.SMTP_USERNAME && { username: env.SMTP_USERNAME }),
    ...(env.SMTP_PASSWORD && { password: env.SMTP_PASSWORD }),
    ...{ from, clock, connect },
  });
}

const twilio = (env: DeliveryVariables, from: string, template?: string): Carrier =>
  twilioCarrier({
    url: env.TWILIO_URL,
    account: env.TWILIO_ACCOUNT_SID ?? "",
    ...(env.TWILIO_API_KEY && { apiKey: env.TWILIO_API_KEY }),
    secret: env.TWILIO_AUTH_TOKEN ?? "",
    from,
    ...(template === undefined ? {} : { template }),
  });
