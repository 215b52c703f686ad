// Puts view elements into the page and, on later calls, changes only what differs.
// A child that is the very same object as last time is skipped whole, which is what makes streaming cheap.
// Attributes are set one by one and styles through CSSOM: nothing is ever parsed as HTML.

import type { Handler, Handlers, Props, ViewChild, ViewElement } from './element.js';

const SVG = 'http://www.w3.org/2000/svg';
const shown = new WeakMap<Node, ViewChild>();
const listeners = new WeakMap<Element, Map<string, Handler>>();
const NONE: Readonly<Record<string, never>> = {};

/** Makes `children` the content of `container`. */
export function render(container: Element, children: readonly ViewChild[]): void {
  let [at, node] = [0, container.firstChild];
  // Nearly always everything stands where it stood; only from the first child that does not on is looked for by key.
  for (let child = children[at]; child !== undefined && node !== null && continues(node, child); child = children[at += 1]) {
    update(node, child);
    node = node.nextSibling;
  }
  if (at < children.length || node !== null) arrange(container, node, children.slice(at));
}

/** Makes `children` what stands from `cursor` on. */
function arrange(container: Element, start: ChildNode | null, children: readonly ViewChild[]): void {
  const kept = keyedFrom(start);
  const wanted = new Set(children.flatMap((child) => keyOf(child) ?? []));
  let cursor = start;
  for (const child of children) {
    while (cursor !== null && isStale(cursor, wanted)) cursor = remove(cursor);
    const node = reusable(child, cursor, kept) ?? create(child, container);
    if (node === cursor) cursor = cursor.nextSibling;
    else container.insertBefore(node, cursor);
    update(node, child);
  }
  while (cursor !== null) cursor = remove(cursor);
}

function keyedFrom(start: ChildNode | null): Map<string | number, ChildNode> {
  const kept = new Map<string | number, ChildNode>();
  for (let node = start; node !== null; node = node.nextSibling) {
    const key = keyOf(shown.get(node));
    if (key !== undefined) kept.set(key, node);
  }
  return kept;
}

function keyOf(child: ViewChild | undefined): string | number | undefined {
  return child === undefined || typeof child === 'string' ? undefined : child.props.key;
}

/** A keyed node whose key is gone; it goes at once, so that what follows it stays in place. */
function isStale(node: ChildNode, wanted: ReadonlySet<string | number>): boolean {
  const key = keyOf(shown.get(node));
  return key !== undefined && !wanted.has(key);
}

function remove(node: ChildNode): ChildNode | null {
  const next = node.nextSibling;
  node.remove();
  return next;
}

function reusable(child: ViewChild, cursor: ChildNode | null, kept: ReadonlyMap<string | number, ChildNode>): ChildNode | undefined {
  const key = keyOf(child);
  const candidate = key === undefined ? (cursor ?? undefined) : kept.get(key);
  return candidate !== undefined && continues(candidate, child) ? candidate : undefined;
}

/** Whether a node can go on as this child: it was drawn here, under the same key, as an element of the same kind. */
function continues(node: ChildNode, child: ViewChild): boolean {
  const before = shown.get(node);
  if (before === undefined || typeof before === 'string' || typeof child === 'string') return before !== undefined && typeof before === typeof child;
  return before.tag === child.tag && before.props.key === child.props.key;
}

function create(child: ViewChild, parent: Element): ChildNode {
  if (typeof child === 'string') return document.createTextNode(child);
  const inSvg = child.tag === 'svg' || (parent.namespaceURI === SVG && parent.tagName !== 'foreignObject');
  return inSvg ? document.createElementNS(SVG, child.tag) : document.createElement(child.tag);
}

function update(node: ChildNode, child: ViewChild): void {
  const before = shown.get(node);
  if (before === child) return;
  shown.set(node, child);
  if (typeof child === 'string') {
    node.nodeValue = child;
  } else if (node instanceof Element) {
    const last = before === undefined || typeof before === 'string' ? undefined : before;
    updateAttributes(node, child.props, last?.props ?? NONE);
    if (child.props.style !== last?.props.style) updateStyle(node, child.props.style ?? NONE, last?.props.style ?? NONE);
    if (child.props.on !== last?.props.on) updateListeners(node, child.props.on ?? NONE);
    render(node, child.children);
    updateFormState(node, child, last?.props.value);
  }
}

function updateAttributes(node: Element, next: Props, last: Props): void {
  const [now, before] = [next.attrs ?? NONE, last.attrs ?? NONE];
  for (const name in before) {
    if (now[name] === undefined) node.removeAttribute(name);
  }
  for (const name in now) {
    const value = now[name];
    if (before[name] === value) continue;
    if (value === undefined || value === false) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
}

function updateStyle(node: Element, next: Readonly<Record<string, string>>, last: Readonly<Record<string, string>>): void {
  if (!(node instanceof HTMLElement || node instanceof SVGElement)) return;
  for (const name in last) {
    if (!(name in next)) node.style.removeProperty(name);
  }
  for (const name in next) {
    const value = next[name];
    if (value !== undefined && last[name] !== value) node.style.setProperty(name, value);
  }
}

/** One listener per event type stays attached and calls whatever handler is current. */
function updateListeners(node: Element, next: Handlers): void {
  const current = listeners.get(node) ?? new Map<string, Handler>();
  if (current.size === 0 && Object.keys(next).length === 0) return;
  listeners.set(node, current);
  for (const type of current.keys()) {
    if (!(type in next)) current.set(type, () => undefined);
  }
  for (const [type, handler] of Object.entries(next)) {
    if (handler === undefined) continue;
    if (!current.has(type)) node.addEventListener(type, (event) => current.get(type)?.(event));
    current.set(type, handler);
  }
}

/** After the children, because a select needs its options. */
function updateFormState(node: Element, { props }: ViewElement, last: string | undefined): void {
  if (props.value === undefined && props.checked === undefined && props.open === undefined) return;
  const isField = node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement || node instanceof HTMLSelectElement;
  const keeps = isBeingTyped(node) && last === props.value;
  if (isField && !keeps && props.value !== undefined && node.value !== props.value) node.value = props.value;
  if (node instanceof HTMLInputElement && props.checked !== undefined) node.checked = props.checked;
  if (node instanceof HTMLDetailsElement || node instanceof HTMLDialogElement) {
    if (props.open !== undefined && node.open !== props.open) setOpen(node, props.open);
  }
}

/** What someone types stays while the page is drawn for other reasons: some fields are read only once they are left. */
function isBeingTyped(node: Element): boolean {
  const isText = node instanceof HTMLTextAreaElement || (node instanceof HTMLInputElement && (node.type === 'text' || node.type === 'number'));
  return isText && node === document.activeElement;
}

function setOpen(node: HTMLDetailsElement | HTMLDialogElement, open: boolean): void {
  if (node instanceof HTMLDetailsElement) node.open = open;
  else if (open) node.showModal();
  else node.close();
}
