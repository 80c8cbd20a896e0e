import type { CodeEffect } from "../../core/message/code-effect.ts";
import type { Template } from "../../core/ports/deliveries.ts";

/** What a message has to say, as plain text in the form in which readers are shown it. */
export type Facts = {
  readonly brand: string;
  readonly minutes: number;
  readonly code: string;
  readonly link: string;
  readonly device: string;
  /** What comes of the code or link; undefined when nobody said it. */
  readonly effect?: CodeEffect;
  /** Where the request came from, such as `Germany (198.51.100.7)`; undefined when nothing is known. */
  readonly place?: string;
};

/** One message in one language. Paragraphs are plain text; the code and the link stand between `before` and `after`. */
export type Wording = {
  readonly subject: string;
  readonly heading: string;
  readonly before: readonly string[];
  /** Words on the button that opens the link. */
  readonly button?: string;
  /** What the reader must not do; it stands out. */
  readonly warning?: string;
  readonly after: readonly string[];
  /** The whole of a text message, its last line for machines excepted. */
  readonly short: string;
};

export type Words = Readonly<Record<Template, (facts: Facts) => Wording>> & {
  /** Said where the button stands, for readers that show none. */
  readonly orOpen: string;
};
