import { expect } from "vitest";
import type { Api } from "./api.ts";
import { newestTo, sentTo } from "./outbox.ts";

/** What the app's address is given at the end. */
export type Given = { readonly code: string; readonly state: string; readonly challenge_id: string };

/**
 * A browser, as far as HTTP goes: opens the page's address, gives the mail address unless the page has it (`direct_login`), types the
 * code, and is led to `redirect`.
 */
export async function walkPage(api: Api, path: string, address: string, redirect: string): Promise<Given> {
  const entry = await api("GET", path);
  const cookie = entry.headers.get("set-cookie")?.split(";")[0] ?? "";
  const isSent = entry.status === 303;
  const form = isSent
    ? await api("GET", entry.headers.get("location") ?? "", { headers: { Cookie: cookie } })
    : entry;
  expect(form.status, form.text.slice(-600)).toBe(200);
  const csrf = /name="csrf" value="([^"]*)"/.exec(form.text)?.[1] ?? "";
  const post = (to: string, fields: Readonly<Record<string, string>>) =>
    api("POST", to, {
      headers: { Cookie: cookie, "Content-Type": "application/x-www-form-urlencoded", Origin: "null" },
      raw: new URLSearchParams({ csrf, ...fields }).toString(),
    });
  const last = isSent ? undefined : (await sentTo(api, address))[0];
  const sent = isSent ? entry : await post(path, { identifier: address });
  expect(sent.status, sent.text.slice(-600)).toBe(303);
  const check = sent.headers.get("location")?.split("?")[0] ?? "";
  const done = await post(check, { code: (await newestTo(api, address, last)).code });
  expect(done.status).toBe(303);
  const location = done.headers.get("location") ?? "";
  expect(location.startsWith(`${redirect}?`)).toBe(true);
  const parameters = new URLSearchParams(location.slice(location.indexOf("?")));
  return {
    code: parameters.get("code") ?? "",
    state: parameters.get("state") ?? "",
    challenge_id: parameters.get("challenge_id") ?? "",
  };
}
