import type { Client } from "../../../src/core/client/client.ts";
import { type ClientId, MAIN } from "../../../src/core/ids.ts";

/** A confidential client with nothing set. */
export const BANK: Client = {
  id: "bank" as ClientId,
  realm: MAIN,
  name: "Bank",
  kind: "confidential",
  redirectUris: [],
  allowedOrigins: [],
  grantTypes: [],
  publicKeys: [],
  settings: {},
  createdAt: 0,
  updatedAt: 0,
};
