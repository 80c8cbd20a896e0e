import type { RecordStorage } from "./keys.ts";

const SHELF = "me";
const NAME = "me";

const asked = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Nothing stays open: a browser whose data is cleared waits for nobody. */
async function onShelf<T>(
  database: string,
  mode: IDBTransactionMode,
  work: (shelf: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open(database, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(SHELF);
  const opened = await asked(opening);
  try {
    const transaction = opened.transaction(SHELF, mode);
    const request = work(transaction.objectStore(SHELF));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return request.result;
  } finally {
    opened.close();
  }
}

/** A browser's own storage, for `webCryptoKeys`. Tabs of one origin are one phone: what one keeps, the others hear of. */
export function indexedDbStorage(database = "countersign-phone"): RecordStorage {
  let tabs: BroadcastChannel | undefined;
  const tell = () => tabs?.postMessage("changed");
  return {
    get: () => onShelf(database, "readonly", (shelf) => shelf.get(NAME)),
    async set(record) {
      await onShelf(database, "readwrite", (shelf) => shelf.put(record, NAME));
      tell();
    },
    async remove() {
      await onShelf(database, "readwrite", (shelf) => shelf.delete(NAME));
      tell();
    },
    onChange(heard) {
      tabs ??= new BroadcastChannel(database);
      tabs.addEventListener("message", heard);
    },
  };
}
