// What the parts of the page are drawn from, and what they may ask for. Parts are pure functions of this.

import type { Analysis, BackendWish, ModelInfo, ModelRouting } from 'moescope';
import type { GaugeData, Measured, Pieces, Sight, TokenRecord } from 'moescope/views';

import type { AdaptState } from '../adapter.js';
import type { AloneState } from '../alone.js';
import type { AnalysesPart } from '../analyses/part.js';
import type { ModelCard } from '../catalogue.js';
import type { Engine, Scope } from '../engine.js';
import type { Problem, Said } from '../errors.js';
import type { ExampleId } from '../examples.js';
import type { Later } from '../later.js';
import type { Analyses } from '../measured.js';
import type { Finding, LessonId } from '../lessons.js';
import type { OwnShown } from '../own-router.js';
import type { Rivalry } from '../rivalry.js';
import type { Runner } from '../runner.js';
import type { SampleState } from '../sampler.js';
import type { Shelf } from '../shelf.js';
import type { Rival } from '../sides.js';
import type { RoutedModel } from '../spec.js';
import type { State } from '../state.js';
import type { VisionShown } from '../vision/shown.js';
import type { Works } from '../work.js';

/** What is on the screen only and in no link. */
export interface Ui {
  readonly hover: number | undefined;
  /** The token that had the keyboard last. */
  readonly cursor: number | undefined;
  readonly help: boolean;
  readonly menu: 'backend' | 'model' | 'present' | undefined;
  /** The routing sheet of narrow screens. */
  readonly sheet: boolean;
  readonly modelField: string | undefined;
  /** What is wrong with the folder that was chosen last. */
  readonly folderError: Said | undefined;
  /** The option of the lesson's question that was predicted. */
  readonly guess: number | undefined;
  /** The step of the legend that is looked for. */
  readonly bin: number | undefined;
  /** Whether the editor of the visitor's own router is open; unless said, it is where a link brought a router. */
  readonly editor: boolean | undefined;
  /** The link that was asked for last, and whether the clipboard took it. */
  readonly shared: { readonly link: string; readonly copied: boolean } | undefined;
  /** Why the last switch was not taken. */
  readonly switchError: Said | undefined;
}

export interface Actions {
  readonly set: (change: Partial<State>) => void;
  readonly show: (change: Partial<Ui>) => void;
  readonly generate: () => void;
  readonly continue: () => void;
  readonly stop: () => void;
  readonly example: (id: ExampleId) => void;
  /** A preset by name, or the trained strategy. */
  readonly strategy: (name: string | undefined) => void;
  readonly topK: (topK: number) => void;
  /** A number of the method by the name of its field. */
  readonly setting: (name: string, value: number) => void;
  readonly temperature: (temperature: number) => void;
  readonly ban: (expert: number, ban: boolean) => void;
  readonly force: (expert: number, force: boolean) => void;
  /** Moves an expert's logit by so much. */
  readonly nudge: (expert: number, by: number) => void;
  /** Changes the source of the visitor's own router. */
  readonly code: (source: string) => void;
  readonly runRouter: () => void;
  readonly stopRouter: () => void;
  /** Looks for offsets that fit the shown text. */
  readonly adapt: () => void;
  readonly stopAdapting: () => void;
  readonly removeOffsets: () => void;
  readonly resetRouting: () => void;
  /** Holds the routing as it is now, to compare with. */
  readonly hold: () => void;
  /** Makes side A another. */
  readonly rival: (change: Partial<Rival<string>>) => void;
  readonly swap: () => void;
  /** Opens a lesson at its first step, with what it presets. */
  readonly lesson: (id: LessonId) => void;
  readonly undo: () => void;
  readonly backend: (backend: BackendWish) => void;
  readonly open: (folder: string) => void;
  /** Opens files of the visitor's own. */
  readonly openFiles: (files: readonly File[]) => void;
  /** Removes a model's weights from the browser. */
  readonly forget: (folder: string) => void;
  readonly retry: (backend?: BackendWish) => void;
  readonly cancelLoading: () => void;
  readonly dismiss: () => void;
  /** Copies a link to what is shown. */
  readonly share: () => void;
  readonly keys: (event: Event) => void;
}

export interface Shown {
  readonly state: State;
  readonly ui: Ui;
  readonly engine: Engine;
  readonly shelf: Shelf;
  readonly runner: Runner;
  readonly gauge: GaugeData;
  readonly analyses: Analyses | undefined;
  readonly sample: SampleState;
  readonly rivalry: Rivalry<Scope, string, Analysis>;
  /** The tab Analyses, once it is wanted. */
  readonly analysing: Later<AnalysesPart>;
  /** What the open lesson found out. */
  readonly finding: Finding | undefined;
  /** What analyses of the shown text add to its tokens. */
  readonly measured: Measured;
  /** Experts and FLOPs of the shown text. */
  readonly works: Works | undefined;
  /** Bytes of the live model's tokens that are pieces of characters. */
  readonly pieces: Pieces;
  readonly adapt: AdaptState;
  readonly alone: AloneState;
  readonly own: OwnShown;
  readonly canUndo: boolean;
  readonly layers: readonly number[];
  readonly layer: number;
  readonly nExperts: number;
  /** The live model, or what the recorded run tells of it. */
  readonly model: RoutedModel | undefined;
  /** The routing as it is set now. */
  readonly routing: ModelRouting | undefined;
  readonly inspected: TokenRecord | undefined;
  /** The part of a long text that is drawn first. */
  readonly sight: Sight | undefined;
  readonly vision: VisionShown;
  readonly actions: Actions;
}

/** Whether the model has no experts: then nothing is routed, and what shows or changes routing is left out. */
export function isDense({ model }: Pick<Shown, 'model'>): boolean {
  return model?.n_experts === 0;
}

/** What the bar at the top says of a model: that of the shown tab. */
export interface Bar extends Pick<Shown, 'ui' | 'shelf'> {
  readonly kind: ModelCard['kind'];
  readonly state: Pick<State, 'model' | 'backend'>;
  readonly engine: Pick<Engine, 'backend' | 'loading'> & { readonly opened: { readonly model: string; readonly info: BarInfo } | undefined };
  readonly actions: Pick<Actions, 'show' | 'open' | 'openFiles' | 'forget' | 'backend'>;
}

type BarInfo = Pick<ModelInfo, 'name' | 'moe_layers' | 'n_experts' | 'top_k' | 'n_parameters' | 'n_active_parameters'>;

/** What the knobs of a routing are drawn from, whatever is routed. */
export interface Knobs extends Pick<Shown, 'layer' | 'nExperts' | 'model' | 'routing' | 'canUndo'> {
  readonly state: Pick<State, 'routing' | 'scope'>;
  readonly ui: Pick<Ui, 'sheet' | 'switchError'>;
  readonly runner: Pick<Runner, 'records'>;
  readonly engine: { readonly routingError: Problem | undefined; readonly opened: unknown };
  readonly actions: Pick<Actions, 'strategy' | 'setting' | 'topK' | 'temperature' | 'ban' | 'resetRouting' | 'undo'> & {
    readonly set: (change: Pick<State, 'scope'>) => void;
  };
}

/** The text of a field that an event comes from. */
export function fieldText(event: Event): string {
  const { target } = event;
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
    ? target.value : '';
}

/** The number of a field; undefined while it holds none. */
export function fieldNumber(event: Event): number | undefined {
  const text = fieldText(event).trim();
  const value = Number(text);
  return text === '' || !Number.isFinite(value) ? undefined : value;
}
