import * as z from "zod";
import type { Operation } from "../../../http/openapi/operation.ts";
import { answers } from "../../../http/openapi/operation.ts";
import { NAMESPACES } from "../enrolment/enrolled.ts";
import * as shape from "./answers.ts";

type Namespace = (typeof NAMESPACES)[number];
const BASE = "/v1/client/user-authenticators";

const usual = [400, 401];
const security = ["tenantName"] as const;
const publicKey = z.object({ publicKey: z.string().describe("The key's text, base64url once more.") });
const signature = z.object({
  "X-Authsignal-Signature": z.string().optional().describe("The key's signature over the message of `sign`."),
});

/** `qr-code` -> `QrCode`. */
const wordOf = (namespace: Namespace): string =>
  namespace.replaceAll(/(?:^|-)(\w)/g, (_, letter: string) => letter.toUpperCase());

function credential(namespace: Namespace): Record<string, Operation> {
  const path = `${BASE}/${namespace}`;
  const id = (verb: string) => `authsignal${verb}${wordOf(namespace)}Credential`;
  const of = `a phone's key (${namespace})`;
  return {
    [`POST ${path}`]: {
      id: id("Add"),
      summary: `Enrol ${of}`,
      security: ["actionToken"],
      answers: answers(shape.credential, "The credential."),
      errors: [...usual, 403, 409],
    },
    [`GET ${path}`]: {
      id: id("Get"),
      summary: `Read ${of}`,
      security,
      query: publicKey,
      answers: answers(shape.credential, "The credential."),
      errors: usual,
    },
    [`POST ${path}/remove`]: {
      id: id("Remove"),
      summary: `Remove ${of}`,
      security,
      answers: answers(shape.removedCredential, "The credential is gone."),
      errors: usual,
    },
    [`POST ${path}/sign`]: {
      id: id("SignUpdateOf"),
      summary: `Get the message that an update of ${of} signs`,
      security,
      answers: answers(shape.updateNonce, "The message."),
      errors: usual,
    },
    [`PATCH ${path}`]: {
      id: id("Update"),
      summary: `Update ${of}`,
      security,
      answers: answers(shape.changedCredential, "The credential."),
      errors: usual,
    },
  };
}

function challenge(namespace: Exclude<Namespace, "in-app">): Record<string, Operation> {
  const path = `${BASE}/${namespace}/challenge`;
  const id = (verb: string) => `authsignal${verb}${wordOf(namespace)}Challenge`;
  const answer: Record<string, Operation> = {
    [`POST ${path}`]: {
      id: id("Answer"),
      summary: `Answer a challenge (${namespace})`,
      security,
      answers: answers(shape.answered, "Whether it counts as an approval."),
      errors: [...usual, 403],
    },
  };
  const read: Record<string, Operation> = {
    [`GET ${path}`]: {
      id: id("GetPending"),
      summary: `What waits for a phone (${namespace})`,
      security,
      query: publicKey,
      headers: signature,
      answers: answers(shape.pending, "The challenge; the credential alone where nothing waits."),
      errors: [...usual, 403],
    },
    [`POST ${path}/sign`]: {
      id: id("SignReadOf"),
      summary: `Get the message whose signature shows all of a challenge (${namespace})`,
      security,
      query: publicKey,
      answers: answers(shape.promptNonce, "The message."),
      errors: usual,
    },
  };
  const claim: Record<string, Operation> = {
    [`POST ${path}/claim`]: {
      id: id("Claim"),
      summary: `Claim a challenge that was scanned (${namespace})`,
      security,
      answers: answers(shape.claimed, "What is asked."),
      errors: [...usual, 403],
    },
  };
  return {
    ...answer,
    ...(namespace === "qr-code" ? {} : read),
    ...(namespace === "push" ? {} : claim),
  };
}

/** What a phone calls, in each of the four namespaces. */
export const phoneOperations: Readonly<Record<string, Operation>> = Object.assign(
  {},
  ...NAMESPACES.map((namespace) => ({
    ...credential(namespace),
    ...(namespace === "in-app" ? {} : challenge(namespace)),
  })),
);
