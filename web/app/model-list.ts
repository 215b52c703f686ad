// What the build knows of the models that it ships: read from their own files, so that no figure is written twice.

import { existsSync, openSync, readFileSync, readSync, closeSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

import type { ModelCard } from './src/catalogue.js';

/** Every folder with weights, in order of its name. */
export function listModels(models: string): ModelCard[] {
  if (!existsSync(models)) return [];
  return readdirSync(models, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(join(models, entry.name, 'model.safetensors')))
    .map(({ name }) => cardOf(join(models, name), name))
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

function cardOf(folder: string, name: string): ModelCard {
  const config = numbersOf(join(folder, 'config.json'));
  const experts = config.get('num_experts') ?? config.get('num_local_experts') ?? config.get('n_experts') ?? 0;
  const topK = config.get('num_experts_per_tok') ?? config.get('top_k') ?? routerTopK(join(folder, 'config.json')) ?? 0;
  const { total, inExperts } = countParameters(join(folder, 'model.safetensors'));
  return {
    folder: `models/${name}`,
    name,
    kind: existsSync(join(folder, 'tokenizer.json')) ? 'language' : 'vision',
    parameters: total,
    active: experts === 0 ? total : Math.round(total - inExperts * (1 - topK / experts)),
    experts,
    topK,
    layers: config.get('num_hidden_layers') ?? config.get('n_layers') ?? 0,
    bytes: statSync(join(folder, 'model.safetensors')).size,
    domains: domainsOf(join(folder, 'recipe.toml')),
    hasCard: existsSync(join(folder, 'README.md')),
    bitsPerByte: bitsPerByte(join(folder, 'eval.json')),
  };
}

/** A vision model has the spec that it was trained with. */
function routerTopK(file: string): number | undefined {
  const { router } = JSON.parse(readFileSync(file, 'utf8')) as { readonly router?: { readonly select?: { readonly top_k?: number } } };
  return router?.select?.top_k;
}

function numbersOf(file: string): Map<string, number> {
  const config = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  return new Map(Object.entries(config).filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
}

/** From the header of a safetensors file: eight bytes of length, then JSON with a shape for each tensor. */
export function countParameters(file: string): { total: number; inExperts: number } {
  const handle = openSync(file, 'r');
  try {
    const length = Buffer.alloc(8);
    readSync(handle, length, 0, 8, 0);
    const text = Buffer.alloc(Number(length.readBigUInt64LE()));
    readSync(handle, text, 0, text.length, 8);
    const header = JSON.parse(text.toString('utf8')) as Record<string, { readonly shape?: readonly number[] }>;
    let [total, inExperts] = [0, 0];
    for (const [name, { shape }] of Object.entries(header)) {
      const count = (shape ?? [0]).reduce((product, size) => product * size, 1);
      total += count;
      if (/\.experts\./.test(name)) inExperts += count;
    }
    return { total, inExperts };
  } finally {
    closeSync(handle);
  }
}

/** What the model has read, by the names in its recipe. */
function domainsOf(recipe: string): string[] {
  if (!existsSync(recipe)) return [];
  return [...readFileSync(recipe, 'utf8').matchAll(/\{\s*name\s*=\s*"(\w+)"/g)].map(([, name = '']) => name);
}

/** Mean over the domains of the evaluation, where there was one. */
function bitsPerByte(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const { domains = [] } = JSON.parse(readFileSync(file, 'utf8')) as { readonly domains?: readonly { readonly bits_per_byte: number }[] };
  return domains.length === 0 ? undefined : domains.reduce((sum, domain) => sum + domain.bits_per_byte, 0) / domains.length;
}
