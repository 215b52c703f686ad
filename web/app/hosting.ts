// What the build adds for hosts: the policy in the page, headers for hosts that take them, a preview for where the page
// is linked, and the service worker that lets it run without a network.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import type { HtmlTagDescriptor, Plugin, Rolldown } from 'vite';

import { HASHED, headersFile } from '../tools/lib/host-headers.mjs';
import { contentSecurityPolicy as policy } from '../tools/lib/policy.mjs';
import type { Engine, Manifest } from './offline/manifest.js';

const SERVICE_WORKER = 'service-worker.js';
/** In public/, made by tests/browser/bless-preview.mjs. */
export const PICTURE = {
  file: 'preview.png', width: 1200, height: 630,
  alt: 'A text whose words are tinted by the expert that took them, with the paths of the words through the layers.',
};

/** Only in what is built: the development server injects styles, which the policy forbids. */
export function contentSecurityPolicy(): Plugin {
  return {
    name: 'content-security-policy',
    apply: 'build',
    transformIndexHtml: () => [{
      tag: 'meta',
      injectTo: 'head-prepend',
      attrs: { 'http-equiv': 'Content-Security-Policy', content: policy() },
    }],
  };
}

/** Headers in the form of Netlify and Cloudflare Pages; other hosts ignore the file. */
export function hostHeaders(): Plugin {
  return {
    name: 'host-headers',
    apply: 'build',
    writeBundle({ dir }) {
      if (dir !== undefined) writeFileSync(join(dir, '_headers'), headersFile({ isolated: true }));
    },
  };
}

/**
 * What messengers show of a link to the page. `site` is the address that it will have: most of them want the picture's
 * whole address, and a build that may lie anywhere does not know it.
 */
export function socialPreview(site: string | undefined): Plugin {
  const base = site === undefined ? undefined : new URL(site.endsWith('/') ? site : `${site}/`);
  const property = (name: string, content: string): HtmlTagDescriptor => ({ tag: 'meta', injectTo: 'head', attrs: { property: name, content } });
  return {
    name: 'social-preview',
    apply: 'build',
    transformIndexHtml: () => [
      property('og:image', base === undefined ? `./${PICTURE.file}` : new URL(PICTURE.file, base).href),
      property('og:image:width', String(PICTURE.width)),
      property('og:image:height', String(PICTURE.height)),
      property('og:image:alt', PICTURE.alt),
      ...(base === undefined ? [] : [
        property('og:url', base.href),
        { tag: 'link', injectTo: 'head', attrs: { rel: 'canonical', href: base.href } } as const,
      ]),
    ],
  };
}

/** The service worker, and in it the list of what it may keep. `models` are the small files of each model folder. */
export function offline(models: Manifest['models']): Plugin {
  return {
    name: 'offline',
    apply: 'build',
    buildStart() {
      this.emitFile({ type: 'chunk', id: fileURLToPath(new URL('offline/service-worker.ts', import.meta.url)), fileName: SERVICE_WORKER });
    },
    generateBundle: {
      order: 'post',
      handler(_, bundle) {
        const worker = bundle[SERVICE_WORKER];
        if (worker?.type !== 'chunk') throw new Error(`the build has no ${SERVICE_WORKER}`);
        worker.code = withManifest(worker, manifestOf(Object.keys(bundle), models));
      },
    },
  };
}

function withManifest({ code, imports }: Rolldown.OutputChunk, manifest: Manifest): string {
  if (imports.length > 0) throw new Error(`${SERVICE_WORKER} imports ${imports.join(', ')}, which not every browser can do`);
  const parts = code.split('__MANIFEST__');
  if (parts.length !== 2) throw new Error(`${SERVICE_WORKER} names its manifest ${parts.length - 1} times instead of once`);
  return parts.join(JSON.stringify(manifest));
}

/** The wasm file of the analyses: no engine, and as light as a script. */
const ANALYSES = '_analyses';

/** What is what among the files of a build. */
export function manifestOf(names: readonly string[], models: Manifest['models']): Manifest {
  const hashed = names.filter((name) => name.startsWith(HASHED)).toSorted();
  const engines: Record<Engine, string[]> = { cpu: [], threads: [], webgpu: [], 'webgpu-burn': [] };
  const isLight = (name: string): boolean => /\.(js|css)$/.test(name) || name.includes(ANALYSES);
  for (const name of hashed.filter((file) => file.endsWith('.wasm') && !isLight(file))) {
    for (const engine of enginesIn(name)) engines[engine].push(name);
  }
  return { shell: hashed.filter(isLight), hashed, engines, models };
}

/** The engines that a file is; one holds the CPU engine and the recorded plan. */
function enginesIn(name: string): readonly Engine[] {
  if (name.includes('_cpu')) return ['cpu', 'webgpu'];
  if (name.includes('_threads')) return ['threads'];
  if (name.includes('_gpu')) return ['webgpu-burn'];
  throw new Error(`${name} is the engine of no known backend; known are names with _cpu, _threads and _gpu`);
}
