import { VERIFICATION_PAGE } from "../endpoints.ts";
import { readUserCode, shownUserCode } from "./user-code.ts";

/** The verification page with this code filled in: where a sign-in for it goes on. */
export const devicePlace = (code: string): string => `${VERIFICATION_PAGE}?user_code=${shownUserCode(code)}`;

/** The code of such a place, if it is one. */
export function codeOfPlace(place: string): string | undefined {
  const [path, query = ""] = place.split("?", 2);
  const typed = path === VERIFICATION_PAGE ? new URLSearchParams(query).get("user_code") : null;
  return typed === null ? undefined : readUserCode(typed);
}
