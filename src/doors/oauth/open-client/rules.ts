import { parseRealm, type Realm } from "../../../core/ids.ts";

/** What the operator lets clients do that nobody registered. */
export type OpenRules = {
  /** Hosts, with a port where it is another than the scheme's; and `scheme:` of an app's own scheme. */
  readonly hosts: ReadonlySet<string>;
  readonly realm: Realm;
  /** What they may ask tokens for (RFC 8707). */
  readonly resources: readonly string[];
};

/** The operator's variables; they have been checked. */
export type OpenVariables = {
  readonly OPEN_CLIENT_HOSTS?: string | undefined;
  readonly OPEN_CLIENT_REALM: string;
  readonly OPEN_CLIENT_RESOURCES?: string | undefined;
};

const listOf = (text = ""): readonly string[] =>
  text
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");

/** The rules of the variables; undefined while no host is named: then there are no such clients. */
export function rulesOf(variables: OpenVariables): OpenRules | undefined {
  const hosts = listOf(variables.OPEN_CLIENT_HOSTS);
  const realm = parseRealm(variables.OPEN_CLIENT_REALM);
  if (hosts.length === 0 || realm === undefined) return undefined;
  return { hosts: new Set(hosts), realm, resources: listOf(variables.OPEN_CLIENT_RESOURCES) };
}

/**
 * Whether an address is where the operator lets such clients be. Of http, which is this device's own alone, any port may be (RFC 8252 §7.3);
 * of an app's own scheme the host says nothing, so the scheme itself has to be named.
 */
export function isAllowedTarget({ hosts }: OpenRules, uri: string): boolean {
  const { protocol, host, hostname } = new URL(uri);
  switch (protocol) {
    case "https:":
      return hosts.has(host);
    case "http:":
      return hosts.has(hostname);
    default:
      return hosts.has(protocol);
  }
}
