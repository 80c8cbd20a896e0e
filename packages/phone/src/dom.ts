type Props = Readonly<Record<string, string | number | boolean | ((event: Event) => void) | undefined>>;
export type Child = Node | string | undefined | readonly Child[];

/**
 * An element with its attributes and children. Text is only ever text: nothing on this page is made of markup that somebody sent (T14).
 * A function is a listener: `onclick` of `click`.
 */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Props = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

export function append(parent: ParentNode & Node, children: readonly Child[]): void {
  for (const child of children) {
    if (child === undefined) continue;
    if (isList(child)) append(parent, child);
    else parent.append(child);
  }
}

const isList = (child: Child): child is readonly Child[] => Array.isArray(child);

const SVG = "http://www.w3.org/2000/svg";

/** A QR code as squares, always dark on white with its quiet zone, whatever the page looks like. */
export function drawQr(rows: readonly (readonly boolean[])[], label: string): SVGSVGElement {
  const size = rows.length;
  const picture = document.createElementNS(SVG, "svg");
  picture.setAttribute("viewBox", `0 0 ${size} ${size}`);
  picture.setAttribute("class", "qr");
  picture.setAttribute("role", "img");
  picture.setAttribute("aria-label", label);
  picture.setAttribute("shape-rendering", "crispEdges");
  const path = document.createElementNS(SVG, "path");
  const squares = rows.flatMap((row, y) => row.flatMap((dark, x) => (dark ? [`M${x} ${y}h1v1h-1z`] : [])));
  path.setAttribute("d", squares.join(""));
  path.setAttribute("fill", "#000");
  picture.append(path);
  return picture;
}
