import { expect } from "vitest";
import type { Api } from "./api.ts";

/** What the app's address is given at the end. */
export type Given = { readonly code: string; readonly state: string; readonly challenge_id: string };

/** The code of the newest letter to an address. */
export async function codeFor(api: Api, to: string): Promise<string> {
  const { body } = await api("GET", "/dev/outbox", { query: { to } });
  return (body.messages as readonly { code: string }[])[0]?.code ?? "";
}

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
  const sent = isSent ? entry : await post(path, { identifier: address });
  expect(sent.status, sent.text.slice(-600)).toBe(303);
  const check = sent.headers.get("location")?.split("?")[0] ?? "";
  const done = await post(check, { code: await codeFor(api, address) });
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
