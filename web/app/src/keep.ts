// Takes a view's data to the clipboard and its picture to a file. A picture is an SVG made from what stands on the page:
// boxes as rectangles, text where it is drawn, drawings as they are; a PNG is that SVG, drawn.

import { toCsv, toJson } from 'moescope/views';
import type { Table } from 'moescope/views';

import { messages } from './messages.js';

const SVG = 'http://www.w3.org/2000/svg';
/** Attributes of drawings that styles decide; a style attribute itself would be against the page's policy. */
const DRAWN = [
  'fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-opacity', 'stroke-linecap', 'opacity', 'font-family', 'font-size', 'font-weight',
  'text-anchor',
] as const;
/** Device pixels of a PNG for each CSS pixel. */
const PNG_SCALE = 2;

export async function copyTable(table: Table, format: 'csv' | 'json'): Promise<string> {
  await navigator.clipboard.writeText(format === 'csv' ? toCsv(table) : toJson(table));
  return messages.keep.copied(table.rows.length);
}

export async function savePicture(id: string, name: string, format: 'svg' | 'png'): Promise<string> {
  const element = document.getElementById(id);
  if (element === null) throw new Error(messages.keep.nothing);
  const svg = pictureOf(element);
  const text = new XMLSerializer().serializeToString(svg);
  const file = `moescope-${name.toLowerCase().replaceAll(/\W+/g, '-')}.${format}`;
  save(format === 'svg' ? new Blob([text], { type: 'image/svg+xml' }) : await drawn(text, svg), file);
  return messages.keep.saved(file);
}

/** Hands a file to the visitor. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

async function drawn(text: string, svg: SVGSVGElement): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = Number(svg.getAttribute('width')) * PNG_SCALE;
  canvas.height = Number(svg.getAttribute('height')) * PNG_SCALE;
  canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob === null ? reject(new Error(messages.keep.nothing)) : resolve(blob)), 'image/png');
  });
}

/** Everything inside, also what a scroller hides. */
export function pictureOf(element: Element): SVGSVGElement {
  const frame = element.getBoundingClientRect();
  const [width, height] = [Math.ceil(Math.max(frame.width, element.scrollWidth)), Math.ceil(Math.max(frame.height, element.scrollHeight))];
  const svg = make('svg', { xmlns: SVG, width, height, viewBox: `0 0 ${width} ${height}` });
  const origin = { x: frame.left - element.scrollLeft, y: frame.top - element.scrollTop };
  svg.append(make('rect', { width, height, fill: colour(getComputedStyle(document.body).backgroundColor) }));
  put(svg, element, origin);
  return svg;
}

interface Point {
  readonly x: number;
  readonly y: number;
}

function put(svg: SVGSVGElement, element: Element, origin: Point): void {
  const style = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  if (style.display === 'none' || style.visibility === 'hidden' || element.matches('details.keep')) return;
  const at = { x: box.left - origin.x, y: box.top - origin.y };
  if (element instanceof SVGSVGElement) svg.append(drawing(element, at, box));
  else if (element instanceof HTMLCanvasElement) {
    svg.append(make('image', { ...at, width: box.width, height: box.height, href: element.toDataURL() }));
  } else {
    const fill = colour(style.backgroundColor);
    if (fill !== 'none' && box.width > 0) svg.append(make('rect', { ...at, width: box.width, height: box.height, fill, rx: Number.parseFloat(style.borderRadius) || 0 }));
    for (const child of element.childNodes) {
      if (child instanceof Element) put(svg, child, origin);
      else if (child instanceof Text) putText(svg, child, style, origin);
    }
  }
}

/** One line of text for each line on the page. */
function putText(svg: SVGSVGElement, node: Text, style: CSSStyleDeclaration, origin: Point): void {
  const range = document.createRange();
  range.selectNodeContents(node);
  const [box] = range.getClientRects();
  if (box === undefined || node.data.trim() === '') return;
  const text = make('text', {
    x: box.left - origin.x, y: box.top - origin.y + box.height * 0.78, fill: colour(style.color), 'xml:space': 'preserve',
    'font-family': style.fontFamily.replaceAll('"', "'"), 'font-size': style.fontSize, 'font-weight': style.fontWeight,
  });
  text.textContent = node.data;
  svg.append(text);
}

function drawing(source: SVGSVGElement, at: Point, box: DOMRect): Element {
  const copy = source.cloneNode(true);
  if (!(copy instanceof SVGSVGElement)) throw new Error(messages.keep.nothing);
  const [from, to] = [[...source.querySelectorAll('*')], [...copy.querySelectorAll('*')]];
  from.forEach((element, n) => {
    const style = getComputedStyle(element);
    for (const name of DRAWN) {
      const value = style.getPropertyValue(name);
      if (value !== '') to[n]?.setAttribute(name, paint(name, value));
    }
  });
  for (const [name, value] of Object.entries({ ...at, width: box.width, height: box.height })) copy.setAttribute(name, String(value));
  return copy;
}

function paint(name: string, value: string): string {
  return name === 'fill' || name === 'stroke' ? colour(value) : value;
}

const known = new Map<string, string>();

/** Colours as every program reads them: what CSS mixes is drawn once and read back. */
function colour(css: string): string {
  if (css === 'none' || css === 'transparent' || css === 'rgba(0, 0, 0, 0)') return 'none';
  const before = known.get(css);
  if (before !== undefined) return before;
  const canvas = new OffscreenCanvas(1, 1);
  const context = canvas.getContext('2d');
  if (context === null) return css;
  context.fillStyle = css;
  context.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = context.getImageData(0, 0, 1, 1).data;
  const found = alpha === 0 ? 'none' : `rgba(${red},${green},${blue},${(alpha / 255).toFixed(3)})`;
  known.set(css, found);
  return found;
}

function make<Name extends 'svg' | 'rect' | 'text' | 'image'>(name: Name, attributes: Readonly<Record<string, string | number>>): SVGElementTagNameMap[Name] {
  const element = document.createElementNS(SVG, name);
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute !== 'xmlns') element.setAttribute(attribute, String(typeof value === 'number' ? Math.round(value * 100) / 100 : value));
  }
  return element;
}
