import { readLink } from "../../../countersign/src/phone/phone.ts";
import type { App } from "../app.ts";
import { h } from "../dom.ts";
import { words } from "../words.ts";
import { backLink, heading, notePlace, type View } from "./parts.ts";

const { camera: said } = words;

/** What some browsers read QR codes with by themselves (Shape Detection API); the phone's own camera app reads them everywhere. */
type Detector = {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
};
type DetectorClass = {
  new (options: { readonly formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
};

const detectorClass = (): DetectorClass | undefined =>
  (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;

export async function canScanHere(): Promise<boolean> {
  const formats = await detectorClass()
    ?.getSupportedFormats()
    .catch((): readonly string[] => []);
  return navigator.mediaDevices !== undefined && formats?.includes("qr_code") === true;
}

/** Where a code leads on this page; undefined for one of anything else: a page that reads codes is led nowhere by them. */
export function hashOf(code: string, issuer: string): string | undefined {
  const link = readLink(code, issuer);
  return link && link.kind !== "prompt" ? code.slice(code.indexOf("#")) : undefined;
}

const PAUSE = 200;

/** The QR code of a waiting screen, read by this page. The camera is on while this view is on the screen, and no longer. */
export function cameraView(app: App, found: (hash: string) => void): View {
  const notes = notePlace();
  const video = h("video", { class: "camera", playsinline: true, "aria-label": said.picture });
  video.muted = true;
  const ends = new AbortController();
  void watch(video, ends.signal, (code) => {
    const hash = hashOf(code, app.config.issuer);
    if (hash === undefined) return notes.say(said.foreign);
    ends.abort();
    found(hash);
  }).catch(() => {
    video.hidden = true;
    notes.say(said.denied);
  });
  return {
    title: said.title,
    stop: () => ends.abort(),
    body: [heading(said.title), h("p", {}, said.lead), notes.place, video, backLink()],
  };
}

async function watch(
  video: HTMLVideoElement,
  signal: AbortSignal,
  read: (code: string) => void,
): Promise<void> {
  const Class = detectorClass();
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
  const close = () => {
    for (const track of stream.getTracks()) track.stop();
  };
  if (signal.aborted || !Class) return close();
  signal.addEventListener("abort", close);
  video.srcObject = stream;
  await video.play();
  const detector = new Class({ formats: ["qr_code"] });
  while (!signal.aborted) {
    const [code] = await detector.detect(video).catch(() => []);
    if (code && !signal.aborted) read(code.rawValue);
    await new Promise((later) => setTimeout(later, PAUSE));
  }
}
