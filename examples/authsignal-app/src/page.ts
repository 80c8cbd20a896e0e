import { Authsignal } from "@authsignal/browser";

declare const ISSUER: string;
declare const TENANT_ID: string;

// The one line that moves the page: `baseUrl`.
const authsignal = new Authsignal({ tenantId: TENANT_ID, baseUrl: `${ISSUER}/v1` });

const form = document.querySelector("form") as HTMLFormElement;
const said = document.querySelector("[role=status]") as HTMLElement;

async function post<Answer>(path: string, body: object): Promise<Answer> {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(((await answer.json()) as { error: string }).error);
  return await answer.json();
}

/** The token once the phone has approved; undefined when its user has declined. */
async function approvalOf(challengeId: string): Promise<string | undefined> {
  for (;;) {
    const { data, error } = await authsignal.push.verify({ challengeId });
    if (error !== undefined) throw new Error(error);
    if (data?.isConsumed) return (data as { token?: string }).token;
    await new Promise((wake) => setTimeout(wake, 1000));
  }
}

async function signIn(userId: string): Promise<string> {
  const deviceId = authsignal.anonymousId;
  const { token } = await post<{ token: string }>("/sign-in", { userId, deviceId });
  authsignal.setToken(token);
  const { data, error } = await authsignal.push.challenge({ action: "signIn" });
  if (!data?.challengeId) throw new Error(error);
  said.textContent = "Waiting for your answer on your phone.";
  const approved = await approvalOf(data.challengeId);
  if (approved === undefined) return "You declined on your phone.";
  const user = await post<{ userId: string }>("/validate", { token: approved });
  return `Signed in as ${user.userId}.`;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const userId = String(new FormData(form).get("user"));
  said.textContent = await signIn(userId).catch(({ message }: Error) =>
    message === "no_phone" ? "This user has no phone yet." : "That did not work. Try again.",
  );
});
