/** The reference page: plain HTML of the whole description, without any script. */

type Schema = {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
};
type Content = Readonly<
  Record<
    string,
    { readonly schema: Schema; readonly examples?: { readonly example: { readonly value: unknown } } }
  >
>;
type Answer = { readonly description: string; readonly $ref?: string; readonly content?: Content };
type Parameter = {
  readonly name: string;
  readonly in: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
  readonly example?: string;
};
type Operation = {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly Parameter[];
  readonly requestBody?: { readonly required: boolean; readonly content: Content };
  readonly responses: Readonly<Record<string, Answer>>;
};
export type Spec = {
  readonly info: { readonly title: string; readonly version: string; readonly description: string };
  readonly tags: readonly { readonly name: string; readonly description: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly securitySchemes: Readonly<Record<string, { readonly description: string }>>;
  };
};

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const esc = (text: unknown): string => String(text).replaceAll(/[&<>"]/g, (sign) => ESCAPES[sign] ?? sign);
/** Text with `code` in it. */
const prose = (text = ""): string => esc(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
const anchor = (name: string): string => name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
const nameOf = (ref: string): string => ref.split("/").at(-1) ?? "";

/** A shape in few words: `string (uuid)`, `array of User`, `"a" or "b"`. */
function words(schema: Schema): string {
  if (schema.$ref) return `<a href="#shape-${nameOf(schema.$ref)}">${esc(nameOf(schema.$ref))}</a>`;
  if (schema.const !== undefined) return `<code>${esc(JSON.stringify(schema.const))}</code>`;
  if (schema.enum) return schema.enum.map((one) => `<code>${esc(JSON.stringify(one))}</code>`).join(" or ");
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.items) return `array of ${words(schema.items)}`;
  const type = typeof schema.type === "string" ? schema.type : (schema.type?.join(" or ") ?? "anything");
  return schema.format ? `${type} (${esc(schema.format)})` : type;
}

/** The members of a shape, those of inner objects below their own. */
function members(schema: Schema, depth = 0): string {
  const variants = schema.anyOf?.filter(({ properties }) => properties);
  if (variants && variants.length > 0) return variants.map((one) => members(one, depth)).join("<p>or</p>");
  if (!schema.properties) return depth === 0 ? `<p>${words(schema)}</p>` : "";
  const rows = Object.entries(schema.properties).map(([name, member]) => {
    const inner = member.properties ? member : member.items?.properties ? member.items : undefined;
    const need = schema.required?.includes(name) ? "" : ' <span class="soft">optional</span>';
    const says = member.description ? `<br>${prose(member.description)}` : "";
    return `<li><code>${esc(name)}</code> ${words(member)}${need}${says}${inner ? members(inner, depth + 1) : ""}</li>`;
  });
  return `<ul class="members">${rows.join("")}</ul>`;
}

function body(content: Content): string {
  return Object.entries(content)
    .map(([type, { schema, examples }]) => {
      const value = examples?.example.value;
      const text = typeof value === "string" ? value : JSON.stringify(value, null, 2);
      const example = value === undefined ? "" : `<pre tabindex="0">${esc(text)}</pre>`;
      return `<p class="soft">${esc(type)}</p>${members(schema)}${example}`;
    })
    .join("");
}

const fold = (title: string, inside: string): string =>
  `<details><summary>${title}</summary>${inside}</details>`;

function parameters(all: readonly Parameter[]): string {
  const rows = all.map(({ name, in: where, required, description, schema, example }) => {
    const need = required ? "" : ' <span class="soft">optional</span>';
    const shown = example === undefined ? "" : ` <span class="soft">${esc(example)}</span>`;
    return `<li><code>${esc(name)}</code> in ${esc(where)}, ${words(schema)}${need}${shown}${description ? `<br>${prose(description)}` : ""}</li>`;
  });
  return `<ul class="members">${rows.join("")}</ul>`;
}

function operation(method: string, path: string, one: Operation): string {
  const { operationId, summary, description, security, responses, requestBody } = one;
  const shows = security
    .map((way) => Object.keys(way)[0])
    .map((way) => (way === undefined ? "anybody" : `<a href="#way-${esc(way)}">${esc(way)}</a>`))
    .join(" or ");
  const answers = Object.entries(responses);
  const own = answers.filter(([, { $ref }]) => !$ref);
  const errors = answers.filter(([, { $ref }]) => $ref).map(([status]) => status);
  return `<article id="${esc(operationId)}">
<h3>${esc(summary)}</h3>
<p class="call"><b class="${method}">${method.toUpperCase()}</b> <code>${esc(path)}</code></p>
${description ? `<p>${prose(description)}</p>` : ""}
<p class="soft">Who calls: ${shows}</p>
${one.parameters ? fold("Parameters", parameters(one.parameters)) : ""}
${requestBody ? fold(requestBody.required ? "Request" : "Request, optional", body(requestBody.content)) : ""}
${own.map(([status, answer]) => fold(`${status} ${prose(answer.description)}`, answer.content ? body(answer.content) : "<p>No JSON body.</p>")).join("\n")}
<p class="soft">Errors: ${errors.join(", ")}</p>
</article>`;
}

function door({ name, description }: Spec["tags"][number], spec: Spec): string {
  const own = Object.entries(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(name))
      .map(([method, one]) => operation(method, path, one)),
  );
  return `<section id="${anchor(name)}"><h2>${esc(name)}</h2><p>${prose(description)}</p>${own.join("\n")}</section>`;
}

function index({ name }: Spec["tags"][number], spec: Spec): string {
  const links = Object.entries(spec.paths).flatMap(([path, methods]) =>
    Object.entries(methods)
      .filter(([, { tags }]) => tags.includes(name))
      .map(
        ([method, one]) =>
          `<li><a href="#${esc(one.operationId)}"><b class="${method}">${method.toUpperCase()}</b> ${esc(path)}</a></li>`,
      ),
  );
  return `<details><summary><a href="#${anchor(name)}">${esc(name)}</a> <span class="soft">${links.length}</span></summary><ul>${links.join("")}</ul></details>`;
}

/** The whole page. */
export function referencePage(spec: Spec): string {
  const { title, version, description } = spec.info;
  const ways = Object.entries(spec.components.securitySchemes).map(
    ([name, way]) => `<li id="way-${esc(name)}"><code>${esc(name)}</code> ${prose(way.description)}</li>`,
  );
  const shapes = Object.entries(spec.components.schemas).map(
    ([name, schema]) => `<article id="shape-${esc(name)}"><h3>${esc(name)}</h3>${members(schema)}</article>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${esc(title)} API</title><link rel="icon" href="/favicon.svg"><link rel="stylesheet" href="/docs/api.css"></head>
<body><div class="page"><nav aria-label="Routes"><p class="brand">${esc(title)} API ${esc(version)}</p>
${spec.tags.map((tag) => index(tag, spec)).join("\n")}
<p><a href="#ways">How calls show who they are</a></p><p><a href="#shapes">Shapes</a></p><p><a href="/openapi.json">openapi.json</a></p></nav>
<main><h1>${esc(title)} API</h1><p class="lead">${prose(description)}</p>
${spec.tags.map((tag) => door(tag, spec)).join("\n")}
<section id="ways"><h2>How calls show who they are</h2><ul class="members">${ways.join("")}</ul></section>
<section id="shapes"><h2>Shapes</h2>${shapes.join("\n")}</section>
</main></div></body></html>
`;
}
