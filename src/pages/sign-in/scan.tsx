import type { Setting } from "../verify/frame.tsx";
import { Filled } from "./parts.tsx";
import { signInWords } from "./words.ts";

/** What draws the codes: a static file (scripts/qr). The page admits it by its own nonce. */
const DRAWER = "/qr.js";

export type ScanProps = {
  readonly setting: Setting;
  /** What the code says before the value that is drawn for it. */
  readonly address: string;
  /** Which page the phone must open, as its address bar shows it. */
  readonly page: string;
};

/** A code for the phone's own camera, once there is a value to draw. Without script there is none, and the number remains. */
export const Scan = ({ setting, address, page }: ScanProps) => {
  const { match: words } = signInWords(setting.locale);
  return (
    <div class="scan" id="scan" data-address={address} hidden>
      <p class="label">{words.scan}</p>
      <svg class="qr" role="img" aria-label={words.qr} />
      <p class="hint">
        <Filled text={words.scanned} words={{ page }} />
      </p>
      <script nonce={setting.nonce} src={DRAWER} id="drawer" async />
    </div>
  );
};
