import { isCountersignError } from "../errors.ts";
import { proofFor } from "./line.ts";
import type { Listed } from "./requests.ts";
import type { Seat } from "./seat.ts";

/** How a phone stands with the service: it hears at once, it asks now and then, or nothing comes through. */
export type Standing = "live" | "away" | "offline";

export type WatchOptions = {
  /** Called with the list at the start and after each change. */
  readonly onPrompts: (listed: Listed) => void;
  /** Called when the connection comes or goes. */
  readonly onStanding?: (standing: Standing) => void;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
};

export type Watch = {
  /** Asks now: when an app comes to the front, or after a push. */
  refresh(): Promise<void>;
  stop(): void;
};

export type Watching = {
  readonly seat: Seat;
  /** None: this platform has no sockets, and the watch asks now and then. */
  readonly WebSocket: typeof WebSocket | undefined;
  list(): Promise<Listed>;
};

const SOON = 1_000;
const LATER = 30_000;
/** How often to ask while the socket is down. */
const ASK_EVERY = 20_000;
/** How often the socket shows that it is alive, to what stands in between. */
const PING_EVERY = 25_000;
const OPEN = 1;

const isOffline = (error: unknown): boolean =>
  isCountersignError(error) && error.code === "network" && error.status === undefined;

/**
 * What waits for this device: told by the socket, and asked for on each opening, when the app is looked at again, and now and then while the
 * socket is down, so that nothing rests on a push that was lost.
 */
export class Feed implements Watch {
  readonly #watching: Watching;
  readonly #options: WatchOptions;
  readonly #ends = new AbortController();
  #socket: WebSocket | undefined;
  #pause = SOON;
  /** One try to come back at a time, whatever has asked for it. */
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Nothing has come by the socket since it was asked for a sign of life. */
  #isQuiet = false;
  #asked = 0;
  #heard = 0;

  constructor(watching: Watching, options: WatchOptions) {
    this.#watching = watching;
    this.#options = options;
    const { signal } = this.#ends;
    const timers = [
      setInterval(() => !this.#isOpen && this.#look(), ASK_EVERY),
      setInterval(() => this.#ping(), PING_EVERY),
    ];
    signal.addEventListener("abort", () => timers.forEach(clearInterval));
    this.#hearBrowser(signal);
    options.signal?.addEventListener("abort", () => this.stop(), { once: true });
    if (options.signal?.aborted) this.stop();
    else void this.#begin();
  }

  async refresh(): Promise<void> {
    await this.#ask();
  }

  /** Whether the list came. An answer that a younger one has overtaken says nothing any more. */
  async #ask(): Promise<boolean> {
    const own = ++this.#asked;
    try {
      const listed = await this.#watching.list();
      if (this.#isStopped || own < this.#heard) return true;
      this.#heard = own;
      this.#show(listed);
      this.#tell(this.#isOpen ? "live" : "away");
      return true;
    } catch (error) {
      if (this.#isStopped || own < this.#heard) return false;
      this.#heard = own;
      this.#tell(isOffline(error) ? "offline" : "away");
      return false;
    }
  }

  stop(): void {
    this.#ends.abort();
    this.#socket?.close();
  }

  get #isStopped(): boolean {
    return this.#ends.signal.aborted;
  }

  get #isOpen(): boolean {
    return this.#socket?.readyState === OPEN;
  }

  /** A fault of the app's own is reported by its platform, and ends nothing here. */
  #show(listed: Listed): void {
    try {
      this.#options.onPrompts(listed);
    } catch (fault) {
      void Promise.reject(fault);
    }
  }

  #tell(standing: Standing): void {
    if (!this.#isStopped) this.#options.onStanding?.(standing);
  }

  /** A browser says when it is looked at again, and when its network comes and goes; an app calls `refresh`. */
  #hearBrowser(signal: AbortSignal): void {
    if (typeof document === "undefined" || typeof addEventListener !== "function") return;
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    addEventListener("online", () => void this.#begin(), { signal });
    addEventListener("offline", () => this.#tell("offline"), { signal });
  }

  #look(): void {
    if (typeof document === "undefined" || document.visibilityState === "visible") void this.refresh();
  }

  /** The list first: it renews a session that is over, which a socket cannot say. */
  async #begin(): Promise<void> {
    const isThere = await this.#ask();
    if (this.#isStopped || this.#socket) return;
    try {
      // Nobody's phone any more: there is nothing to watch until it is one again.
      if (!(await this.#watching.seat.isEnrolled())) return this.stop();
      if (!isThere) return this.#later();
      await this.#connect();
    } catch {
      // Storage, the key or the socket did not do its part just now.
      this.#later();
    }
  }

  async #connect(): Promise<void> {
    const { seat, WebSocket: Socket } = this.#watching;
    if (!Socket) return;
    const { signer, token } = await seat.signedIn();
    const shown = await proofFor(seat.line, signer, "GET", "/approver/socket", token);
    // Whatever asked for it, there is one socket.
    if (this.#isStopped || this.#socket) return;
    const socket = new Socket(`${seat.line.base.replace(/^http/, "ws")}/approver/socket`, [
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
    // Its close follows.
    socket.onerror = () => undefined;
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
    const isAway = typeof navigator !== "undefined" && navigator.onLine === false;
    this.#tell(isAway ? "offline" : "away");
    this.#later();
  }

  #later(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => !this.#isStopped && void this.#begin(), this.#pause);
    this.#pause = Math.min(LATER, this.#pause * 2);
  }
}
