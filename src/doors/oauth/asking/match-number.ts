import { allowsBareTap, type ClientSettings, stepsUp } from "../../../core/client/settings.ts";

/**
 * Whether a sign-in that a browser begins shows a number which has to be typed on the phone (NIST SP 800-63B-4 §3.1.3). A client that takes
 * bare taps shows one all the same, where approving from far away needs it (T30).
 */
export const numberForBrowser = (settings: ClientSettings): boolean | "page" => {
  if (settings.match_code !== "off" && !allowsBareTap(settings)) return true;
  return stepsUp(settings) ? "page" : false;
};

/**
 * The same for a backend's request: a vendor's phone is asked for the number only where the client says so; our own page always is, unless
 * the setting is named insecure and no approval from far away needs it.
 */
export const numberForBackend = (settings: ClientSettings): boolean | "page" => {
  if (settings.match_code === "required") return true;
  const isBare = settings.match_code === "off" || allowsBareTap(settings);
  return isBare && !stepsUp(settings) ? false : "page";
};
