import type { Config } from "@11ty/eleventy";
import { configure } from "./render.ts";

/** Documents are Markdown and nothing else: braces in them are text, and no template. */
// biome-ignore lint/style/noDefaultExport: Eleventy takes nothing else
export default function configured(config: Config): Readonly<Record<string, unknown>> {
  configure(config);
  return { markdownTemplateEngine: false, templateFormats: ["md"] };
}
