// A view's result: a small description of elements, plain data, so that views are pure functions that run and
// are tested without a browser. `render` turns it into DOM and changes only what differs.
// Deliberately not a framework: no components, no state, no lifecycle.

/** Called with the event; a handler that needs more than Event narrows it. */
export type Handler = (event: Event) => void;

/** By event type. */
export type Handlers = Readonly<Record<string, Handler | undefined>>;

export type AttributeValue = string | number | boolean | undefined;

export interface Props {
  /** Identity among siblings; keyed elements are moved and kept rather than rewritten. */
  readonly key?: string | number | undefined;
  readonly on?: Handlers | undefined;
  /** Custom properties and styles, set through CSSOM so that a strict content security policy holds. */
  readonly style?: Readonly<Record<string, string>> | undefined;
  /** Form state, set as properties. */
  readonly value?: string | undefined;
  readonly checked?: boolean | undefined;
  readonly open?: boolean | undefined;
  /** Attributes; `false` and `undefined` mean absent, `true` means present and empty. */
  readonly attrs?: Readonly<Record<string, AttributeValue>> | undefined;
}

export interface ViewElement {
  readonly tag: string;
  readonly props: Props;
  readonly children: readonly ViewChild[];
}

export type ViewChild = ViewElement | string;

/** Children as they are convenient to write: nested, and with holes for what is not shown. */
export type Content = ViewChild | number | false | undefined | readonly Content[];

/** Builds an element; the class names stand in the tag: `h('div.row.wide')`. */
export function h(selector: string, props: Props = {}, ...content: readonly Content[]): ViewElement {
  const [tag = 'div', ...classes] = selector.split('.');
  const attrs = { ...(classes.length > 0 ? { class: classes.join(' ') } : {}), ...props.attrs };
  return { tag, props: { ...props, attrs }, children: flatten(content) };
}

/** All text inside, in order. */
export function textOf(child: ViewChild): string {
  return typeof child === 'string' ? child : child.children.map(textOf).join('');
}

/** All elements inside, itself included, for which `test` holds. */
export function findAll(root: ViewChild, test: (element: ViewElement) => boolean): ViewElement[] {
  if (typeof root === 'string') return [];
  const below = root.children.flatMap((child) => findAll(child, test));
  return test(root) ? [root, ...below] : below;
}

function flatten(content: readonly Content[]): ViewChild[] {
  const children: ViewChild[] = [];
  for (const item of content) {
    if (item === false || item === undefined) continue;
    if (typeof item === 'number') children.push(String(item));
    else if (isList(item)) children.push(...flatten(item));
    else children.push(item);
  }
  return children;
}

function isList(item: Content): item is readonly Content[] {
  return Array.isArray(item);
}
