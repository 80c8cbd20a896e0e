/** What goes over the wire, as it is told to whoever shows it. Times are milliseconds since the epoch. */
export type Told =
  | {
      readonly kind: "call";
      readonly id: string;
      readonly at: number;
      readonly method: string;
      readonly path: string;
      readonly body?: string;
      readonly form?: boolean;
    }
  | {
      readonly kind: "answer";
      readonly id: string;
      readonly at: number;
      readonly status: number;
      readonly body?: string;
    }
  | { readonly kind: "socket"; readonly at: number; readonly path: string; readonly what: "open" | "close" }
  | {
      readonly kind: "frame";
      readonly at: number;
      readonly path: string;
      readonly way: "in" | "out";
      readonly text: string;
    };

const now = (): number => performance.timeOrigin + performance.now();

const pathOf = (url: string | URL): string => {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
};

const isJson = (headers: Headers): boolean => /\bjson\b/.test(headers.get("Content-Type") ?? "");

/** `fetch` that tells of each call and its answer. Nothing of either is changed. */
export const recordedFetch =
  (tell: (told: Told) => void, real: typeof fetch): typeof fetch =>
  async (input, init) => {
    const request = input instanceof Request ? input : undefined;
    const method = (init?.method ?? request?.method ?? "GET").toUpperCase();
    const path = pathOf(request?.url ?? String(input));
    const id = crypto.randomUUID();
    const body = init?.body;
    const sent =
      typeof body === "string"
        ? { body }
        : body instanceof URLSearchParams
          ? { body: body.toString(), form: true }
          : {};
    tell({ kind: "call", id, at: now(), method, path, ...sent });
    try {
      const answer = await real(input, init);
      const at = now();
      const { status } = answer;
      if (!isJson(answer.headers)) tell({ kind: "answer", id, at, status });
      else
        void answer
          .clone()
          .text()
          .then((text) => tell({ kind: "answer", id, at, status, body: text }));
      return answer;
    } catch (error) {
      tell({ kind: "answer", id, at: now(), status: 0 });
      throw error;
    }
  };

/** `WebSocket` that tells of its beginning, its frames and its end. */
export const recordedSocket = (tell: (told: Told) => void, Real: typeof WebSocket): typeof WebSocket =>
  class extends Real {
    readonly #path: string;
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.#path = pathOf(url);
      const path = this.#path;
      this.addEventListener("open", () => tell({ kind: "socket", at: now(), path, what: "open" }));
      this.addEventListener("close", () => tell({ kind: "socket", at: now(), path, what: "close" }));
      this.addEventListener("message", ({ data }) =>
        tell({ kind: "frame", at: now(), path, way: "in", text: String(data) }),
      );
    }
    override send(data: Parameters<WebSocket["send"]>[0]): void {
      tell({ kind: "frame", at: now(), path: this.#path, way: "out", text: String(data) });
      super.send(data);
    }
  };
