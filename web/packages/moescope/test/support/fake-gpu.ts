// Parts of WebGPU as far as the package looks at them.

/** A navigator.gpu whose adapter has these features; none at all without a list. */
export function fakeGpu(features: readonly string[] | undefined): GPU {
  const info = { vendor: 'acme', architecture: 'a1', device: '', description: '' };
  const adapter = features === undefined ? null : { features: new Set(features), info };
  return partial<GPU>({ requestAdapter: async () => partial<GPUAdapter | null>(adapter) });
}

/** A browser object of which a test implements only what is used. */
export function partial<T>(value: unknown): T {
  return value as T;
}
