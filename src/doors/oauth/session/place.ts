import type { Client } from "../../../core/client/client.ts";

/** Where a sign-in belongs to: the client that it is for, and the address of ours that goes on when it is done. */
export type Place = {
  readonly client: Client;
  readonly place: string;
  /** Where a form may lead in the end: Chromium holds redirects to `form-action` too. */
  readonly redirectUri?: string;
  /** The name that the client has for the person. */
  readonly hint?: string;
};
