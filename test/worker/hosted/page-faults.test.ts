import { expect, test } from "vitest";
import { pageDeployment, readable } from "../support/page.ts";

const at = pageDeployment();

test.each([
  "/app",
  "/signup",
  "/login",
  "/oauth/authorize",
  "/oauth/device",
  "/oauth/sessions",
  "/phone/undo",
])("%s by another method is 405, and no fault of ours", async (path) => {
  const answer = await at.ask(path, { method: "PUT", headers: { Accept: "text/html" } });
  const text = readable(await answer.text());
  expect(answer.status).toBe(405);
  expect(text).toContain("This link does not work");
  expect(text).not.toContain("our side");
});
