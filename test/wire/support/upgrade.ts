import { request } from "node:http";

/** How a server answers an upgrade: 101 with the protocol it selected, or a refusal with its body. */
export type UpgradeAnswer = { readonly status: number; readonly protocol?: string; readonly text: string };

/** Asks for a WebSocket with exactly these headers, which a WebSocket client does not let one choose. */
export function upgrade(uri: string, headers: Readonly<Record<string, string>>): Promise<UpgradeAnswer> {
  return new Promise((done, fail) => {
    const call = request(uri.replace(/^ws/, "http"), {
      headers: {
        Connection: "Upgrade",
        Upgrade: "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": Buffer.from("0123456789abcdef").toString("base64"),
        ...headers,
      },
    });
    call.once("upgrade", (answer, socket) => {
      socket.destroy();
      const protocol = answer.headers["sec-websocket-protocol"];
      done({ status: answer.statusCode ?? 0, text: "", ...(protocol === undefined ? {} : { protocol }) });
    });
    call.once("response", (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => {
        text += part;
      });
      answer.on("end", () => done({ status: answer.statusCode ?? 0, text }));
    });
    call.once("error", fail);
    call.end();
  });
}
