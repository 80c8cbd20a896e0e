import * as z from "zod";
import { oneLine } from "../../core/shown-text.ts";

/** Texts of the wire are bounded; `null` is as good as absent. */
const text = (limit: number) => z.string().min(1).max(limit);
/** A name that users are shown later: one line, whatever was sent. */
const shown = (name: string): string => oneLine(name, 256);
const absent = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullish().transform((value) => value ?? undefined);

/** What a waiter calls the session that it asks for; a blank one is none. */
const sessionName = absent(
  z
    .string()
    .max(256)
    .transform((name) => shown(name).trim() || undefined),
);

const clientId = text(256);
/** A username may stand where the id is asked for. */
const person = { user_id: absent(text(254)), username: absent(z.string().max(254)) };

export const CODE_TYPES = ["short", "long", "phrase"] as const;
const codeType = z.enum(CODE_TYPES);
/** The only two purposes of every SDK (LoginID §1). */
export const purposes = z.enum(["temporary_authentication", "add_credential"]);

/** A number is taken for the six digits whose leading zeros somebody lost (LoginID §5). */
const codeText = z.union([text(128), z.int().min(0).max(999_999)]);

export const usernameBody = z.object({ username: z.string().max(254) });
export const personBody = z.object({ client_id: absent(clientId), ...person });

export const codesBody = z.object({ client_id: clientId, ...person, purpose: purposes });
export const generateBody = z.object({ ...codesBody.shape, authorize: absent(z.boolean()) });
export const authorizeBody = z.object({ ...codesBody.shape, code: codeText });

export const waitBody = z.object({
  client_id: clientId,
  ...person,
  authentication_code: z.object({ code: codeText, type: codeType }),
  credential_name: sessionName,
  options: absent(z.object({ credential_name: sessionName })),
  no_wait: absent(z.boolean()),
  no_jwt: absent(z.boolean()),
});
export type WaitBody = z.output<typeof waitBody>;

export const credentialBody = z.object({
  client_id: absent(clientId),
  ...person,
  credential: z.object({ uuid: text(64), name: absent(z.string().max(256).transform(shown)) }),
});
export type CredentialBody = z.output<typeof credentialBody>;

const answer = text(8 * 1024);

/** What a browser is to show and to look for; `override_name` and whatever else comes along is not needed. */
const creation = absent(
  z.object({ display_name: absent(z.string().max(128)), roaming_authenticator: absent(z.boolean()) }),
);

export const forceBody = z.object({ client_id: clientId, ...person, options: creation });
export type ForceBody = z.output<typeof forceBody>;

export const reserveBody = z.object({
  ...forceBody.shape,
  authentication_code: z.object({ code: codeText, type: codeType }),
});

export const passkeyBody = z.object({
  client_id: clientId,
  ...person,
  attestation_payload: z.object({
    challenge: answer,
    credential_uuid: text(64),
    credential_id: answer,
    client_data: answer,
    attestation_data: answer,
  }),
  options: absent(z.object({ credential_name: absent(text(256).transform(shown)) })),
  no_jwt: absent(z.boolean()),
});

export const selfBody = z.object({ client_id: clientId, ...person, purpose: purposes });

export const selfDoneBody = z.object({
  client_id: clientId,
  ...person,
  assertion_payload: z.object({
    challenge: answer,
    credential_id: answer,
    client_data: answer,
    authenticator_data: answer,
    signature: answer,
  }),
  no_jwt: absent(z.boolean()),
});
