// What the parts of the tab Vision are drawn from, and what they may ask for.

import type { BackendKind, Classification, ModelRouting, VisionInfo } from 'moescope';
import type { GaugeData, Handler, TokenRecord } from 'moescope/views';

import type { OwnShown } from '../own-router.js';
import type { Noticed } from '../page/notices.js';
import type { OwnEditor } from '../page/own-router.js';
import type { Bar, Knobs } from '../page/shown.js';
import type { LimitEdit } from '../routing.js';
import type { Found } from './collection.js';
import type { Sample, Samples } from './samples.js';
import type { Source, VisionState } from './state.js';
import type { CollectionState, CurveState, SurveyState } from './survey.js';
import type { Engine } from '../engine.js';
import type { Problem, Said } from '../errors.js';
import type { Rival } from '../sides.js';
import type { Works } from '../work.js';
import type { Seen } from './vision.js';

export const KINDS = ['samples', 'draw', 'own'] as const;
export type Kind = (typeof KINDS)[number];

/** What is on the screen only and in no link. */
export interface VisionUi {
  /** Where pictures are being taken from; that of the shown picture unless chosen. */
  readonly kind: Kind | undefined;
  /** The image set whose samples are shown. */
  readonly set: string | undefined;
  readonly hover: { readonly patch: number; readonly layer: number } | undefined;
  /** The patch that had the keyboard last. */
  readonly cursor: number | undefined;
  readonly sheet: boolean;
  readonly switchError: Said | undefined;
  /** The map that went to the clipboard just now. */
  readonly copied: string | undefined;
  /** Whether the editor of the visitor's own router is open; unless said, it is where a link brought a router. */
  readonly editor: boolean | undefined;
}

export interface VisionActions extends Omit<Knobs['actions'], 'set'>, Pick<OwnEditor['actions'], 'code' | 'runRouter' | 'stopRouter'>, Pick<Noticed['actions'], 'cancelLoading' | 'retry' | 'dismiss'> {
  readonly set: (change: Partial<VisionState>) => void;
  readonly show: (change: Partial<VisionUi>) => void;
  readonly scope: Knobs['actions']['set'];
  readonly limit: (limit: LimitEdit | undefined) => void;
  readonly sample: (sample: Sample) => void;
  readonly file: (file: Blob | undefined) => void;
  readonly camera: (on: boolean) => void;
  readonly clearPad: () => void;
  readonly undoStroke: () => void;
  readonly measure: () => void;
  readonly sweep: () => void;
  readonly gather: () => void;
  readonly collect: (found: readonly Found[]) => void;
  readonly stopSurvey: () => void;
  /** Holds the routing as it is now, to compare with. */
  readonly holdSide: () => void;
  readonly holdPicture: () => void;
  readonly swap: () => void;
  /** Makes side A another. */
  readonly rival: (change: Partial<Rival<Source>>) => void;
  readonly copyMap: (csv: string) => void;
  readonly walkLayer: (by: number) => void;
}

/** Side A of a comparison. */
export interface VisionRival {
  readonly engine: Pick<Engine, 'loading' | 'failure'>;
  readonly comparer: { readonly reading: Classification | undefined; readonly failed: Problem | undefined };
  /** Its model, once that runs. */
  readonly info: VisionInfo | undefined;
  /** The right class of its picture, where that is known. */
  readonly label: number | undefined;
}

export interface VisionShown {
  readonly state: VisionState;
  readonly ui: VisionUi;
  readonly scope: Knobs['state']['scope'];
  readonly engine: Knobs['engine'] & Noticed['engine'] & Bar['engine'];
  /** Where the engine runs, once it does. */
  readonly backend: BackendKind | undefined;
  readonly info: VisionInfo | undefined;
  readonly routing: ModelRouting | undefined;
  readonly samples: Samples | undefined;
  readonly seen: Seen | undefined;
  /** How long the last look took. */
  readonly tookMs: number | undefined;
  readonly records: readonly TokenRecord[];
  /** Patches in a row. */
  readonly columns: number;
  readonly layers: readonly number[];
  readonly layer: number;
  /** The patch whose router is shown, and where. */
  readonly inspected: { readonly record: TokenRecord; readonly layer: number } | undefined;
  readonly pictureError: Problem | undefined;
  readonly cameraOn: boolean;
  readonly rival: VisionRival;
  readonly own: OwnShown;
  /** The source of the visitor's own router, where it is not an example. */
  readonly code: string | undefined;
  readonly gauge: GaugeData;
  readonly works: Works | undefined;
  readonly survey: SurveyState;
  readonly curve: CurveState;
  readonly collection: CollectionState;
  readonly canUndo: boolean;
  readonly actions: VisionActions;
  readonly patchEvents: Readonly<Record<string, Handler>>;
  readonly padEvents: Readonly<Record<string, Handler>>;
}
