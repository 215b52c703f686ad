// Where the engine runs, and the sentence that says why.
// The choice is a pure function of the wish and of what a look at the browser found.

import { MoescopeError } from '../public/error.js';
import type { Backend, BackendKind, BackendWish } from '../public/types.js';

/** What was chosen before a model is loaded. */
export type Choice = Omit<Backend, 'weights'>;

/** What a look for a GPU found. */
export type GpuFinding =
  | { readonly usable: true; readonly adapter: string }
  | { readonly usable: false; readonly reason: string };

export const NO_WEBGPU = 'This browser offers no WebGPU';
export const NO_ADAPTER = 'WebGPU gave no adapter';
export const NO_TIMESTAMP_QUERY = "the adapter lacks timestamp-query, which Burn's GPU runtime needs; the backend 'webgpu' does not";
export const CALLERS_CHOICE = 'chosen by the caller';
export const GPU_FOUND = 'WebGPU gave an adapter';

/** A browser that has just started may have no adapter yet: Chromium on a graphics card gave none at first in one of ten visits. */
const SECOND_LOOK_MS = 150;

/** Looks for an adapter that a GPU engine can start on. Never throws. */
export async function findGpu(gpu: GPU | undefined, kind: BackendKind): Promise<GpuFinding> {
  if (gpu === undefined) {
    return { usable: false, reason: NO_WEBGPU };
  }
  const look = () => gpu.requestAdapter({ powerPreference: 'high-performance' }).catch(() => null);
  let adapter = await look();
  if (adapter === null) {
    await new Promise((resolve) => setTimeout(resolve, SECOND_LOOK_MS));
    adapter = await look();
  }
  if (adapter === null) {
    return { usable: false, reason: NO_ADAPTER };
  }
  if (kind === 'webgpu-burn' && !adapter.features.has('timestamp-query')) {
    return { usable: false, reason: NO_TIMESTAMP_QUERY };
  }
  return { usable: true, adapter: adapterName(adapter.info) };
}

/** The backend for a wish. `find` is not called when the wish is the CPU. */
export async function chooseBackend(
  wish: BackendWish,
  find: (kind: BackendKind) => Promise<GpuFinding>,
): Promise<Choice> {
  if (wish === 'cpu') {
    return { kind: 'cpu', reason: CALLERS_CHOICE };
  }
  const kind = wish === 'auto' ? 'webgpu' : wish;
  const finding = await find(kind);
  if (finding.usable) {
    const reason = wish === 'auto' ? GPU_FOUND : CALLERS_CHOICE;
    return { kind, reason, adapter: finding.adapter };
  }
  if (wish !== 'auto') {
    throw noGpu(finding.reason);
  }
  return { kind: 'cpu', reason: finding.reason };
}

/** The error for a forced GPU that is not to be had. */
export function noGpu(reason: string): MoescopeError {
  return new MoescopeError(
    'no_gpu',
    `WebGPU was asked for, but it cannot be used here: ${reason}. Choose the backend 'auto' or 'cpu', or a browser with WebGPU.`,
  );
}

function adapterName({ description, vendor, architecture, device }: GPUAdapterInfo): string {
  const parts = [vendor, architecture, device].filter((part) => part !== '');
  return description || parts.join(' ') || 'unnamed adapter';
}
