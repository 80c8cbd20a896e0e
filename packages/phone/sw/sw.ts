/** The phone page's service worker: shows what a push says, and keeps the page's files so that it opens without a network. */
declare const self: ServiceWorkerGlobalScope;
declare const BUILD: string;

const CACHE = `countersign-phone-${BUILD}`;
const FILES = ["/phone", "/phone/app.js", "/phone/app.css", "/phone/manifest.webmanifest", "/phone/icon.svg"];
const NEUTRAL = { title: "Sign-in request", body: "Open to see who asks." };
/** Where a push may lead to: a request, or the devices. */
const PLACE = /^#(?:prompt=[0-9a-f]{64}|devices)$/;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      // Not from the browser's own cache: these are the files of this build.
      .then((cache) => cache.addAll(FILES.map((file) => new Request(file, { cache: "reload" }))))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    (async () => {
      for (const name of await caches.keys()) {
        if (name.startsWith("countersign-phone-") && name !== CACHE) await caches.delete(name);
      }
      await self.clients.claim();
    })(),
  );
});

/** Of the page's own files alone; the network first, so that nobody answers on a page of yesterday while there is a newer one. */
self.addEventListener("fetch", (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== "GET" || origin !== self.location.origin || !FILES.includes(pathname)) return;
  event.respondWith(
    (async () => {
      try {
        return await fetch(request);
      } catch {
        return (await caches.match(pathname)) ?? Response.error();
      }
    })(),
  );
});

type Said = { readonly title: string; readonly body: string; readonly tag?: string; readonly hash?: string };

/** What the push says, in the form of a Declarative Web Push; a neutral line for whatever cannot be read. */
function saidBy(data: PushMessageData | null): Said {
  try {
    if (!data) return NEUTRAL;
    const { notification } = data.json() as { notification: Record<string, unknown> };
    const { title, body, tag, navigate } = notification;
    const { hash } = new URL(String(navigate));
    return {
      title: typeof title === "string" ? title : NEUTRAL.title,
      body: typeof body === "string" ? body : NEUTRAL.body,
      ...(typeof tag === "string" ? { tag } : {}),
      ...(PLACE.test(hash) ? { hash } : {}),
    };
  } catch {
    return NEUTRAL;
  }
}

/** Always shows something: browsers withdraw a subscription whose pushes show nothing. */
self.addEventListener("push", (event) => {
  const { title, body, tag, hash } = saidBy(event.data);
  event.waitUntil(
    self.registration.showNotification(title, {
      body,
      icon: "/phone/icon-192.png",
      badge: "/phone/icon-192.png",
      data: { hash: hash ?? "" },
      ...(tag === undefined ? {} : { tag }),
    }),
  );
});

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const hash = String((event.notification.data as { hash?: string } | null)?.hash ?? "");
  event.waitUntil(openPage(PLACE.test(hash) ? hash : ""));
});

async function openPage(hash: string): Promise<void> {
  const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
  const page = pages.find(({ url }) => new URL(url).pathname === "/phone");
  if (!page) return void (await self.clients.openWindow(`/phone${hash}`));
  // Not every browser lets a worker bring a window to the front: the page shows the request all the same.
  await page.focus().catch(() => undefined);
  if (hash !== "") page.postMessage(hash);
}

/** The page has the key that tells the service: it compares at its next opening, and now where it is open. */
self.addEventListener("pushsubscriptionchange", (event) => {
  (event as ExtendableEvent).waitUntil(tellPages("subscription"));
});

async function tellPages(text: string): Promise<void> {
  for (const page of await self.clients.matchAll({ type: "window" })) page.postMessage(text);
}

export {};
