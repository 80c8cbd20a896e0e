/** The one JSON value that an object holds, with a copy in memory. */
export type Cell<T> = {
  /** The value; undefined in an object that holds nothing. Reading writes nothing. */
  read(): T | undefined;
  /**
   * Stores `next` and does `also` in one synchronous transaction: what throws undoes both and leaves the memory as it was.
   * The type of `also` refuses a promise: nothing asynchronous belongs inside a commit.
   */
  write(next: T, also?: () => undefined): void;
  /** Deletes everything that the object stores, its alarm too. */
  forget(): Promise<void>;
};

const KEY = "record";

/**
 * Opens the cell of an object. No table is made and nothing is read before the first use. `beginnings` are what members had at
 * first that came after a value was stored: values change additively.
 */
export function openCell<T extends object>(
  storage: DurableObjectStorage,
  beginnings: Partial<T> = {},
): Cell<T> {
  let memory: { readonly value: T | undefined } | undefined;
  return {
    read() {
      if (memory) return memory.value;
      const stored = storage.kv.get<T>(KEY);
      memory = { value: stored && { ...beginnings, ...stored } };
      return memory.value;
    },
    write(next, also) {
      storage.transactionSync(() => {
        storage.kv.put(KEY, next);
        also?.();
      });
      memory = { value: next };
    },
    async forget() {
      memory = undefined;
      await storage.deleteAll();
    },
  };
}
