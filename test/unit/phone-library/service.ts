import {
  createPhone,
  memoryStorage,
  type PhoneOptions,
  webCryptoKeys,
} from "../../../packages/countersign/src/phone/phone.ts";
import type { PromptWire } from "../../../packages/protocol/src/approver.ts";

export const ISSUER = "https://sign.example";
export const NOW = 1_764_240_010_000;
const DEVICE = "11111111-1111-4111-8111-111111111111";

export const SESSION = {
  token: "t0ken",
  expires_in: 2_592_000,
  account: "ana@example.com",
  device: {
    id: DEVICE,
    name: "Phone",
    kind: "key",
    enrolled_at: "2026-03-01T09:30:00.000Z",
    this: true,
    new: false,
    removable: true,
  },
};

export type Sent = {
  readonly call: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
};

/** A service that says what a test wants to be said, by `METHOD /path`. Its clock stands still. */
export function newService() {
  const sent: Sent[] = [];
  const words = new Map<string, () => Response | Promise<Response>>();
  const says = (call: string, answer: unknown, status = 200) =>
    void words.set(
      call,
      typeof answer === "function" ? (answer as () => Response) : () => Response.json(answer, { status }),
    );
  says("POST /approver/enrolments/begin", { enrolment: "e1", account: SESSION.account });
  says("POST /approver/enrolments", SESSION, 201);
  const asked: typeof fetch = async (input, init) => {
    const url = String(input);
    const call = `${init?.method} ${new URL(url).pathname}`;
    sent.push({ call, url, headers: new Headers(init?.headers), body: String(init?.body ?? "") });
    const answer = await (
      words.get(call) ?? (() => Response.json({ code: "not_staged" }, { status: 404 }))
    )();
    if (answer.headers.get("Date") !== null) return answer;
    const headers = new Headers(answer.headers);
    headers.set("Date", new Date(NOW).toUTCString());
    return new Response(answer.body, { status: answer.status, headers });
  };
  return { sent, says, fetch: asked };
}
export type Service = ReturnType<typeof newService>;

/** A phone that is enrolled there, whose clock is the service's. */
export async function newPhone(service: Service, options: Partial<PhoneOptions> = {}) {
  const keys = webCryptoKeys(memoryStorage());
  const phone = createPhone({ issuer: ISSUER, keys, fetch: service.fetch, clock: () => NOW, ...options });
  await phone.enrol("t1", { confirm: () => true });
  service.sent.length = 0;
  return { phone, keys };
}

export const listed = (...prompts: readonly PromptWire[]) => ({
  prompts,
  blocked: { count: 0 },
  silences: [],
  new_devices: [],
  account: SESSION.account,
  device: SESSION.device,
});
