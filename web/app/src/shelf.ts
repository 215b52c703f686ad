// Which models the browser keeps, and files of the visitor's own: what the picker shows beside each card.

import type { ModelFolder } from 'moescope';

import { MODELS } from './catalogue.js';
import type { ModelCard } from './catalogue.js';
import { PageError } from './errors.js';
import { messages } from './messages.js';

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

/**
 * On this site or on a host that the page was built for: its policy lets it ask nobody else, so that another one is refused
 * with what to do instead. A model's page on the Hugging Face hub stands for its files.
 */
export function addressOf(folder: string, hosts: readonly string[] = __MODEL_HOSTS__): URL {
  const [address, site] = [new URL(`${folder}/`, document.baseURI), new URL(document.baseURI)];
  if (address.origin !== site.origin && !hosts.some((host) => covers(host, address))) {
    throw new PageError('other_host', () => messages.model.otherHost(address.host));
  }
  const isOnHub = address.host === 'huggingface.co' && /^\/[\w.-]+\/[\w.-]+\/$/.test(address.pathname);
  return isOnHub ? new URL('resolve/main/', address) : address;
}

/** As a policy reads hosts: `https://a.example` is that one, `https://*.a.example` each below it. */
function covers(host: string, address: URL): boolean {
  const [protocol, name = ''] = host.split('//');
  if (protocol !== address.protocol) return false;
  return name.startsWith('*.') ? address.host.endsWith(name.slice(1)) : address.host === name;
}

/** The files of a model in a folder that a visitor chose; the names of those that are not there otherwise. */
export function folderFrom(files: readonly File[], kind: ModelCard['kind']): ModelFolder | { readonly missing: readonly string[] } {
  const named = (name: string): File | undefined => files.find((file) => file.name === name);
  const [config, tokenizer, weights] = [named('config.json'), named('tokenizer.json'), named('model.safetensors')];
  if (config !== undefined && weights !== undefined && (kind === 'vision' || tokenizer !== undefined)) {
    const name = config.webkitRelativePath.split('/').at(-2) ?? '';
    return { name: name === '' ? 'folder' : name, config, tokenizer, weights };
  }
  const needed = ['config.json', ...(kind === 'vision' ? [] : ['tokenizer.json']), 'model.safetensors'];
  return { missing: needed.filter((name) => named(name) === undefined) };
}
