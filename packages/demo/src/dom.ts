type Child = Node | string;
type Attributes = Readonly<Record<string, string | boolean | (() => void)>>;

/** An element with attributes and children; texts stay texts, a function is what a press does. */
export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Attributes = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener("click", value);
    else if (value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

/** The element of this id, which the page has. */
export function at(id: string): HTMLElement {
  const element = document.getElementById(id);
  if (!element) throw new Error(`no element ${id}`);
  return element;
}

declare const drawQr: (svg: SVGElement, text: string) => void;

/** A QR code, with a name for those who do not see it; `draw` replaces what it says. */
export function qrCode(label: string): { readonly element: SVGSVGElement; draw(text: string): void } {
  const element = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  element.setAttribute("class", "qr");
  element.setAttribute("role", "img");
  element.setAttribute("aria-label", label);
  return { element, draw: (text) => drawQr(element, text) };
}
