import { parseRealm, type Realm } from "../../../core/ids.ts";

/** Where somebody signs in to add a phone. */
export const PHONE_SIGN_IN = "/phone/sign-in";

export const placeOfPhone = (realm: Realm): string => `${PHONE_SIGN_IN}?${new URLSearchParams({ realm })}`;

/** The realm that such a place names, if it is one. */
export function realmOfPhonePlace(place: string): Realm | undefined {
  const [path, query = ""] = place.split("?", 2);
  return path === PHONE_SIGN_IN ? parseRealm(new URLSearchParams(query).get("realm") ?? "") : undefined;
}
