import type { Context } from "hono";
import { isOwnForm } from "../../../hosted/browser.ts";
import type { AppEnv } from "../../../http/context.ts";
import { wrong } from "../errors.ts";
import { pageForm } from "../form.ts";
import { sessionFor } from "../session/session.ts";
import { askOfPlace } from "./ask-of-place.ts";
import { proceed } from "./authorize.ts";
import { leadWithError, trouble } from "./back.ts";
import { markOf } from "./place.ts";

/**
 * Takes the answer, in the browser that was asked and of the person whom the page has named (T23). Without that page's mark nobody has been
 * asked yet.
 */
export async function takeConsent(c: Context<AppEnv>): Promise<Response> {
  const form = await pageForm(c);
  if (!form || !(await isOwnForm(c, form.csrf))) return await trouble(c, "form");
  const ask = await askOfPlace(c, form.to ?? "");
  if (ask instanceof Response) return ask;
  const session = await sessionFor(c, ask.client);
  if (!session) return await proceed(c, ask, false);
  if (form.decision === "deny") {
    return await leadWithError(c, ask, wrong("access_denied", "The user declined"));
  }
  if (form.decision !== "approve") return await trouble(c, "request");
  return await proceed(c, ask, (await markOf(c, session, ask.parameters)) === "asked");
}
