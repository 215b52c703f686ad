// The models that this build ships, as their cards say; the build reads them from the models' own files.

export interface ModelCard {
  /** Relative to the page. */
  readonly folder: string;
  readonly name: string;
  readonly kind: 'language' | 'vision';
  readonly parameters: number;
  /** Parameters that one token uses under the trained routing. */
  readonly active: number;
  /** 0 in a dense model. */
  readonly experts: number;
  readonly topK: number;
  readonly layers: number;
  /** Size of the weights. */
  readonly bytes: number;
  /** What it has read. */
  readonly domains: readonly string[];
  /** Whether the folder has a README with sources, figures and licence. */
  readonly hasCard: boolean;
  /** Mean over the test splits, where it was evaluated. */
  readonly bitsPerByte: number | undefined;
}

export const MODELS: readonly ModelCard[] = __MODELS__;

export function cardFor(folder: string): ModelCard | undefined {
  return MODELS.find((card) => card.folder === folder);
}

/** A model that is called so, whether it is there or not. */
export function folderOf(name: string): string {
  return `models/${name}`;
}

export function isHere(name: string): boolean {
  return cardFor(folderOf(name)) !== undefined;
}

/** Prefix of the name under which files of the visitor's own are opened; no link can bring them along. */
const OWN = 'folder:';

export function ownName(name: string): string {
  return `${OWN}${name}`;
}

export function isOwn(model: string): boolean {
  return model.startsWith(OWN);
}

/** The last part of a folder, which is what a model is called. */
export function shortName(model: string): string {
  return isOwn(model) ? model.slice(OWN.length) : model.split('/').at(-1) ?? model;
}

/** Number and unit stay on one line. */
export function millions(count: number): string {
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)}\u00a0M` : `${Math.round(count / 1e3)}\u00a0k`;
}
