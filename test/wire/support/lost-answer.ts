import { request } from "node:http";

/** Makes a call and hangs up as soon as the answer begins: the server has done its work, and nobody has read it. */
export function loseAnswer(
  url: string,
  headers: Readonly<Record<string, string>>,
  options: { readonly method?: string; readonly body?: string } = {},
): Promise<number> {
  return new Promise((done, fail) => {
    const call = request(url, { method: options.method ?? "GET", headers });
    call.once("response", (answer) => {
      answer.on("error", () => undefined);
      answer.destroy();
      done(answer.statusCode ?? 0);
    });
    call.once("error", fail);
    call.end(options.body);
  });
}
