/** Parts of `<Waiting>`: each has `data-part`, and takes a class by `classNames`. */
export type WaitingPart =
  | "status"
  | "match-code"
  | "user-code"
  | "label"
  | "code"
  | "qr"
  | "time-left"
  | "cancel";

/** What `<Waiting>` says. Pass your own for another language. */
export type WaitingWords = {
  readonly pending: string;
  readonly claimed: string;
  /** Above the six digits. */
  readonly matchCode: string;
  /** Above the letters of a device that cannot open a page; behind it stands the address. */
  readonly userCode: string;
  /** The name of the QR code, and the words below it. */
  readonly qr: string;
  readonly timeLeft: string;
  readonly cancel: string;
};

export const ENGLISH: WaitingWords = {
  pending: "Waiting for your answer on your phone",
  claimed: "Opened on your phone. Answer there",
  matchCode: "Type this number on your phone",
  userCode: "Type this code at",
  qr: "Scan this with your phone’s camera",
  timeLeft: "Time left",
  cancel: "Cancel",
};

/** `482913` -> `482 913`: read at a glance, compared in halves. */
export const grouped = (code: string): string => code.replace(/^(\d{3})(\d{3})$/, "$1 $2");

/** `482913` -> `4 8 2 9 1 3`: said digit by digit. */
export const spelt = (code: string): string => [...code.replaceAll(" ", "")].join(" ");

/** `161` -> `2:41`. */
export const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
