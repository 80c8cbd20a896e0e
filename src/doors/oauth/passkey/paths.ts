import type { ClientId } from "../../../core/ids.ts";

/** Where users see, add and remove their passkeys. */
export const PASSKEYS_PATH = "/oauth/passkeys";
/** Where a signature goes that signs in: below the sign-in page. */
export const SIGNED_PATH = "/passkey";

/** The page of passkeys for users of this client's realm: where a sign-in for it goes on. */
export const passkeysPlace = (client: ClientId): string =>
  `${PASSKEYS_PATH}?${new URLSearchParams({ client_id: client })}`;

/** The client that such a place names, if it is one. */
export function clientOfPlace(place: string): string | undefined {
  const [path, query = ""] = place.split("?", 2);
  return path === PASSKEYS_PATH ? (new URLSearchParams(query).get("client_id") ?? undefined) : undefined;
}
