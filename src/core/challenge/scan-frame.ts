import { type Instant, type Millis, SECOND } from "../time.ts";

/**
 * The value that a waiting screen shows as a QR code for a short while (T96). Whoever sends it in has just seen that screen, as somebody does
 * who types its number.
 */
export type ScanFrame = {
  /** 128 random bits, base64url. */
  readonly value: string;
  readonly drawnAt: Instant;
  /** How often the screen has asked since it was drawn. */
  readonly asks: number;
  /** Another screen of the same challenge has drawn a newer one. */
  readonly ended?: true;
};

/** How long a value is shown. A screen asks for the next one a little earlier. */
export const FRAME_LIFETIME: Millis = 30 * SECOND;
/** A code that was scanned in its last moment is a while under way. */
export const FRAME_GRACE: Millis = 5 * SECOND;
/** For so long a screen that asks again gets the same value. */
export const FRAME_PAUSE: Millis = 5 * SECOND;
/** A screen that asks more often in one pause is a flood: it keeps an object awake that should sleep. */
export const FRAME_ASKS = 8;

const VALUE = /^[A-Za-z0-9_-]{22}$/;

/** Whether this could be a value at all: 22 letters of base64url. */
export const isFrameValue = (text: string): boolean => VALUE.test(text);

/** Whether it may still come in. */
export const isFrameLive = ({ drawnAt, ended }: ScanFrame, now: Instant): boolean =>
  ended === undefined && now < drawnAt + FRAME_LIFETIME + FRAME_GRACE;

/** Whether it is too young for another one. */
export const isFrameFresh = ({ drawnAt }: ScanFrame, now: Instant): boolean => now < drawnAt + FRAME_PAUSE;
