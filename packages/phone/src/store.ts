/** What this browser is: the key that signs its calls, and once it is somebody's phone, which device. */
export type Me = {
  /** Of a non-extractable P-256 key: the browser signs with it and gives it to nobody. */
  readonly key: CryptoKeyPair;
  readonly token?: string;
  readonly device?: Own;
  readonly account?: string;
};

export type Own = {
  readonly id: string;
  readonly kind: "passkey" | "key";
  /** Of a passkey: its WebAuthn credential id, base64url. */
  readonly credentialId?: string;
};

const DATABASE = "countersign-phone";
const SHELF = "me";
const NAME = "me";

const asked = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Nothing stays open: a browser whose data is cleared waits for nobody. */
async function onShelf<T>(
  mode: IDBTransactionMode,
  work: (shelf: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const opening = indexedDB.open(DATABASE, 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore(SHELF);
  const database = await asked(opening);
  try {
    const transaction = database.transaction(SHELF, mode);
    const request = work(transaction.objectStore(SHELF));
    await new Promise((resolve, reject) => {
      transaction.oncomplete = resolve;
      transaction.onabort = () => reject(transaction.error);
    });
    return request.result;
  } finally {
    database.close();
  }
}

/** What one tab keeps, the others hear of: none goes on as a phone that was forgotten, or asks for a passkey that was shown. */
let tabs: BroadcastChannel | undefined;
export function onOtherTab(listener: () => void): void {
  tabs ??= new BroadcastChannel(DATABASE);
  tabs.onmessage = listener;
}

const KEY = { name: "ECDSA", namedCurve: "P-256" } as const;

export const makeKey = (): Promise<CryptoKeyPair> =>
  crypto.subtle.generateKey(KEY, false, ["sign", "verify"]) as Promise<CryptoKeyPair>;

/** What is kept, or a new key where nothing is: a cleared browser begins anew. */
export async function loadMe(): Promise<Me> {
  const kept = (await onShelf("readonly", (shelf) => shelf.get(NAME))) as Me | undefined;
  if (kept?.key) return kept;
  const made: Me = { key: await makeKey() };
  await saveMe(made);
  return made;
}

export async function saveMe(me: Me): Promise<void> {
  await onShelf("readwrite", (shelf) => shelf.put(me, NAME));
  tabs?.postMessage("changed");
}

/** Forgets whose phone it is; with it the key, so that the next device has one of its own. */
export async function forgetMe(): Promise<Me> {
  const me: Me = { key: await makeKey() };
  await saveMe(me);
  return me;
}
