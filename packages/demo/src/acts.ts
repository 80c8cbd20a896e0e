import { type Client, type Json, post, wait } from "./api.ts";
import type { Endpoints, Scene } from "./scene.ts";
import type { Who } from "./timeline.ts";

export type ActName = "signIn" | "pay" | "tv";

/** What is asked, and the screen it is asked on. */
type Act = {
  readonly who: Who;
  readonly grant: string;
  /** The token whose claims are shown at the end. */
  readonly shown: "id_token" | "access_token";
  ask(scene: Scene, endpoints: Endpoints): Promise<Asked>;
};

/** A request that is under way. */
export type Asked = {
  readonly handle: string;
  readonly socket: string;
  readonly until: number;
  /** What the user types on the phone. */
  readonly typed: string;
  /** What a QR code says that stays as it is; without it the code is replaced while it is shown. */
  readonly scanned?: string;
  readonly redeem: Record<string, string>;
};

const CIBA = "urn:openid:params:grant-type:ciba";
const DEVICE = "urn:ietf:params:oauth:grant-type:device_code";

const common = (body: Json, handle: unknown) => ({
  handle: String(handle),
  socket: String(body.socket_uri),
  until: Date.now() + Number(body.expires_in) * 1000,
});

const ciba =
  (more: Record<string, string>): Act["ask"] =>
  async ({ client, user }, { bc_authorize }) => {
    const form = { scope: "openid", login_hint: user.email, ...more };
    const body = await post("laptop", client, bc_authorize, form);
    return {
      ...common(body, body.auth_req_id),
      typed: String(body.match_code),
      redeem: { grant_type: CIBA, auth_req_id: String(body.auth_req_id) },
    };
  };

const PAYMENT = [
  {
    type: "payment",
    creditorName: "Blue Bottle",
    instructedAmount: { amount: "20.00", currency: "EUR" },
  },
];

export const ACTS: Readonly<Record<ActName, Act>> = {
  signIn: { who: "laptop", grant: CIBA, shown: "id_token", ask: ciba({}) },
  pay: {
    who: "laptop",
    grant: CIBA,
    shown: "access_token",
    ask: ciba({ binding_message: "Blue Bottle, 20 EUR", authorization_details: JSON.stringify(PAYMENT) }),
  },
  tv: {
    who: "tv",
    grant: DEVICE,
    shown: "id_token",
    async ask({ client }, { device, issuer }) {
      const body = await post("tv", client, device, { scope: "openid" });
      return {
        ...common(body, body.device_code),
        typed: String(body.user_code),
        scanned: `${issuer}/phone#code=${body.user_code}`,
        redeem: { grant_type: DEVICE, device_code: String(body.device_code) },
      };
    },
  },
};

/** What a waiting screen is told. */
export type Heard = {
  /** What the QR code says from now on. */
  scanned(text: string): void;
  /** What came of it; `lost` where the server went away. */
  settled(state: string): void;
};

/** A new value well before the old one ends (docs/waiting.md). */
const NEW_CODE_MS = 25_000;

/** Waits on the socket until somebody has answered; the answer stops it. */
export function waitFor(who: Who, asked: Asked, issuer: string, heard: Heard): () => void {
  const socket = wait(who, asked.socket, asked.handle);
  let id = "";
  let isOver = false;
  const askForCode = () => socket.send("qr");
  let timer: ReturnType<typeof setInterval> | undefined;
  socket.addEventListener("open", () => {
    if (asked.scanned !== undefined) return;
    askForCode();
    timer = setInterval(askForCode, NEW_CODE_MS);
  });
  socket.addEventListener("message", ({ data }) => {
    const told = JSON.parse(String(data)) as { type?: string; id?: string; state?: string; frame?: string };
    id = told.id ?? id;
    if (told.type === "qr") heard.scanned(`${issuer}/phone#scan=${id}.${told.frame}`);
    if (told.type !== "settled") return;
    isOver = true;
    heard.settled(String(told.state));
  });
  socket.addEventListener("close", () => {
    clearInterval(timer);
    if (!isOver) heard.settled("lost");
  });
  return () => {
    isOver = true;
    clearInterval(timer);
    socket.close();
  };
}

/** Exchanges an approval for tokens; the claims of the one that is shown. */
export async function collect(
  act: ActName,
  client: Client,
  { token }: Endpoints,
  asked: Asked,
): Promise<Json> {
  const { who, shown } = ACTS[act];
  const body = await post(who, client, token, asked.redeem);
  return claimsOf(String(body[shown]));
}

/** They came from the token endpoint itself; whoever gets a token from elsewhere checks its signature first. */
function claimsOf(token: string): Json {
  const text = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
  const bytes = Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  return JSON.parse(new TextDecoder().decode(bytes)) as Json;
}
