// Side A of a comparison in a link: `a.model=...&a.text=...&a.k=1`, with `v.a.` for pictures; only in what it differs from B.
// `a=trained` is a side A that differs in its routing alone, which is the trained one. Reading never throws.

import { NO_EDITS } from './routing.js';
import type { Rival } from './sides.js';
import { modelFolder } from './state-fields.js';
import { readRouting, routingFields } from './state-routing.js';

/** How a kind of input goes into a link; nothing where it cannot. */
export interface RivalForm<Input> {
  readonly prefix: string;
  /** Name of the field of its input, behind the prefix. */
  readonly input: string;
  readonly write: (input: Input) => string | undefined;
  readonly read: (text: string) => Input | undefined;
}

const TRAINED = 'trained';

export function rivalFields<Input>(rival: Rival<Input> | undefined, { prefix, input, write }: RivalForm<Input>): [string, string][] {
  if (rival === undefined) return [];
  const text = rival.input === undefined ? undefined : write(rival.input);
  const fields: [string, string][] = [
    ...(rival.model === undefined ? [] : [[`${prefix}.model`, rival.model] as [string, string]]),
    ...(text === undefined ? [] : [[`${prefix}.${input}`, text] as [string, string]]),
    ...routingFields(rival.routing, `${prefix}.`),
  ];
  return fields.length === 0 ? [[prefix, TRAINED]] : fields;
}

/** There where anything is said of it. */
export function readRival<Input>(params: URLSearchParams, { prefix, input, read }: RivalForm<Input>): Rival<Input> | undefined {
  const said = [...params.keys()].some((name) => name.startsWith(`${prefix}.`));
  if (!said) return params.get(prefix) === TRAINED ? { model: undefined, input: undefined, routing: NO_EDITS } : undefined;
  const text = params.get(`${prefix}.${input}`);
  return { model: modelFolder(params.get(`${prefix}.model`)), input: text === null ? undefined : read(text), routing: readRouting(params, `${prefix}.`) };
}
