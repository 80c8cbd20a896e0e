import { createElement } from "react";
import { renderToStaticMarkup, renderToString } from "react-dom/server";
import { encode } from "uqr";
import { describe, expect, test, vi } from "vitest";
import type { Client, Prompt } from "../../../packages/countersign/src/client.ts";
import {
  useApproval,
  useSession,
  useSignIn,
  Waiting,
  type WaitingProps,
} from "../../../packages/countersign/src/react/react.ts";

const prompt: Prompt = { state: "pending", matchCode: "482913", expiresAt: new Date(Date.now() + 90_000) };
const rendered = (over: Partial<WaitingProps> = {}) =>
  renderToStaticMarkup(createElement(Waiting, { prompt, onCancel: () => undefined, ...over }));

/** The modules that a path of bars paints. */
function painted(path: string, size: number): boolean[][] {
  const rows = Array.from({ length: size }, () => Array<boolean>(size).fill(false));
  for (const [, x, y, length] of path.matchAll(/M(\d+) (\d+)h(\d+)v1h-\d+z/g)) {
    for (let n = 0; n < Number(length); n++) rows[Number(y)]![Number(x) + n] = true;
  }
  return rows;
}

describe("Waiting, rendered by a server", () => {
  test("has the number in groups for the eye and digit by digit for who listens", () => {
    const html = rendered();
    expect(html).toContain('<span aria-hidden="true">482 913</span>');
    expect(html).toMatch(/<span style="[^"]*clip-path[^"]*">4 8 2 9 1 3<\/span>/);
    expect(html).toMatch(/<output aria-live="polite" aria-labelledby="([^"]+)"/);
    expect(html).toContain('<p role="status" data-part="status">Waiting for your answer on your phone</p>');
  });

  test("has no time left, which only the reader's clock knows, and no QR code without an encoder", () => {
    const html = rendered({ prompt: { ...prompt, qrText: "https://sign.example/phone#scan=1.2" } });
    expect(html).not.toMatch(/time|svg/);
  });

  test("draws exactly the modules of the encoder, dark on light, with a quiet zone of four", () => {
    const qrText = "https://sign.example/phone#scan=0f3a.pV0c2VJ4m1i0Qw7x9b3dYg";
    const html = rendered({ prompt: { ...prompt, qrText }, qr: encode });
    const { data, size } = encode(qrText);
    const [, path = ""] = /<path d="([^"]+)" fill="#000"/.exec(html) ?? [];
    expect(painted(path, size)).toEqual(data);
    expect(html).toContain(`viewBox="-4 -4 ${size + 8} ${size + 8}"`);
    expect(html).toContain('role="img" aria-label="Scan this with your phone’s camera"');
  });

  test("names the address where a device's code is typed", () => {
    const html = rendered({
      prompt: {
        state: "claimed",
        userCode: "WDJB-MJHT",
        verificationUri: "https://sign.example/oauth/device",
        expiresAt: prompt.expiresAt,
      },
    });
    expect(html).toContain('<a href="https://sign.example/oauth/device">sign.example/oauth/device</a>');
    expect(html).toContain("W D J B - M J H T");
    expect(html).toContain('data-state="claimed"');
    expect(html).not.toContain('data-part="match-code"');
  });

  test("takes other words and classes, and what a server says stays text", () => {
    const html = rendered({
      words: { pending: "Warten auf Ihr Telefon" },
      className: "card",
      classNames: { cancel: "quiet" },
      prompt: { ...prompt, matchCode: "<b>1" },
    });
    expect(html).toContain(">Warten auf Ihr Telefon</p>");
    expect(html).toContain('class="card"');
    expect(html).toContain('<button type="button" data-part="cancel" class="quiet">Cancel</button>');
    expect(html).toContain("&lt;b&gt;1");
    expect(html).not.toContain("<b>");
  });
});

test("a server renders the hooks' first state, and sends nothing", () => {
  const send = vi.fn(() => Promise.reject(new Error("something was sent")));
  const client = { signIn: send, session: send, signOut: send } as Pick<
    Client,
    "signIn" | "session" | "signOut"
  >;
  function Page() {
    const states = [
      useSignIn(client).state.status,
      useApproval({ start: send }).state.status,
      useSession(client).state.status,
    ];
    return createElement("p", null, states.join(" "));
  }
  expect(renderToString(createElement(Page))).toBe("<p>idle idle loading</p>");
  expect(send).not.toHaveBeenCalled();
});
