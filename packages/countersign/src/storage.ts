/** Where a client keeps its tokens: one text. A storage that is shared (between tabs, processes) is read again before a refresh. */
export type TokenStorage = {
  get(): Promise<string | undefined> | string | undefined;
  set(value: string): Promise<void> | void;
  remove(): Promise<void> | void;
};

/** Forgets with the page or the process. The safest in a browser. */
export function memoryStorage(): TokenStorage {
  let kept: string | undefined;
  return {
    get: () => kept,
    set: (value) => {
      kept = value;
    },
    remove: () => {
      kept = undefined;
    },
  };
}

/** `sessionStorage` or `localStorage`, under this name. Every script of the page can read it: bind the tokens to a key (`dpop`). */
export const webStorage = (
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">,
  name = "countersign",
): TokenStorage => ({
  get: () => storage.getItem(name) ?? undefined,
  set: (value) => storage.setItem(name, value),
  remove: () => storage.removeItem(name),
});
