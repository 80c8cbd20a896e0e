import type { Operation } from "../../../http/openapi/operation.ts";
import { answers } from "../../../http/openapi/operation.ts";
import { jwks } from "../../../http/openapi/parts.ts";
import * as shape from "./answers.ts";

const usual = [400, 401];
const security = ["actionToken"] as const;
const tenant = ["tenantName"] as const;
const either = ["actionToken", "tenantName"] as const;
const sends = [...usual, 403, 502];

const start = (id: string, summary: string): Operation => ({
  id,
  summary,
  security,
  answers: answers(shape.started, "The challenge."),
  errors: sends,
});
const verify = (id: string, summary: string): Operation => ({
  id,
  summary,
  security,
  answers: answers(shape.code, "Whether the code is right. One that is not is an answer, and no error."),
  errors: [...usual, 403],
});
const enrol = (id: string, summary: string): Operation => ({
  id,
  summary,
  security,
  answers: answers(shape.enrolling, "The address, enrolled when the code comes back."),
  errors: sends,
});

/** What a page or an app calls, with the action's token. */
export const pageOperations: Readonly<Record<string, Operation>> = {
  "POST /v1/client/challenge/push": {
    id: "authsignalStartPush",
    summary: "Ask the user's phone",
    security,
    answers: answers(shape.startedPush, "The challenge, and where to wait."),
    errors: sends,
  },
  "POST /v1/client/verify/push": {
    id: "authsignalPollPush",
    summary: "What became of a challenge to the user's phone",
    security,
    answers: answers(shape.push, "How it stands."),
    errors: [...usual, 403],
  },
  "POST /v1/client/challenge/qr-code": {
    id: "authsignalStartQrCode",
    summary: "Start a challenge that a phone scans",
    security: either,
    answers: answers(shape.startedQr, "What the QR code shows, and where to wait."),
    errors: [...usual, 403],
  },
  "POST /v1/client/verify/qr-code": {
    id: "authsignalPollQrCode",
    summary: "What became of a challenge that a phone scans",
    security: tenant,
    answers: answers(shape.qr, "How it stands."),
    errors: usual,
  },
  "POST /v1/client/challenge": {
    id: "authsignalStartInApp",
    summary: "Get a challenge that this phone signs itself",
    security: either,
    answers: answers(shape.startedInApp, "The challenge."),
    errors: [...usual, 403],
  },
  "POST /v1/client/verify/in-app": {
    id: "authsignalVerifyInApp",
    summary: "Meet an action by this phone's own signature",
    security: either,
    answers: answers(shape.inApp, "The result."),
    errors: [...usual, 403],
  },
  "POST /v1/client/verify/device": {
    id: "authsignalVerifyDevice",
    summary: "Meet an action by this device's own signature",
    security: either,
    answers: answers(shape.inApp, "The result."),
    errors: [...usual, 403],
  },
  "POST /v1/client/challenge/email-otp": start("authsignalStartEmailOtp", "Send a code by e-mail"),
  "POST /v1/client/challenge/sms": start("authsignalStartSms", "Send a code by SMS"),
  "POST /v1/client/challenge/whatsapp": start("authsignalStartWhatsapp", "Send a code by WhatsApp"),
  "POST /v1/client/challenge/email-magic-link": start("authsignalStartMagicLink", "Send a link by e-mail"),
  "POST /v1/client/verify/email-otp": verify("authsignalVerifyEmailOtp", "Give back a code of an e-mail"),
  "POST /v1/client/verify/sms": verify("authsignalVerifySms", "Give back a code of an SMS"),
  "POST /v1/client/verify/whatsapp": verify("authsignalVerifyWhatsapp", "Give back a code of WhatsApp"),
  "POST /v1/client/verify/email-magic-link/finalize": verify(
    "authsignalFinalizeMagicLink",
    "What became of a link",
  ),
  "POST /v1/client/user-authenticators/email-otp": enrol(
    "authsignalEnrolEmailOtp",
    "Enrol an e-mail address",
  ),
  "POST /v1/client/user-authenticators/email-magic-link": enrol(
    "authsignalEnrolMagicLink",
    "Enrol an e-mail address by a link",
  ),
  "POST /v1/client/user-authenticators/sms": enrol("authsignalEnrolSms", "Enrol a phone number"),
  "GET /v1/client/user-authenticators": {
    id: "authsignalListOwnAuthenticators",
    summary: "List the user's own ways to meet actions",
    security,
    answers: answers(shape.authenticators, "The ways."),
    errors: [...usual, 403],
  },
  "GET /v1/client/public/:tenant/.well-known/jwks": {
    id: "authsignalKeys",
    summary: "Public keys that tokens are verified with",
    security: [],
    answers: answers(jwks, "A key set."),
    errors: usual,
  },
};
