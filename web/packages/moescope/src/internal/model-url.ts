// Addresses of a model folder. They are resolved on the page: a worker's own base is the package's folder.

import type { ModelFolder } from '../public/types.js';

/** The folder's absolute address with a slash at its end, so that file names resolve inside it. */
export function folderUrl(url: string | URL): string {
  const absolute = new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  if (!absolute.pathname.endsWith('/')) {
    absolute.pathname += '/';
  }
  return absolute.href;
}

/** The last part of a folder's address, which is what its model is called. */
export function folderName(modelUrl: string): string {
  return decodeURIComponent(new URL(modelUrl).pathname.split('/').at(-2) ?? '');
}

export function isFolder(model: string | URL | ModelFolder): model is ModelFolder {
  return typeof model === 'object' && 'weights' in model;
}

/** What a model is called. */
export function modelName(model: string | ModelFolder): string {
  return isFolder(model) ? model.name : folderName(model);
}

/** Address of the weights in a folder. */
export function weightsUrl(url: string | URL): string {
  return new URL('model.safetensors', folderUrl(url)).href;
}
