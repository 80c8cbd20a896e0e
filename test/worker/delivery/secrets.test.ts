import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { chance } from "../../../src/wiring.ts";
import { everythingAtRest } from "../support/at-rest.ts";
import { fresh } from "../support/cotter.ts";
import { sending } from "../support/delivery.ts";
import { appPath, browser, newPageClient, readable } from "../support/page.ts";

type At = ReturnType<typeof sending>;

let lines: string[];
beforeEach(() => {
  lines = [];
  for (const level of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, level).mockImplementation((...words) => void lines.push(words.map(String).join(" ")));
  }
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A page's visitor, every byte of whose answers is kept. */
function visitor(at: At) {
  const answers: string[] = [];
  const ask: At["ask"] = async (path, init) => {
    const answer = await at.ask(path, init);
    const text = await answer.clone().text();
    answers.push([answer.status, JSON.stringify([...answer.headers]), text].join("\n"));
    return answer;
  };
  return { answers, person: browser({ ...at.page, ask }, { Origin: "https://sign.example" }) };
}

const CODE = "493027";

describe("T64 in production mode the code is in nothing but the message", () => {
  test("T64 responses, log lines, queue bodies, audit rows, database and objects do not hold it", async () => {
    vi.spyOn(chance, "digits").mockReturnValue(CODE);
    const at = sending();
    const client = await newPageClient(at.page);
    const { answers, person } = visitor(at);
    const address = `${fresh("ana")}@example.com`;
    const path = await appPath(client);
    await person.get(path);
    const asked = await person.post(path, { identifier: address });
    expect(asked.status, readable(asked.text)).toBe(303);
    await person.get(asked.location);
    const bodies = JSON.stringify(at.queued);
    expect(bodies).toContain('"deliver"');
    // The carrier fails once: a failure's log line and a repeat are part of what is looked through.
    at.fail("E_INTERNAL_SERVER_ERROR");
    const waiting = at.waiting();
    await at.bring(waiting);
    at.fail(undefined);
    await at.bring(waiting, 2);
    expect(at.mails.at(-1)?.text).toContain(CODE);
    // A wrong code, and the page again.
    await person.post(asked.location.split("?")[0] ?? "", { code: "111111" });
    await person.get(asked.location);
    const trail = await at.ask("/admin/audit", {
      headers: { Authorization: "Bearer an-admin-token-of-its-own-and-long" },
    });
    expect(trail.status).toBe(200);
    const rest = (await everythingAtRest()).text;
    for (const [where, text] of Object.entries({
      responses: answers.join("\n"),
      log: lines.join("\n"),
      queue: bodies + JSON.stringify(at.queued),
      audit: await trail.text(),
      rest,
    })) {
      expect(text, where).not.toContain(CODE);
      expect(text.length, where).toBeGreaterThan(10);
    }
    // And it was the right one: what was looked for is what opens the door.
    const done = await person.post(asked.location.split("?")[0] ?? "", { code: CODE });
    expect(done.location).toContain("myapp://auth_callback?code=");
    expect(answers.join("\n")).not.toContain(CODE);
    expect(lines.join("\n")).not.toContain(CODE);
  });

  test("T64 no outbox, and nothing that echoes a code, is served in production", async () => {
    const at = sending();
    for (const path of ["/dev/outbox?to=ana@example.com", "/dev/outbox", "/dev"]) {
      expect((await at.ask(path)).status).toBe(404);
    }
  });

  test("T64 with DELIVERY=none nothing holds it either, and the user is told that nothing was sent", async () => {
    vi.spyOn(chance, "digits").mockReturnValue(CODE);
    const at = sending({ DELIVERY: "none" });
    const client = await newPageClient(at.page);
    const { answers, person } = visitor(at);
    const path = await appPath(client);
    await person.get(path);
    const asked = await person.post(path, { identifier: `${fresh("ana")}@example.com` });
    if (asked.status === 303) await person.get(asked.location);
    expect(answers.length).toBeGreaterThan(1);
    const everything = [
      ...answers,
      ...lines,
      JSON.stringify(at.queued),
      (await everythingAtRest()).text,
    ].join("\n");
    expect(everything).not.toContain(CODE);
    expect(chance.digits).toHaveBeenCalled();
    expect(at.queued.filter(({ kind }) => kind === "deliver")).toEqual([]);
  });
});
