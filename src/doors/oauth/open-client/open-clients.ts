import type { Client } from "../../../core/client/client.ts";
import type { ClientId } from "../../../core/ids.ts";
import type { Clock, Documents } from "../../../core/ports/edge.ts";
import type { Services } from "../../../core/ports/services.ts";
import { DAY, type Instant, MINUTE, type Millis } from "../../../core/time.ts";
import { type OpenMetadata, readMetadata } from "./metadata.ts";
import type { FoundClient, OpenClients } from "./ports.ts";
import { isAllowedTarget, type OpenRules } from "./rules.ts";
import { metadataIn } from "./self-contained.ts";

/** How long a document is believed, whatever its server says. */
const SHORTEST: Millis = 5 * MINUTE;
const LONGEST: Millis = DAY;
/** How long it is remembered that there is none. */
const NONE_FOR: Millis = MINUTE;
/** Documents that are remembered, and how often an isolate asks one host in a minute for documents that it does not know. */
const REMEMBERED = 1_000;
export const PER_HOST = 30;

const NONE: FoundClient = { kind: "none" };
const UNREACHABLE: FoundClient = { kind: "unreachable" };

type Kept = {
  readonly found: FoundClient;
  readonly until: Instant;
  /** Until when it may stand in for one that cannot be fetched. */
  readonly staleUntil: Instant;
};

type Powers = Pick<Services, "handles" | "secrets" | "log"> & {
  readonly clock: Clock;
  readonly documents: Documents;
};

/** The clients that nobody registered, by the operator's rules. */
export function makeOpenClients(powers: Powers, rules: OpenRules): OpenClients {
  const { clock, documents, log } = powers;
  const kept = new Map<ClientId, Kept>();
  const asked = new Map<string, { readonly minute: number; readonly times: number }>();

  /** One host is not asked for ever because strangers make up addresses on it. */
  function mayAsk(host: string): boolean {
    const minute = Math.floor(clock.now() / MINUTE);
    const before = asked.get(host);
    const times = before?.minute === minute ? before.times + 1 : 1;
    asked.set(host, { minute, times });
    return times <= PER_HOST;
  }

  function keep(id: ClientId, found: FoundClient, length: Millis): FoundClient {
    const now = clock.now();
    const [oldest] = kept.keys();
    kept.delete(id);
    if (kept.size >= REMEMBERED && oldest !== undefined) kept.delete(oldest);
    const staleUntil = found.kind === "client" ? now + LONGEST : 0;
    kept.set(id, { found, until: now + length, staleUntil });
    return found;
  }

  async function fetched(id: ClientId): Promise<FoundClient> {
    const document = await documents.read(id);
    if (document.kind !== "read") {
      log("info", "a client's document was not read", { host: new URL(id).host, why: document.reason });
    }
    if (document.kind === "unreachable") {
      const before = kept.get(id);
      if (before === undefined || clock.now() >= before.staleUntil) return keep(id, UNREACHABLE, NONE_FOR);
      kept.set(id, { ...before, until: clock.now() + NONE_FOR });
      return before.found;
    }
    const metadata = document.kind === "read" ? metadataOf(id, document.json, rules) : undefined;
    if (metadata === undefined || document.kind !== "read") return keep(id, NONE, NONE_FOR);
    const client = clientOf(id, metadata, rules, new URL(id).host);
    const length = Math.min(Math.max(document.freshFor ?? SHORTEST, SHORTEST), LONGEST);
    return keep(id, { kind: "client", client }, length);
  }

  async function byAddress(id: ClientId, mayFetch: () => Promise<boolean>): Promise<FoundClient> {
    if (!isAddress(id) || !isAllowedTarget(rules, id)) return NONE;
    const before = kept.get(id);
    if (before !== undefined && clock.now() < before.until) return before.found;
    const isKnown = before !== undefined && clock.now() < before.staleUntil;
    if (!isKnown && !((await mayFetch()) && mayAsk(new URL(id).host))) return { kind: "busy" };
    return await fetched(id);
  }

  return {
    rules,
    async find(id, mayFetch = async () => true) {
      if (!id.startsWith("dcr:")) return await byAddress(id, mayFetch);
      const metadata = readMetadata(await metadataIn(powers, id), rules);
      return metadata.ok ? { kind: "client", client: clientOf(id, metadata.value, rules) } : NONE;
    },
  };
}

/**
 * Whether this may be the address of a document (Client ID Metadata Document, section 3): a path, no fragment, no credentials, no dot
 * segments, and the one spelling that a URL parser gives it.
 */
function isAddress(id: string): boolean {
  const url = URL.parse(id);
  return url !== null && url.href === id && url.pathname !== "/" && !id.includes("#") && url.username === "";
}

/** The metadata of the document at this address; undefined when it is another client's, or not taken. */
function metadataOf(id: ClientId, json: unknown, rules: OpenRules): OpenMetadata | undefined {
  const named = typeof json === "object" && json !== null && "client_id" in json ? json.client_id : undefined;
  const metadata = named === id ? readMetadata(json, rules) : undefined;
  return metadata?.ok ? metadata.value : undefined;
}

/** `host`: where its document is, the one thing of it that was checked. */
function clientOf(id: ClientId, metadata: OpenMetadata, rules: OpenRules, host?: string): Client {
  const { name, redirectUris, grantTypes } = metadata;
  const targets = redirectUris.map((uri) => new URL(uri));
  const [first] = targets;
  return {
    id,
    realm: rules.realm,
    name: host ?? (first?.host || first?.protocol || ""),
    kind: "public",
    redirectUris,
    allowedOrigins: [...new Set(targets.filter(({ protocol }) => /^https?:$/.test(protocol)).map(originOf))],
    grantTypes,
    publicKeys: [],
    // Pages and letters before the consent page speak for the deployment: a name that anybody can choose stands nowhere there.
    settings: { first_party: false, resources: rules.resources, brand: { name: "" } },
    open: { name, ...(host === undefined ? {} : { host }) },
    createdAt: 0,
    updatedAt: 0,
  };
}

const originOf = ({ origin }: URL): string => origin;
