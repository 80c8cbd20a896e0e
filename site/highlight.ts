import hljs from "highlight.js/lib/core";
import bash from "highlight.js/lib/languages/bash";
import http from "highlight.js/lib/languages/http";
import ini from "highlight.js/lib/languages/ini";
import javascript from "highlight.js/lib/languages/javascript";
import json from "highlight.js/lib/languages/json";
import typescript from "highlight.js/lib/languages/typescript";
import xml from "highlight.js/lib/languages/xml";

const LANGUAGES = { bash, http, ini, javascript, json, typescript, xml };
const NAMES: Readonly<Record<string, keyof typeof LANGUAGES>> = {
  sh: "bash",
  html: "xml",
  http: "http",
  toml: "ini",
  js: "javascript",
  json: "json",
  jsonc: "json",
  ts: "typescript",
  tsx: "typescript",
};
for (const [name, language] of Object.entries(LANGUAGES)) hljs.registerLanguage(name, language);

/** A block of code as HTML with classes; undefined when the block names no language. Throws for one that is not known. */
export function highlight(code: string, info: string): string | undefined {
  const name = info.trim().split(/\s+/)[0] ?? "";
  if (name === "") return undefined;
  const language = NAMES[name];
  if (language === undefined)
    throw new Error(`A block of code is in ${name}, which highlight.ts does not know`);
  return hljs.highlight(code, { language }).value;
}
