import { proof } from "./api.ts";
import { type App, call, isOffline, isOver } from "./app.ts";
import type { Listed } from "./wire.ts";

/** How the page stands with the service: it hears at once, it asks now and then, or nothing comes through. */
export type Line = "live" | "away" | "offline";

const SOON = 1_000;
const LATER = 30_000;
/** How often to ask while the socket is down. */
const ASK_EVERY = 20_000;
/** How often the socket shows that it is alive, to what stands in between. */
const PING_EVERY = 25_000;

/**
 * What waits for this device: told by the inbox's socket, and asked for on each opening, when the page is looked at again, and now and then while
 * the socket is down, so that nothing rests on a push that was lost.
 */
export class Feed {
  /** What was heard last; undefined before the first answer. */
  latest: Listed | undefined;
  line: Line = "away";
  readonly #app: App;
  readonly #changed: (feed: Feed) => void;
  readonly #ends = new AbortController();
  #socket: WebSocket | undefined;
  #pause = SOON;
  /** Nothing has come by the socket since it was asked for a sign of life. */
  #isQuiet = false;
  #asked = 0;
  #heard = 0;

  /** `changed` is called when something may have changed. */
  constructor(app: App, changed: (feed: Feed) => void) {
    this.#app = app;
    this.#changed = changed;
    const { signal } = this.#ends;
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    addEventListener("online", () => void this.#begin(), { signal });
    addEventListener("offline", () => this.#tell("offline"), { signal });
    const timers = [
      setInterval(() => !this.#isOpen && this.#look(), ASK_EVERY),
      setInterval(() => this.#ping(), PING_EVERY),
    ];
    signal.addEventListener("abort", () => timers.forEach(clearInterval));
    void this.#begin();
  }

  /** Asks now. An answer that a younger one has overtaken says nothing any more. */
  async refresh(): Promise<void> {
    const own = ++this.#asked;
    const listed = await call<Listed>(this.#app, "GET", "/approver/prompts");
    if (this.#isStopped || own < this.#heard) return;
    this.#heard = own;
    if (listed.ok) {
      this.latest = listed.value;
      this.#tell(this.#isOpen ? "live" : "away");
    } else this.#tell(isOffline(listed) ? "offline" : "away");
  }

  stop(): void {
    this.#ends.abort();
    this.#socket?.close();
  }

  get #isStopped(): boolean {
    return this.#ends.signal.aborted;
  }

  get #isOpen(): boolean {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  #tell(line: Line): void {
    this.line = line;
    if (!this.#isStopped) this.#changed(this);
  }

  #look(): void {
    if (document.visibilityState === "visible") void this.refresh();
  }

  /** The list first: it renews a session that is over, which a socket cannot say. */
  async #begin(): Promise<void> {
    await this.refresh();
    if (!this.#isStopped && !isOver(this.#app) && !this.#socket) await this.#connect();
  }

  async #connect(): Promise<void> {
    const { me, config } = this.#app;
    const { token = "" } = me;
    const shown = await proof(me, config.issuer, "GET", "/approver/socket", token);
    // Whatever asked for it, there is one socket.
    if (this.#isStopped || this.#socket) return;
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/approver/socket`, [
      "countersign.v1",
      `countersign.token.${token}`,
      `countersign.proof.${shown}`,
    ]);
    this.#socket = socket;
    socket.onmessage = ({ data }) => {
      this.#pause = SOON;
      this.#isQuiet = false;
      if (data !== "pong") void this.refresh();
    };
    socket.onclose = () => this.#lost(socket);
  }

  /** A connection that a phone has slept through says nothing of its end: without an answer to the last ping it is made anew. */
  #ping(): void {
    const socket = this.#socket;
    if (!socket || !this.#isOpen) return;
    if (this.#isQuiet) {
      socket.close();
      this.#lost(socket);
      return;
    }
    this.#isQuiet = true;
    socket.send("ping");
  }

  #lost(socket: WebSocket): void {
    if (this.#isStopped || this.#socket !== socket) return;
    this.#socket = undefined;
    this.#isQuiet = false;
    this.#tell(navigator.onLine ? "away" : "offline");
    setTimeout(() => !this.#isStopped && void this.#begin(), this.#pause);
    this.#pause = Math.min(LATER, this.#pause * 2);
  }
}
