import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openPage } from "../e2e/browser.ts";
import { newUser, type User } from "../wire/sdk/stage.ts";
import { type Running, stage, startExample } from "./example.ts";
import { look } from "./look.ts";

let app: Running;
let user: User;

beforeAll(async () => {
  app = await startExample("web-app-hono");
  await app.says(/Open /);
});
afterAll(async () => await app.stop());
beforeEach(async () => {
  user = await newUser(stage());
});

/** A browser by hand: keeps its cookies, and sends what a page of this origin sends. */
function browser(jar: Record<string, string> = {}) {
  return async (path: string, body?: Record<string, string>, origin = app.origin) => {
    const answer = await fetch(`${app.origin}${path}`, {
      method: "POST",
      redirect: "manual",
      headers: {
        Origin: origin,
        Cookie: Object.entries(jar)
          .map((pair) => pair.join("="))
          .join("; "),
      },
      ...(body ? { body: new URLSearchParams(body) } : {}),
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      jar[name] = value;
    }
    return answer;
  };
}

/** Reads the stream line by line, and approves at the first number. */
async function approveIn(answer: Response): Promise<unknown> {
  let text = "";
  let isApproved = false;
  for await (const part of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += part;
    const [, number] = /"matchCode":"(\d{6})"/.exec(text) ?? [];
    if (number !== undefined && !isApproved) {
      isApproved = true;
      await user.approve(number);
    }
  }
  return JSON.parse(text.trim().split("\n").at(-1) ?? "");
}

describe("in a browser", () => {
  test("the page shows the number, the phone approves, the backend begins a session of its own", async () => {
    const { page, complaints, close } = await openPage();
    try {
      await page.goto(app.origin);
      await look(page, "web-app");
      await page.getByLabel("E-mail address").fill(user.email);
      await page.getByRole("button", { name: "Continue on my phone" }).click();
      const number = page.locator("#number");
      await expect.poll(() => number.innerText()).toMatch(/^\d{3} \d{3}$/);
      await expect.poll(() => page.locator("#left").innerText()).toMatch(/^[0-3]:\d\d$/);
      await look(page, "web-app-waiting");
      await user.approve((await number.innerText()).replace(" ", ""));
      await page.getByText(`You are user ${user.id}`).waitFor();
      await look(page, "web-app-signed-in");
      expect(await page.context().cookies()).toEqual([
        expect.objectContaining({ name: "session", httpOnly: true, sameSite: "Strict" }),
      ]);
      await page.getByRole("button", { name: "Sign out" }).click();
      await page.getByLabel("E-mail address").waitFor();
      expect(complaints).toEqual([]);
    } finally {
      await close();
    }
  });

  test("a decline and a cancel are told apart, and lead back to the form", async () => {
    const { page, close } = await openPage();
    try {
      await page.goto(app.origin);
      await page.getByLabel("E-mail address").fill(user.email);
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Cancel" }).click();
      await page.getByRole("button", { name: "Continue on my phone" }).click();
      await page.getByRole("button", { name: "Cancel" }).waitFor();
      await user.decline();
      await page.getByRole("alert").getByText("You declined").waitFor();
      await look(page, "web-app-declined");
    } finally {
      await close();
    }
  });
});

describe("what others try", () => {
  test("a form of another site starts nothing, collects nothing and signs nobody out", async () => {
    for (const path of ["/sign-in", "/sign-in/finish", "/sign-out"]) {
      const answer = await browser()(path, { address: user.email }, "https://evil.example");
      expect(answer.status, path).toBe(403);
    }
    const { prompts } = await user.call("GET", "/prompts");
    expect(prompts).toEqual([]);
  });

  test("an approval is collected once, by the browser that began it, into a new session", async () => {
    const jar = { session: "chosen-by-somebody-else" };
    const mine = browser(jar);
    const began = await mine("/sign-in", { address: user.email });
    expect(began.headers.getSetCookie()[0]).toMatch(
      /^start=[\w-]{36};.*Path=\/sign-in; HttpOnly; SameSite=Strict$/,
    );
    expect(await approveIn(began)).toEqual({ done: true });
    expect((await browser()("/sign-in/finish")).status).toBe(403);
    const start = (jar as Record<string, string>).start ?? "";
    expect((await mine("/sign-in/finish")).status).toBe(204);
    expect(jar.session).toMatch(/^[\w-]{36}$/);
    const page = (session: string) =>
      fetch(app.origin, { headers: { Cookie: `session=${session}` } }).then((answer) => answer.text());
    expect(await page(jar.session)).toContain(user.id);
    expect(await page("chosen-by-somebody-else")).not.toContain(user.id);
    expect((await browser({ start })("/sign-in/finish")).status).toBe(403);
  });

  test("a sign-in that nobody approved gives no session", async () => {
    const control = new AbortController();
    const began = await fetch(`${app.origin}/sign-in`, {
      method: "POST",
      headers: { Origin: app.origin },
      body: new URLSearchParams({ address: user.email }),
      signal: control.signal,
    });
    const [cookie = ""] = began.headers.getSetCookie();
    await user.prompt();
    const finish = () =>
      fetch(`${app.origin}/sign-in/finish`, {
        method: "POST",
        headers: { Origin: app.origin, Cookie: cookie.split(";")[0] ?? "" },
      });
    expect((await finish()).status).toBe(403);
    control.abort();
  });

  test("an address that nobody has waits like any other, and none at all is refused", async () => {
    const control = new AbortController();
    const answer = await fetch(`${app.origin}/sign-in`, {
      method: "POST",
      headers: { Origin: app.origin },
      body: new URLSearchParams({ address: "nobody@example.com" }),
      signal: control.signal,
    });
    const { value = "" } = await answer.body!.pipeThrough(new TextDecoderStream()).getReader().read();
    expect(JSON.parse(value.split("\n")[0] ?? "")).toMatchObject({
      prompt: { state: "pending", matchCode: expect.stringMatching(/^\d{6}$/) },
    });
    control.abort();
    expect((await browser()("/sign-in", { address: " " })).status).toBe(400);
  });
});
