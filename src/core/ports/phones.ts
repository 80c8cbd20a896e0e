/** A telephone number as the numbering plans know it. */
export type PhoneNumber = {
  /** `+` and digits (ITU-T E.164). */
  readonly e164: string;
  /** ISO 3166-1 alpha-2; absent where a code belongs to no country. */
  readonly country?: string;
  /** Whether it lies in a range for mobiles, to which texts go; premium-rate and shared-cost numbers do not. */
  readonly mobile: boolean;
};

/** Reads telephone numbers the way people write them. Pure: no address is asked anything. */
export type Phones = {
  /**
   * The number that this text is, however it is spaced and with or without its trunk zero; a text without `+` is read as a number
   * of `country`. Undefined when no numbering plan has such a number.
   */
  read(text: string, country?: string): PhoneNumber | undefined;
};
