// Which models the browser keeps, and files of the visitor's own: what the picker shows beside each card.

import type { ModelFolder } from 'moescope';

import { MODELS } from './catalogue.js';

/** The part of the package that looks after kept weights. */
export interface Keeping {
  readonly kept: (url: string | URL) => Promise<number | undefined>;
  readonly forget: (url: string | URL) => Promise<boolean>;
}

export class Shelf {
  /** Bytes that the browser keeps, by folder. */
  kept: ReadonlyMap<string, number> = new Map();
  readonly #keeping: Keeping;
  readonly #changed: () => void;

  constructor(keeping: Keeping, changed: () => void) {
    [this.#keeping, this.#changed] = [keeping, changed];
  }

  /** Looks again. */
  async look(): Promise<void> {
    const found = await Promise.all(MODELS.map(async ({ folder }) => [folder, await this.#keeping.kept(addressOf(folder))] as const));
    this.kept = new Map(found.flatMap(([folder, bytes]) => (bytes === undefined ? [] : [[folder, bytes] as const])));
    this.#changed();
  }

  async forget(folder: string): Promise<void> {
    await this.#keeping.forget(addressOf(folder));
    await this.look();
  }
}

export function addressOf(folder: string): URL {
  return new URL(`${folder}/`, document.baseURI);
}

/** The three files of a folder that a visitor chose; the names of those that are not there otherwise. */
export function folderFrom(files: readonly File[]): ModelFolder | { readonly missing: readonly string[] } {
  const named = (name: string): File | undefined => files.find((file) => file.name === name);
  const [config, tokenizer, weights] = [named('config.json'), named('tokenizer.json'), named('model.safetensors')];
  if (config !== undefined && tokenizer !== undefined && weights !== undefined) {
    const name = config.webkitRelativePath.split('/').at(-2) ?? '';
    return { name: name === '' ? 'folder' : name, config, tokenizer, weights };
  }
  return { missing: ['config.json', 'tokenizer.json', 'model.safetensors'].filter((name) => named(name) === undefined) };
}
