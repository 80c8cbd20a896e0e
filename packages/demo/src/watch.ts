/** Runs in the phone's frame before the phone page does, and tells the page around it what goes over the wire. */
import { recordedFetch, recordedSocket, type Told } from "./record.ts";

const tell = (told: Told): void => window.parent.postMessage(told, location.origin);

if (window.parent !== window) {
  window.fetch = recordedFetch(tell, window.fetch.bind(window));
  window.WebSocket = recordedSocket(tell, window.WebSocket);
}
