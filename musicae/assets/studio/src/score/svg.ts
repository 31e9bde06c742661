// Reads the service's SVG into elements of the page. Only shapes and texts are allowed.

const SVG = "http://www.w3.org/2000/svg";
const XLINK = "http://www.w3.org/1999/xlink";
const ALLOWED = new Set([
  ...["svg", "g", "defs", "symbol", "use", "text", "tspan", "title", "desc"],
  ...["path", "polygon", "polyline", "ellipse", "rect", "circle", "line"],
]);

/** The SVG has an element or attribute that no score needs. */
export class UnsafeSvg extends Error {}

/** Read an SVG text. Throws UnsafeSvg if it has scripts, links, or anything but shapes and texts. */
export function readSvg(text: string): SVGSVGElement {
  const parsed = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  for (const element of [parsed, ...parsed.querySelectorAll("*")]) check(element);
  return document.importNode(parsed, true) as unknown as SVGSVGElement;
}

function check(element: Element): void {
  if (element.namespaceURI !== SVG || !ALLOWED.has(element.localName)) {
    throw new UnsafeSvg(`an engraved score holds no <${element.localName}>`);
  }
  for (const { name, value, localName, namespaceURI } of element.attributes) {
    const leads = localName === "href" && (namespaceURI === XLINK || namespaceURI === null);
    const wrong = leads ? !value.startsWith("#") : /^on|^style$/i.test(localName) || /url\(/i.test(value);
    if (wrong) throw new UnsafeSvg(`an engraved score has no attribute ${name}`);
  }
}
