import type { Message } from "../../core/ports/deliveries.ts";
import type { wordsFor } from "../words/catalogue.ts";
import type { Look } from "./brand.ts";

/** What the e-mail's two forms are made of. */
export type Content = ReturnType<ReturnType<typeof wordsFor>["words"][Message["template"]]> & {
  readonly language: string;
  readonly brand: string;
  readonly look: Look;
  readonly orOpen: string;
  readonly code: string | undefined;
  readonly link: string | undefined;
};
