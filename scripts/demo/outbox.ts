import { isObject, makeApi, textOf } from "./api.ts";
import { expect } from "./expect.ts";

/** The newest code that a development server has sent to an address: its outbox keeps what would have been mailed. */
export async function newestCode(origin: string, to: string): Promise<string> {
  const { messages } = await makeApi(origin).read(`/dev/outbox?to=${encodeURIComponent(to)}`, 200);
  const newest = Array.isArray(messages) ? messages[0] : undefined;
  expect(isObject(newest), "a message in the outbox", newest);
  return textOf(newest, "code");
}
