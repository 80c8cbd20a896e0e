import { Agent, request } from "node:http";

const agent = new Agent({ keepAlive: true });

/** A POST that is held, by Node's plain client: `at` is when its answer was whole, on `performance.now()`'s clock. */
export function held(
  url: string,
  headers: Readonly<Record<string, string>>,
  body: object,
): Promise<{ readonly at: number; readonly body: unknown }> {
  return new Promise((done, failed) => {
    const sent = { ...headers, "Content-Type": "application/json" };
    const call = request(url, { method: "POST", agent, headers: sent }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      answer.on("end", () => {
        const at = performance.now();
        if (answer.statusCode === 200) done({ at, body: JSON.parse(text) });
        else failed(new Error(`a held call was answered ${answer.statusCode}: ${text}`));
      });
    });
    call.on("error", failed);
    call.end(JSON.stringify(body));
  });
}
