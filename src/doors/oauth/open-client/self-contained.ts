import { fromBase64Url, toBase64Url } from "../../../core/base64.ts";
import { type ClientId, parseOpenClientId } from "../../../core/ids.ts";
import type { Services } from "../../../core/ports/services.ts";
import type { OpenMetadata } from "./metadata.ts";

type Powers = Pick<Services, "handles" | "secrets">;

const PREFIX = "dcr:";

const macOf = ({ handles }: Pick<Powers, "handles">, payload: string): Promise<string> =>
  handles.pepper(["oauth-open-client"], payload);

/**
 * The id of a client that registers itself: what it says, and a MAC over it. Nothing is stored, and the same metadata have the same id
 * (docs/decisions/0084). Undefined when they are too long for an id.
 */
export async function idFor(powers: Powers, metadata: OpenMetadata): Promise<ClientId | undefined> {
  const { name, redirectUris, grantTypes } = metadata;
  const kept = [name, grantTypes.includes("refresh_token") ? 1 : 0, ...redirectUris];
  const payload = toBase64Url(new TextEncoder().encode(JSON.stringify(kept)));
  return parseOpenClientId(`${PREFIX}${payload}.${await macOf(powers, payload)}`);
}

/** The metadata that such an id was made of, to be checked as when it was made; undefined for one that is not ours. */
export async function metadataIn(powers: Powers, id: ClientId): Promise<unknown> {
  if (!id.startsWith(PREFIX)) return undefined;
  const [payload = "", mac = ""] = id.slice(PREFIX.length).split(".");
  if (!(await powers.secrets.equal(mac, await macOf(powers, payload)))) return undefined;
  const bytes = fromBase64Url(payload);
  if (bytes === undefined) return undefined;
  const [name, refreshes, ...redirectUris] = JSON.parse(new TextDecoder().decode(bytes)) as [
    string,
    number,
    ...string[],
  ];
  return {
    client_name: name,
    redirect_uris: redirectUris,
    grant_types: refreshes === 1 ? ["authorization_code", "refresh_token"] : ["authorization_code"],
  };
}
