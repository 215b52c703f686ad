// What a link says of the tab Vision. A picture of the visitor's own stays on their machine and is in no link.

import { NO_EDITS } from '../routing.js';
import type { RoutingEdits } from '../routing.js';
import type { Rival } from '../sides.js';
import { integer, modelFolder, oneOf } from '../state-fields.js';
import { readRival, rivalFields } from '../state-rival.js';
import type { RivalForm } from '../state-rival.js';
import { ROUTING_LIMITS, readRouting, routingFields } from '../state-routing.js';
import { strokesFrom, strokesText } from './strokes.js';
import type { Strokes } from './strokes.js';

/** Where the picture comes from. */
export type Source =
  | { readonly kind: 'sample'; readonly set: string; readonly label: number; readonly index: number }
  | { readonly kind: 'drawing'; readonly strokes: Strokes }
  /** Uploaded, dropped, pasted or from the camera. */
  | { readonly kind: 'own' };

/** What the tint of a patch says. */
export const TINTS = ['experts', 'entropy', 'none'] as const;
export type Tint = (typeof TINTS)[number];

/** What the rows of the map are. */
export const GROUPINGS = ['class', 'set'] as const;
export type Grouping = (typeof GROUPINGS)[number];

export interface VisionState {
  /** Folder of the model, relative to the page. */
  readonly model: string;
  readonly source: Source;
  readonly routing: RoutingEdits;
  readonly tint: Tint;
  /** The layer that inspector and map speak of; undefined means the last. */
  readonly layer: number | undefined;
  /** The chosen patch. */
  readonly patch: number | undefined;
  readonly map: Grouping;
  /** Side A of a comparison; undefined while nothing is compared. */
  readonly rival: Rival<Source> | undefined;
}

export const VISION_DEFAULTS: VisionState = {
  model: 'models/trio',
  source: { kind: 'sample', set: 'cifar10', label: 3, index: 0 },
  routing: NO_EDITS,
  tint: 'experts',
  layer: undefined,
  patch: undefined,
  map: 'class',
  rival: undefined,
};

const RIVAL: RivalForm<Source> = { prefix: 'v.a', input: 'image', write: sourceText, read: sourceFrom };

const LABELS = { min: 0, max: 9999 } as const;
const PATCHES = { min: 0, max: 65535 } as const;

/** Fields of a link and their values, all behind a `v.`; what is as by default is left out. */
export function visionFields({ model, source, routing, tint, layer, patch, map, rival }: VisionState): [string, string][] {
  const own: [name: string, value: string | number | undefined, standard: string | undefined][] = [
    ['v.model', model, VISION_DEFAULTS.model],
    ['v.image', sourceText(source), sourceText(VISION_DEFAULTS.source)],
    ['v.tint', tint, VISION_DEFAULTS.tint],
    ['v.layer', layer, undefined],
    ['v.patch', patch, undefined],
    ['v.map', map, VISION_DEFAULTS.map],
  ];
  const said = own.flatMap(([name, value, standard]): [string, string][] => (value === undefined || value === standard ? [] : [[name, String(value)]]));
  return [...said, ...routingFields(routing, 'v.'), ...rivalFields(rival, RIVAL)];
}

/** What a link says, and where it says nothing `standard`. */
export function visionOf(params: URLSearchParams, standard: VisionState): VisionState {
  return {
    model: modelFolder(params.get('v.model')) ?? standard.model,
    source: sourceFrom(params.get('v.image') ?? '') ?? standard.source,
    routing: readRouting(params, 'v.'),
    tint: oneOf(params.get('v.tint'), TINTS) ?? standard.tint,
    layer: integer(params.get('v.layer'), { min: 0, max: ROUTING_LIMITS.layers }),
    patch: integer(params.get('v.patch'), PATCHES),
    map: oneOf(params.get('v.map'), GROUPINGS) ?? standard.map,
    rival: readRival(params, RIVAL),
  };
}

/** `cifar10.3.0` for a sample, `~` and strokes for a drawing, nothing for what a link cannot carry. */
function sourceText(source: Source): string | undefined {
  if (source.kind === 'own') return undefined;
  return source.kind === 'sample' ? `${source.set}.${source.label}.${source.index}` : `~${strokesText(source.strokes)}`;
}

function sourceFrom(text: string): Source | undefined {
  if (text.startsWith('~')) return { kind: 'drawing', strokes: strokesFrom(text.slice(1)) };
  const [, set, label, index] = /^(\w{1,40})\.(\d{1,4})\.(\d{1,4})$/.exec(text) ?? [];
  return set === undefined ? undefined
    : { kind: 'sample', set, label: integer(label ?? null, LABELS) ?? 0, index: integer(index ?? null, LABELS) ?? 0 };
}
